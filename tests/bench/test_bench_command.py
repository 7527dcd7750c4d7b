"""`python -m lrvm_jit.bench`: its table, its JSON, its ratios. No test here minds the speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrvm_jit.bench import __main__ as command
from lrvm_jit.bench import measure
from lrvm_jit.bench.measure import Figures, Row
from lrvm_jit.bench.ratios import engine_ratios, mmu_ratios
from tests.bench.small import BY_NAME, NATIVE, SMALL

IN_C = [program.name for program in NATIVE]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short programs, few round trips; processes are not started."""
    monkeypatch.setattr(command, "BY_NAME", BY_NAME)
    monkeypatch.setattr(command, "PROGRAMS", SMALL)
    # Its clang takes a while when it first runs; see test_c_programs.py.
    monkeypatch.setattr(command, "front_end", lambda: None)
    monkeypatch.setattr(measure, "ROUND_TRIPS", 10)
    monkeypatch.setattr(measure, "REFERENCE_CYCLES", 10)
    monkeypatch.setattr(command, "measure_start", lambda _: {"start": Figures((0.5, 0.75, 1.0))})


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert command.main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    report: dict[str, Any] = json.loads(captured.out)
    return report


def test_json_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """By default the reference engine, on the programs' beginnings, and the one `auto` takes."""
    report = as_json(capsys, "-n", "2")
    assert set(report) == {"programs", "figures", "ratios", "mmu_sieve/sieve"}
    rows = [(row["program"], row["engine"]) for row in report["programs"]]
    auto = next(engine for _, engine in rows if engine != "reference")
    assert sorted(rows) == sorted((name, e) for name in BY_NAME for e in ("reference", auto))
    for row in report["programs"]:
        assert set(row) == {"program", "engine", "cycles", "mips", "median", "spread", "seconds"}
        assert len(row["seconds"]) == 2
        assert row["cycles"] == 10 or row["engine"] != "reference"
    assert [figure["name"] for figure in report["figures"]] == [
        "bus round trip, read (auto)",
        "bus round trip, write (auto)",
        "start",
    ]
    assert report["figures"][2] == {"name": "start", "value": 0.75, "unit": "s", "spread": 2 / 3}
    assert report["ratios"] == []
    assert list(report["mmu_sieve/sieve"]) == [auto]


def test_json_of_native(capsys: pytest.CaptureFixture[str], compiler: None) -> None:
    report = as_json(
        capsys, "--native", "-n", "3", "-e", "reference", "-e", "interpreter", *BY_NAME
    )
    rows = {(row["program"], row["engine"]): row for row in report["programs"]}
    assert {name for name, engine in rows if engine == "native"} == set(IN_C)
    for name in IN_C:
        native, guest = rows[name, "native"], rows[name, "interpreter"]
        assert len(native["seconds"]) == 3
        assert native["cycles"] == guest["cycles"]
    (ratio,) = report["ratios"]
    assert set(ratio) == {"of", "to", "programs", "geometric_mean", "largest"}
    assert (ratio["of"], ratio["to"]) == ("interpreter", "native")
    assert ratio["programs"] == {
        name: rows[name, "interpreter"]["median"] / rows[name, "native"]["median"] for name in IN_C
    }
    assert ratio["largest"] == max(ratio["programs"].values())
    assert min(ratio["programs"].values()) < ratio["geometric_mean"] < ratio["largest"]


