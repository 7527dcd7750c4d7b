"""`python -m lrvm_jit.bench windows`."""

from __future__ import annotations

import json

import pytest

from lrvm_jit.bench import windows
from lrvm_jit.bench.__main__ import main
from lrvm_jit.bench.windows import ENGINES, Row


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that end after thousands of instructions."""
    monkeypatch.setattr(windows, "UNIT", 1000)


def test_a_program_by_windows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["windows", "fib", "--here"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[2:4]] == [["fib", "auto"], ["fib", "baseline"]]
    assert [line.split()[0] for line in lines[4:]] == ["geometric"] * 2


def test_all_windows_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["windows", "crc32", "--here", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert {engine: len(mips) for engine, mips in row["mips"].items()} == dict.fromkeys(
        ENGINES, len(windows.ENDS)
    )


def test_the_first_windows_together() -> None:
    """Their times are added, not their speeds."""
    row = Row("p", {"interpreter": [100, 100, 100], "auto": [100, 900, 700]})
    assert row.ratios("auto") == [1, 9, 7]
    assert row.first("auto", 100) == pytest.approx(100 / (3 + 27 / 9 + 70 / 7))
    assert row.first("auto", 300) is None


def test_unknown_programs_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["windows", "nothing"])
    assert "unknown program 'nothing'" in capsys.readouterr().err
