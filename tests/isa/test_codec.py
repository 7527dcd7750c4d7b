"""Encoding, decoding and printing of instruction words."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.isa import (
    ALIASES,
    BY_MNEMONIC,
    INSTRUCTIONS,
    DecodingError,
    EncodingError,
    Reg,
    decode,
    decode_strict,
    encode,
    format_value,
    format_word,
)
from lrvm_jit.isa.codec import Value, literal_range
from lrvm_jit.isa.table import Instruction, Kind, Operand
from lrvm_tools.lasm import assemble

EXAMPLES = {
    # Words checked by hand against isa.md.
    "cpy a0, 0x5": 0x0C000005,
    "cpy a0, c1": 0x0E000900,
    "ex a0, smt": 0x16001F00,
    "add a1, 0xffff": 0x1C01FFFF,
    "div a0, 0x2, 0x10": 0x34000210,
    "div a0, a1, a2": 0x37000102,
    "shl a0, 0x4": 0x5C000400,
    "cmp a0, a1": 0x6E000100,
    "jpr -0x4": 0x70FFFC00,
    "jpr a0": 0x74000000,
    "lsm 0x1234": 0x78123400,
    "itr 0xff": 0x80FF0000,
    "if CF": 0x88010000,
    "if2 OF, CF, a1": 0x99020101,
    "lsa a0, a1, 0x4": 0xA6000104,
    "lea a0, a1, a2": 0xAF000102,
    "wsa 0xf0, 0x0, a1": 0xB1F00001,
    "srm a0, 0x4, a1": 0xC5000401,
    "push 0x1234": 0xC8123400,
    "push a1": 0xCC010000,
    "pop a1": 0xD4010000,
    "call 0x8": 0xD8000800,
    "hwd a0, 0x1, 0x20": 0xE4000120,
    "cycles a0": 0xEC000000,
    "halt": 0xF0000000,
    "reset 0x10": 0xF8100000,
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_words_by_hand(text: str) -> None:
    """A sample of each shape, as the assembler and the encoder make it."""
    assert assemble(text).tolist() == [EXAMPLES[text]]


def samples(operand: Operand) -> list[Value]:
    """Registers and literals at the ends of what an operand takes, and some between."""
    registers: list[Value] = [Reg.A0, Reg.A1, Reg.RR7, Reg.PC, Reg.AF, Reg.SMT]
    if operand.kind is Kind.REG:
        return [*Reg]
    low, high = literal_range(operand)
    if operand.signed:
        high >>= 1  # above it the same words mean negative values
    return [*registers, *sorted({low, low + 1, 0, 1, 4, 6, 7, high // 2, high - 1, high})]


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.mnemonic)
def test_encode_and_decode_are_inverse(row: Instruction) -> None:
    """All combinations of sample operands survive, with their kinds."""
    count = 0
    for values in product(*map(samples, row.operands)):
        word = encode(row.mnemonic, *values)
        assert word >> 27 == row.opcode
        decoded = decode(word)
        assert decoded.instruction is row
        assert decoded.operands == values
        assert [type(value) for value in decoded.operands] == [type(value) for value in values]
        count += 1
    assert count >= 1


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.mnemonic)
def test_printing_gives_back_the_word(row: Instruction) -> None:
    """Whatever line a word prints as, assembling that line gives the word: instructions, aliases
    and raw data alike."""
    words = [encode(row.mnemonic, *values) for values in product(*map(samples, row.operands))]
    numbers = random.Random(int(row.opcode))
    words = numbers.sample(words, min(len(words), 300))
    words += [row.opcode << 27 | numbers.getrandbits(27) for _ in range(200)]
    lines = [format_word(word) for word in words]
    assert assemble("\n".join(lines)).tolist() == words


@pytest.mark.parametrize("register_bits", range(8))
@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.mnemonic)
def test_every_combination_of_r_bits(row: Instruction, register_bits: int) -> None:
    """R bits select register or literal; for a register operand and beyond the last operand they
    are ignored, and the strict decoder refuses them where they are not as emitted."""
    word = row.opcode << 27 | register_bits << 24 | 0x010203
    decoded = decode(word)
    at = 24
    for position, (operand, value) in enumerate(zip(row.operands, decoded.operands, strict=True)):
        at -= 8 * operand.kind.size
        raw = word >> at & ((1 << 8 * operand.kind.size) - 1)
        is_register = operand.kind is Kind.REG or bool(register_bits >> (2 - position) & 1)
        assert isinstance(value, Reg) == is_register
        assert value == (raw >> 8 * (operand.kind.size - 1) if is_register else raw)
    again = encode(row.mnemonic, *decoded.operands)
    if again == word:
        return
    with pytest.raises(DecodingError, match=f"0x{word:08x} sets unused bits.*0x{again:08x}"):
        decode_strict(word)


@given(st.integers(0, 2**32 - 1))
def test_any_word_prints_as_a_line_that_gives_it_back(word: int) -> None:
    assert assemble(format_word(word)).tolist() == [word]


@pytest.mark.parametrize("word", [0, 0x07FFFFFF])
def test_unknown_opcodes(word: int) -> None:
    with pytest.raises(DecodingError, match=f"unknown opcode 0x00 in word 0x{word:08x}"):
        decode(word)
    assert format_word(word) == f"#d32 0x{word:08x}"


def test_unknown_registers() -> None:
    """The message names code, operand, instruction and word."""
    with pytest.raises(
        DecodingError, match=r"unknown register 0x20 as operand 'v' of add .*1a002000"
    ):
        decode(0x1A002000)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (0x88070000, "bad flag number 7"),
        (0x90FF0000, "bad flag number 255"),
        (0x98000700, "bad flag number 7"),
        (0x98000100, "bad IF2 condition 0"),
        (0x98000108, "bad IF2 condition 8"),
    ],
)
def test_words_that_can_only_fault_are_data_to_the_strict_decoder(word: int, message: str) -> None:
    """The plain decoder takes them apart, as the CPU does."""
    assert decode(word).instruction.mnemonic in ("if", "ifn", "if2")
    with pytest.raises(DecodingError, match=message):
        decode_strict(word)
    assert format_word(word).startswith("#d32")


ALIAS_LINES = {
    "zro a1": ("xor", Reg.A1, Reg.A1),
    "inc a1": ("add", Reg.A1, 1),
    "dec pc": ("sub", Reg.PC, 1),
    "jp 0x8": ("cpy", Reg.PC, 8),
    "jp a1": ("cpy", Reg.PC, Reg.A1),
    "ret": ("pop", Reg.PC),
    "ifeq": ("if", 0),
    "ifnq": ("ifn", 0),
    "ifls": ("if", 1),
    "ifge": ("ifn", 1),
    "ifgt": ("if2", 0, 1, 4),
    "ifle": ("if2", 0, 1, 1),
    "ifor 0x2, 0x3": ("if2", 2, 3, 1),
    "ifand 0x2, a1": ("if2", 2, Reg.A1, 2),
    "ifxor 0x2, 0x3": ("if2", 2, 3, 3),
    "ifnor 0x2, 0x3": ("if2", 2, 3, 4),
    "ifnand 0x2, 0x3": ("if2", 2, 3, 5),
    "ifleft 0x2, 0x3": ("if2", 2, 3, 6),
    "ifright 0x2, 0x3": ("if2", 2, 3, 7),
}
NO_ALIAS_LINES = {
    "xor a1, a2": ("xor", Reg.A1, Reg.A2),
    "cpy a1, 0x0": ("cpy", Reg.A1, 0),  # divergence 18: not `zro a1`
    "mul a1, 0x0": ("mul", Reg.A1, 0),
    "add a1, a1": ("add", Reg.A1, Reg.A1),  # register 1, not literal 1
    "add a1, 0x2": ("add", Reg.A1, 2),
    "pop a1": ("pop", Reg.A1),
    "if a0": ("if", Reg.A0),  # register 0, not flag 0
    "if2 0x0, 0x1, a4": ("if2", 0, 1, Reg.A4),
}


@pytest.mark.parametrize("text", [*ALIAS_LINES, *NO_ALIAS_LINES])
def test_aliases_are_printed_where_they_say_the_same(text: str) -> None:
    mnemonic, *operands = (ALIAS_LINES | NO_ALIAS_LINES)[text]
    word = encode(str(mnemonic), *operands)  # type: ignore[arg-type]
    assert format_word(word) == text


def test_every_alias_is_printed_somewhere() -> None:
    assert {text.split()[0] for text in ALIAS_LINES} == {alias.name for alias in ALIASES}


@pytest.mark.parametrize("text", ALIAS_LINES)
def test_aliases_can_be_encoded(text: str) -> None:
    """By the encoder as by the assembler."""
    mnemonic, *operands = ALIAS_LINES[text]
    assert assemble(text).tolist() == [encode(str(mnemonic), *operands)]  # type: ignore[arg-type]
    assert encode("ZRO", Reg.A1) == encode("xor", Reg.A1, Reg.A1)
    assert encode("inc", Reg.A1) == encode("add", Reg.A1, 1)


REFUSED = [
    ("nop", (), "unknown instruction 'nop'"),
    ("add", (Reg.A0,), "add takes d, v; 1 given"),
    ("halt", (1,), "halt takes no operands; 1 given"),
    ("inc", (), "inc takes 1 operands; 0 given"),
    ("zro", (5,), "zro takes a register, not 5"),
    ("add", (5, 5), "operand 'd' must be a register, not 5"),
    ("add", (Reg.A0, 0x10000), r"operand 'v': 65536 is outside 0\.\.65535"),
    ("add", (Reg.A0, -1), "operand 'v': -1 .*register can hold a negative value"),
    ("shl", (Reg.A0, 256), r"operand 'n': 256 is outside 0\.\.255"),
    ("jpr", (-32769,), r"-32769 is outside -32768\.\.65535"),
    ("jpr", (65536,), r"65536 is outside -32768\.\.65535"),
    ("add", (Reg.A0, "5"), "operand 'v' must be a register or an integer, not '5'"),
    ("add", (Reg.A0, True), "operand 'v' must be a register or an integer, not True"),
]


@pytest.mark.parametrize(("mnemonic", "operands", "message"), REFUSED)
def test_instructions_that_cannot_exist(
    mnemonic: str, operands: tuple[object, ...], message: str
) -> None:
    """The message names the operand, the value and what is allowed."""
    with pytest.raises(EncodingError, match=message):
        encode(mnemonic, *operands)  # type: ignore[arg-type]


def test_errors_are_value_errors() -> None:
    assert issubclass(EncodingError, ValueError)
    assert issubclass(DecodingError, ValueError)


@pytest.mark.parametrize(
    ("value", "text"), [(Reg.RR0, "rr0"), (0, "0x0"), (255, "0xff"), (-4, "-0x4")]
)
def test_values_as_text(value: Value, text: str) -> None:
    assert format_value(value) == text


def test_a_wide_jump_literal_is_the_negative_one() -> None:
    """JPR takes -32768..65535; from 32768 on the word means a negative offset."""
    assert encode("jpr", 65532) == encode("jpr", -4)
    assert decode(encode("jpr", 0x8000)).operands == (-0x8000,)
    assert BY_MNEMONIC["jpr"].operands[0].signed
