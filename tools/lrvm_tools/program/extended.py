"""Extended operations: what takes several instructions (lasm.md: Typed assembler).

All of them rewrite the flags, since a 32-bit literal is made by shifting and adding. Those that
access memory use `avr`, and those that write it a second scratch register as well. Addresses
and values are integers or labels; negative integers are two's complement.
"""

from __future__ import annotations

from typing import Final

from lrvm_jit.isa import EncodingError, Reg
from lrvm_jit.isa.table import READ_ONLY_REGISTERS

from .instr import Instr
from .labels import Label
from .words import value_of_word

Value32 = int | Label | str
"""A 32-bit value or address; a string names a label."""

_IMMEDIATE: Final = (Reg.PC, Reg.SMT, Reg.MTT)
"""Registers that take effect at once, so that a half-made value in them does harm."""


def set_register(register: Reg, value: Value32) -> tuple[Instr, ...]:
    """Set a register to any 32-bit value: 3 instructions. Rewrites the flags.

    Refuses registers that cannot be written, and pc, smt and mtt: the value passes through two
    other ones on its way, which would jump, leave supervisor mode, or switch the MMU. Set
    another register and copy it. (With the MMU on, pda needs the same care.)
    """
    _check_writable(register)
    if register in _IMMEDIATE:
        raise EncodingError(
            f"{register} takes effect while its value is half made; "
            f"set another register, then copy it to {register}"
        )
    high, low = _halves(value)
    return Instr.cpy(register, high), Instr.shl(register, 16), Instr.add(register, low)


def read_word(address: Value32) -> tuple[Instr, ...]:
    """Read the word at any address into avr: 4 instructions. Rewrites the flags."""
    return *set_register(Reg.AVR, address), Instr.lea(Reg.AVR, 0, 0)


def read_word_to(register: Reg, address: Value32) -> tuple[Instr, ...]:
    """Read the word at any address into a register: 5 instructions. Rewrites avr and flags."""
    _check_writable(register)
    return *read_word(address), Instr.cpy(register, Reg.AVR)


def write_register(address: Value32, source: Reg, scratch: Reg = Reg.RR0) -> tuple[Instr, ...]:
    """Write a register to any address: 5 instructions. Rewrites avr, `scratch` and flags.

    `source` is read first, so it may be any register: `af` is written as it was before, and
    `scratch` itself too. `pc` gives the address of the first of the instructions.
    """
    return Instr.cpy(Reg.AVR, source), *_write_avr(address, scratch)


def write_literal(address: Value32, value: Value32, scratch: Reg = Reg.RR0) -> tuple[Instr, ...]:
    """Write any 32-bit value to any address: 7 instructions. Rewrites avr, `scratch`, flags."""
    return *set_register(Reg.AVR, value), *_write_avr(address, scratch)


def _write_avr(address: Value32, scratch: Reg) -> tuple[Instr, ...]:
    if scratch is Reg.AVR:
        raise EncodingError("avr holds the word to write; the scratch register must be another")
    return *set_register(scratch, address), Instr.wea(scratch, 0, 0)


def _check_writable(register: Reg) -> None:
    if not isinstance(register, Reg):
        raise EncodingError(f"the register must be a Reg, not {register!r}")
    if register in READ_ONLY_REGISTERS:
        raise EncodingError(f"{register} cannot be written")


def _halves(value: Value32) -> tuple[int | Label, int | Label]:
    """The high and the low 16 bits of a value or a label's address."""
    if isinstance(value, str):
        value = Label(value)
    if isinstance(value, Label):
        return value.high, value.low
    word = value_of_word(value, "a value or address")
    return word >> 16, word & 0xFFFF
