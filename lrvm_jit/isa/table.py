"""The instruction set, declared once.

Everything that knows an opcode, a register code or an operand layout derives it from this
file: the encoder and decoder (`codec`), both engines' operand access, the assembler, the
disassembler, the translator and the reference page of the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Final

from ..records import dataclass
from .codes import ExceptionCode

WORD_MASK: Final = 0xFFFF_FFFF


class Reg(IntEnum):
    """The 32 registers in code order (specification: Registers).

    >>> from lrvm_jit.isa import Reg
    >>> Reg.SSP, str(Reg.SSP)
    (<Reg.SSP: 24>, 'ssp')
    """

    A0 = 0x00
    A1 = 0x01
    A2 = 0x02
    A3 = 0x03
    A4 = 0x04
    A5 = 0x05
    A6 = 0x06
    A7 = 0x07
    C0 = 0x08
    C1 = 0x09
    AC0 = 0x0A
    AC1 = 0x0B
    AC2 = 0x0C
    RR0 = 0x0D
    RR1 = 0x0E
    RR2 = 0x0F
    RR3 = 0x10
    RR4 = 0x11
    RR5 = 0x12
    RR6 = 0x13
    RR7 = 0x14
    AVR = 0x15
    PC = 0x16
    AF = 0x17
    SSP = 0x18
    USP = 0x19
    ET = 0x1A
    ERA = 0x1B
    EV = 0x1C
    MTT = 0x1D
    PDA = 0x1E
    SMT = 0x1F

    def __str__(self) -> str:
        return self.name.lower()


REGISTER_COUNT: Final = 32
REGISTER_NAMES: Final = tuple(str(reg) for reg in Reg)

FIRST_PRIVILEGED_READ: Final = 0x18
"""Userland reads registers below this code."""
FIRST_PRIVILEGED_WRITE: Final = 0x17
"""Userland writes registers below this code."""
READ_ONLY_REGISTERS: Final = (Reg.AF, Reg.ET, Reg.ERA)
"""Registers that no instruction may write, in any mode."""
TRANSLATION_REGISTERS: Final = (Reg.MTT, Reg.PDA, Reg.SMT)
"""Registers that decide how addresses are translated and who may do what."""
RESET_REGISTERS: Final[Mapping[Reg, int]] = MappingProxyType({Reg.SMT: 1})
"""The registers that are not 0 after a reset of the CPU (isa.md: Registers). `af` is 0 as well."""


class Flag(IntEnum):
    """Arithmetic flags by number; flag n is bit 7 - n of `af` (specification: Flags)."""

    ZF = 0
    CF = 1
    OF = 2
    SF = 3
    EF = 4
    ZUF = 5
    ZLF = 6

    @property
    def mask(self) -> int:
        """The flag's bit in `af`."""
        return 0x80 >> self.value


class FlagRule(IntEnum):
    """How an instruction makes the flags from the two words that it leaves (isa.md: Flags)."""

    RESULT = 0
    """From a result; carry and overflow are told beside it."""
    ADD = 1
    """Those of adding the two words, and so on."""
    SUB = 2
    MUL = 3


class Condition(IntEnum):
    """The conditions of IF2."""

    OR = 1
    AND = 2
    XOR = 3
    NOR = 4
    NAND = 5
    LEFT = 6
    RIGHT = 7


CONDITION_TRUTH: Final = {
    Condition.OR: 0b1110,
    Condition.AND: 0b1000,
    Condition.XOR: 0b0110,
    Condition.NOR: 0b0001,
    Condition.NAND: 0b0111,
    Condition.LEFT: 0b0100,
    Condition.RIGHT: 0b0010,
}
"""For each IF2 condition a truth table: bit 2*a + b says whether it holds of flags a and b."""

DIV_SIGNED: Final = 0x10
DIV_ZERO_MODES: Final = {0x00: None, 0x04: 0x8000_0000, 0x08: 0, 0x0C: 0x7FFF_FFFF}
"""Result of a division by zero by mode bits 0x0C; None raises exception 0x0A."""
DIV_OVERFLOW_MODES: Final = {0x00: None, 0x01: 0x8000_0000, 0x02: 0, 0x03: 0x7FFF_FFFF}
"""Result of 0x80000000 / -1 by mode bits 0x03; None raises exception 0x0B."""


RESET_SELECTION: Final = 0x0F
"""Bits of RESET's mode that choose the components (isa.md: RESET)."""
RESET_KEEPS_CPU: Final = 0xF0
"""RESET leaves the CPU alone if one of these bits of its mode is set."""


class ResetSelection(IntEnum):
    """Which components RESET resets; `avr` is the id that it compares with. Others: none."""

    ALL = 0
    ONE = 1
    ALL_BUT_ONE = 2
    UP_TO = 3
    FROM = 4


