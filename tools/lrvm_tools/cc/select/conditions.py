"""Comparisons: flags, and the conditions that tell what they mean."""

from __future__ import annotations

from ..ir.module import Instruction, Operand
from ..ir.types import Integer
from ..target import (
    ABOVE,
    BELOW,
    BELOW_EQUAL,
    BOR_R,
    CMP_I,
    CMP_R,
    EQUAL,
    INVERSE,
    LESS,
    NEGATIVE,
    NOT_BELOW,
    NOT_EQUAL,
    NOT_NEGATIVE,
    NOT_POSITIVE,
    POSITIVE,
    SUB_R,
    XOR_R,
    Condition,
    Pseudo,
)
from .floats import Floats
from .values import WORD, Part, literal

_UNSIGNED = {"ult": BELOW, "ule": BELOW_EQUAL, "ugt": ABOVE, "uge": NOT_BELOW}
_ZERO = {"slt": NEGATIVE, "sge": NOT_NEGATIVE, "sgt": POSITIVE, "sle": NOT_POSITIVE}
_SWAPPED = {"slt": "sgt", "sgt": "slt", "sle": "sge", "sge": "sle"}
_SWAPPED.update({"u" + key[1:]: "u" + value[1:] for key, value in _SWAPPED.items()})
_SWAPPED.update({"eq": "eq", "ne": "ne"})

Test = tuple[Condition, bool]
"""A condition of the flags, and whether it must hold (LESS has no opposite)."""


