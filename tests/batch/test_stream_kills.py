"""A stream with a checkpoint that is killed again and again, anywhere, ends with the results of one
that never was."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import numpy

from lrvm_jit.batch import Batch
from tests.batch.damage import LONG
from tests.batch.streams import SUM, python

OPTIONS = (
    'outputs=["a1", "ram[0:2]", "cycles"], ram_size=64, halt_on_exception=True, chunk=20, '
    'checkpoint="state", out="out.npz"'
)
JOB = f"""
import numpy
from lrvm_jit.batch import Batch
from tests.batch.streams import SUM

print("begins", flush=True)
Batch.stream(SUM, inputs={{"a0": numpy.arange(8000), "c0": 3}}, {OPTIONS})
print("ends", flush=True)
"""


def test_killed_again_and_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "out.npz").write_bytes(b"older")
    rng = random.Random(1)
    for _ in range(60 * LONG or 3):
        with python(JOB, cwd=tmp_path) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "begins\n"
                chunks = len(list(state.glob("chunk-*")))
                while len(list(state.glob("chunk-*"))) == chunks and process.poll() is None:
                    time.sleep(0.001)
                time.sleep(rng.uniform(0, 0.01))
            finally:
                process.kill()
        assert process.returncode in (0, -signal.SIGKILL)
        assert process.returncode == 0 or (tmp_path / "out.npz").read_bytes() == b"older"
    with python(JOB, cwd=tmp_path) as process:
        stdout, stderr = process.communicate(timeout=200)
    assert (stdout, stderr) == ("begins\nends\n", "")
    whole = Batch.stream(
        SUM,
        inputs={"a0": numpy.arange(8000), "c0": 3},
        outputs=["a1", "ram[0:2]", "cycles"],
        ram_size=64,
        halt_on_exception=True,
    )
    with numpy.load(tmp_path / "out.npz") as out:
        for name, array in whole.outputs.items():
            assert numpy.array_equal(out[name], array)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npz", "state"]
    assert not [path for path in state.iterdir() if path.name.endswith(".part")]
