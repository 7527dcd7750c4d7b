"""Checkpoints: a job that is killed goes on behind its finished chunks, with the same results."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from lrvm_jit.batch import Batch, CheckpointError, StreamResult
from lrvm_tools import assemble
from tests.batch.streams import SUM, python, sums

LANES = 100
CHUNK = 10
A0 = numpy.arange(LANES)
OUTPUTS = ("a1", "ram[0:2]", "reason", "cycles")


def run(inputs: Any, checkpoint: Path, n: int | None = None, **options: Any) -> StreamResult:
    defaults = {"outputs": OUTPUTS, "ram_size": 64, "halt_on_exception": True, "chunk": CHUNK}
    return Batch.stream(SUM, n, inputs, checkpoint=checkpoint, **{**defaults, **options})


def same(one: StreamResult, other: StreamResult) -> bool:
    return (
        all(numpy.array_equal(one[name], other[name]) for name in OUTPUTS)
        and one.counts == other.counts
        and one.instructions == other.instructions
        and one.n == other.n
    )


# The job stops where the test wants it, says so, and waits for its end.
JOB = """
import numpy, os, sys
from pathlib import Path
from lrvm_jit.batch import Batch
from tests.batch.streams import SUM

def stop_here():
    print("here", flush=True)
    sys.stdin.read()

def inputs(first, count):
    if first == 60 and sys.argv[1:] == ["inputs"]:
        stop_here()
    return {"a0": numpy.arange(first, first + count), "c0": 2}

replace = Path.replace

def rename(self, target):
    # The seventh chunk is on the disk, but has not got its name.
    if "chunk-000006" in str(target) and sys.argv[1:] == ["rename"]:
        stop_here()
    return replace(self, target)

def out(first, outputs):
    if first == 60 and sys.argv[1:] == ["out"]:
        stop_here()

Path.replace = rename
Batch.stream(SUM, 100, inputs, out=out, outputs=("a1", "ram[0:2]", "reason", "cycles"),
             ram_size=64, halt_on_exception=True, chunk=10, checkpoint="state", threads=1)
