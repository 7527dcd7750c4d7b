"""What the translator knows of a guest instruction before it generates code for it.

Everything here follows from the instruction table and from which instructions have a semantic
body (`semantics.SEMANTICS`). An instruction that cannot be translated, because it is rare, or
because these very operands raise an exception, is left to the interpreter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from ..isa.codec import Decoded, DecodingError, Value, decode
from ..isa.table import (
    BY_OPCODE,
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    READ_ONLY_REGISTERS,
    WORD_MASK,
    Condition,
    Flag,
    Op,
    Reg,
)

INTERPRETED_OPS = frozenset({Op.LSM, Op.ITR, Op.HWD, Op.HALT, Op.RESET})
"""They leave the machine's normal course; each costs far more than leaving a region."""

INTERPRETED_TARGETS = frozenset({Reg.MTT, Reg.PDA, Reg.SMT})
"""Writing them changes the translation of addresses, which a region relies on."""


class Flow(Enum):
    """Where execution goes after an instruction."""

    NEXT = "to the next instruction"
    SKIP = "to the next one or past it"
    JUMP = "to a known address"
    CALL = "to a known address, to come back"
    CALL_DYNAMIC = "to a computed address, to come back"
    RETURN = "to an address from the stack"
    DYNAMIC = "to a computed address"
    INTERPRET = "the interpreter executes it, then to the next instruction"
    LEAVE = "the interpreter executes it, and what follows is unknown"


@dataclass(frozen=True, slots=True)
class GuestInstruction:
    """An instruction at its virtual address."""

    pc: int
    word: int
    op: Op | None
    operands: tuple[Value, ...]
    flow: Flow
    target: int = 0
    """Of JUMP and CALL."""

    @property
    def translatable(self) -> bool:
        return self.flow not in (Flow.INTERPRET, Flow.LEAVE)


@lru_cache(maxsize=1 << 12)
def _decoded(word: int) -> Decoded | None:
    try:
        return decode(word)
    except DecodingError:
        return None


@lru_cache(maxsize=1 << 12)
def instruction_at(pc: int, word: int, supervisor: bool) -> GuestInstruction:
    """The instruction that a word is at an address, in a mode."""
    decoded = _decoded(word)
    if decoded is None:
        return GuestInstruction(pc, word, None, (), Flow.LEAVE)
    op = decoded.instruction.opcode
    operands = decoded.operands
    flow, target = _flow(pc, decoded, supervisor)
    return GuestInstruction(pc, word, op, operands, flow, target)


def _flow(pc: int, decoded: Decoded, supervisor: bool) -> tuple[Flow, int]:
    row, operands = decoded.instruction, decoded.operands
    op = row.opcode
    if op in INTERPRETED_OPS:
        return (Flow.INTERPRET if op is Op.HWD else Flow.LEAVE), 0
    if row.supervisor_only and not supervisor:
        return Flow.LEAVE, 0
    if not _rights_suffice(decoded, supervisor) or not _literals_are_plain(decoded):
        return Flow.INTERPRET, 0
    if row.skips:
        return Flow.SKIP, 0
    if op is Op.CALL:
        literal = not isinstance(operands[0], Reg)
        return (Flow.CALL, int(operands[0])) if literal else (Flow.CALL_DYNAMIC, 0)
    if op is Op.JPR:
        if isinstance(operands[0], Reg):
            return Flow.DYNAMIC, 0
        return Flow.JUMP, (pc + int(operands[0])) & WORD_MASK
    written = [
        value for operand, value in zip(row.operands, operands, strict=True) if operand.role.writes
    ]
    if Reg.PC in written:
        if op is Op.CPY and not isinstance(operands[1], Reg):
            return Flow.JUMP, int(operands[1])
        if op is Op.EX or op is Op.SRM:
            return Flow.LEAVE, 0
        return (Flow.RETURN if op is Op.POP else Flow.DYNAMIC), 0
    return Flow.NEXT, 0


def written_registers(instruction: GuestInstruction) -> list[Reg]:
    """The registers that a translatable instruction may write, the flags aside."""
    if instruction.op is None or not instruction.translatable:
        return []
    row = BY_OPCODE[instruction.op]
    written = [
        value
        for operand, value in zip(row.operands, instruction.operands, strict=True)
        if operand.role.writes and isinstance(value, Reg)
    ]
    if instruction.op is Op.LEA:
        written.append(Reg.AVR)
    if instruction.op in (Op.PUSH, Op.POP, Op.CALL):
        written += [Reg.SSP, Reg.USP]
    return written


def _rights_suffice(decoded: Decoded, supervisor: bool) -> bool:
    """Whether no register access raises an exception or changes the translation of addresses."""
    for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True):
        if not isinstance(value, Reg):
            continue
        if operand.role.reads and value >= FIRST_PRIVILEGED_READ and not supervisor:
            return False
        if operand.role.writes:
            if value >= FIRST_PRIVILEGED_WRITE and not supervisor:
                return False
            if value in READ_ONLY_REGISTERS or value in INTERPRETED_TARGETS:
                return False
    return True


def _literals_are_plain(decoded: Decoded) -> bool:
    """Whether flag numbers, conditions and division modes are literals, and exist."""
    for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True):
        if not operand.constants or operand.constants == "hwd":
            continue
        if isinstance(value, Reg):
            return False
        if operand.constants == "flag" and value > max(Flag):
            return False
        if operand.constants == "condition" and value not in list(Condition):
            return False
    return True
