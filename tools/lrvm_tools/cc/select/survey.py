"""What is known of a function before anything is written: which results are computed where they are
used, which must be clean, what lies in the frame."""

from __future__ import annotations

from typing import Final

from ..ir.module import Block, Function, Instruction, Module, Operand
from ..ir.types import Array, Integer, Struct, Type
from ..machine_code import (
    VariablePlace,
)
from ..target import (
    BELOW,
    CMP_R,
    ITR_I,
    Pseudo,
)
from .flow import Flow
from .intrinsics import Intrinsics
from .memory import Address

STACK_FULL: Final = 0x11
"""Interruption code of a stack that meets the heap (with --check)."""
_PASSING: Final = frozenset("phi select freeze".split())
_CLEAN_USERS: Final = frozenset(
    "zext sext icmp lshr ashr udiv sdiv urem srem switch uitofp sitofp inttoptr br select".split()
)


Users = dict[str, list[tuple[Instruction, int, str]]]
"""The instructions that use each result, as which operand, and in which block."""


class Survey(Intrinsics):
    def __init__(self, module: Module, source: Function, flow: Flow, check: bool) -> None:
        super().__init__(module, source, flow, check)
        self.reachable = [block for block in source.blocks if block.label in flow.number]
        self.home: dict[str, str] = {}
        """The block of each result."""

    def survey(self) -> None:
        users: Users = {}
        for block in self.reachable:
            for instruction in block.instructions:
                if instruction.name:
                    self.definitions[instruction.name] = instruction
                    self.home[instruction.name] = block.label
                for place, operand in enumerate(instruction.args):
                    self._note(operand, instruction, place, block.label, users)
                if instruction.op == "call" and not instruction.extra.is_assembly:
                    self._note(instruction.extra.target, instruction, -1, block.label, users)
        for block in self.reachable:
            self._sink_steps(block, users)
        self._choose_lazy(users)
        self._choose_clean(users)

    def _sink_steps(self, block: Block, users: Users) -> None:
        """Move the step of a loop's variable behind the last use of its old value, so that both
        can share a register."""
        place = {id(one): number for number, one in enumerate(block.instructions)}
        moves: dict[int, list[Instruction]] = {}
        for number, one in enumerate(block.instructions):
            if one.op not in ("add", "sub", "getelementptr") or one.args[0][0] != "local":
                continue
            old = one.args[0][2]
            phi = self.definitions.get(old)
            if (
                phi is None
                or phi.op != "phi"
                or not any(arg[2:] == (one.name,) for arg in phi.args)
            ):
                continue
            last = max(place.get(id(user), -1) for user, _, _ in users[old] if user.op != "phi")
            if last == len(block.instructions) - 1:
                continue
            new_uses = [
                place[id(user)]
                for user, _, _ in users.get(one.name, ())
                if user.op != "phi" and id(user) in place
            ]
            if last > number and all(use > last for use in new_uses):
                moves.setdefault(last, []).append(one)
        if moves:
            moved = {id(one) for found in moves.values() for one in found}
            block.instructions = [
                one
                for number, instruction in enumerate(block.instructions)
                for one in (
                    *(() if id(instruction) in moved else (instruction,)),
                    *moves.get(number, ()),
                )
            ]

    def _note(
        self,
        operand: Operand,
        instruction: Instruction,
        place: int,
        label: str,
        users: Users,
    ) -> None:
        if operand[0] == "local":
            users.setdefault(operand[2], []).append((instruction, place, label))
        elif operand[0] == "list":
            for element in operand[2]:
                self._note(element, instruction, -1, label, users)

    def _choose_lazy(self, users: Users) -> None:
        for block in self.reachable:
            for instruction in block.instructions:
                name, op = instruction.name, instruction.op
                using = users.get(name, [])
                if op == "icmp" and isinstance(instruction.type, Integer):
                    wide = instruction.args[0][1].words > 1
                    if (
                        using
                        and len(using) <= (1 if wide else 3)
                        and all(
                            (user.op == "br" or (user.op == "select" and place == 0))
                            and (label == block.label or not wide)
                            for user, place, label in using
                        )
                    ):
                        self.lazy.add(name)
                elif op == "fcmp" and isinstance(instruction.type, Integer):
                    if len(using) == 1 and using[0][0].op == "br" and using[0][2] == block.label:
                        last = block.instructions[-2:]
                        if last[0] is instruction:
                            self.lazy.add(name)
                elif op == "getelementptr" and not isinstance(instruction.type, Array):
                    if using and self._folds(instruction, using, block):
                        self.lazy.add(name)
                elif (
                    op in ("and", "or", "xor", "select")
                    and instruction.type == Integer(1)
                    and len(using) == 1
                    and using[0][0].op == "br"
                    and using[0][2] == block.label
                ):
                    self._lazy_condition(instruction, block, users)

    def _lazy_condition(
        self,
        instruction: Instruction,
        block: Block,
        users: Users,
    ) -> None:
        """A condition made of others is branched on, one after the other."""
        if instruction.op == "xor" and instruction.args[1][0] != "int":
            return
        if instruction.op == "select" and not logical(instruction):
            return
        self.lazy.add(instruction.name)
        for operand in instruction.args:
            if operand[0] != "local" or len(users[operand[2]]) != 1:
                continue
            inner = self.definitions.get(operand[2])
            if inner is None:
                continue
            if self.home[inner.name] != block.label or not isinstance(inner.type, Integer):
                continue
            if inner.op == "icmp":
                self.lazy.add(inner.name)
            elif inner.op in ("and", "or", "xor", "select"):
                self._lazy_condition(inner, block, users)

    def _folds(
        self, instruction: Instruction, using: list[tuple[Instruction, int, str]], block: Block
    ) -> bool:
        """Whether an address is best computed by the accesses that use it."""
        words = True
        for user, place, _ in using:
            if user.op == "load" and place == 0:
                type_, align = user.type, user.extra[0]
            elif user.op == "store" and place == 1:
                type_, align = user.args[0][1], user.extra[0]
            else:
                return False
            words = (
                words and type_.size == 4 and align >= 4 and not isinstance(type_, Struct | Array)
            )
        indices = [index for index in instruction.args[1:] if index[0] not in ("int", "zero")]
        base = instruction.args[0]
        if base[0] == "local" and base[2] in self.lazy:
            return False
        if not indices:
            return True
        if len(indices) > 1 or not words or len(using) > 2:
            return False
        # The index must be extended to a word for nothing.
        if indices[0][1].bits != 32:
            return False
        if any(label != block.label for _, _, label in using):
            return False
        offset = self._constant_offset(instruction)
        scale = self._scale(instruction)
        return scale <= 0xFF and (offset == 0 or base[0] == "global")

    def _scale(self, instruction: Instruction) -> int:
        type_: Type = instruction.extra
        for place, index in enumerate(instruction.args[1:]):
            if place:
                if isinstance(type_, Struct):
                    type_ = type_.fields[index[2] if index[0] == "int" else 0]
                    continue
                assert isinstance(type_, Array)
                type_ = type_.element
            if index[0] not in ("int", "zero"):
                return type_.size
        return 0

    def _constant_offset(self, instruction: Instruction) -> int:
        offset = 0
        type_: Type = instruction.extra
        for place, index in enumerate(instruction.args[1:]):
            number = index[2] if index[0] == "int" else 0
            if place:
                if isinstance(type_, Struct):
                    offset += type_.offsets[number]
                    type_ = type_.fields[number]
                    continue
                assert isinstance(type_, Array)
                type_ = type_.element
            offset += number * type_.size
        return offset

    def _choose_clean(self, users: Users) -> None:
        work = []
        for name, using in users.items():
            for user, place, _ in using:
                if (user.op in _CLEAN_USERS and not (user.op == "select" and place)) or (
                    user.op == "getelementptr"
                ):
                    work.append(name)
                    break
        while work:
            name = work.pop()
            if name in self.need_clean:
                continue
            self.need_clean.add(name)
            definition = self.definitions.get(name)
            if definition is not None and definition.op in _PASSING:
                work += [
                    operand[2]
                    for place, operand in enumerate(definition.args)
                    if operand[0] == "local" and not (definition.op == "select" and place == 0)
                ]

    def variables_on_stack(self, debug: bool) -> None:
        """Frame objects for the variables of known size in the first block."""
        for instruction in self.source.blocks[0].instructions:
            if instruction.op != "alloca":
                continue
            type_, align = instruction.extra
            count = 1
            if instruction.args:
                if instruction.args[0][0] != "int":
                    continue
                count = instruction.args[0][2]
            if align > 8:
                continue
            self.objects[instruction.name] = self.frame_object(type_.size * count, align)
        if debug:
            for _, _, text in self.source.records:
                if text.startswith("#dbg_declare(ptr %"):
                    fields = text.split(", ")
                    name = fields[0].partition("%")[2].strip('"')
                    if name in self.objects:
                        self.out.places.append(VariablePlace(fields[1], self.objects[name]))

    def check_stack(self) -> None:
        limit = self.load_word(Address("__lrvm_stack_limit"))
        stack = self.new()
        self.emit([Pseudo.GETSP, stack])
        self.emit([CMP_R, stack, limit])
        self.emit([*BELOW])
        self.emit([ITR_I, STACK_FULL])


def logical(instruction: Instruction) -> str:
    """Whether a select of an i1 is an `and` or an `or` whose second side is not evaluated."""
    _, yes, no = instruction.args
    if no[0] in ("int", "zero") and (no[0] == "zero" or no[2] == 0):
        return "and"
    if yes[0] == "int" and yes[2] == 1:
        return "or"
    return ""
