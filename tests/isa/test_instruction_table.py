"""The one table of the instruction set is complete and consistent with the specification."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lrvm_jit.exceptions import ExceptionCode
from lrvm_jit.isa import ALIASES, BY_MNEMONIC, BY_OPCODE, CONSTANTS, INSTRUCTIONS, Op, Reg
from lrvm_jit.isa.table import (
    CONDITION_TRUTH,
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    READ_ONLY_REGISTERS,
    REGISTER_NAMES,
    Condition,
    Flag,
    Instruction,
    Kind,
    Role,
)

# isa.md, "Instruction word", typed in again: opcode, mnemonic, operand kinds.
SPECIFICATION = """
    01 cpy reg rl2      02 ex reg reg       03 add reg rl2      04 sub reg rl2
    05 mul reg rl2      06 div reg rl1 rl1  07 mod reg rl1 rl1  08 and reg rl2
    09 bor reg rl2      0a xor reg rl2      0b shl reg rl1      0c shr reg rl1
    0d cmp reg rl2      0e jpr rl2          0f lsm rl2          10 itr rl1
    11 if rl1           12 ifn rl1          13 if2 rl1 rl1 rl1  14 lsa reg rl1 rl1
    15 lea rl1 rl1 rl1  16 wsa rl1 rl1 rl1  17 wea rl1 rl1 rl1  18 srm rl1 rl1 reg
    19 push rl2         1a pop reg          1b call rl2         1c hwd reg rl1 rl1
    1d cycles reg       1e halt             1f reset rl1
"""
FLAG_SETTERS = "add sub mul div mod and bor xor shl shr cmp"
SUPERVISOR_ONLY = "lsm cycles halt reset"
FLAGS = ("ZF", "CF", "OF", "SF", "EF", "ZUF", "ZLF")
CONDITIONS = ["OR", "AND", "XOR", "NOR", "NAND", "LEFT", "RIGHT"]
REGISTERS = (
    "a0 a1 a2 a3 a4 a5 a6 a7 c0 c1 ac0 ac1 ac2 rr0 rr1 rr2 rr3 rr4 rr5 rr6 rr7 "
    "avr pc af ssp usp et era ev mtt pda smt"
)
ALIASES_OF_THE_SPECIFICATION = (
    "zro inc dec jp ret ifeq ifnq ifls ifge ifgt ifle ifor ifand ifxor ifnor ifnand ifleft ifright"
)


def specified() -> dict[str, tuple[int, list[str]]]:
    rows: dict[str, tuple[int, list[str]]] = {}
    words = SPECIFICATION.split()
    while words:
        opcode, mnemonic = int(words.pop(0), 16), words.pop(0)
        operands = []
        while words and words[0] in ("reg", "rl1", "rl2"):
            operands.append(words.pop(0))
        rows[mnemonic] = (opcode, operands)
    return rows


def test_every_opcode_is_there_once() -> None:
    """0x01 to 0x1F, in order; 0 is no instruction."""
    assert [int(row.opcode) for row in INSTRUCTIONS] == list(range(1, 32))
    assert sorted(BY_OPCODE) == list(range(1, 32))
    assert len(BY_MNEMONIC) == 31
    assert list(Op) == [row.opcode for row in INSTRUCTIONS]


@pytest.mark.parametrize("mnemonic", specified())
def test_operands_are_as_specified(mnemonic: str) -> None:
    """Opcode, number, kinds and order of the operands."""
    opcode, operands = specified()[mnemonic]
    row = BY_MNEMONIC[mnemonic]
    assert int(row.opcode) == opcode
    assert [operand.kind.value for operand in row.operands] == operands


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.mnemonic)
def test_operands_fit_the_word(row: Instruction) -> None:
    """Three parameter bytes and three R bits hold them; what is written is a register."""
    operands = row.operands
    assert sum(operand.kind.size for operand in operands) <= 3
    assert len(operands) <= 3
    for operand in operands:
        assert operand.role is Role.READ or operand.kind is Kind.REG
    names = [operand.name for operand in operands]
    assert len(set(names)) == len(names)


def test_who_sets_flags_and_who_is_for_supervisors() -> None:
    flag_setters = [row.mnemonic for row in INSTRUCTIONS if row.writes_flags]
    privileged = [row.mnemonic for row in INSTRUCTIONS if row.supervisor_only]
    assert flag_setters == FLAG_SETTERS.split()
    assert privileged == SUPERVISOR_ONLY.split()


def test_only_jpr_extends_the_sign() -> None:
    signed = [row.mnemonic for row in INSTRUCTIONS for item in row.operands if item.signed]
    assert signed == ["jpr"]


def test_faults_are_exceptions_that_exist() -> None:
    for row in INSTRUCTIONS:
        assert set(row.faults) <= {int(code) for code in ExceptionCode}, row.mnemonic


def test_registers() -> None:
    """32 in the specified order, with the specified rights."""
    assert list(REGISTER_NAMES) == REGISTERS.split()
    assert [int(reg) for reg in Reg] == list(range(32))
    assert (FIRST_PRIVILEGED_READ, FIRST_PRIVILEGED_WRITE) == (0x18, 0x17)
    assert [str(reg) for reg in READ_ONLY_REGISTERS] == ["af", "et", "era"]


def test_flags() -> None:
    """Numbers and bits of the specification's table."""
    assert {flag.name: (int(flag), flag.mask) for flag in Flag} == {
        "ZF": (0, 0x80),
        "CF": (1, 0x40),
        "OF": (2, 0x20),
        "SF": (3, 0x10),
        "EF": (4, 0x08),
        "ZUF": (5, 0x04),
        "ZLF": (6, 0x02),
    }


