"""Where the CPU goes after an instruction, as far as the instruction word tells.

This follows the CPU, not the assembler: unused bits are ignored, as `lrvm_jit.isa.decode` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from lrvm_jit.isa import Decoded, Op, Reg
from lrvm_jit.isa.table import READ_ONLY_REGISTERS, WORD_MASK

from ..program.operands import existing_range

_NO_CPU_RESET: Final = 0xF0
"""RESET leaves the CPU alone if one of these bits of its mode is set."""


class ExitKind(Enum):
    """How an instruction is left."""

    NEXT = "next"
    """To the instruction that follows."""
    SKIP = "skip"
    """Over the instruction that follows."""
    JUMP = "jump"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Exit:
    """One way to leave an instruction."""

    kind: ExitKind
    target: int


def exits(decoded: Decoded, address: int) -> tuple[Exit, ...]:
    """Every known way to leave the instruction at `address`.

    Jumps to what a register or memory holds are not known and left out. CALL and ITR are taken
    to come back, as a routine and an exception handler do by convention.
    """
    row = decoded.instruction
    following = Exit(ExitKind.NEXT, (address + 4) & WORD_MASK)
    if always_faults(decoded) or row.opcode is Op.HALT:
        return ()
    if row.opcode is Op.ITR:
        return (following,)
    if row.opcode is Op.RESET:
        return _reset_exits(decoded, following)
    if row.skips:
        return following, Exit(ExitKind.SKIP, (address + 8) & WORD_MASK)
    if not row.jumps and Reg.PC not in _written(decoded):
        return (following,)
    target = jump_target(decoded, address)
    if row.opcode is Op.CALL:
        return (following,) if target is None else (following, Exit(ExitKind.CALL, target))
    return () if target is None else (Exit(ExitKind.JUMP, target),)


def jump_target(decoded: Decoded, address: int) -> int | None:
    """Where the instruction at `address` jumps to, if it does and a literal says where."""
    match decoded.instruction.opcode, *decoded.operands:
        case _, *_, Reg():
            return None
        case (Op.CPY, Reg.PC, target) | (Op.CALL | Op.LSM, target):
            return target
        case (Op.JPR, distance) | (Op.ADD, Reg.PC, distance):
            return (address + distance) & WORD_MASK
        case Op.SUB, Reg.PC, distance:
            return (address - distance) & WORD_MASK
    return None


def handler_address(decoded: Decoded) -> int | None:
    """The literal that the instruction makes the exception vector, if it does."""
    match decoded.instruction.opcode, *decoded.operands:
        case _, *_, Reg():
            return None
        case Op.CPY, Reg.EV, handler:
            return handler
    return None


def always_faults(decoded: Decoded) -> bool:
    """True if the operands alone make the instruction raise an exception, in any mode."""
    if any(register in READ_ONLY_REGISTERS for register in _written(decoded)):
        return True
    for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True):
        low, high = existing_range(operand)
        if not isinstance(value, Reg) and not low <= value <= high:
            return True
    return False


def _written(decoded: Decoded) -> list[Reg]:
    return [
        value
        for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True)
        if isinstance(value, Reg) and operand.role.writes
    ]


def _reset_exits(decoded: Decoded, following: Exit) -> tuple[Exit, ...]:
    (mode,) = decoded.operands
    restart = Exit(ExitKind.JUMP, 0)
    if isinstance(mode, Reg):
        return following, restart
    return (following,) if mode & _NO_CPU_RESET else (restart,)
