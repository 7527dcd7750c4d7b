"""Machine instructions as the back end holds them, derived from the instruction table.

An instruction is a list whose first item is its *form*: the first byte of its word, that is the
opcode and the bits that say which parameters are registers. The other items are the operands:
register numbers (0-31 machine registers, from FIRST_VIRTUAL on virtual ones) or literals. Numbers
above 255 are pseudo instructions, which become words when registers and sizes are known.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from lrvm_jit.isa.table import BY_MNEMONIC, INSTRUCTIONS, Flag, Kind, Op, Reg

Instr = list[Any]
"""[form, operand...]"""

FIRST_VIRTUAL: Final = 32

ARGUMENTS: Final = tuple(range(Reg.A0, Reg.A7 + 1))
"""Registers of the first arguments and of results, word by word."""
VARIADIC: Final = int(Reg.C0)
"""Holds the address of a call's variable arguments."""
CALLER_SAVED: Final = (*ARGUMENTS, int(Reg.C0), int(Reg.C1), int(Reg.AC0), int(Reg.AVR))
CALLEE_SAVED: Final = tuple(range(Reg.RR0, Reg.RR7 + 1))
FRAME: Final = int(Reg.RR7)
"""Frame pointer of functions whose stack pointer moves."""
SCRATCH: Final = int(Reg.AC1)
SCRATCH_2: Final = int(Reg.AC2)
"""Never allocated: for spilled values, long addresses and inline assembly."""
STACK: Final = int(Reg.SSP)
AVR: Final = int(Reg.AVR)


def form(mnemonic: str, kinds: str) -> int:
    """The form of an instruction whose operands are registers (r) or literals (i)."""
    row = BY_MNEMONIC[mnemonic]
    bits = sum(4 >> place for place, kind in enumerate(kinds) if kind == "r")
    return int(row.opcode) << 3 | bits


class Pseudo(IntEnum):
    """Instructions of the back end itself, with their operands."""

    CONST = 256  # d, value
    ADDR = 257  # d, symbol, offset
    CALL = 258  # symbol, argument registers, result registers
    CALLR = 259  # register, argument registers, result registers
    FRAME = 260  # d, frame object, offset
    CCPY_R = 261  # d, register: CPY after a skip, so d is read too
    CCPY_I = 262  # d, literal
    FLOAD = 263  # d, frame object, offset
    FSTORE = 264  # frame object, offset, register
    ASM = 265  # InlineAssembly, results, operands
    ALLOCA = 266  # d, register with the bytes (a multiple of 8)
    SETSP = 267  # register
    INCOMING = 268  # d, word of the stack's arguments
    INCOMING_ADDR = 269  # d, word of the stack's arguments
    GETSP = 270  # d
    LINE = 271  # metadata node of the source position
    VALUE = 272  # metadata node of a variable; its parts, then its Location, or None


READS: dict[int, tuple[int, ...]] = {
    Pseudo.CONST: (),
    Pseudo.ADDR: (),
    Pseudo.CALL: (),
    Pseudo.CALLR: (1,),
    Pseudo.FRAME: (),
    Pseudo.CCPY_R: (1, 2),
    Pseudo.CCPY_I: (1,),
    Pseudo.FLOAD: (),
    Pseudo.FSTORE: (3,),
    Pseudo.ASM: (),
    Pseudo.ALLOCA: (2,),
    Pseudo.SETSP: (1,),
    Pseudo.INCOMING: (),
    Pseudo.INCOMING_ADDR: (),
    Pseudo.GETSP: (),
    Pseudo.LINE: (),
    Pseudo.VALUE: (),
}
"""Items of an instruction that are registers and read, by form."""
WRITES: dict[int, tuple[int, ...]] = {
    Pseudo.CONST: (1,),
    Pseudo.ADDR: (1,),
    Pseudo.CALL: (),
    Pseudo.CALLR: (),
    Pseudo.FRAME: (1,),
    Pseudo.CCPY_R: (1,),
    Pseudo.CCPY_I: (1,),
    Pseudo.FLOAD: (1,),
    Pseudo.FSTORE: (),
    Pseudo.ASM: (),
    Pseudo.ALLOCA: (1,),
    Pseudo.SETSP: (),
    Pseudo.INCOMING: (1,),
    Pseudo.INCOMING_ADDR: (1,),
    Pseudo.GETSP: (1,),
    Pseudo.LINE: (),
    Pseudo.VALUE: (),
}
MARKS: Final = (Pseudo.LINE, Pseudo.VALUE)
"""Instructions that become no words."""
SHIFTS: Final[dict[int, tuple[int, ...]]] = {}
"""Where each operand stands in the word, as a shift, by form."""
SETS_FLAGS: Final[set[int]] = set()

for _row in INSTRUCTIONS:
    for _bits in range(8):
        _form = int(_row.opcode) << 3 | _bits
        _shift = 24
        _shifts = []
        _reads = []
        _writes = []
        for _place, _operand in enumerate(_row.operands):
            _is_register = bool(_bits & 4 >> _place) or _operand.kind is Kind.REG
            _shift -= 8 * _operand.kind.size
            # A register stands in the first of an operand's bytes.
            _shifts.append(_shift + (8 * (_operand.kind.size - 1) if _is_register else 0))
            if _is_register and _operand.role.reads:
                _reads.append(_place + 1)
            if _is_register and _operand.role.writes:
                _writes.append(_place + 1)
        SHIFTS[_form] = tuple(_shifts)
        READS[_form] = tuple(_reads)
        WRITES[_form] = tuple(_writes)
        if _row.writes_flags:
            SETS_FLAGS.add(_form)

