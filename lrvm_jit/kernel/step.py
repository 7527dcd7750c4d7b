"""One instruction, exactly and completely, from its word: the kernel's careful path.

Everything that the fast dispatch loop does not do itself comes here: exceptions, mode changes,
the bus, page walks, registers with side effects. Operand access is driven by tables made from
the instruction set.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    BUDGET,
    CYCLES,
    CYCLES_BEFORE,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    FLAGS_EXPLICIT,
    HALTED,
    LAST_PC,
    LOG_COUNT,
    LOG_POSITION,
    NEXT_PC,
    NOTICE_MODE,
    NOTICED,
    NOTICES_WANTED,
    PREVIOUS_PC,
    REGISTER_SLOTS,
    RESUME,
    RESUME_NONE,
    SWAP_VALUE,
    SWAPPED,
    SWAPS_WANTED,
    UNTOUCHED,
    WINDOW_KEY,
    WORD,
)
from ..exceptions import ExceptionCode
from ..isa.table import (
    BY_OPCODE,
    CONDITION_TRUTH,
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    REGISTER_COUNT,
    RESET_KEEPS_CPU,
    RESET_REGISTERS,
    Kind,
    Op,
    Reg,
    Role,
)
from .alu import (
    DIVISION_BY_ZERO,
    add_overflow,
    current_flags,
    divide,
    multiply,
    multiply_overflow,
    same_overflow,
    shift_left,
    shift_right,
    sub_overflow,
)
from .build.hints import stay_apart
from .build.jit import kernel_function
from .memory import fetch, flush_windows, load, raise_exception, request, store
from .typed import DONE, HALT, NONE, PENDING, READ, REQUEST_HWD, REQUEST_RESET, RESTART, ZERO, I, U

OPERANDS = 3
ABSENT, READ_OPERAND, WRITE_OPERAND, UPDATE_OPERAND = range(4)

_shape = (32, OPERANDS)
OPERAND_ROLE = np.zeros(_shape, np.int64)
OPERAND_SHIFT = np.zeros(_shape, np.int64)
"""Right shift that brings the operand's last byte to bit 0."""
OPERAND_BITS = np.zeros(_shape, np.int64)
OPERAND_IS_REGISTER = np.zeros(_shape, np.int64)
OPERAND_SIGNED = np.zeros(_shape, np.int64)
SUPERVISOR_ONLY = np.zeros(32, np.int64)
KNOWN = np.zeros(32, np.int64)
_ROLES = {
    Role.READ: READ_OPERAND,
    Role.READ_LAST: UPDATE_OPERAND,
    Role.WRITE: WRITE_OPERAND,
    Role.READ_WRITE: UPDATE_OPERAND,
    Role.LATE_READ_WRITE: WRITE_OPERAND,
}
for _opcode, _row in BY_OPCODE.items():
    KNOWN[_opcode] = 1
    SUPERVISOR_ONLY[_opcode] = _row.supervisor_only
    _shift = 24
    for _k, _operand in enumerate(_row.operands):
        _shift -= 8 * _operand.kind.size
        OPERAND_ROLE[_opcode, _k] = _ROLES[_operand.role]
        OPERAND_SHIFT[_opcode, _k] = _shift
        OPERAND_BITS[_opcode, _k] = 8 * _operand.kind.size
        OPERAND_IS_REGISTER[_opcode, _k] = _operand.kind is Kind.REG
        OPERAND_SIGNED[_opcode, _k] = _operand.signed

CONDITION = np.zeros(8, np.int64)
for _condition, _truth in CONDITION_TRUTH.items():
    CONDITION[_condition] = _truth

CPY, EX, ADD, SUB, MUL, DIV, MOD = map(int, (Op.CPY, Op.EX, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD))
AND, BOR, XOR, SHL, SHR, CMP = map(int, (Op.AND, Op.BOR, Op.XOR, Op.SHL, Op.SHR, Op.CMP))
JPR, LSM, ITR, IF, IFN, IF2 = map(int, (Op.JPR, Op.LSM, Op.ITR, Op.IF, Op.IFN, Op.IF2))
LSA, LEA, WSA, WEA, SRM = map(int, (Op.LSA, Op.LEA, Op.WSA, Op.WEA, Op.SRM))
PUSH, POP, CALL, HWD = map(int, (Op.PUSH, Op.POP, Op.CALL, Op.HWD))
CYCLES_OP, HALT_OP, RESET = map(int, (Op.CYCLES, Op.HALT, Op.RESET))

