"""What the translator knows of a guest instruction before it generates code for it.

Everything here follows from the instruction table and from which instructions have a semantic
body (`isa.semantics`). An instruction that cannot be translated, because it is rare, or because
these very operands raise an exception, is left to the interpreter.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from ...isa.codec import Decoded, DecodingError, Value, decode
from ...isa.flow import effect_of, operand_registers_written, registers_written
from ...isa.table import (
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    READ_ONLY_REGISTERS,
    TRANSLATION_REGISTERS,
    Access,
    Control,
    Instruction,
    Op,
    Reg,
)
from ...records import dataclass


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
    decoded: Decoded | None
    """None if the word is no instruction."""
    flow: Flow
    target: int = 0
    """Of JUMP and CALL."""

    @property
    def row(self) -> Instruction | None:
        """The instruction's row in the table."""
        return None if self.decoded is None else self.decoded.instruction

    @property
    def op(self) -> Op | None:
        return None if self.decoded is None else self.decoded.instruction.opcode

    @property
    def operands(self) -> tuple[Value, ...]:
        return () if self.decoded is None else self.decoded.operands

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
        return GuestInstruction(pc, word, None, Flow.LEAVE)
    flow, target = _flow(pc, decoded, supervisor)
    return GuestInstruction(pc, word, decoded, flow, target)


def _flow(pc: int, decoded: Decoded, supervisor: bool) -> tuple[Flow, int]:
    row = decoded.instruction
    if row.supervisor_only and not supervisor:
        return Flow.LEAVE, 0
    passes = row.control in (Control.NEXT, Control.SKIP)
    done = effect_of(decoded, pc) if _rights_suffice(decoded, supervisor) else None
    if done is None:
        return (Flow.INTERPRET if passes else Flow.LEAVE), 0
    if row.control is Control.SKIP:
        return Flow.SKIP, 0
    if done.jump_target is None:
        return Flow.NEXT, 0
    target = done.jump_target.known
    if row.control is Control.CALL:
        return (Flow.CALL_DYNAMIC, 0) if target is None else (Flow.CALL, target)
    if row.stack > 0:
        return Flow.RETURN, 0
    # What a jump does besides must not be lost where only its target is looked at: two results
    # are for the interpreter, flags go with a jump that is computed.
    if row.memory is Access.SWAP or len(operand_registers_written(decoded)) > 1:
        return Flow.LEAVE, 0
    if target is None or row.writes_flags:
        return Flow.DYNAMIC, 0
    return Flow.JUMP, target


def written_registers(instruction: GuestInstruction) -> list[Reg]:
    """The registers that a translatable instruction may write, the flags aside."""
    if instruction.decoded is None or not instruction.translatable:
        return []
    return registers_written(instruction.decoded)


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
            if value in READ_ONLY_REGISTERS:
                return False
    return not any(register in TRANSLATION_REGISTERS for register in registers_written(decoded))