@pytest.mark.parametrize("condition", Condition)
def test_conditions(condition: Condition) -> None:
    """Each truth table against the operation that its name says."""
    meanings: dict[Condition, Callable[[bool, bool], bool]] = {
        Condition.OR: lambda a, b: a or b,
        Condition.AND: lambda a, b: a and b,
        Condition.XOR: lambda a, b: a != b,
        Condition.NOR: lambda a, b: not (a or b),
        Condition.NAND: lambda a, b: not (a and b),
        Condition.LEFT: lambda a, b: a and not b,
        Condition.RIGHT: lambda a, b: b and not a,
    }
    meaning = meanings[condition]
    for a in (False, True):
        for b in (False, True):
            assert CONDITION_TRUTH[condition] >> (2 * a + b) & 1 == meaning(a, b)


def test_condition_numbers() -> None:
    assert [condition.name for condition in sorted(Condition)] == CONDITIONS
    assert [int(condition) for condition in Condition] == list(range(1, 8))


def test_aliases() -> None:
    """All of the specification's, none shadowing an instruction, each one an instruction."""
    assert [alias.name for alias in ALIASES] == ALIASES_OF_THE_SPECIFICATION.split()
    for alias in ALIASES:
        assert alias.name not in BY_MNEMONIC
        assert len(alias.operands) == len(BY_MNEMONIC[alias.instruction].operands)


def test_constants() -> None:
    """The values of the specification's named constants."""
    expected = {name: value for value, name in enumerate(FLAGS)}
    expected |= {"DIV_USG": 0, "DIV_SIG": 0x10}
    expected |= {"DIV_ZRO_FRB": 0, "DIV_ZRO_MIN": 4, "DIV_ZRO_ZRO": 8, "DIV_ZRO_MAX": 0xC}
    expected |= {"DIV_OFW_FRB": 0, "DIV_OFW_MIN": 1, "DIV_OFW_ZRO": 2, "DIV_OFW_MAX": 3}
    expected |= {f"CMP_{name}": value for value, name in enumerate(CONDITIONS, 1)}
    expected |= {f"HWD_NAME_W{k}": 0x10 + k for k in range(1, 9)}
    expected |= {"HWD_COUNT": 0, "HWD_UID_UPPER": 1, "HWD_UID_LOWER": 2, "HWD_NAME_LEN": 0x10}
    expected |= {"HWD_SIZE": 0x20, "HWD_CAT": 0x21, "HWD_TYPE": 0x22, "HWD_MODEL": 0x23}
    expected |= {"HWD_DATA_UPPER": 0x24, "HWD_DATA_LOWER": 0x25}
    expected |= {"HWD_IS_MAPPED": 0xA0, "HWD_MAP_START": 0xA1, "HWD_MAP_END": 0xA2}
    assert expected == CONSTANTS