AVR = np.int64(Reg.AVR)
PC = int(Reg.PC)
AF = int(Reg.AF)
SSP = int(Reg.SSP)
USP = int(Reg.USP)
ET = int(Reg.ET)
ERA = int(Reg.ERA)
MTT = int(Reg.MTT)
PDA = int(Reg.PDA)
SMT = np.int64(Reg.SMT)

UNKNOWN_OPCODE = np.int64(ExceptionCode.UNKNOWN_OPCODE)
UNKNOWN_REGISTER = np.int64(ExceptionCode.UNKNOWN_REGISTER)
NOT_READABLE = np.int64(ExceptionCode.REGISTER_NOT_READABLE)
NOT_WRITABLE = np.int64(ExceptionCode.REGISTER_NOT_WRITABLE)
SUPERVISOR_ONLY_CODE = np.int64(ExceptionCode.SUPERVISOR_ONLY)
ZERO_DIVISION = np.int64(ExceptionCode.DIVISION_BY_ZERO)
OVERFLOWING = np.int64(ExceptionCode.OVERFLOWING_DIVISION)
BAD_FLAG = np.int64(ExceptionCode.BAD_FLAG)
BAD_CONDITION = np.int64(ExceptionCode.BAD_CONDITION)
INTERRUPTION = np.int64(ExceptionCode.INTERRUPTION)

RESET_VALUES = np.zeros(REGISTER_SLOTS, np.uint32)
for _register, _value in RESET_REGISTERS.items():
    RESET_VALUES[_register] = _value
RESET_FLAG_RESULT = 0x1_0001
"""A result whose flags are all clear: af = 0, as after a reset."""


@kernel_function
def reset_cpu(regs, state):
    """Reset state (isa.md: Registers), by an instruction that counts as attempted."""
    for k in range(REGISTER_SLOTS):
        regs[k] = RESET_VALUES[k]
    state[CYCLES_BEFORE] += state[CYCLES] + 1
    state[CYCLES] = 0
    state[HALTED] = 0
    state[NEXT_PC] = 0
    state[FLAGS_EXPLICIT] = 0
    state[FLAG_RESULT] = RESET_FLAG_RESULT
    state[FLAG_OVERFLOW] = 0
    flush_windows(regs, state)


@kernel_function
def read_register(regs, state, code):
    """The register's value, or RAISED (isa.md: Access)."""
    if code >= FIRST_PRIVILEGED_READ and regs[SMT] == 0:
        return raise_exception(regs, state, NOT_READABLE, code)
    if code >= REGISTER_COUNT:
        return raise_exception(regs, state, UNKNOWN_REGISTER, code)
    if code == AF:
        return current_flags(regs, state)
    return I(regs[U(code)])


@kernel_function
def coming_word(regs, state, code):
    """What an SRM will store if its load comes to pass; -1 if nobody wants to know, or if the
    register must not be read."""
    if state[SWAPS_WANTED] == 0 or code >= REGISTER_COUNT:
        return NONE
    if code >= FIRST_PRIVILEGED_READ and regs[SMT] == 0:
        return NONE
    return read_register(regs, state, code)


@kernel_function
def write_register(regs, state, code, value):
    """Write a register with its side effects; DONE or RAISED (isa.md: Access)."""
    if (code >= FIRST_PRIVILEGED_WRITE and regs[SMT] == 0) or (
        code == AF or code == ET or code == ERA
    ):
        return raise_exception(regs, state, NOT_WRITABLE, code)
    if code >= REGISTER_COUNT:
        return raise_exception(regs, state, UNKNOWN_REGISTER, code)
    if code == PC:
        state[NEXT_PC] = value
        return DONE
    if code == SMT and (regs[SMT] != 0) != (value != 0):
        state[NOTICED] ^= state[NOTICES_WANTED] & NOTICE_MODE
    regs[U(code)] = np.uint32(value)
    if code == MTT or code == PDA:
        flush_windows(regs, state)
    elif code == SMT:
        state[WINDOW_KEY] = (state[WINDOW_KEY] & ~(I(1) << 32)) | (I(value != 0) << 32)
    return DONE


