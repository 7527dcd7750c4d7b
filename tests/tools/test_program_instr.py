"""Instructions as values: what can be constructed, what it encodes to, how it prints."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.isa import ALIASES, BY_MNEMONIC, INSTRUCTIONS
from lrvm_jit.isa.table import Condition, Flag, Instruction, Kind, Operand
from lrvm_tools.program import (
    DecodingError,
    EncodingError,
    Instr,
    Label,
    LabelError,
    Reg,
    generate_instr,
    instr,
)
from lrvm_tools.program.operands import Target

LABELS = {"loop": 0x10, "far": 0xFFFC, "beyond": 0x10000}


def test_generated_constructors_are_in_step_with_the_table() -> None:
    committed = Path(instr.__file__).read_text(encoding="utf-8")
    assert committed == generate_instr.source(), "run python -m lrvm_tools.program.generate_instr"


@pytest.mark.parametrize(
    ("instruction", "word", "text"),
    [
        (Instr.cpy(Reg.A0, 5), 0x0C000005, "cpy a0, 0x5"),
        (Instr.cpy(Reg.A0, 0), 0x0C000000, "cpy a0, 0x0"),
        (Instr.cpy(Reg.A0, Reg.A1), 0x0E000100, "cpy a0, a1"),
        (Instr.cpy(Reg.PC, 0x10), 0x0C160010, "jp 0x10"),
        (Instr.jp(Reg.A0), 0x0E160000, "jp a0"),
        (Instr.ex(Reg.A0, Reg.SMT), 0x16001F00, "ex a0, smt"),
        (Instr.div(Reg.A0, 5), 0x34000500, "div a0, 0x5, 0x0"),
        (Instr.mod(Reg.A0, Reg.A1, 1), 0x3E000101, "mod a0, a1, 0x1"),
        (Instr.and_(Reg.A0, 1), 0x44000001, "and a0, 0x1"),
        (Instr.xor(Reg.A3, Reg.A3), 0x56030300, "zro a3"),
        (Instr.mul(Reg.A0, 0), 0x2C000000, "mul a0, 0x0"),
        (Instr.zro(Reg.A3), 0x56030300, "zro a3"),
        (Instr.add(Reg.A3, 1), 0x1C030001, "inc a3"),
        (Instr.sub(Reg.A3, 1), 0x24030001, "dec a3"),
        (Instr.jpr(-4), 0x70FFFC00, "jpr -0x4"),
        (Instr.jpr(0xFFFC), 0x70FFFC00, "jpr -0x4"),
        (Instr.if_(0), 0x88000000, "ifeq"),
        (Instr.if_(Flag.SF), 0x88030000, "if 0x3"),
        (Instr.ifn(Reg.A1), 0x94010000, "ifn a1"),
        (Instr.if2(Flag.ZF, Flag.CF, Condition.NOR), 0x98000104, "ifgt"),
        (Instr.if2(Flag.ZF, Flag.SF, Condition.NOR), 0x98000304, "ifnor 0x0, 0x3"),
        (Instr.ifright(Reg.A3, 0), 0x9C030007, "ifright a3, 0x0"),
        (Instr.if2(0, 1, Reg.A0), 0x99000100, "if2 0x0, 0x1, a0"),
        (Instr.lsa(Reg.A0, Reg.A1), 0xA6000100, "lsa a0, a1, 0x0"),
        (Instr.lea(8, Reg.A1, 4), 0xAA080104, "lea 0x8, a1, 0x4"),
        (Instr.wsa(8, 4, Reg.A1), 0xB1080401, "wsa 0x8, 0x4, a1"),
        (Instr.wea(Reg.A0, 3), 0xBC000301, "wea a0, 0x3, 0x1"),
        (Instr.srm(Reg.A0, 4, Reg.A1), 0xC5000401, "srm a0, 0x4, a1"),
        (Instr.push(0xABCD), 0xC8ABCD00, "push 0xabcd"),
        (Instr.pop(Reg.PC), 0xD4160000, "ret"),
        (Instr.hwd(Reg.A0, 3, Reg.A4), 0xE5000304, "hwd a0, 0x3, a4"),
        (Instr.cycles(Reg.A5), 0xEC050000, "cycles a5"),
        (Instr.halt(), 0xF0000000, "halt"),
        (Instr.reset(0x14), 0xF8140000, "reset 0x14"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_word_and_text(instruction: Instr, word: int, text: str) -> None:
    """Words from the vectors of the original assembler; spellings from lasm.md."""
    assert instruction.encode() == word
    assert str(instruction) == text
    assert Instr.decode(word) == instruction


def _literals(operand: Operand) -> st.SearchStrategy[int]:
    low, high = operand.valid
    return st.integers(low, high)


def _values(operand: Operand) -> st.SearchStrategy[Reg | int]:
    registers = st.sampled_from(Reg)
    return registers if operand.kind is Kind.REG else registers | _literals(operand)


@st.composite
def instructions(draw: st.DrawFn) -> Instr:
    row = draw(st.sampled_from(INSTRUCTIONS))
    return Instr(row.mnemonic, [draw(_values(operand)) for operand in row.operands])


@given(instructions())
def test_a_value_survives_encoding_copying_and_pickling(instruction: Instr) -> None:
    assert Instr.decode(instruction.encode()) == instruction
    for again in (pickle.loads(pickle.dumps(instruction)), copy.deepcopy(instruction)):
        assert again == instruction
        assert hash(again) == hash(instruction)


ROW_OPERANDS = [
    pytest.param(row, index, id=f"{row.mnemonic}-{operand.name}")
    for row in INSTRUCTIONS
    for index, operand in enumerate(row.operands)
]


@pytest.mark.parametrize(("row", "index"), ROW_OPERANDS)
def test_wrong_operands_are_refused_by_name(row: Instruction, index: int) -> None:
    """Every operand of every instruction checks kind and range, and the error says which."""
    operand = row.operands[index]
    right = [Reg.A0 if other.kind is Kind.REG else other.valid[1] for other in row.operands]
    Instr(row.mnemonic, right)
    low, high = operand.valid
    wrong: list[object] = [1.5, None, True, b"x"]
    if operand.kind is Kind.REG:
        wrong += [0, "loop", Label("loop")]
        accepted = "must be a Reg, not"
    else:
        wrong += [low - 1, high + 1]
        accepted = f"{low}..{high}"
    for value in wrong:
        operands = [*right[:index], value, *right[index + 1 :]]
        with pytest.raises(EncodingError) as error:
            Instr(row.mnemonic, operands)  # type: ignore[arg-type]
        message = str(error.value)
        assert message.startswith(f"{row.mnemonic}: operand '{operand.name}'")
        assert accepted in message


@pytest.mark.parametrize("name", [*BY_MNEMONIC, *(alias.name for alias in ALIASES)])
def test_a_wrong_count_is_refused(name: str) -> None:
    with pytest.raises(EncodingError, match=f"^{name} takes .*; 4 given$"):
        Instr(name, (Reg.A0, Reg.A0, Reg.A0, Reg.A0))


def test_a_wrong_mnemonic_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(EncodingError, match=r"unknown instruction 'psuh'; did you mean 'push'\?"):
        Instr("psuh", (1,))


def test_flags_and_conditions_that_do_not_exist_are_refused() -> None:
    with pytest.raises(EncodingError, match=r"if: operand 'flag' .* in 0\.\.6, not 9"):
        Instr.if_(9)
    with pytest.raises(EncodingError, match=r"if2: operand 'cond' .* in 1\.\.7, not 0"):
        Instr.if2(0, 0, 0)


def test_a_negative_offset_gets_the_hint_that_registers_can_hold_it() -> None:
    with pytest.raises(EncodingError, match="zero-extended, a register can hold a negative"):
        Instr.lsa(Reg.A0, Reg.SSP, -4)
    with pytest.raises(EncodingError) as error:
        Instr.jpr(-0x8001)
    assert "zero-extended" not in str(error.value)


def test_integers_of_other_types_are_integers() -> None:
    assert Instr.cpy(Reg.A0, np.uint32(5)) == Instr.cpy(Reg.A0, 5)  # type: ignore[arg-type]
    assert Instr.hwd(Reg.A0, 0, 0x20).operands == (Reg.A0, 0, 0x20)


def test_a_register_is_another_operand_than_the_literal_of_its_code() -> None:
    """Reg is an IntEnum, so Reg.A1 == 1."""
    assert Instr.push(Reg.A1) != Instr.push(1)
    assert len({Instr.push(Reg.A1), Instr.push(1), Instr.push(Reg.A1)}) == 2


def test_instructions_are_immutable() -> None:
    with pytest.raises(AttributeError):
        Instr.halt().mnemonic = "ret"  # type: ignore[misc]


@pytest.mark.parametrize("word", [0x00000000, 0x0C000005 | 1 << 25, 0xF0000001, 0x88090000])
def test_decoding_refuses_words_that_no_line_gives(word: int) -> None:
    with pytest.raises(DecodingError, match=f"0x{word:08x}"):
        Instr.decode(word)


# Labels as operands.


@pytest.mark.parametrize(
    ("instruction", "text", "word"),
    [
        (Instr.jp("loop"), "jp loop", 0x0C160010),
        (Instr.call(Label("loop") + 4), "call loop + 0x4", 0xD8001400),
        (Instr.cpy(Reg.A0, Label("loop") - 4), "cpy a0, loop - 0x4", 0x0C00000C),
        (Instr.cpy(Reg.A0, (Label("beyond") + 8).high), None, 0x0C000001),
        (Instr.cpy(Reg.A0, (Label("beyond") + 8).low), None, 0x0C000008),
        (Instr.push("far"), "push far", 0xC8FFFC00),
        (Instr.lsm("far"), "lsm far", 0x78FFFC00),
        (Instr.lsa(Reg.A0, "loop"), "lsa a0, loop, 0x0", 0xA4001000),
        (Instr.wsa("loop", 0xFF, 0xFF), "wsa loop, 0xff, 0xff", 0xB010FFFF),
        (Instr.add(Reg.A0, "loop"), "add a0, loop", 0x1C000010),
        (Instr.jpr("loop"), "jpr loop - $", 0x70FFF000),
        (Instr.jpr(Label("loop") + 0x18), "jpr loop + 0x18 - $", 0x70000800),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_labels_as_operands(instruction: Instr, text: str | None, word: int) -> None:
    """At address 0x20: a label becomes its address, JPR's the distance to it."""
    assert instruction.encode(0x20, LABELS) == word
    if text is not None:
        assert str(instruction) == text


