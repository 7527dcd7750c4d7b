"""Where the CPU goes after an instruction, and which registers it writes, as its word tells.

All of it follows from the instruction table and from the bodies in `semantics`.
"""

from __future__ import annotations

from .codec import Decoded
from .semantics import execute, has_body
from .symbolic import SymbolicTarget
from .table import READ_ONLY_REGISTERS, Implicit, Reg


def selectors_are_plain(decoded: Decoded) -> bool:
    """Whether flag numbers, conditions and division modes are literals, and exist."""
    for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True):
        if operand.selects:
            low, high = operand.valid
            if isinstance(value, Reg) or not low <= value <= high:
                return False
    return True


def effect_of(decoded: Decoded, pc: int) -> SymbolicTarget | None:
    """The instruction at `pc`, executed on words that are followed as sums.

    None if it has no body, or if a register chooses what it does.
    """
    row = decoded.instruction
    if not has_body(row.opcode) or not selectors_are_plain(decoded):
        return None
    done = SymbolicTarget(pc)
    execute(done, row, decoded.operands)
    return done


def jump_target(decoded: Decoded, pc: int) -> int | None:
    """Where the instruction at `pc` jumps to, if it does and its word says where."""
    done = effect_of(decoded, pc)
    return None if done is None or done.jump_target is None else done.jump_target.known


def operand_registers_written(decoded: Decoded) -> list[Reg]:
    """The registers that the instruction writes as operands."""
    return [
        value
        for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True)
        if operand.role.writes and isinstance(value, Reg)
    ]


def registers_written(decoded: Decoded) -> list[Reg]:
    """The registers that the instruction may write, pc by a jump and the flags aside.

    Both stack pointers, where the mode decides which.
    """
    written = operand_registers_written(decoded)
    for use in decoded.instruction.implicit:
        written += _IMPLICITLY_WRITTEN.get(use, ())
    return written


_IMPLICITLY_WRITTEN = {
    Implicit.WRITES_AVR: (Reg.AVR,),
    Implicit.WRITES_SMT: (Reg.SMT,),
    Implicit.STACK_POINTER: (Reg.SSP, Reg.USP),
}


def always_faults(decoded: Decoded) -> bool:
    """True if the operands alone make the instruction raise an exception, in any mode."""
    if any(register in READ_ONLY_REGISTERS for register in operand_registers_written(decoded)):
        return True
    for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True):
        low, high = operand.valid
        if not isinstance(value, Reg) and not low <= value <= high:
            return True
    return False
