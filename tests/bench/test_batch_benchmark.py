"""`python -m lrvm_jit.bench batch`, with few and short lanes. No test here minds the speed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_jit.batch import Batch
from lrvm_jit.bench import __main__ as command
from lrvm_jit.bench import batch, lanes
from lrvm_jit.bench.measure import Figures

SMALL = ["--lanes", "1", "20", "--instructions", "20", "200", "--threads", "1", "2", "-n", "2"]
SIZES = [(lanes, length, t) for lanes in (1, 20) for length in (20, 200) for t in (1, 2)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "WARM_UP", 1000)
    monkeypatch.setattr(batch, "ENOUGH", 0.0)
    monkeypatch.setattr(batch, "FIGURE_LANES", 300)


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["batch", *SMALL]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    head, *lines = captured.out.splitlines()[1:]
    assert head.split() == ["lanes", "instructions", "threads", "seconds", "lanes/s", "MIPS",
                            "spread"]  # fmt: skip
    assert [tuple(map(int, line.split()[:3])) for line in lines] == SIZES


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert command.main(["batch", *arguments, "--json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = as_json(capsys, *SMALL)
    rows = report["rows"]
    assert [(row["lanes"], row["instructions"], row["threads"]) for row in rows] == SIZES
    for row in rows:
        assert len(row["seconds"]) == 2
        assert row["lanes_a_second"] == row["lanes"] / row["median"]
        assert row["mips"] == pytest.approx(row["lanes_a_second"] * row["instructions"] / 1e6)
    assert report["figures"] == []


def test_figures(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """They come with the whole table."""
    monkeypatch.setattr(batch, "LANES", (2,))
    monkeypatch.setattr(batch, "INSTRUCTIONS", (20,))
    report = as_json(capsys, "-n", "1")
    assert [(row["lanes"], row["instructions"]) for row in report["rows"]][:1] == [(2, 20)]
    figures = [(figure["name"], figure["unit"]) for figure in report["figures"]]
    assert figures == [
        ("300 lanes x 1,000 instructions, 1 thread", "s"),
        ("300 lanes x 20 instructions, 256 bytes of RAM, 1 thread", "ns a lane"),
        ("300 lanes x 1,000 instructions, 2 threads against 1", "times"),
    ]
    assert all(figure["value"] > 0 for figure in report["figures"])
    assert command.main(["batch", "-n", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith(name) for line, (name, _) in zip(lines[-3:], figures, strict=True)] == [
        True
    ] * 3


def test_vectors(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes side by side and alone, with the same results, or there is no table."""
    monkeypatch.setattr(lanes, "GUESTS", lanes.GUESTS[-1:])
    monkeypatch.setattr(lanes, "native_rate", lambda repeats: 1e9)
    assert command.main(["batch", "--vectors", "--lanes", "200", "-n", "1"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["alone", "together"]
    assert line.startswith("20 instructions")
    assert line.endswith("ns a lane")


def test_short_runs_are_repeated_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "ENOUGH", 1e9)
    monkeypatch.setattr(batch, "PATIENCE", 2e9)
    (row,) = batch.measure([1], [20], [1], 3)
    assert len(row.figures.seconds) == 3 * batch.MOST_REPEATS


def test_long_runs_are_repeated_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "PATIENCE", 0.0)
    (row,) = batch.measure([1], [20], [1], 3)
    assert len(row.figures.seconds) == 1


def test_rows_count() -> None:
    row = batch.Row(1_000, 2_000, 1, Figures((0.5, 1.0, 4.0)))
    assert row.lanes_a_second == 1_000
    assert row.mips == 2.0
    assert row.spread == pytest.approx((2.5 - 0.75) / 1.0)


def test_lanes_that_do_not_count_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speeds of wrong results are of no interest."""
    lanes = batch.CountingLanes(20, 200, 1)
    lanes._batch.lanes.reset()
    real = Batch.run

    def stop_early(self: Batch) -> Any:
        return real(self, max_cycles=199)

    monkeypatch.setattr(Batch, "run", stop_early)
    with pytest.raises(RuntimeError, match=r"have not halted after 200 instructions: .*20 budget"):
        lanes.seconds()


def test_wrong_results_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    counting, short = batch.CountingLanes(20, 200, 1), batch.ShortLanes(20)
    real = Batch.run

    def spoil(self: Batch) -> Any:
        result = real(self)
        self.regs[7, 0] ^= 1
        self.ram[7, 0] ^= 1
        return result

    monkeypatch.setattr(Batch, "run", spoil)
    with pytest.raises(RuntimeError, match="not counted"):
        counting.seconds()
    with pytest.raises(RuntimeError, match="wrong results in their RAM"):
        short.seconds()


def test_ram_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes that use registers only leave their RAM to the operating system: a write would fail."""
    lanes = batch.CountingLanes(20, 200, 1)
    for memory in lanes._batch.lanes.memories:
        memory.rows.flags.writeable = False
    lanes.seconds()
    assert not numpy.any(lanes._batch.ram)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "0"], "--repeats is 0; it must be 1 or more"),
        (["--lanes", "5", "0"], "--lanes is 0; it must be 1 or more"),
        (["--threads", "-1"], "--threads is -1; it must be 1 or more"),
        (["--instructions", "21"], "--instructions is 21; it must be a multiple of 4"),
        (["--plot", "picture.txt"], "--plot is picture.txt; its name must end with .png"),
        (["--plot", "no/such/picture.png"], "there is no such folder"),
        (["loop"], "unrecognized arguments: loop"),
    ],
)
def test_bad_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(["batch", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_plot(name: str, start: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert command.main(["batch", *SMALL, "--plot", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_what_is_plotted(tmp_path: Path) -> None:
    """A line for each length and number of threads, over the numbers of lanes, in both panels."""
    pytest.importorskip("matplotlib")
    from lrvm_jit.bench import batch_plot

    rows = [
        batch.Row(lanes, length, threads, Figures((lanes * length / 1e6 / threads,)))
        for lanes, length, threads in SIZES
    ]
    figure = batch_plot.draw(rows)
    left, right = figure.axes
    for k, (length, threads) in enumerate([(20, 1), (20, 2), (200, 1), (200, 2)]):
        name = f"{length} instructions, {threads} thread{'s' * (threads > 1)}"
        assert [line.get_label() for line in left.lines][k] == name
        assert numpy.asarray(left.lines[k].get_xdata()).tolist() == [1, 20]
        for panel, value in ((left, 1e6 * threads / length), (right, threads)):
            values = numpy.asarray(panel.lines[k].get_ydata()).tolist()
            assert values == pytest.approx([value] * 2)
    assert batch_plot.short(20_000, 0) == "20 k"
    assert batch_plot.short(3e6, 0) == "3 M"
    assert batch_plot.short(0.5, 0) == "0.5"


def test_plot_without_matplotlib(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything is measured."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "lrvm_jit.bench.batch_plot", raising=False)
    monkeypatch.setattr(batch, "measure", None)
    assert command.main(["batch", "--plot", str(tmp_path / "a.png")]) == 2
    captured = capsys.readouterr()
    assert captured.err == "--plot: a plot needs matplotlib: pip install 'lrvm-jit[plot]'\n"
    assert captured.out == ""
