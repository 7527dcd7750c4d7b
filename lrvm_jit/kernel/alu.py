"""Arithmetic of the compiled kernel (isa.md: Flags, Division modes).

Operands are int64 in 0..2^32-1. A result carries CF in bit 32; the separate overflow value has
OF in bit 31. So flags cost nothing until something reads them.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import FLAG_OVERFLOW, FLAG_RESULT, FLAGS_EXPLICIT, WORD
from ..isa.table import DIV_OVERFLOW_MODES, DIV_SIGNED, DIV_ZERO_MODES, Flag, Reg
from .build.jit import kernel_function
from .typed import ZERO, I, U

AF = int(Reg.AF)
CARRY = 1 << 32
SIGN = 1 << 31
DIVISION_BY_ZERO = np.int64(-10)
OVERFLOWING_DIVISION = np.int64(-11)

_SUBSTITUTE_ZERO = np.array(
    [-1 if value is None else value for _, value in sorted(DIV_ZERO_MODES.items())], np.int64
)
_SUBSTITUTE_OVERFLOW = np.array(
    [-1 if value is None else value for _, value in sorted(DIV_OVERFLOW_MODES.items())], np.int64
)

ZF, CF, OF, SF, EF, ZUF, ZLF = (flag.mask for flag in Flag)


@kernel_function
def flags_of(result, overflow):
    """The value of `af` for a result with its carry and an overflow value."""
    af = ZERO
    if result & WORD == 0:
        af |= ZF
    if result & CARRY:
        af |= CF
    if overflow & SIGN:
        af |= OF
    if result & SIGN:
        af |= SF
    if result & 1 == 0:
        af |= EF
    if result & 0xFFFF_0000 == 0:
        af |= ZUF
    if result & 0xFFFF == 0:
        af |= ZLF
    return af


@kernel_function
def current_flags(regs, state):
    """The value of `af` now."""
    if state[FLAGS_EXPLICIT]:
        return I(regs[AF])
    return flags_of(state[FLAG_RESULT], state[FLAG_OVERFLOW])


@kernel_function
def add_overflow(a, b, result):
    """OF of result = a + b."""
    return (a ^ result) & (b ^ result)


@kernel_function
def sub_overflow(a, b, result):
    """OF of result = a - b."""
    return (a ^ b) & (a ^ result)


@kernel_function
def signed(a):
    """The two's complement reading of a word."""
    return I(np.int32(a))


@kernel_function
def multiply(a, b):
    """Result of MUL with its carry."""
    product = U(a) * U(b)
    return I(product & U(WORD)) | (I(product >> U(32) != 0) << 32)


@kernel_function
def multiply_overflow(a, b):
    """OF of MUL."""
    product = signed(a) * signed(b)
    return I(product != signed(product)) << 31


@kernel_function
def same_overflow(result):
    """OF of the operations that set it like CF: shifts and divisions."""
    return (result >> 1) & SIGN


@kernel_function
def shift_left(a, count):
    """Result of SHL with its carry."""
    return ((a << (count & 31)) & WORD) | (I(count >= 32) << 32)


@kernel_function
def shift_right(a, count):
    """Result of SHR with its carry."""
    return (a >> (count & 31)) | (I(count >= 32) << 32)


@kernel_function
def divide(a, b, mode, remainder):
    """Quotient or remainder, with the carry set (CF = OF) if it is a substitute result.

    Returns DIVISION_BY_ZERO or OVERFLOWING_DIVISION where the mode asks for an exception.
    """
    if b == 0:
        value = _SUBSTITUTE_ZERO[U((mode >> 2) & 3)]
        return DIVISION_BY_ZERO if value < 0 else value | CARRY
    if mode & DIV_SIGNED == 0:
        return a % b if remainder else a // b
    if a == SIGN and b == WORD:
        value = _SUBSTITUTE_OVERFLOW[U(mode & 3)]
        return OVERFLOWING_DIVISION if value < 0 else value | CARRY
    x = signed(a)
    y = signed(b)
    quotient = abs(x) // abs(y)
    if (x < 0) != (y < 0):
        quotient = -quotient
    return (x - quotient * y if remainder else quotient) & WORD
