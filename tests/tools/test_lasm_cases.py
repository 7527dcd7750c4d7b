"""LASM, rule by rule: the cases of `lasm/*.lasm`, and what such files cannot say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_tools.lasm import AssemblyError, assemble_program, assemble_program_file
from lrvm_tools.lasm.whole import assemble_whole
from tests.assembly_cases import Case, cases, check

ALL = cases(Path(__file__).parent / "lasm", ".lasm")
VECTORS = Path(__file__).parents[1] / "data" / "lasm.jsonl"


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path / "program", assemble_program_file)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("halt ; = 0xf0", "bytes f0000000"),
        ("x: halt ; symbols: x = 4", "{'x': 0}"),
        ("halt 5 ; error: no", "is not among"),
        ("halt 5 ; error: `halt` takes no operands / hint: no", "kind='hint'"),
        ("halt 5 ; error: `halt` takes\nhalt 6", "line=2"),
        ("halt", "expects nothing"),
    ],
)
def test_a_wrong_expectation_of_each_kind_is_noticed(
    expected: str, found: str, tmp_path: Path
) -> None:
    """The cases protect nothing if a mismatch went unseen."""
    with pytest.raises(AssertionError, match=found):
        check(Case("", {"main.asm": expected}), tmp_path, assemble_program_file)


def test_line_ends_of_windows_and_a_byte_order_mark() -> None:
    assert assemble_program("\ufeffhalt\r\nhalt\r\n").bytes.hex() == "f0000000" * 2


def test_a_lone_carriage_return_ends_a_line() -> None:
    source = "#ruledef { stop => asm { halt }\r}\rstop\rhalt"
    assert assemble_program(source).bytes.hex() == "f0000000" * 2


def test_numbers_of_very_many_digits() -> None:
    assert assemble_program("v = " + "9" * 19_000).symbols["v"] == 10**19_000 - 1
    with pytest.raises(AssemblyError, match="too large"):
        assemble_program("v = " + "9" * 20_000)


@given(st.lists(st.integers(0, 9), max_size=20))
def test_labels_are_where_the_sizes_before_them_say(sizes: list[int]) -> None:
    source = "".join(
        f"l{number}: #d {' @ '.join(['0x00'] * size) or '0`0'}\n"
        for number, size in enumerate(sizes)
    )
    symbols = assemble_program(source).symbols
    address = 0
    for number, size in enumerate(sizes):
        assert symbols[f"l{number}"] == address
        address += (size + 3) // 4 * 4


# --- programs with rules take the long way, through the rooms of CustomASM ---


SHORT_WAY_ONLY = {"layout: a chain of dependencies"}
"""A size that is negative in the first pass is an error of CustomASM (docs/spec/customasm.md)."""


@pytest.mark.parametrize(
    "case",
    [case for case in ALL if not case.expected_messages() and case.name not in SHORT_WAY_ONLY],
    ids=lambda case: case.name,
)
def test_the_long_way_gives_the_same(case: Case, tmp_path: Path) -> None:
    """A program means the same with a rule in it; messages are those of CustomASM."""
    check(case, tmp_path / "program", lambda path: assemble_whole(path.read_text(), path, ()))


def test_the_long_way_gives_the_bytes_of_the_vectors() -> None:
    rows = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    good = [row for row in rows if "bytes" in row]
    assert len(good) > 90
    for row in good:
        assert assemble_whole(row["source"], None, ()).bytes.hex() == row["bytes"]


def test_deep_expressions_on_the_long_way() -> None:
    assembly = assemble_whole(f"#d32 {60 * '('}1{60 * ')'}", None, ())
    assert assembly.words.tolist() == [1]


def test_the_source_map_names_banks() -> None:
    (bank,) = (case for case in ALL if case.name == "rules: banks")
    assembly = assemble_program(bank.files["main.asm"])
    assert [row[:3] for row in assembly.source_map] == [("rom", 0, 32), ("rom", 32, 32)]


def test_unknown_instruction_set() -> None:
    with pytest.raises(ValueError, match="must be None or 'rules'"):
        assemble_program("halt", instruction_set="lrvm")  # type: ignore[arg-type]