class HwdInfo(IntEnum):
    """Information codes of HWD (specification: HWD). NAME_W1..W8 are consecutive."""

    COUNT = 0x00
    UID_UPPER = 0x01
    UID_LOWER = 0x02
    NAME_LEN = 0x10
    NAME_W1 = 0x11
    NAME_W2 = 0x12
    NAME_W3 = 0x13
    NAME_W4 = 0x14
    NAME_W5 = 0x15
    NAME_W6 = 0x16
    NAME_W7 = 0x17
    NAME_W8 = 0x18
    SIZE = 0x20
    CAT = 0x21
    TYPE = 0x22
    MODEL = 0x23
    DATA_UPPER = 0x24
    DATA_LOWER = 0x25
    IS_MAPPED = 0xA0
    MAP_START = 0xA1
    MAP_END = 0xA2


class Op(IntEnum):
    """The opcodes. The mnemonic is the name in lower case."""

    CPY = 0x01
    EX = 0x02
    ADD = 0x03
    SUB = 0x04
    MUL = 0x05
    DIV = 0x06
    MOD = 0x07
    AND = 0x08
    BOR = 0x09
    XOR = 0x0A
    SHL = 0x0B
    SHR = 0x0C
    CMP = 0x0D
    JPR = 0x0E
    LSM = 0x0F
    ITR = 0x10
    IF = 0x11
    IFN = 0x12
    IF2 = 0x13
    LSA = 0x14
    LEA = 0x15
    WSA = 0x16
    WEA = 0x17
    SRM = 0x18
    PUSH = 0x19
    POP = 0x1A
    CALL = 0x1B
    HWD = 0x1C
    CYCLES = 0x1D
    HALT = 0x1E
    RESET = 0x1F


class Kind(Enum):
    """How an operand stands in the instruction word."""

    REG = "reg"
    """A register code in one byte; the R bit is ignored on decoding and emitted as 1."""
    RL1 = "rl1"
    """A register code or a literal, one byte."""
    RL2 = "rl2"
    """A register code (in the first of two bytes) or a literal of two bytes."""

    @property
    def size(self) -> int:
        """Bytes that the operand takes in the word."""
        return 2 if self is Kind.RL2 else 1


class Role(Enum):
    """What the instruction does with an operand. READ operands are read first, left to right,
    then READ_LAST and READ_WRITE ones, left to right (specification: Instruction word)."""

    READ = "read"
    READ_LAST = "read after the other sources"
    """CMP's first operand, which is read where ADD and the like read their destination."""
    WRITE = "write"
    READ_WRITE = "read and write"
    LATE_READ_WRITE = "read and write, read by the effect itself"
    """SRM's operand: read only after the instruction's load has succeeded."""

    @property
    def reads(self) -> bool:
        return self is not Role.WRITE

    @property
    def writes(self) -> bool:
        return self not in (Role.READ, Role.READ_LAST)