def test_table_of_native(capsys: pytest.CaptureFixture[str], compiler: None) -> None:
    names = ["sieve", "mmu_sieve", "fib", "mmio"]
    in_c = [name for name in names if name in IN_C]
    assert command.main(["--native", "-n", "1", "-e", "interpreter", *names]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    table, _, ratios = captured.out.partition("\n\n")
    lines = [line.split()[:2] for line in table.splitlines()[2:]]
    wanted = [[name, e] for name in in_c for e in ("interpreter", "native")]
    alone = [[name, "interpreter"] for name in names if name not in IN_C]
    assert sorted(lines) == sorted([*wanted, *alone])
    heads = [line[:14].strip() for line in ratios.splitlines()[:-1]]
    assert heads[0] == "time of/of"
    assert sorted(heads[1:-2]) == sorted(in_c)
    assert heads[-2:] == ["geometric mean", "largest"]
    assert "interpreter/native" in ratios
    assert ratios.splitlines()[-1].startswith("mmu_sieve/sieve (interpreter) ")


def test_programs_that_do_the_same_are_measured_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = as_json(capsys, "-n", "1", "-e", "auto", "mmu_sieve", "fib", "sieve")
    assert [row["program"] for row in report["programs"]] == ["mmu_sieve", "sieve", "fib"]


def test_nothing_is_measured_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever `auto` takes is measured under its name, once."""
    once = as_json(capsys, "-n", "1", "-e", "auto", "fib")["programs"]
    engine = once[0]["engine"]
    again = as_json(capsys, "-n", "1", "-e", engine, "-e", "auto", "fib", "fib")["programs"]
    assert [(row["program"], row["engine"]) for row in again] == [("fib", engine)]


def test_without_a_compiler_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], no_compiler: None
) -> None:
    assert command.main(["--native", "--json", "-n", "1", "-e", "interpreter", "fib"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "native: $CC is 'no-such-compiler', and there is no such command\n"
    report = json.loads(captured.out)
    assert [row["engine"] for row in report["programs"]] == ["interpreter"]
    assert report["ratios"] == []


def test_without_sources_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lrvm_jit.bench.native.SOURCES", tmp_path / "native")
    assert command.main(["--native", "-n", "1", "-e", "interpreter", "fib"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("native: no C sources: ")
    assert captured.err.count("\n") == 1
    assert captured.out.splitlines()[-1].startswith("fib        interpreter")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quicksort"], "unknown program 'quicksort'; known are loop, sieve, "),
        (["-e", "native"], "invalid choice: 'native'"),
        (["-n", "0"], "--repeats is 0; it must be 1 or more"),
        (["-n", "some"], "invalid int value: 'some'"),
        (["--native", "-e", "reference"], "--native compares whole runs"),
    ],
)
def test_bad_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def rows(engine: str, **medians: float) -> list[Row]:
    return [Row(name, engine, 100, Figures((median,))) for name, median in medians.items()]


MEASURED = [
    *rows("reference", loop=7.0, fib=7.0, mmio=7.0),
    *rows("interpreter", loop=6.0, fib=8.0, mmio=5.0),
    *rows("translator", loop=3.0, fib=2.0, mmio=5.0),
    *rows("native", loop=0.5, fib=1.0),
]


def test_ratios_of_several_engines() -> None:
    """Each over native, then the engines over one another; without mmio and the reference."""
    ratios = {ratio.name: ratio for ratio in engine_ratios(MEASURED)}
    assert {name: ratio.programs for name, ratio in ratios.items()} == {
        "interpreter/native": {"loop": 12.0, "fib": 8.0},
        "translator/native": {"loop": 6.0, "fib": 2.0},
        "interpreter/translator": {"loop": 2.0, "fib": 4.0},
    }
    assert ratios["translator/native"].geometric_mean == pytest.approx(12**0.5)
    assert ratios["translator/native"].largest == 6.0


def test_ratios_without_native() -> None:
    """Engines are compared with one another all the same."""
    assert [ratio.name for ratio in engine_ratios(MEASURED[:-2])] == ["interpreter/translator"]
    assert engine_ratios(MEASURED[:6]) == []


def test_what_the_mmu_costs() -> None:
    measured = [
        *rows("reference", sieve=1.0, mmu_sieve=1.0),
        *rows("interpreter", sieve=2.0, mmu_sieve=3.0),
        *rows("translator", mmu_sieve=3.0),
        *rows("native", sieve=1.0, mmu_sieve=1.0),
    ]
    assert mmu_ratios(measured) == {"interpreter": 1.5}
