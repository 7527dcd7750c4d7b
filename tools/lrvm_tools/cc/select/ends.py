"""The ends of blocks: jumps, branches, switches, returns."""

from __future__ import annotations

from typing import Final

from ..ir.module import Instruction, Operand
from ..machine_code import (
    Branch,
    IndirectJump,
    Jump,
    Return,
    Stop,
    TableJump,
)
from ..target import (
    BELOW,
    CMP_I,
    EQUAL,
    ITR_I,
    SUB_R,
)
from .intrinsics import TRAP
from .operations import Operations
from .survey import logical
from .values import Part, literal

_SMALLEST_TABLE: Final = 5
_LARGEST_TABLE: Final = 2048


class Ends(Operations):
    def _jump(self, instruction: Instruction) -> None:
        self.block.end = Jump(instruction.extra[0])

    def _branch(self, instruction: Instruction) -> None:
        then, otherwise = instruction.extra
        self.branch_on(instruction.args[0], then, otherwise)

    def branch_on(self, condition: Operand, then: str, otherwise: str) -> None:
        """End the block: go to one label if a condition holds, else to the other."""
        if condition[0] in ("int", "zero"):
            self.block.end = Jump(then if condition[0] == "int" and condition[2] else otherwise)
            return
        if condition[0] == "local" and condition[2] in self.lazy:
            instruction = self.definitions[condition[2]]
            if instruction.op == "xor":
                self.branch_on(instruction.args[0], otherwise, then)
                return
            if instruction.op in ("and", "or", "select"):
                kind = instruction.op
                first, second = instruction.args[0], instruction.args[1]
                if kind == "select":
                    kind = logical(instruction)
                    second = instruction.args[1 if kind == "and" else 2]
                middle = self.new_block("and")
                if kind == "and":
                    self.branch_on(first, middle.label, otherwise)
                else:
                    self.branch_on(first, then, middle.label)
                self.use(middle)
                self.branch_on(second, then, otherwise)
                return
        test, holds = self.test(condition)
        if not holds:
            then, otherwise = otherwise, then
        self.block.end = Branch(test, then, otherwise)

    def _switch(self, instruction: Instruction) -> None:
        value = instruction.args[0]
        default, cases = instruction.extra
        cases = [case for case in cases if case[1] != default]
        parts = self.zero_extended(value)
        if not cases:
            self.block.end = Jump(default)
            return
        if parts[0] < 0 and len(parts) == 1:
            number = ~parts[0]
            self.block.end = Jump(next((label for key, label in cases if key == number), default))
            return
        self._decide(parts, sorted(cases), default)

    def _decide(self, parts: list[Part], cases: list[tuple[int, str]], default: str) -> None:
        """A table if the cases are dense, else a comparison that halves them."""
        low, high = cases[0][0], cases[-1][0]
        count = high - low + 1
        if len(cases) >= _SMALLEST_TABLE and count <= min(3 * len(cases), _LARGEST_TABLE):
            if len(parts) > 1:
                first = self.subtract(parts, [literal(low >> 32 * n) for n in range(len(parts))])
                for part in first[1:]:
                    self.emit([CMP_I, self.reg(part), 0])
                    following = self.new_block("table")
                    self.block.end = Branch(EQUAL, following.label, default)
                    self.use(following)
                index = self.reg(first[0])
            else:
                index = self.reg(self.binary(SUB_R, parts[0], literal(low)) if low else parts[0])
            self._compare_literal(index, count)
            following = self.new_block("table")
            self.block.end = Branch(BELOW, following.label, default)
            self.use(following)
            targets = [default] * count
            for key, label in cases:
                targets[key - low] = label
            following.end = TableJump(index, targets)
            return
        if len(cases) <= 3:
            for place, (key, label) in enumerate(cases):
                last = place == len(cases) - 1
                following_label = default if last else self.new_block("case").label
                key_parts = [literal(key >> 32 * n) for n in range(len(parts))]
                self.block.end = Branch(
                    self.compare_words("eq", parts, key_parts)[0], label, following_label
                )
                if not last:
                    self.use(self.out.blocks[-1])
            return
        middle = len(cases) // 2
        key_parts = [literal(cases[middle][0] >> 32 * n) for n in range(len(parts))]
        lower, upper = self.new_block("less"), self.new_block("more")
        test, holds = self.compare_words("ult", parts, key_parts)
        first_label, second_label = (lower, upper) if holds else (upper, lower)
        self.block.end = Branch(test, first_label.label, second_label.label)
        self.use(lower)
        self._decide(parts, cases[:middle], default)
        self.use(upper)
        self._decide(parts, cases[middle:], default)

    def _compare_literal(self, register: int, value: int) -> None:
        self._flags(register, literal(value))

    def _indirect(self, instruction: Instruction) -> None:
        register = self.reg(self.part(instruction.args[0]))
        self.block.end = IndirectJump(register, list(instruction.extra))

    def _return(self, instruction: Instruction) -> None:
        result = instruction.args[0] if instruction.args else None
        self.block.end = Return(self.give_back(result))

    def _unreachable(self, instruction: Instruction) -> None:
        self.emit([ITR_I, TRAP])
        self.block.end = Stop()

    endings: Final = {
        "jump": _jump,
        "br": _branch,
        "switch": _switch,
        "indirectbr": _indirect,
        "ret": _return,
        "unreachable": _unreachable,
    }
