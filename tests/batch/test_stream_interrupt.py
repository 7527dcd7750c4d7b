"""Ctrl-C ends a stream, whose result has what is done."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import numpy
import pytest

from lrvm_jit.batch import Batch
from lrvm_tools import assemble
from tests.batch.streams import python

# The lanes from 40 on never end; the process says when they run.
JOB = """
import json, numpy
from lrvm_jit.batch import Batch
from lrvm_tools import assemble

program = assemble('''
    cpy a1, a0
    add a1, 1
    cmp a0, 40
    ifls
    halt
again:
    jp again
''')
said = False

def progress(done, total, instructions):
    global said
    if done >= 40 and instructions > 1000 and not said:
        said = True
        print("running", flush=True)

result = Batch.stream(program, inputs={"a0": numpy.arange(100)}, outputs=["a1"], chunk=20,
                      progress=progress, threads=2, OPTIONS)
print(json.dumps({
    "n": result.n, "interrupted": result.interrupted, "chunks": result.chunks,
    "counts": {int(reason): count for reason, count in result.counts.items()},
    "a1": {name: rows.tolist() for name, rows in result.outputs.items()},
}), flush=True)
"""


@pytest.mark.parametrize("out", [None, "out.npz", "out.npy", "out.parquet"])
def test_ctrl_c_returns_what_is_done(tmp_path: Path, out: str | None) -> None:
    job = JOB.replace("OPTIONS", f"out={out!r}, checkpoint='state'")
    with python(job, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=100)
        finally:
            process.kill()
    assert (process.returncode, stderr) == (0, "")
    expected = list(range(1, 41))
    result = json.loads(stdout)
    assert (result["n"], result["interrupted"], result["chunks"]) == (40, True, 2)
    assert result["counts"] == {"1": 40}
    assert result["a1"] == ({"a1": expected} if out is None else {})
    if out == "out.npz":
        with numpy.load(tmp_path / out) as file:
            assert file["a1"].tolist() == expected
    elif out == "out.npy":
        assert numpy.load(tmp_path / out).tolist() == expected
    elif out == "out.parquet":
        from pyarrow import parquet

        assert parquet.read_table(tmp_path / out)["a1"].to_pylist() == expected
    names = {"chunk-000000.npz", "chunk-000001.npz", "chunks.jsonl", "job.json", "lock"}
    assert {path.name for path in (tmp_path / "state").iterdir()} == names
    assert {path.name for path in tmp_path.iterdir()} == {"state", *([out] if out else [])}


def test_ctrl_c_while_threads_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread is left behind, which would run for ever."""
    start = threading.Thread.start

    def start_and_interrupt(thread: threading.Thread) -> None:
        start(thread)
        if thread.name.startswith("lrvm_jit batch"):
            signal.raise_signal(signal.SIGINT)

    with Batch(assemble("jp 0"), 40, threads=2) as batch:
        monkeypatch.setattr(threading.Thread, "start", start_and_interrupt)
        try:
            result = batch.run()
        finally:
            # Where the test fails, it ends all the same.
            batch._control[0] = 1
    assert result.interrupted
    assert not [item for item in threading.enumerate() if item.name.startswith("lrvm_jit batch")]