@kernel_function
def operand(regs, state, word, opcode, k):
    """Value of a source operand, or RAISED."""
    value = (word >> OPERAND_SHIFT[opcode, k]) & ((I(1) << OPERAND_BITS[opcode, k]) - 1)
    if OPERAND_IS_REGISTER[opcode, k] or (word >> (26 - I(k))) & 1:
        return read_register(regs, state, value >> (OPERAND_BITS[opcode, k] - 8))
    if OPERAND_SIGNED[opcode, k]:
        return I(np.int16(value)) & WORD
    return value


@kernel_function
def set_flags(state, result, overflow):
    state[FLAG_RESULT] = result
    state[FLAG_OVERFLOW] = overflow
    state[FLAGS_EXPLICIT] = 0


@kernel_function
def arithmetic(regs, state, opcode, a, b, mode):
    """ADD..SHR and CMP: sets the flags and returns the result's word, or RAISED."""
    overflow = ZERO
    if opcode == ADD:
        result = a + b
        overflow = add_overflow(a, b, result)
    elif opcode == SUB or opcode == CMP:
        result = a - b
        overflow = sub_overflow(a, b, result)
    elif opcode == MUL:
        result = multiply(a, b)
        overflow = multiply_overflow(a, b)
    elif opcode == AND:
        result = a & b
    elif opcode == BOR:
        result = a | b
    elif opcode == XOR:
        result = a ^ b
    else:
        if opcode == SHL:
            result = shift_left(a, b)
        elif opcode == SHR:
            result = shift_right(a, b)
        else:
            result = divide(a, b, mode, opcode == MOD)
            if result < 0:
                code = ZERO_DIVISION if result == DIVISION_BY_ZERO else OVERFLOWING
                return raise_exception(regs, state, code, ZERO)
        overflow = same_overflow(result)
    set_flags(state, result, overflow)
    return result & WORD


@kernel_function
def check_flag(regs, state, number):
    return raise_exception(regs, state, BAD_FLAG, number & 0xFF) if number > 6 else DONE


