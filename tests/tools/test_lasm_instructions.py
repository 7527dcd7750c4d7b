"""Instructions: every encoding, optional operands, aliases and ranges."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.isa import ALIASES, INSTRUCTIONS, Reg, encode, format_word
from lrvm_jit.isa.codec import literal_range
from lrvm_jit.isa.spellings import CONSTANTS, Alias, Param
from lrvm_jit.isa.table import Instruction, Kind, Operand
from lrvm_tools.lasm import AssemblyError, assemble, assemble_program

EDGE_BYTES = (0x00, 0x01, 0x06, 0x1F, 0x20, 0xFF)


def word(line: str) -> int:
    (only,) = assemble(line)
    return int(only)


def refusal(line: str) -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble(line)
    (diagnostic,) = caught.value.diagnostics
    return f"{diagnostic.message}; {diagnostic.hint}"


def families(operand: Operand) -> range | None:
    """Literals that exist, where they are fewer than the range."""
    return {"flag": range(7), "condition": range(1, 8)}.get(operand.constants)


@given(st.lists(st.integers(0, 0xFFFF_FFFF), min_size=1, max_size=30))
def test_printed_words_assemble_to_themselves(words: list[int]) -> None:
    source = "\n".join(format_word(item) for item in words)
    assert assemble(source).tolist() == words


@pytest.mark.parametrize("opcode", range(32))
def test_every_opcode_with_all_register_bits_and_edge_operands(opcode: int) -> None:
    words = [
        (opcode << 3 | bits) << 24 | int.from_bytes(bytes(operands), "big")
        for bits in range(8)
        for operands in product(EDGE_BYTES, repeat=3)
    ]
    source = "\n".join(format_word(item) for item in words)
    assert assemble(source).tolist() == words


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.mnemonic)
def test_operands_go_where_the_table_says(row: Instruction) -> None:
    for kinds in product((True, False), repeat=len(row.operands)):
        if any(
            operand.kind is Kind.REG and not register
            for operand, register in zip(row.operands, kinds, strict=True)
        ):
            continue
        values = [
            Reg(3 * index + 1) if register else index + 1 for index, register in enumerate(kinds)
        ]
        written = ", ".join(str(value) for value in values)
        assert word(f"{row.mnemonic} {written}") == encode(row.mnemonic, *values)


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_aliases_are_what_the_table_says(alias: Alias) -> None:
    given = [Reg.A3, Reg.C1][: alias.parameters]
    full = [given[item.value] if isinstance(item, Param) else item for item in alias.operands]
    written = ", ".join(str(register) for register in given)
    assert word(f"{alias.name} {written}") == encode(alias.instruction, *full)


@pytest.mark.parametrize(
    ("row", "index"),
    [
        (row, index)
        for row in INSTRUCTIONS
        for index, operand in enumerate(row.operands)
        if operand.kind is not Kind.REG
    ],
    ids=lambda value: value.mnemonic if isinstance(value, Instruction) else str(value),
)
def test_ranges_of_literals(row: Instruction, index: int) -> None:
    operand = row.operands[index]
    low, high = literal_range(operand)
    existing = families(operand)
    if existing is not None:
        low, high = existing[0], existing[-1]

    def line(value: int) -> str:
        operands = ["a0"] * len(row.operands)
        operands[index] = str(value)
        return f"{row.mnemonic} {', '.join(operands)}"

    assert word(line(low)) != word(line(high))
    for value in (low - 1, high + 1):
        message = refusal(line(value))
        assert f"operand `{operand.name}` of `{row.mnemonic}` is {value}" in message
        assert f"{low}..{high}" in message


@pytest.mark.parametrize("name", CONSTANTS)
def test_named_constants(name: str) -> None:
    assert word(f"shl a0, {name}") == word(f"shl a0, {CONSTANTS[name]}")


class TestOptionalOperands:
    @pytest.mark.parametrize(
        ("short", "full"),
        [
            ("div a0, a1", "div a0, a1, 0"),
            ("div a0, 5", "div a0, 5, 0"),
            ("mod a0, a1", "mod a0, a1, 0"),
            ("lsa a0, a1", "lsa a0, a1, 0"),
            ("lsa a0, 16", "lsa a0, 16, 0"),
            ("lea a1, a2", "lea a1, a2, 1"),
            ("lea 8, 4", "lea 8, 4, 1"),
            ("wea a1, a2", "wea a1, a2, 1"),
            ("wea 8, 4", "wea 8, 4, 1"),
            ("wsa a0, a1", "wsa a0, 0, a1"),
            ("wsa 8, 9", "wsa 8, 0, 9"),
            ("lea a1", "lea a1, a0, 0"),
            ("lea 12", "lea 12, a0, 0"),
            ("wea a1", "wea a1, a0, 0"),
            ("wea 12", "wea 12, a0, 0"),
        ],
    )
    def test_default(self, short: str, full: str) -> None:
        assert word(short) == word(full)

    def test_mode_left_out_is_a_literal(self) -> None:
        # The original marks it as register a0 (divergences 13 and 14).
        assert word("div a0, a1") == 0x36000100
        assert word("lea a1, a2") == 0xAE010201

    @pytest.mark.parametrize("line", ["srm a0, a1", "hwd a0, a1", "if2 a0, a1", "cpy a0", "lea"])
    def test_other_operands_are_needed(self, line: str) -> None:
        assert f"`{line.split()[0]}` takes" in refusal(line)


class TestDivergencesFromTheOriginal:
    def test_srm_has_its_own_opcode(self) -> None:
        assert word("srm a0, a1, a2") >> 27 == 0x18

    def test_itr_assembles(self) -> None:
        assert word("itr 5") == 0x80050000
        assert word("itr a1") == 0x84010000

    def test_not_is_no_mnemonic(self) -> None:
        assert "unknown instruction `not`" in refusal("not a0")

    @pytest.mark.parametrize(
        "line", ["lsa a0, a1, -1", "lea a0, -1, a1", "wsa a0, -4, a1", "srm a0, -4, a1"]
    )
    def test_negative_offset_has_an_error_of_its_own(self, line: str) -> None:
        message = refusal(line)
        assert "zero-extended" in message
        assert "a register can hold a negative offset" in message


class TestOperands:
    def test_jpr_takes_twos_complement(self) -> None:
        assert word("jpr -4") == word("jpr 65532") == 0x70FFFC00

    def test_strings_are_numbers(self) -> None:
        assert word('cpy a0, "AB"') == 0x0C004142

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("cpy 5, a0", "operand `d` of `cpy` must be a register, not a value"),
            ("cpy A9, 5", "must be a register, not `A9`"),
            ("cpy (a0), 5", "without parentheses"),
            ("zro 5", "operand `d` of `zro` must be a register"),
            ("inc 5", "operand `d` of `inc` must be a register"),
            ("if 9", "operand `flag` of `if` is 9, outside 0..6; the flags are ZF CF OF SF EF"),
            ("if2 ZF, CF, 0", "operand `cond` of `if2` is 0, outside 1..7"),
            ("ifor ZF, 7", "operand `b` of `ifor` is 7, outside 0..6"),
            ("cpy a0, 1 == 1", "expected an integer, found the boolean `true`"),
            ("halt 5", "`halt` takes no operands, 1 given; write `halt`"),
            ("wsa a0", "`wsa` takes 2 or 3 operands, 1 given"),
            ("lea", "`lea` takes 1 to 3 operands, 0 given"),
            ("cpy a0, 1 << 200", "is an integer of 201 bits, outside 0..65535"),
        ],
    )
    def test_refusals(self, line: str, message: str) -> None:
        assert message in refusal(line)

    def test_label_beyond_the_range_of_a_literal(self) -> None:
        assert "is 65536, outside 0..65535" in refusal("#addr 0x10000\nx: jp x")

    def test_instruction_at_an_odd_place_is_put_there(self) -> None:
        assert assemble_program("#d8 1\nhalt").bytes.hex() == "01f0000000"