def test_a_label_that_resolves_to_one_is_still_printed() -> None:
    """`add a0, one` must not turn into `inc a0`, even if the address is 1 today."""
    assert str(Instr.add(Reg.A0, "one")) == "add a0, one"
    assert str(Instr.sub(Reg.A0, Label("one"))) == "sub a0, one"


def test_halves_of_a_label_print_as_slices() -> None:
    assert str(Instr.cpy(Reg.A0, Label("table").high)) == "cpy a0, table[31:16]"
    assert str(Instr.cpy(Reg.A0, (Label("table") + 4).low)) == "cpy a0, (table + 0x4)[15:0]"


@pytest.mark.parametrize(
    ("instruction", "address", "message"),
    [
        (Instr.jp("beyond"), 0, r"'beyond' is 65536, outside 0\.\.65535 of operand 'v'"),
        (Instr.jp(Label("loop") - 0x14), 0, r"'loop - 0x14' is -4, outside 0\.\.65535"),
        (Instr.lsa(Reg.A0, "far"), 0, r"'far' is 65532, outside 0\.\.255 of operand 'addr'"),
        (Instr.jpr("far"), 0, r"at a distance of 65532, outside -32768\.\.32767"),
        (Instr.jpr("loop"), 0x8014, r"at a distance of -32772, outside -32768\.\.32767"),
        (Instr.jp("lop"), 0, r"unknown label 'lop'; did you mean 'loop'\?"),
        (Instr.jp("zzz"), 0, r"unknown label 'zzz'$"),
    ],
)
def test_labels_out_of_reach_and_unknown(instruction: Instr, address: int, message: str) -> None:
    """A distance of 32768 fits 16 bits but would be read as negative, so it is refused."""
    with pytest.raises(LabelError, match=message):
        instruction.encode(address, LABELS)


