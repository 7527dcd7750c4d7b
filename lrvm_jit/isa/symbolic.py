"""Instructions executed on words that are known as sums: a constant plus registers times factors.

Where a jump leads, what a loop adds to its registers and where a jump table stands are found by
executing the instructions' bodies (`semantics`) on such words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from ..records import dataclass
from .table import WORD_MASK, FlagRule, Reg

if TYPE_CHECKING:
    from .semantics import Target

FIRST_UNKNOWN: Final = 1000
"""Past all registers: numbers that stand for words which cannot be followed."""

FOLD: Final[dict[str, Callable[[int, int], int]]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "shl": lambda x, y: x << y,
    "lshr": lambda x, y: x >> y,
}
"""The operations of a target on constants, before they are cut to a word."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A constant plus registers, as they were where the following began, times factors."""

    constant: int = 0
    terms: tuple[tuple[int, int], ...] = ()
    """Pairs of a register's code, or of a number from FIRST_UNKNOWN on, and its factor."""

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        terms = dict(self.terms)
        for register, times in other.terms:
            terms[register] = (terms.get(register, 0) + factor * times) & WORD_MASK
        kept = tuple(sorted((register, times) for register, times in terms.items() if times))
        return Linear((self.constant + factor * other.constant) & WORD_MASK, kept)

    def times(self, factor: int) -> Linear:
        return Linear().plus(self, factor)

    @property
    def known(self) -> int | None:
        """The value, if it is a constant."""
        return None if self.terms else self.constant

    @property
    def is_followed(self) -> bool:
        """Whether nothing in it stands for a word that cannot be followed."""
        return not self.terms or self.terms[-1][0] < FIRST_UNKNOWN

    def emit(self, target: Target) -> Any:
        """Have a target compute it."""
        total: Any = self.constant
        for register, times in self.terms:
            total = target.op("add", target.op("mul", target.read(register), times), total)
        return total


Word = Linear | int


@dataclass(frozen=True, slots=True)
class Decision:
    """Truth of two flags by a truth table: bit 2 * a + b (see `CONDITION_TRUTH`)."""

    first: int
    second: int
    truth: int


@dataclass(slots=True)
class MemoryAccess:
    """A load or store: where, in the order of the program."""

    pc: int
    stores: bool
    address: Linear


@dataclass(slots=True)
class SymbolicTarget:
    """A `Target` that follows sums. What it cannot follow becomes a new unknown each time."""

    pc: int = 0
    registers: dict[int, Linear] = field(default_factory=dict)
    """Those that were written."""
    accesses: list[MemoryAccess] = field(default_factory=list)
    flags: tuple[FlagRule, Linear, Linear] | None = None
    """What set the flags last."""
    jump_target: Linear | None = None
    skip_condition: Decision | None = None
    _numbers: count[int] = field(default_factory=lambda: count(FIRST_UNKNOWN))

    # --- words ---------------------------------------------------------------------------------

    def unknown(self) -> Linear:
        """A word that cannot be followed."""
        return Linear(0, ((next(self._numbers), 1),))

    def op(self, name: str, x: Word, y: Word) -> Linear:
        a, b = _linear(x), _linear(y)
        if name in ("add", "sub"):
            return a.plus(b, 1 if name == "add" else -1)
        if a.known is not None and b.known is not None:
            return Linear(FOLD[name](a.known, b.known) & WORD_MASK)
        if name == "mul":
            a, b = (b, a) if b.known is None else (a, b)
        if b.known is not None and name in ("mul", "shl"):
            return a.times(b.known if name == "mul" else 1 << b.known)
        if name == "xor" and a == b:
            return Linear()
        return self.unknown()

    def divide(self, name: str, x: Word, y: Word) -> Linear:
        return self.unknown()

    def compare(self, predicate: str, x: Word, y: Word) -> None:
        """A truth value; none is followed."""

    def bit(self, name: str, x: object, y: object) -> None:
        """A truth value; none is followed."""

    def widen(self, bit: object) -> Linear:
        return self.unknown()

    def select(self, bit: object, x: Word, y: Word) -> Linear:
        return _linear(x) if _linear(x) == _linear(y) else self.unknown()

    # --- the machine ---------------------------------------------------------------------------

    def read(self, register: int) -> Linear:
        if register == Reg.PC:
            return Linear(self.pc)
        if register == Reg.AF:
            return self.unknown()
        return self.registers.get(int(register), Linear(0, ((int(register), 1),)))

    def write(self, register: int, value: Word) -> None:
        if register == Reg.PC:
            self.jump(value)
        else:
            self.registers[int(register)] = _linear(value)

    def set_flags(self, rule: FlagRule, x: Word, y: Word) -> None:
        self.flags = (rule, _linear(x), _linear(y))

    def condition(self, first: int, second: int, truth: int) -> Decision:
        return Decision(first, second, truth)

    def jump(self, address: Word) -> None:
        self.jump_target = _linear(address)

    def skip_unless(self, condition: Decision) -> None:
        self.skip_condition = condition

    def interpret_if(self, condition: object) -> None:
        """An exception: then nothing that follows here happens."""

    def load(self, address: Word) -> Linear:
        self.accesses.append(MemoryAccess(self.pc, False, _linear(address)))
        return self.unknown()

    def store(self, address: Word, value: Word) -> None:
        self.accesses.append(MemoryAccess(self.pc, True, _linear(address)))

    def swap(self, address: Word, value: Word) -> Linear:
        old = self.load(address)
        self.store(address, value)
        return old

    def push(self, value: Word) -> None:
        """The mode is not known here, so neither is the register."""
        self._lose_stack_pointers()

    def pop(self) -> Linear:
        self._lose_stack_pointers()
        return self.unknown()

    def cycles(self) -> Linear:
        return self.unknown()

    def _lose_stack_pointers(self) -> None:
        for register in (Reg.SSP, Reg.USP):
            self.write(register, self.unknown())


def _linear(word: Word) -> Linear:
    return Linear(word & WORD_MASK) if isinstance(word, int) else word
