"""The numbers of DWARF 4 that are used here (dwarfstd.org, chapter 7)."""

from __future__ import annotations

from enum import IntEnum


class Tag(IntEnum):
    ARRAY_TYPE = 0x01
    ENUMERATION_TYPE = 0x04
    FORMAL_PARAMETER = 0x05
    LEXICAL_BLOCK = 0x0B
    MEMBER = 0x0D
    POINTER_TYPE = 0x0F
    COMPILE_UNIT = 0x11
    STRUCTURE_TYPE = 0x13
    SUBROUTINE_TYPE = 0x15
    TYPEDEF = 0x16
    UNION_TYPE = 0x17
    UNSPECIFIED_PARAMETERS = 0x18
    SUBRANGE_TYPE = 0x21
    BASE_TYPE = 0x24
    CONST_TYPE = 0x26
    ENUMERATOR = 0x28
    SUBPROGRAM = 0x2E
    VARIABLE = 0x34
    VOLATILE_TYPE = 0x35
    RESTRICT_TYPE = 0x37


class Attribute(IntEnum):
    LOCATION = 0x02
    NAME = 0x03
    BYTE_SIZE = 0x0B
    BIT_SIZE = 0x0D
    STMT_LIST = 0x10
    LOW_PC = 0x11
    HIGH_PC = 0x12
    LANGUAGE = 0x13
    COMP_DIR = 0x1B
    CONST_VALUE = 0x1C
    PRODUCER = 0x25
    PROTOTYPED = 0x27
    COUNT = 0x37
    DATA_MEMBER_LOCATION = 0x38
    DECL_FILE = 0x3A
    DECL_LINE = 0x3B
    DECLARATION = 0x3C
    ENCODING = 0x3E
    EXTERNAL = 0x3F
    FRAME_BASE = 0x40
    TYPE = 0x49
    DATA_BIT_OFFSET = 0x6B


class Form(IntEnum):
    ADDR = 0x01
    DATA4 = 0x06
    STRING = 0x08
    SDATA = 0x0D
    UDATA = 0x0F
    REF4 = 0x13
    SEC_OFFSET = 0x17
    EXPRLOC = 0x18
    FLAG_PRESENT = 0x19


class Operation(IntEnum):
    """Of location expressions."""

    ADDR = 0x03
    CONSTS = 0x11
    REG0 = 0x50
    BREG0 = 0x70
    FBREG = 0x91
    PIECE = 0x93
    STACK_VALUE = 0x9F


class FrameOperation(IntEnum):
    """Of call frame information; the two high bits alone, or all of the byte."""

    ADVANCE_LOC = 0x40
    OFFSET = 0x80
    RESTORE = 0xC0
    NOP = 0x00
    ADVANCE_LOC4 = 0x04
    OFFSET_EXTENDED_SF = 0x11
    DEF_CFA = 0x0C
    DEF_CFA_SF = 0x12


class LineOperation(IntEnum):
    """Of line tables; the standard ones."""

    EXTENDED = 0
    COPY = 1
    ADVANCE_PC = 2
    ADVANCE_LINE = 3
    SET_FILE = 4
    SET_COLUMN = 5
    NEGATE_STMT = 6
    SET_BASIC_BLOCK = 7
    CONST_ADD_PC = 8
    FIXED_ADVANCE_PC = 9
    SET_PROLOGUE_END = 10
    SET_EPILOGUE_BEGIN = 11
    SET_ISA = 12


END_SEQUENCE, SET_ADDRESS = 1, 2
"""The extended operations of line tables."""

LANGUAGE_C99 = 0x0C