def test_labels_reach_to_the_ends_of_their_range() -> None:
    labels = {"low": 0, "high": 0x7FFF, "top": 0xFFFF}
    assert Instr.jpr("high").encode(0, labels) == 0x707FFF00
    assert Instr.jpr("low").encode(0x8000, labels) == 0x70800000
    assert Instr.jp("top").encode(0, labels) == 0x0C16FFFF


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("shl", (Reg.A0, "loop")),
        ("wsa", (0, "loop", 0)),
        ("if", (Label("loop"),)),
        ("jpr", (Label("loop").high,)),
    ],
)
def test_labels_only_where_an_address_may_stand(name: str, operands: tuple[Target, ...]) -> None:
    with pytest.raises(EncodingError, match="operand"):
        Instr(name, operands)


@pytest.mark.parametrize("name", ["", "1st", "a b", "x.y", ".x", "é"])
def test_names_that_no_label_can_have(name: str) -> None:
    with pytest.raises(LabelError, match="must be letters, digits and underscores"):
        Label(name)


@pytest.mark.parametrize("name", ["asm", "true", "false"])
def test_keywords_that_lasm_would_not_read_as_a_label(name: str) -> None:
    with pytest.raises(LabelError, match=f"label '{name}' is a keyword of LASM"):
        Label(name)


@pytest.mark.parametrize("name", ["a0", "PC", "Rr7"])
def test_a_register_name_in_quotes_is_a_mistake(name: str) -> None:
    """`Instr.cpy(Reg.A0, "a1")` would otherwise wait for the label a1 until encoding."""
    with pytest.raises(LabelError, match=f"cpy: label '{name}' has the name of a register"):
        Instr.cpy(Reg.A0, name)
