"""A stream on a Dask cluster of separate processes."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from distributed import Client, LocalCluster

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from lrvm_jit.batch import Batch, StreamResult
from lrvm_jit.stream.chunk import Job
from lrvm_jit.stream.fields import parse_outputs
from tests.batch.streams import SUM
from tests.interruptions import interrupting

LANES = 240
A0 = numpy.arange(LANES)
OUTPUTS = ("a1", "ram[0:2]", "reason", "cycles", "exception")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two worker processes."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def run(client: Client | None, **options: Any) -> StreamResult:
    defaults: dict[str, Any] = {
        "inputs": {"a0": A0, "c0": 2, "ram[1]": A0[::-1]},
        "outputs": OUTPUTS,
        "ram_size": 64,
        "halt_on_exception": True,
        "chunk": 10,
    }
    return Batch.stream(SUM, client=client, **{**defaults, **options})


def check(found: StreamResult, expected: StreamResult) -> None:
    assert {name: rows.tolist() for name, rows in found.outputs.items()} == {
        name: rows.tolist() for name, rows in expected.outputs.items()
    }
    assert (found.n, found.counts, found.instructions) == (
        expected.n,
        expected.counts,
        expected.instructions,
    )


def test_results_equal_the_local_run(client: Client) -> None:
    seen: list[tuple[int, int, int]] = []
    found = run(client, progress=lambda *numbers: seen.append(numbers))
    check(found, run(None))
    assert found.chunks == 24
    assert seen == sorted(seen)
    assert seen[-1] == (LANES, LANES, found.instructions)


def test_programs_of_the_lanes(client: Client) -> None:
    programs = numpy.tile(numpy.array(SUM, numpy.uint32), (LANES, 1))
    inputs = {"a0": A0, "c0": 2, "ram[1]": A0[::-1], "program": programs}
    found = Batch.stream(
        None, inputs=inputs, outputs=OUTPUTS, ram_size=64, halt_on_exception=True, chunk=50,
        client=client,
    )  # fmt: skip
    check(found, run(None))


def test_a_killed_worker(client: Client, tmp_path: Path) -> None:
    """Its chunks run elsewhere."""
    order: list[int] = []
    inputs = {"a0": A0, "c0": 20_000}
    victim = min(client.run(os.getpid).values())

    def out(first: int, outputs: dict[str, Any]) -> None:
        order.append(first)
        if first == 50:
            os.kill(victim, signal.SIGKILL)

    found = run(client, inputs=inputs, out=out, checkpoint=tmp_path)
    assert order == list(range(0, LANES, 10))
    assert not found.interrupted
    # What it kept is what the local run has, and fits the local run as well.
    kept = run(None, inputs=inputs, checkpoint=tmp_path)
    assert kept.resumed == 24
    check(kept, run(None, inputs=inputs))


def test_the_end_comes_early(client: Client) -> None:
    found = run(client, out=lambda first, outputs: first == 50)
    assert (found.n, found.chunks) == (60, 6)


def test_ctrl_c_between_chunks(client: Client) -> None:
    """What has been given out so far is the result: not the chunk that was being given out."""

    def out(first: int, outputs: dict[str, Any]) -> None:
        if first == 50:
            signal.raise_signal(signal.SIGINT)

    found = run(client, out=out)
    assert found.interrupted
    assert (found.n, found.chunks) == (50, 5)
    check(run(client), run(None))


def test_ctrl_c_while_waiting(client: Client, tmp_path: Path) -> None:
    """It does not wait for chunks that take long; what is kept is gone on from."""
    slow = {"a0": A0, "c0": numpy.where(A0 < 50, 2, 0xFFFF_FFFF), "ram[1]": A0[::-1]}
    kept = {f"chunk-{number:06}.npz" for number in range(5)}

    def chunks() -> set[str]:
        return {path.name for path in tmp_path.glob("chunk-*.npz")}

    def busy() -> bool:
        return all(client.run(lambda dask_worker: len(dask_worker.state.executing)).values())

    with interrupting(lambda: chunks() == kept and busy()):
        found = run(client, inputs=slow, checkpoint=tmp_path)
    assert found.interrupted
    assert found.n == 50
    # The slow ones, which take minutes, are still at work.
    assert chunks() == kept
    assert busy()
    # Those that run next wait for them, however long a busy host takes to start them.
    client.restart(wait_for_workers=False)


def test_an_error_comes_out(client: Client) -> None:
    def fail(first: int, count: int) -> dict[str, Any]:
        if first == 50:
            raise ZeroDivisionError("on purpose")
        return {"a0": A0[:count], "c0": 1}

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        run(client, inputs=fail, n=LANES)


def test_what_cannot_travel_is_refused(client: Client) -> None:
    with Motherboard([BootRom(SUM, 0x1000), Ram(64)]) as board:
        board.map_contiguous(0)
        with pytest.raises(TypeError, match="boards and components stay in their process; a str"):
            Batch.stream(board, 5, client=client)
    with pytest.raises(TypeError, match=r"client is a str; it must be a dask\.distributed\.Client"):
        Batch.stream(SUM, 5, client="tcp://127.0.0.1:8786")


def test_what_travels_is_plain_data() -> None:
    job = Job(
        numpy.array(SUM, numpy.uint32), 1, parse_outputs(OUTPUTS), 64, None, 5, True, "auto", 1
    )
    data = pickle.dumps(job)
    assert len(data) < 2000
    assert b"batch.batch" not in data
    assert pickle.loads(data).describe() == job.describe()
