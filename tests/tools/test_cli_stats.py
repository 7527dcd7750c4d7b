"""`lrvm run --stats`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrvm_jit.core.statistics import Statistics
from lrvm_jit.engines import ENGINES
from lrvm_tools.cli.stats import statistics_document, statistics_text
from tests.tools.command import lrvm, report

COUNT = """\
    cpy a0, 10000
loop:
    dec a0
    ifnq
    jp loop
    halt
"""
CYCLES = 1 + 3 * 10_000
"""The last round has no jump, but there is a halt."""


@pytest.fixture
def count(tmp_path: Path) -> str:
    path = tmp_path / "count.lasm"
    path.write_text(COUNT)
    return str(path)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_numbers_go_to_stderr(count: str, engine: str) -> None:
    result = lrvm("run", count, "--stats", "--engine", engine)
    assert (result.exit_code, result.stdout) == (0, "")
    finish, title, *lines = result.stderr.splitlines()
    assert "CPU halted" in finish
    name = "translator" if engine == "auto" else engine
    assert title == f"[lrvm] Statistics of the engine {name}"
    assert lines[0].split() == ["instructions", f"{CYCLES:,}"]
    assert lines[1].split()[0] == "translated"
    assert lines[2].split()[0] == ("baseline" if name == "translator" else "interpreted")
    assert any("regions" in line for line in lines) is (name == "translator")


def test_quiet_leaves_the_statistics_alone(count: str) -> None:
    result = lrvm("run", count, "--stats", "--quiet")
    assert result.stderr.startswith("[lrvm] Statistics of the engine translator\n")
    assert lrvm("run", count, "--quiet").stderr == ""


@pytest.mark.parametrize("engine", ENGINES)
def test_json(count: str, engine: str) -> None:
    document = report("run", count, "--stats", "--engine", engine)
    stats = document["stats"]
    assert stats["engine"] == document["engine"]
    assert stats["instructions"] == document["cycles"] == CYCLES
    assert stats["translated"] + stats["baseline"] + stats["interpreted"] == CYCLES
    assert stats.keys() == {
        "engine",
        "instructions",
        "exceptions",
        "unmapped_reads",
        "unmapped_writes",
        "translated",
        "baseline",
        "interpreted",
        "blocks",
        "block_bytes",
        "block_memory",
        "side_by_side",
        "regions",
        "code_bytes",
        "compiled",
        "loaded",
        "shared",
        "translation_seconds",
        "invalidations",
        "failures",
        "exits",
    }
    if engine in ("reference", "interpreter"):
        assert stats["translated"] == stats["regions"] == 0
        assert stats["exits"] == {}


def test_json_has_no_statistics_unless_asked(count: str) -> None:
    assert "stats" not in report("run", count)


def test_a_run_that_reaches_its_limit_has_statistics(count: str) -> None:
    result = lrvm("run", count, "--stats", "--max-cycles", "7")
    assert result.exit_code == 4
    assert "  instructions" in result.stderr


def test_an_interrupted_run_has_statistics(count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lrvm_tools.cli.run.run_board", interrupt)
    result = lrvm("run", count, "--stats")
    assert result.exit_code == 130
    assert "  instructions" in result.stderr


def test_a_machine_file_may_ask_for_the_translator(count: str, tmp_path: Path) -> None:
    machine = tmp_path / "machine.toml"
    machine.write_text('engine = "translator"\n[[component]]\ntype = "rom"\n')
    document = report("run", count, "--machine", machine, "--stats")
    assert document["stats"]["engine"] == "translator"


SEEN = Statistics(
    "translator",
    2_000_000_000,
    translated=1_989_000_000,
    baseline=10_000_000,
    blocks=27,
    block_bytes=2_345,
    block_memory=1_234_567,
    regions=3,
    code_bytes=159_744,
    compiled=4,
    loaded=2,
    shared=1,
    translation_seconds=1.23456,
    invalidations=5,
    failures=6,
    exits={"budget": 30, "jump outside": 12_000},
)


def test_the_rows() -> None:
    assert statistics_text(SEEN) == (
        "[lrvm] Statistics of the engine translator\n"
        "  instructions               2,000,000,000\n"
        "    translated               1,989,000,000   99.45%\n"
        "    baseline                    10,000,000    0.50%\n"
        "    interpreted                  1,000,000    0.05%\n"
        "  blocks                                27  in 2,345 bytes\n"
        "    memory for them              1,234,567\n"
        "  regions                                3  in 159,744 bytes\n"
        "    compiled                             4\n"
        "    from the cache on disk               2\n"
        "    from this process                    1\n"
        "    discarded, code changed              5\n"
        "    failures                             6\n"
        "  translation seconds                1.235\n"
        "  exits from regions                12,030\n"
        "    jump outside                    12,000   99.75%\n"
        "    budget                              30    0.25%\n"
    )


def test_nothing_has_run() -> None:
    text = statistics_text(Statistics("translator"))
    assert "%" not in text
    assert statistics_text(Statistics("reference")).splitlines()[1:] == [
        "  instructions   0",
        "    translated   0",
        "    interpreted  0",
    ]


def test_the_document() -> None:
    document = statistics_document(SEEN)
    assert document["interpreted"] == 1_000_000
    assert document["translation_seconds"] == 1.23456
    assert document["exits"] == {"budget": 30, "jump outside": 12_000}
    json.dumps(document)
