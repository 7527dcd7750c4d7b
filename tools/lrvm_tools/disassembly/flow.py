"""Where the CPU goes after an instruction, as far as the instruction word tells.

This follows the CPU, not the assembler: unused bits are ignored, as `lrvm_jit.isa.decode` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lrvm_jit.isa import Decoded, Reg
from lrvm_jit.isa.flow import always_faults, effect_of, jump_target, operand_registers_written
from lrvm_jit.isa.table import RESET_KEEPS_CPU, WORD_MASK, Control


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
    if always_faults(decoded):
        return ()
    target = jump_target(decoded, address)
    match row.control:
        case Control.HALT:
            return ()
        case Control.EXCEPTION:
            return (following,)
        case Control.RESET:
            return _reset_exits(decoded, following)
        case Control.SKIP:
            return following, Exit(ExitKind.SKIP, (address + 8) & WORD_MASK)
        case Control.CALL:
            return (following,) if target is None else (following, Exit(ExitKind.CALL, target))
        case Control.NEXT if Reg.PC not in operand_registers_written(decoded):
            return (following,)
    return () if target is None else (Exit(ExitKind.JUMP, target),)


def handler_address(decoded: Decoded) -> int | None:
    """The literal that the instruction makes the exception vector, if it does."""
    done = effect_of(decoded, 0)
    value = None if done is None else done.registers.get(Reg.EV)
    return None if value is None or Reg.PC in decoded.operands else value.known


def _reset_exits(decoded: Decoded, following: Exit) -> tuple[Exit, ...]:
    (mode,) = decoded.operands
    restart = Exit(ExitKind.JUMP, 0)
    if isinstance(mode, Reg):
        return following, restart
    return (following,) if mode & RESET_KEEPS_CPU else (restart,)
