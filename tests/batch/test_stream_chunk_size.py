"""How many lanes a chunk has: by what chunks have taken, which is made up here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy
import pytest

from lrvm_jit.batch import Batch, RandomSource
from lrvm_jit.batch.progress import ProgressCallback
from lrvm_jit.stream.chunk import ChunkResult, ChunkRunner
from lrvm_jit.stream.chunk_size import FIRST_LANES, MOST_GROWTH, WANTED_SECONDS, ChunkSize
from lrvm_jit.stream.fields import Values
from lrvm_jit.stream.stream import CHUNK_LANES, MOST_LANES
from lrvm_tools.lasm import assemble

PROGRAM = assemble("add a0, 1\nhalt")


def after(size: ChunkSize, seconds_of_a_lane: float, chunks: int) -> list[int]:
    found = []
    for _ in range(chunks):
        found.append(size())
        size.note(size(), size() * seconds_of_a_lane)
    return found


def test_chunks_grow_to_the_wanted_time() -> None:
    found = after(ChunkSize(1 << 30), WANTED_SECONDS / 100_000, 6)
    assert found[0] == FIRST_LANES
    assert all(b <= MOST_GROWTH * a for a, b in pairwise(found))
    assert found[-1] == pytest.approx(100_000, rel=0.01)


def test_slow_lanes_and_a_bound_for_memory() -> None:
    assert after(ChunkSize(1 << 30), WANTED_SECONDS / 10, 3) == [FIRST_LANES, 10, 10]
    assert after(ChunkSize(1 << 30), 100.0, 2) == [FIRST_LANES, 1]
    assert after(ChunkSize(5000), 0.0, 3) == [FIRST_LANES, 5000, 5000]
    assert after(ChunkSize(100), 1e-9, 2) == [100, 100]


def test_short_pieces_say_nothing_unless_they_are_slow() -> None:
    size = ChunkSize(1 << 20)
    after(size, WANTED_SECONDS / 50_000, 6)
    known = size()
    size.note(3, WANTED_SECONDS / 2)
    assert size() == known
    size.note(3, 3 * WANTED_SECONDS)
    assert size() == 1


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chunk takes a hundredth of the wanted time."""
    run: Callable[..., ChunkResult] = ChunkRunner.run

    def timed(
        runner: ChunkRunner, values: Values, count: int, progress: ProgressCallback | bool
    ) -> ChunkResult:
        return replace(run(runner, values, count, progress), seconds=WANTED_SECONDS / 100)

    monkeypatch.setattr(ChunkRunner, "run", timed)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("ram_size", [64, 4096])
def test_a_stream_measures(ram_size: int) -> None:
    n, seen = 400_000, []

    def look(first: int, outputs: dict[str, numpy.ndarray]) -> None:
        wanted = numpy.arange(first, first + len(outputs["a0"])) + 1
        assert numpy.array_equal(outputs["a0"], wanted)
        seen.append(len(wanted))

    numbers = numpy.arange(n, dtype=numpy.uint32)
    result = Batch.stream(
        PROGRAM, inputs={"a0": numbers}, outputs=["a0"], out=look, ram_size=ram_size
    )
    assert sum(seen) == result.n == n
    assert seen[:2] == [FIRST_LANES, MOST_GROWTH * FIRST_LANES]
    most = MOST_LANES if ram_size == 64 else (1 << 28) // (256 + ram_size)
    assert max(seen) <= most
    assert max(seen) > MOST_GROWTH * FIRST_LANES


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("what", ["chunk", "checkpoint", "components"])
def test_where_the_cuts_are_known(what: str, tmp_path: Path) -> None:
    """Asked for; the same when a stream goes on; or what a lane's component does depends on it."""
    job = {
        "chunk": {"chunk": 999},
        "checkpoint": {"checkpoint": tmp_path / "kept"},
        "components": {"components": [RandomSource(seed=1)]},
    }[what]
    seen: list[int] = []
    Batch.stream(
        PROGRAM,
        inputs={"a0": numpy.arange(70_000, dtype=numpy.uint32)},
        outputs=["a0"],
        out=lambda first, outputs: seen.append(len(outputs["a0"])),
        ram_size=64,
        **job,  # type: ignore[arg-type]
    )
    assert set(seen[:-1]) == {999 if what == "chunk" else CHUNK_LANES}


def test_a_run_of_the_first_lanes() -> None:
    batch = Batch(PROGRAM, 100, ram_size=64)
    result = batch.run(count=40)
    assert (batch.regs[:, 0] == [1] * 40 + [0] * 60).all()
    assert result.counts == {0: 60, 1: 40}
    assert batch.run().instructions == 2 * 60
    with pytest.raises(ValueError, match="count"):
        batch.run(count=101)
