"""Words that are known as sums: a constant plus registers times factors.

Loops and jump tables are found by following such sums through some instructions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..isa.table import WORD_MASK as WORD
from ..isa.table import Op

if TYPE_CHECKING:
    from .builder import Builder, Value


@dataclass(frozen=True, slots=True)
class Linear:
    """A constant plus registers, as they were where the following began, times factors."""

    constant: int = 0
    terms: tuple[tuple[int, int], ...] = ()

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        terms = dict(self.terms)
        for register, count in other.terms:
            terms[register] = (terms.get(register, 0) + factor * count) & WORD
        kept = tuple(sorted((register, count) for register, count in terms.items() if count))
        return Linear((self.constant + factor * other.constant) & WORD, kept)

    def times(self, factor: int) -> Linear:
        return Linear().plus(self, factor)

    @property
    def known(self) -> int | None:
        """The value, if it is a constant."""
        return None if self.terms else self.constant

    def emit(self, build: Builder) -> Value:
        """Code that computes it."""
        total: Value = self.constant
        for register, count in self.terms:
            total = build.op("add", build.op("mul", build.read(register), count), total)
        return total


def linear_result(op: Op, first: Linear | None, second: Linear | None) -> Linear | None:
    """The result of an instruction with these operands; None if it is not linear."""
    if op is Op.CPY:
        return second
    if first is None or second is None:
        return None
    if op is Op.ADD:
        return first.plus(second)
    if op is Op.SUB:
        return first.plus(second, -1)
    factor = second.known
    if op is Op.MUL and factor is not None:
        return first.times(factor)
    if op is Op.SHL and factor is not None:
        return first.times(1 << (factor & 31))
    return None