print("too far")
"""


@pytest.mark.parametrize(("place", "finished"), [("inputs", 6), ("rename", 6), ("out", 7)])
def test_killed_and_resumed(tmp_path: Path, place: str, finished: int) -> None:
    with python(
        JOB.replace("sys.argv[1:]", repr([place])), cwd=tmp_path, stdin=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
        finally:
            process.kill()
        assert process.wait(60) == -signal.SIGKILL
    asked: list[int] = []

    def inputs(first: int, count: int) -> dict[str, Any]:
        asked.append(first)
        return {"a0": A0[first : first + count], "c0": 2}

    state = tmp_path / "state"
    result = run(inputs, state, LANES)
    # The first and the last finished chunk are compared; the seventh is all that is redone.
    assert asked == [0, 10 * finished - 10, *range(10 * finished, LANES, CHUNK)]
    assert (result.resumed, result.chunks) == (finished, 10)
    assert same(result, run({"a0": A0, "c0": 2}, tmp_path / "other"))
    # Nothing but whole chunks is left there.
    chunks = [f"chunk-{number:06}.npz" for number in range(10)]
    assert sorted(path.name for path in state.iterdir()) == [
        *chunks,
        "chunks.jsonl",
        "job.json",
        "lock",
    ]


def test_a_finished_job_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run({"a0": A0, "c0": 2}, tmp_path / "state")
    assert (first.resumed, first.chunks) == (0, 10)

    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("nothing has to run")

    monkeypatch.setattr(Batch, "run", refuse)
    again = run({"a0": A0, "c0": 2}, tmp_path / "state")
    assert (again.resumed, again.chunks) == (10, 10)
    assert same(first, again)
    assert first["a1"].tolist() == sums(A0, 2).tolist()


def test_a_missing_chunk_in_the_middle(tmp_path: Path) -> None:
    first = run({"a0": A0, "c0": 2}, tmp_path)
    (tmp_path / "chunk-000004.npz").unlink()
    order: list[int] = []
    again = run({"a0": A0, "c0": 2}, tmp_path, out=lambda first, outputs: order.append(first))
    assert (again.resumed, order) == (9, list(range(0, LANES, CHUNK)))
    assert same(first, run({"a0": A0, "c0": 2}, tmp_path))


def test_engine_and_threads_make_no_difference(tmp_path: Path) -> None:
    first = run({"a0": A0, "c0": 2}, tmp_path, threads=2)
    again = run({"a0": A0, "c0": 2}, tmp_path, threads=1, engine="interpreter")
    assert again.resumed == 10
    assert same(first, again)


def test_iterators_skip_what_is_done(tmp_path: Path) -> None:
    def pieces() -> list[dict[str, Any]]:
        return [{"a0": part, "c0": 2} for part in numpy.split(A0, [10, 15, 47])]

    first = run(pieces(), tmp_path)
    (tmp_path / "chunk-000003.npz").unlink()
    again = run(pieces(), tmp_path)
    assert again.resumed == again.chunks - 1
    assert same(first, again)
    with pytest.raises(CheckpointError, match="chunk 1 has 5 lanes from 10 on, but the inputs now"):
        run([{"a0": part, "c0": 2} for part in numpy.split(A0, [10, 20])], tmp_path)


# --- what does not fit ---------------------------------------------------------------------------

CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "max_cycles": ({"max_cycles": 10**9}, "max_cycles was None, is 1000000000"),
    "halting": ({"halt_on_exception": False}, "halt_on_exception was True, is False"),
    "ram": ({"ram_size": 128}, "ram_size was 64, is 128"),
    "rom": ({"rom_size": 8192}, "rom_size was None, is 8192"),
    "chunk": ({"chunk": 20}, "chunk was 10, is 20"),
    "outputs": ({"outputs": ["a1"]}, r"outputs was \['a1', .* is \['a1'\]"),
    "names": ({"inputs": {"a0": A0, "c0": 2, "a2": 0}}, "inputs was .* 'a2', 'c0'"),
    "fewer": ({"inputs": {"a0": A0[:90], "c0": 2}}, "inputs was .*'n': 100.* is .*'n': 90"),
    "kind": ({"inputs": [{"a0": A0, "c0": 2}]}, "'kind': 'arrays'.* is .*'kind': 'iterator'"),
    "values": (
        {"inputs": {"a0": numpy.where(A0 == 55, 0, A0), "c0": 2}},
        "the inputs of lanes 50 to 59 have changed",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_job_is_refused(tmp_path: Path, name: str) -> None:
    run({"a0": A0, "c0": 2}, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    options, message = CHANGES[name]
    with pytest.raises(CheckpointError, match=message) as caught:
        run(**{"inputs": {"a0": A0, "c0": 2}, **options}, checkpoint=tmp_path)
    assert "Choose another checkpoint, or delete this one" in str(caught.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_program_is_refused(tmp_path: Path) -> None:
    Batch.stream(assemble("halt"), 5, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match=r"program was \w{32}, is \w{32}\. Choose"):
        Batch.stream(assemble("cpy a0, 1\nhalt"), 5, checkpoint=tmp_path)


def test_another_board_is_refused(tmp_path: Path) -> None:
    with Motherboard([BootRom(assemble("halt"), 0x1000), Ram(64)]) as board:
        board.map_contiguous(0)
        board.reset()
        Batch.stream(board, 5, checkpoint=tmp_path)
        assert Batch.stream(board, 5, checkpoint=tmp_path).resumed == 1
        board.memory.write(0x1000, 1)
        with pytest.raises(CheckpointError, match="program was"):
            Batch.stream(board, 5, checkpoint=tmp_path)


def test_functions_are_compared_at_the_ends(tmp_path: Path) -> None:
    def plus(k: int) -> Callable[[int, int], dict[str, Any]]:
        return lambda first, count: {"a0": A0[first : first + count] + k, "c0": 2}

    run(plus(0), tmp_path, LANES)
    with pytest.raises(CheckpointError, match="the inputs of lanes 0 to 9 have changed"):
        run(plus(1), tmp_path, LANES)


def test_in_use(tmp_path: Path) -> None:
    def inputs(first: int, count: int) -> dict[str, Any]:
        if first:
            with pytest.raises(CheckpointError, match="is in use by another process; wait for"):
                run({"a0": A0, "c0": 2}, tmp_path)
        return {"a0": A0[first : first + count], "c0": 2}

    assert run(inputs, tmp_path, LANES).chunks == 10
    # It is free again.
    assert run(inputs, tmp_path, LANES).resumed == 10


def test_damaged_files(tmp_path: Path) -> None:
    run({"a0": A0, "c0": 2}, tmp_path)
    chunk = tmp_path / "chunk-000004.npz"
    whole = chunk.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(sums(A0[40:50], 2).tobytes())] ^= 1
    for content in (b"", whole[: len(whole) // 2], bytes(flipped)):
        chunk.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"chunk-000004\.npz cannot be read .* delete it"):
            run({"a0": A0, "c0": 2}, tmp_path)
    chunk.unlink()
    assert run({"a0": A0, "c0": 2}, tmp_path).resumed == 9
    manifest = tmp_path / "job.json"
    assert json.loads(manifest.read_text())["format"] == 2
    manifest.write_text("{")
    with pytest.raises(CheckpointError, match=r"job\.json is no checkpoint's"):
        run({"a0": A0, "c0": 2}, tmp_path)
    manifest.unlink()
    with pytest.raises(CheckpointError, match=r"has chunks, but no job\.json"):
        run({"a0": A0, "c0": 2}, tmp_path)
