"""`lrvm trace` and `lrvm profile`, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tools.command import lrvm

PROGRAM = """\
start:
    cpy ac0, 1
    shl ac0, 16
loop:
    inc a0
    wsa ac0, a0
    cmp a0, LAST
    ifnq
    jp loop
    halt
    dec a0
"""


@pytest.fixture(autouse=True)
def _programs(folder: Path) -> None:
    """Two that differ in one place."""
    for name, last in (("a", 5), ("b", 4)):
        (folder / f"{name}.lasm").write_text(PROGRAM.replace("LAST", str(last)))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_trace_print_and_diff(suffix: str) -> None:
    for name in ("a", "b"):
        result = lrvm("trace", f"{name}.lasm", "-o", f"{name}.{suffix}")
        assert (result.exit_code, result.stdout) == (0, "")
        assert f"halted: {27 if name == 'a' else 22} instructions" in result.stderr
    shown = lrvm("trace", "print", f"a.{suffix}", "--address", "0x10000", "--from", "9")
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["9", "14", "19", "24"]
    assert "[0x00010000] = 0x00000002" in lines[0]
    assert ("; a.lasm:6  wsa ac0, a0" in lines[0]) == (suffix == "parquet")
    assert len(lrvm("trace", "print", f"a.{suffix}", "--register", "AC0").stdout.splitlines()) == 2
    assert len(lrvm("trace", "print", f"a.{suffix}", "--pc", "0x8").stdout.splitlines()) == 5
    same = lrvm("trace", "diff", f"a.{suffix}", f"a.{suffix}")
    assert (same.exit_code, same.stdout) == (0, "the traces are equal\n")
    other = lrvm("trace", "diff", f"a.{suffix}", f"b.{suffix}", "--program", "a.lasm")
    assert other.exit_code == 6
    before, minus, plus = other.stdout.splitlines()[-3:]
    assert "wsa ac0, 0x0, a0" in before
    assert "cmp a0, 0x5" in minus
    assert "cmp a0, 0x4" in plus
    same = lrvm("trace", "diff", f"a.{suffix}", f"b.{suffix}", "--to", "4")
    assert same.exit_code == 0


def test_a_trace_that_ends_earlier() -> None:
    lrvm("trace", "a.lasm", "-o", "a.jsonl")
    assert lrvm("trace", "a.lasm", "-o", "b.jsonl", "--max-cycles", "10").exit_code == 4
    result = lrvm("trace", "diff", "a.jsonl", "b.jsonl")
    assert result.exit_code == 6
    assert result.stdout.splitlines()[-1] == "+ b.jsonl ends here"


def test_profile(folder: Path) -> None:
    result = lrvm(
        "profile", "a.lasm", "--annotate", "--flame", "a.svg", "--speedscope", "a.json",
        "--pprof", "a.pb",
    )  # fmt: skip
    assert result.exit_code == 0
    assert result.stdout.startswith("27 cycles, every instruction counted\n")
    assert "             5   18.5%  a.lasm:6  wsa ac0, a0" in result.stdout
    assert "             5   18.5%      6      wsa ac0, a0" in result.stdout
    assert (folder / "a.svg").read_text().startswith("<svg")
    assert json.loads((folder / "a.json").read_text())["profiles"][0]["endValue"] == 27
    assert (folder / "a.pb").read_bytes()[:2] == b"\x1f\x8b"
    document = json.loads(lrvm("profile", "a.lasm", "--json").stdout)
    assert document["labels"] == {"loop": 25, "start": 2}
    assert document["exact"]


def test_coverage(folder: Path) -> None:
    result = lrvm("profile", "a.lasm", "--coverage", "--lcov", "a.info")
    assert result.exit_code == 0
    assert "             -     11      dec a0" in result.stdout
    assert result.stdout.endswith("a.lasm: 8 of 9 lines with code executed, 88.9 %\n")
    assert "SF:a.lasm\nDA:2,1\n" in (folder / "a.info").read_text()
    document = json.loads(lrvm("profile", "a.lasm", "--coverage", "--json").stdout)
    assert document["files"][0]["executed"] == 8
