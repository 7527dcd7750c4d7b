"""The numbers of exceptions: what the CPU and what components raise (isa.md: Exceptions)."""

from __future__ import annotations

from enum import IntEnum


class ExceptionCode(IntEnum):
    """Codes that the CPU puts into bits 23-16 of `et`.

    >>> from lrvm_jit import ExceptionCode
    >>> hex(ExceptionCode.DIVISION_BY_ZERO)
    '0xa'
    """

    UNKNOWN_OPCODE = 0x01
    UNKNOWN_REGISTER = 0x02
    REGISTER_NOT_READABLE = 0x03
    REGISTER_NOT_WRITABLE = 0x04
    UNALIGNED_ADDRESS = 0x05
    MMU_REFUSED_READ = 0x06
    MMU_REFUSED_WRITE = 0x07
    MMU_REFUSED_EXECUTE = 0x08
    SUPERVISOR_ONLY = 0x09
    DIVISION_BY_ZERO = 0x0A
    OVERFLOWING_DIVISION = 0x0B
    BAD_FLAG = 0x0C
    BAD_CONDITION = 0x0D
    UNKNOWN_COMPONENT = 0x10
    UNKNOWN_HARDWARE_INFORMATION = 0x11
    COMPONENT_NOT_MAPPED = 0x12
    HARDWARE = 0xA0
    INTERRUPTION = 0xF0


class HardwareCode(IntEnum):
    """Codes of hardware exceptions, the high byte of their 16 bits (memory.md: Components).

    >>> from lrvm_jit import HardwareCode
    >>> hex(HardwareCode.NOT_WRITABLE)
    '0x31'
    """

    UNKNOWN = 0x00
    UNSPECIFIED_SYNCHRONISATION = 0x01
    TIME_SYNCHRONISATION = 0x02
    UNKNOWN_OPERATION = 0x10
    UNSUPPORTED_OPERATION = 0x11
    PHYSICAL_READ_ERROR = 0x20
    NOT_READABLE = 0x21
    PHYSICAL_WRITE_ERROR = 0x30
    NOT_WRITABLE = 0x31