class Conditions(Floats):
    def test(self, operand: Operand) -> Test:
        """Set the flags so that they tell the value of an i1."""
        if operand[0] == "local" and operand[2] in self.lazy:
            instruction = self.definitions[operand[2]]
            if instruction.op == "icmp":
                return self.compare(instruction.extra, *instruction.args)
            if instruction.op == "fcmp" and instruction.extra not in ("true", "false"):
                return self.float_condition(instruction.extra, *instruction.args), True
            if instruction.op == "xor" and instruction.args[1][0] == "int":
                condition, holds = self.test(instruction.args[0])
                return condition, not holds
        part = self.zero_extended(operand)[0]
        self.emit([CMP_I, self.reg(part), 0])
        return NOT_EQUAL, True

    def compare(self, predicate: str, left: Operand, right: Operand) -> Test:
        """Compare two integers or pointers."""
        type_ = left[1]
        bits = type_.bits if isinstance(type_, Integer) else 32
        if left[0] != "local" and right[0] == "local":
            left, right, predicate = right, left, _SWAPPED[predicate]
        signed = predicate[0] == "s"
        if bits % 32:
            if signed and right[0] in ("int", "zero") and (right[0] == "zero" or right[2] == 0):
                return self.compare_words(
                    predicate, self.sign_extended(left), [literal(0)] * type_.words
                )
            if signed and type_.words == 1:
                # Moving both by half the range makes it an unsigned comparison.
                sign = literal(1 << (bits - 1))
                a = [self.logic(XOR_R, part, sign) for part in self.zero_extended(left)]
                b = [self.logic(XOR_R, part, sign) for part in self.zero_extended(right)]
                return self.compare_words("u" + predicate[1:], a, b)
            extend = self.sign_extended if signed else self.zero_extended
            return self.compare_words(predicate, extend(left), extend(right))
        return self.compare_words(predicate, self.parts(left), self.parts(right))

    def compare_words(self, predicate: str, left: list[Part], right: list[Part]) -> Test:
        if len(left) > 1:
            return self._compare_wide(predicate, left, right)
        a, b = left[0], right[0]
        if predicate in ("eq", "ne"):
            self._flags(a, b)
            return (EQUAL if predicate == "eq" else NOT_EQUAL), True
        if predicate[0] == "u":
            if b < 0 and ~b < WORD and predicate in ("ugt", "ule") and ~b < 0xFFFF:
                b = literal(~b + 1)
                predicate = "uge" if predicate == "ugt" else "ult"
            self._flags(a, b)
            return _UNSIGNED[predicate], True
        if b == literal(0):
            self._flags(a, b)
            return _ZERO[predicate], True
        if b == literal(1) and predicate in ("slt", "sge"):
            self._flags(a, literal(0))
            return (NOT_POSITIVE if predicate == "slt" else POSITIVE), True
        if b == literal(WORD) and predicate in ("sgt", "sle"):
            self._flags(a, literal(0))
            return (NOT_NEGATIVE if predicate == "sgt" else NEGATIVE), True
        if predicate in ("sgt", "sle"):
            if b < 0 and ~b != 0x7FFF_FFFF:
                self._flags(a, literal(~b + 1))
                return LESS, predicate == "sle"
            self._flags(b, a)
            return LESS, predicate == "sgt"
        self._flags(a, b)
        return LESS, predicate == "slt"

    def _flags(self, left: Part, right: Part) -> None:
        register = self.reg(left)
        if right < 0 and ~right <= 0xFFFF:
            self.emit([CMP_I, register, ~right])
        else:
            self.emit([CMP_R, register, self.reg(right)])

    def _compare_wide(self, predicate: str, left: list[Part], right: list[Part]) -> Test:
        if predicate in ("eq", "ne"):
            difference: Part = literal(0)
            for a, b in zip(left, right, strict=True):
                one = self.logic(XOR_R, a, b)
                difference = one if difference == literal(0) else self.logic(BOR_R, difference, one)
            self._flags(difference, literal(0))
            return (EQUAL if predicate == "eq" else NOT_EQUAL), True
        signed = predicate[0] == "s"
        if signed and all(part == literal(0) for part in right) and predicate in ("slt", "sge"):
            self._flags(left[-1], literal(0))
            return _ZERO[predicate], True
        if predicate in ("sgt", "sle", "ugt", "ule"):
            left, right, predicate = right, left, _SWAPPED[predicate]
        # Now a < b or a >= b. The borrow of the low words, then the high ones.
        if len(left) == 2:
            # CMP high; where equal, the low words decide, without sign: a skip of one CMP.
            low_left, low_right = (
                self.copy(part) if part < 0 or part in self.out.again else part
                for part in (left[0], right[0])
            )
            high_left, high_right = self.reg(left[1]), self.reg(right[1])
            if signed:
                # Both halves' order as one: the high words moved by half their range.
                sign = literal(1 << 31)
                high_left = self.reg(self.logic(XOR_R, high_left, sign))
                high_right = self.reg(self.logic(XOR_R, high_right, sign))
            self.emit([CMP_R, high_left, high_right])
            self.emit([*EQUAL])
            self.emit([CMP_R, low_left, low_right])
            return BELOW, predicate[1:] == "lt"
        borrow: Part = literal(0)
        for place, (a, b) in enumerate(zip(left, right, strict=True)):
            if signed and place == len(left) - 1:
                sign = literal(1 << 31)
                a, b = self.logic(XOR_R, a, sign), self.logic(XOR_R, b, sign)
            difference = self.copy(a)
            self.emit([SUB_R, difference, self.reg_always(b)])
            first = self.flag_value(BELOW)
            self.emit([SUB_R, difference, self.reg_always(borrow)])
            second = self.flag_value(BELOW)
            self.op(BOR_R, first, second)
            borrow = first
        self._flags(borrow, literal(0))
        return NOT_EQUAL, predicate[1:] == "lt"

    def truth(self, test: Test) -> Part:
        """0 or 1 for a test whose flags are set."""
        condition, holds = test
        if not holds and condition in INVERSE:
            condition, holds = INVERSE[condition], True
        result = self.copy(literal(0 if holds else 1))
        self.emit([*condition])
        self.emit([Pseudo.CCPY_I, result, 1 if holds else 0])
        return result

    def choose(self, test: Test, yes: list[Part], no: list[Part]) -> list[Part]:
        """The parts of a select whose flags are set; literals are at most one word long."""
        condition, holds = test
        if not holds:
            yes, no = no, yes
        if condition in INVERSE and _prefers(yes) and not _prefers(no):
            condition, yes, no = INVERSE[condition], no, yes
        results = [self.copy(part) for part in no]
        for result, part in zip(results, yes, strict=True):
            self.emit([*condition])
            if part < 0:
                self.emit([Pseudo.CCPY_I, result, ~part])
            else:
                self.emit([Pseudo.CCPY_R, result, part])
        return results

    def short(self, parts: list[Part]) -> list[Part]:
        """The parts without any whose making would change the flags: literals of more than a word
        of code, and what the allocator may make again where it is used."""
        return [
            self.copy(part) if part in self.out.again or (part < 0 and ~part > 0xFFFF) else part
            for part in parts
        ]

    def lazy_truth(self, instruction: Instruction) -> list[Part]:
        return [self.truth(self.test(("local", instruction.type, instruction.name)))]


def _prefers(parts: list[Part]) -> bool:
    """Whether parts are better the unconditional side: literals need no register before."""
    return all(part < 0 for part in parts)