@kernel_function
def execute(regs, state, arena, ops, marks, word):
    """Execute one fetched instruction; DONE, HALT, RESTART, RAISED or PENDING.

    NEXT_PC has been set to the address of the next instruction.
    """
    opcode = U(word >> 27)
    if not KNOWN[opcode]:
        return raise_exception(regs, state, UNKNOWN_OPCODE, I(opcode))
    supervisor = regs[SMT] != 0
    if SUPERVISOR_ONLY[opcode] and not supervisor:
        return raise_exception(regs, state, SUPERVISOR_ONLY_CODE, I(opcode))
    v0 = v1 = v2 = ZERO
    for role in (READ_OPERAND, UPDATE_OPERAND):
        for k in range(OPERANDS):
            if OPERAND_ROLE[opcode, U(k)] == role:
                value = operand(regs, state, word, opcode, U(k))
                if value < 0:
                    return value
                if k == 0:
                    v0 = value
                elif k == 1:
                    v1 = value
                else:
                    v2 = value
    first = (word >> 16) & 0xFF
    sp = SSP if supervisor else USP
    next_pc = state[NEXT_PC]

    if opcode == CPY:
        return write_register(regs, state, first, v1)
    if opcode == EX:
        result = write_register(regs, state, first, v1)
        return result if result < 0 else write_register(regs, state, (word >> 8) & 0xFF, v0)
    if opcode >= ADD and opcode <= SHR:
        result = arithmetic(regs, state, I(opcode), v0, v1, v2)
        return result if result < 0 else write_register(regs, state, first, result)
    if opcode == CMP:
        arithmetic(regs, state, I(opcode), v0, v1, v2)
        return DONE
    if opcode == JPR:
        state[NEXT_PC] = (I(regs[PC]) + v0) & WORD
        return DONE
    if opcode == LSM:
        state[NEXT_PC] = v0
        return write_register(regs, state, SMT, ZERO)
    if opcode == ITR:
        return raise_exception(regs, state, INTERRUPTION, v0 & 0xFFFF)
    if opcode == IF or opcode == IFN or opcode == IF2:
        result = check_flag(regs, state, v0)
        if opcode == IF2:
            if result == DONE:
                result = check_flag(regs, state, v1)
            if result == DONE and (v2 < 1 or v2 > 7):
                result = raise_exception(regs, state, BAD_CONDITION, v2 & 0xFF)
        if result < 0:
            return result
        af = current_flags(regs, state)
        a = (af >> (7 - v0)) & 1
        if opcode == IF2:
            holds = (CONDITION[U(v2)] >> (2 * a + ((af >> (7 - v1)) & 1))) & 1
        else:
            holds = a ^ I(opcode == IFN)
        state[NEXT_PC] = (next_pc + 4 * (1 - holds)) & WORD
        return DONE
    if opcode == LSA or opcode == LEA or opcode == POP or opcode == SRM:
        if opcode == LEA:
            address = (v0 + v1 * v2) & WORD
        elif opcode == LSA:
            address = (v1 + v2) & WORD
        elif opcode == SRM:
            address = (v0 + v1) & WORD
            state[SWAP_VALUE] = coming_word(regs, state, word & 0xFF)
        else:
            address = I(regs[sp])
        value = load(regs, state, arena, marks, address, READ)
        if value < 0:
            return value
        code = first
        if opcode == LEA:
            code = AVR
        elif opcode == POP:
            regs[sp] = np.uint32(address + 4)
        elif opcode == SRM:
            code = word & 0xFF
            if state[SWAPPED] == 0:
                other = read_register(regs, state, code)
                if other < 0:
                    return other
                result = store(regs, state, arena, ops, marks, address, other)
                if result < 0:
                    return result
        return write_register(regs, state, code, value)
    if opcode == WSA or opcode == WEA or opcode == PUSH or opcode == CALL:
        address = (I(regs[sp]) - 4) & WORD
        value = v0
        if opcode == WSA:
            address = (v0 + v1) & WORD
            value = v2
        elif opcode == WEA:
            address = (v0 + v1 * v2) & WORD
            value = I(regs[AVR])
        elif opcode == CALL:
            value = next_pc
        result = store(regs, state, arena, ops, marks, address, value)
        if result < 0:
            return result
        if opcode == PUSH or opcode == CALL:
            regs[sp] = np.uint32(address)
            if opcode == CALL:
                state[NEXT_PC] = v0
        return DONE
    if opcode == HWD:
        position = state[LOG_POSITION]
        value = request(state, REQUEST_HWD, v1, v2, ZERO)
        if value < 0:
            if state[LOG_POSITION] == position:
                return value
            return raise_exception(regs, state, (-1 - value) >> 16, (-1 - value) & 0xFFFF)
        return write_register(regs, state, first, value)
    if opcode == CYCLES_OP:
        state[UNTOUCHED] = 0
        return write_register(regs, state, first, (state[CYCLES] + 1) & WORD)
    if opcode == HALT_OP:
        state[HALTED] = 1
        return HALT
    if opcode == RESET:
        position = state[LOG_POSITION]
        value = request(state, REQUEST_RESET, v0 & 0xFF, I(regs[AVR]), ZERO)
        if value < 0:
            if state[LOG_POSITION] == position:
                return value
            return raise_exception(regs, state, (-1 - value) >> 16, (-1 - value) & 0xFFFF)
        if v0 & RESET_KEEPS_CPU == 0:
            reset_cpu(regs, state)
            return RESTART
        return DONE
    # In the table, but not here: as unknown as one that is in neither.
    return raise_exception(regs, state, UNKNOWN_OPCODE, I(opcode))


@kernel_function
def step(regs, state, arena, ops, marks):
    """Attempt the instruction at `pc`; DONE, HALT, RESTART, RAISED or PENDING.

    PENDING leaves everything as it was: a component must answer, then the step is repeated.
    """
    stay_apart()
    state[LOG_POSITION] = 0
    pc = I(regs[PC])
    state[SWAP_VALUE] = NONE
    if state[LOG_COUNT] == 0:
        state[PREVIOUS_PC] = state[LAST_PC]
        state[SWAPPED] = 0
    state[LAST_PC] = pc
    state[NEXT_PC] = (pc + 4) & WORD
    result = fetch(regs, state, arena, marks)
    if result >= 0:
        result = execute(regs, state, arena, ops, marks, result)
    if result == PENDING:
        return result
    state[LOG_COUNT] = 0
    state[RESUME] = RESUME_NONE
    state[BUDGET] -= 1
    if result != RESTART:
        state[CYCLES] += 1
    regs[PC] = np.uint32(state[NEXT_PC])
    return result