CPY_R = form("cpy", "rr")
CPY_I = form("cpy", "ri")
EX = form("ex", "rr")
ADD_R, ADD_I = form("add", "rr"), form("add", "ri")
SUB_R, SUB_I = form("sub", "rr"), form("sub", "ri")
MUL_R, MUL_I = form("mul", "rr"), form("mul", "ri")
DIV_R, DIV_I = form("div", "rri"), form("div", "rii")
MOD_R, MOD_I = form("mod", "rri"), form("mod", "rii")
AND_R, AND_I = form("and", "rr"), form("and", "ri")
BOR_R, BOR_I = form("bor", "rr"), form("bor", "ri")
XOR_R, XOR_I = form("xor", "rr"), form("xor", "ri")
SHL_R, SHL_I = form("shl", "rr"), form("shl", "ri")
SHR_R, SHR_I = form("shr", "rr"), form("shr", "ri")
CMP_R, CMP_I = form("cmp", "rr"), form("cmp", "ri")
JPR_I = form("jpr", "i")
ITR_I = form("itr", "i")
IF_I, IFN_I, IF2_I = form("if", "i"), form("ifn", "i"), form("if2", "iii")
LSA_RI, LSA_RR, LSA_IR = form("lsa", "rri"), form("lsa", "rrr"), form("lsa", "rir")
LEA_RRI, LEA_RRR, LEA_IRI = form("lea", "rri"), form("lea", "rrr"), form("lea", "iri")
WEA_RRI, WEA_RRR, WEA_IRI = form("wea", "rri"), form("wea", "rrr"), form("wea", "iri")
WSA_RIR, WSA_RRR, WSA_RII, WSA_RRI = (
    form("wsa", "rir"),
    form("wsa", "rrr"),
    form("wsa", "rii"),
    form("wsa", "rri"),
)
CALL_R, CALL_I = form("call", "r"), form("call", "i")
RET = form("pop", "r")
HALT = form("halt", "")
IMMEDIATE = {
    CPY_R: CPY_I,
    ADD_R: ADD_I,
    SUB_R: SUB_I,
    MUL_R: MUL_I,
    AND_R: AND_I,
    BOR_R: BOR_I,
    XOR_R: XOR_I,
    CMP_R: CMP_I,
}
"""The form with a literal of 16 bits of one with two registers."""
LEA_FORMS: Final = {form_ for form_ in SHIFTS if form_ >> 3 == Op.LEA}
WEA_FORMS: Final = {form_ for form_ in SHIFTS if form_ >> 3 == Op.WEA}

ZF, CF, OF, SF = int(Flag.ZF), int(Flag.CF), int(Flag.OF), int(Flag.SF)

Condition = tuple[int, ...]
"""A skip instruction: the next one is executed if the condition holds."""
OR, XOR, NOR = 1, 3, 4
EQUAL: Final = (IF_I, ZF)
NOT_EQUAL: Final = (IFN_I, ZF)
BELOW: Final = (IF_I, CF)
NOT_BELOW: Final = (IFN_I, CF)
BELOW_EQUAL: Final = (IF2_I, ZF, CF, OR)
ABOVE: Final = (IF2_I, ZF, CF, NOR)
LESS: Final = (IF2_I, SF, OF, XOR)
NEGATIVE: Final = (IF_I, SF)
NOT_NEGATIVE: Final = (IFN_I, SF)
NOT_POSITIVE: Final = (IF2_I, ZF, SF, OR)
POSITIVE: Final = (IF2_I, ZF, SF, NOR)
INVERSE: Final[dict[Condition, Condition]] = {
    EQUAL: NOT_EQUAL,
    BELOW: NOT_BELOW,
    BELOW_EQUAL: ABOVE,
    NEGATIVE: NOT_NEGATIVE,
    NOT_POSITIVE: POSITIVE,
}
INVERSE.update({inverse: condition for condition, inverse in INVERSE.items()})
"""The opposite conditions. LESS has none: IF2 knows no "both or neither"."""


def encode(instr: Instr) -> int:
    """The word of an instruction whose operands are machine registers and literals."""
    word = int(instr[0]) << 24
    for shift, operand in zip(SHIFTS[instr[0]], instr[1:], strict=True):
        word |= operand << shift
    return word


def constant(register: int, value: int) -> list[Instr]:
    """Instructions that set a register to any 32-bit value: one to three words."""
    value &= 0xFFFF_FFFF
    if value <= 0xFFFF:
        return [[CPY_I, register, value]]
    if value >= 0xFFFF_0001:
        return [[CPY_I, register, 0], [SUB_I, register, 0x1_0000_0000 - value]]
    low = (value & -value).bit_length() - 1
    if value >> low <= 0xFFFF:
        return [[CPY_I, register, value >> low], [SHL_I, register, low]]
    if value < 0x1_FFFF:
        return [[CPY_I, register, 0xFFFF], [ADD_I, register, value - 0xFFFF]]
    return [
        [CPY_I, register, value >> 16],
        [SHL_I, register, 16],
        [ADD_I, register, value & 0xFFFF],
    ]
