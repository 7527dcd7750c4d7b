"""`python -m lrvm_jit.bench start`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrvm_jit.bench import start, start_plot
from lrvm_jit.bench.__main__ import main


@pytest.mark.slow
def test_a_program_is_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """New, known and whole processes of one program, with curves that end at its end."""
    picture = tmp_path / "start.svg"
    assert main(["start", "fib", "-n", "1", "--json", "--plot", str(picture)]) == 0
    [row] = json.loads(capfd.readouterr().out)
    assert set(row["seconds"]) == set(start.WAYS)
    assert all(seconds > 0 for seconds in row["seconds"].values())
    assert row["whole"][0] > row["seconds"]["disk"]
    assert min(row["whole/numpy"]) > 0
    for curve in row["curves"].values():
        times, done = zip(*curve, strict=True)
        assert list(times) == sorted(times)
        assert list(done) == sorted(done)
        assert done[-1] == row["instructions"]
    assert picture.read_text().startswith("<?xml")


def row(name: str, **seconds: float) -> start.Row:
    times = dict.fromkeys(start.WAYS, 0.01) | seconds
    return start.Row(
        name,
        10_000_000,
        times,
        0.1,
        0.005,
        (0.16, 0.13),
        (0.1, 0.1),
        {"cold": [(0.01, 1000), (0.1, 10_000_000)]},
    )


def test_the_table_and_the_picture(tmp_path: Path) -> None:
    """Ratios to the interpreter and to native code; a process without its program's own time."""
    rows = [row("one", cold=0.04), row("two", cold=0.01)]
    cells = start._line(rows[0]).split()
    assert cells[:8] == ["one", "10.0", "100.00", "5.00", "40.00", "10.00", "10.00", "10.00"]
    assert cells[8:] == ["0.00", "0.00", "1.50", "(1.20)"]
    table = [line.split() for line in start._ratios(rows).splitlines()[3:]]
    assert table[0] == ["one", "0.400", *["0.100"] * 3, "8.000", *["2.000"] * 3]
    assert table[2] == ["geom.", "mean", "0.200", *["0.100"] * 3, "4.000", *["2.000"] * 3]
    assert table[3][:2] == ["largest", "0.400"]
    rows[0].native = rows[1].native = None
    assert start._ratios(rows).splitlines()[3].split()[5:] == ["-"] * 4
    start_plot.save(rows, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["sive"], "unknown program 'sive'"), (["-n", "0"], "--repeats is 0")],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        start.main(arguments)
    assert message in capsys.readouterr().err