_FAMILIES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "flag": (int(min(Flag)), int(max(Flag))),
        "condition": (int(min(Condition)), int(max(Condition))),
    }
)
"""Families of constants of which only the members exist: the lowest and the highest."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand: its name, its place in the word, what happens to it."""

    name: str
    kind: Kind
    role: Role = Role.READ
    signed: bool = False
    """True if a literal is sign-extended (JPR only)."""
    constants: str = ""
    """Family of named constants that users write here: flag, division, condition, hwd."""

    @property
    def encodable(self) -> tuple[int, int]:
        """Smallest and largest literal that fits the word; (0, -1) for a register."""
        if self.kind is Kind.REG:
            return (0, -1)
        top = (1 << (8 * self.kind.size)) - 1
        return (-(top + 1) // 2, top) if self.signed else (0, top)

    @property
    def valid(self) -> tuple[int, int]:
        """Smallest and largest literal with which the instruction exists.

        For flag numbers and conditions that is less than what fits the word (lasm.md: `if 9`).
        """
        return _FAMILIES.get(self.constants) or self.encodable

    @property
    def selects(self) -> bool:
        """Whether the operand chooses what is done, rather than being what it is done with: a
        flag, a condition or a division mode."""
        return self.constants in ("flag", "condition", "division")


class Access(Enum):
    """What an instruction does to memory."""

    NONE = "none"
    LOAD = "load"
    STORE = "store"
    SWAP = "swap"

    @property
    def stores(self) -> bool:
        return self in (Access.STORE, Access.SWAP)


class Control(Enum):
    """Where an instruction leads by itself. Any write to pc is a jump besides."""

    NEXT = "to the next instruction"
    SKIP = "to the next instruction or past it"
    JUMP = "elsewhere"
    CALL = "elsewhere, to come back to the next instruction"
    EXCEPTION = "to the exception vector"
    HALT = "nowhere: the CPU stops"
    RESET = "to the next instruction, or to address 0"


class Implicit(Enum):
    """What an instruction uses without naming it, besides pc and the flags."""

    READS_AVR = "avr is read"
    WRITES_AVR = "avr is written"
    STACK_POINTER = "the mode's stack pointer, ssp or usp, is read and written"
    READS_PC = "the instruction's own address is read"
    WRITES_SMT = "smt is written"


ShortForm = Mapping[str, "Reg | int"]
"""The operands that a shorter way to write an instruction leaves out, and what they then are."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One row of the instruction set."""

    opcode: Op
    operands: tuple[Operand, ...]
    effect: str
    flags: FlagRule | None = None
    """How it sets the flags; None if it leaves them alone."""
    supervisor_only: bool = False
    control: Control = Control.NEXT
    memory: Access = Access.NONE
    stack: int = 0
    """Bytes by which the stack pointer moves: what a push leaves stands at the pointer after it,
    what a pop takes at the pointer before it."""
    implicit: tuple[Implicit, ...] = ()
    faults: tuple[ExceptionCode, ...] = field(default=())
    """Exceptions of its own, besides refused registers and memory accesses."""
    short_forms: tuple[ShortForm, ...] = ()
    """Other ways to write it in LASM (lasm.md: Optional operands), shortest first."""

    @property
    def mnemonic(self) -> str:
        return self.opcode.name.lower()

    @property
    def writes_flags(self) -> bool:
        return self.flags is not None

    @property
    def jumps(self) -> bool:
        """True if it sets pc whatever its operands are."""
        return self.control in (Control.JUMP, Control.CALL, Control.EXCEPTION)

    @property
    def skips(self) -> bool:
        """True if it may skip the next instruction."""
        return self.control is Control.SKIP


def _d(name: str = "d", role: Role = Role.READ_WRITE) -> Operand:
    return Operand(name, Kind.REG, role)


def _r1(name: str, constants: str = "") -> Operand:
    return Operand(name, Kind.RL1, constants=constants)


def _r2(name: str = "v", signed: bool = False) -> Operand:
    return Operand(name, Kind.RL2, signed=signed)


_MODE = _r1("mode", "division")
_DIVISION_FAULTS = (ExceptionCode.DIVISION_BY_ZERO, ExceptionCode.OVERFLOWING_DIVISION)
# With the address alone the original marks `add` as register a0; times 0 it adds nothing.
_INDEXED_FORMS: tuple[ShortForm, ...] = ({"add": Reg.A0, "mul": 0}, {"mul": 1})

INSTRUCTIONS: Final[tuple[Instruction, ...]] = (
    Instruction(Op.CPY, (_d(role=Role.WRITE), _r2()), "d = v"),
    Instruction(Op.EX, (_d("a"), _d("b")), "swap a and b: writes a, then b"),
    Instruction(Op.ADD, (_d(), _r2()), "d = d + v", flags=FlagRule.ADD),
    Instruction(Op.SUB, (_d(), _r2()), "d = d - v; CF = borrow", flags=FlagRule.SUB),
    Instruction(
        Op.MUL,
        (_d(), _r2()),
        "d = low 32 bits of d * v; CF: the unsigned, OF: the signed product does not fit",
        flags=FlagRule.MUL,
    ),
    Instruction(
        Op.DIV,
        (_d(), _r1("v"), _MODE),
        "d = d / v, see division modes",
        flags=FlagRule.RESULT,
        faults=_DIVISION_FAULTS,
        short_forms=({"mode": 0},),
    ),
    Instruction(
        Op.MOD,
        (_d(), _r1("v"), _MODE),
        "d = remainder of d / v, see division modes",
        flags=FlagRule.RESULT,
        faults=_DIVISION_FAULTS,
        short_forms=({"mode": 0},),
    ),
    Instruction(Op.AND, (_d(), _r2()), "d = d & v; CF = OF = 0", flags=FlagRule.RESULT),
    Instruction(Op.BOR, (_d(), _r2()), "d = d | v; CF = OF = 0", flags=FlagRule.RESULT),
    Instruction(Op.XOR, (_d(), _r2()), "d = d ^ v; CF = OF = 0", flags=FlagRule.RESULT),
    Instruction(
        Op.SHL,
        (_d(), _r1("n")),
        "d = d << (n & 31); CF = OF = (n >= 32)",
        flags=FlagRule.RESULT,
    ),
    Instruction(
        Op.SHR,
        (_d(), _r1("n")),
        "d = d >> (n & 31), logical; CF = OF = (n >= 32)",
        flags=FlagRule.RESULT,
    ),
    Instruction(
        Op.CMP,
        (_d("a", Role.READ_LAST), _r2()),
        "flags of a - v; stores nothing",
        flags=FlagRule.SUB,
    ),
    Instruction(
        Op.JPR,
        (_r2("off", signed=True),),
        "pc = pc + off; a literal is sign-extended, a register counts with all 32 bits",
        control=Control.JUMP,
        implicit=(Implicit.READS_PC,),
    ),
    Instruction(
        Op.LSM,
        (_r2("addr"),),
        "pc = addr, smt = 0",
        supervisor_only=True,
        control=Control.JUMP,
        implicit=(Implicit.WRITES_SMT,),
    ),
    Instruction(
        Op.ITR,
        (_r1("code"),),
        "exception 0xF0, data = low 16 bits of code",
        control=Control.EXCEPTION,
        faults=(ExceptionCode.INTERRUPTION,),
    ),
    Instruction(
        Op.IF,
        (_r1("flag", "flag"),),
        "if the flag is clear, skip the next instruction",
        control=Control.SKIP,
        faults=(ExceptionCode.BAD_FLAG,),
    ),
    Instruction(
        Op.IFN,
        (_r1("flag", "flag"),),
        "if the flag is set, skip the next instruction",
        control=Control.SKIP,
        faults=(ExceptionCode.BAD_FLAG,),
    ),
    Instruction(
        Op.IF2,
        (_r1("a", "flag"), _r1("b", "flag"), _r1("cond", "condition")),
        "unless cond holds of the two flags, skip the next instruction",
        control=Control.SKIP,
        faults=(ExceptionCode.BAD_FLAG, ExceptionCode.BAD_CONDITION),
    ),
    Instruction(
        Op.LSA,
        (_d(role=Role.WRITE), _r1("addr"), _r1("add")),
        "d = mem[addr + add]",
        memory=Access.LOAD,
        short_forms=({"add": 0},),
    ),
    Instruction(
        Op.LEA,
        (_r1("addr"), _r1("add"), _r1("mul")),
        "avr = mem[addr + add * mul]",
        memory=Access.LOAD,
        implicit=(Implicit.WRITES_AVR,),
        short_forms=_INDEXED_FORMS,
    ),
    Instruction(
        Op.WSA,
        (_r1("addr"), _r1("add"), _r1("v")),
        "mem[addr + add] = v",
        memory=Access.STORE,
        short_forms=({"add": 0},),
    ),
    Instruction(
        Op.WEA,
        (_r1("addr"), _r1("add"), _r1("mul")),
        "mem[addr + add * mul] = avr",
        memory=Access.STORE,
        implicit=(Implicit.READS_AVR,),
        short_forms=_INDEXED_FORMS,
    ),
    Instruction(
        Op.SRM,
        (_r1("addr"), _r1("add"), _d("s", Role.LATE_READ_WRITE)),
        "t = mem[addr + add]; mem[addr + add] = s; s = t",
        memory=Access.SWAP,
    ),
    Instruction(
        Op.PUSH,
        (_r2(),),
        "sp' = sp - 4; mem[sp'] = v; sp = sp'",
        memory=Access.STORE,
        stack=-4,
        implicit=(Implicit.STACK_POINTER,),
    ),
    Instruction(
        Op.POP,
        (_d(role=Role.WRITE),),
        "t = mem[sp]; sp = sp + 4; d = t",
        memory=Access.LOAD,
        stack=4,
        implicit=(Implicit.STACK_POINTER,),
    ),
    Instruction(
        Op.CALL,
        (_r2("addr"),),
        "push pc + 4, then pc = addr",
        control=Control.CALL,
        memory=Access.STORE,
        stack=-4,
        implicit=(Implicit.STACK_POINTER, Implicit.READS_PC),
    ),
    Instruction(
        Op.HWD,
        (_d(role=Role.WRITE), _r1("id"), _r1("info", "hwd")),
        "d = hardware information",
        faults=(
            ExceptionCode.UNKNOWN_COMPONENT,
            ExceptionCode.UNKNOWN_HARDWARE_INFORMATION,
            ExceptionCode.COMPONENT_NOT_MAPPED,
        ),
    ),
    Instruction(
        Op.CYCLES,
        (_d(role=Role.WRITE),),
        "d = low 32 bits of the cycle counter, this instruction included",
        supervisor_only=True,
    ),
    Instruction(
        Op.HALT,
        (),
        "the CPU halts; pc then points past it",
        supervisor_only=True,
        control=Control.HALT,
    ),
    Instruction(
        Op.RESET,
        (_r1("mode"),),
        "reset components and, unless bits 7-4 of mode are set, the CPU",
        supervisor_only=True,
        control=Control.RESET,
        implicit=(Implicit.READS_AVR,),
        faults=(ExceptionCode.UNKNOWN_COMPONENT,),
    ),
)

BY_OPCODE: Final = {int(row.opcode): row for row in INSTRUCTIONS}
BY_MNEMONIC: Final = {row.mnemonic: row for row in INSTRUCTIONS}
