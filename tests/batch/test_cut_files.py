"""Files that are cut short, or have no room on the disk, while a stream works on them: an error,
where mapped files would have ended the process with SIGBUS."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy
import pytest

from tests.batch.streams import python

LANES = 200_000
CHUNK = 50_000

# The first chunk's outputs are there, and the inputs are cut down to the start of the second.
JOB = """
import os, sys, numpy
from lrvm_jit.batch import Batch, DataError
from lrvm_tools import assemble

def out(first, outputs):
    os.truncate(FILE, 8 * 60_000)

try:
    Batch.stream(assemble("halt"), inputs=INPUTS, outputs=["a0"], out=out, chunk=50_000)
except DataError as error:
    print("DataError:", error)
"""


@pytest.mark.parametrize("kind", ["npy", "npz", "map", "arrow", "parquet"])
def test_inputs_cut_short(tmp_path: Path, kind: str) -> None:
    a0 = numpy.arange(LANES)
    path = tmp_path / f"in.{'npy' if kind == 'map' else kind}"
    if kind == "npz":
        numpy.savez(path, a0=a0)
    elif kind in ("arrow", "parquet"):
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.table({"a0": a0})
        if kind == "parquet":
            parquet.write_table(table, path, row_group_size=CHUNK, compression="none")
        else:
            with pyarrow.ipc.new_file(str(path), table.schema) as file:
                file.write_table(table, max_chunksize=CHUNK)
    else:
        numpy.save(path, a0)
    inputs = repr(str(path))
    if kind == "map":
        inputs = f"{{'a0': numpy.load({inputs}, mmap_mode='r')}}"
    job = JOB.replace("FILE", repr(str(path))).replace("INPUTS", inputs)
    with python(job, cwd=tmp_path) as process:
        stdout, stderr = process.communicate(timeout=200)
    assert (process.returncode, stderr) == (0, "")
    assert stdout.startswith(f"DataError: {path}")


# A limit on the size of files stands for the disk that is full.
FULL = """
import resource, signal, numpy
from lrvm_jit.batch import Batch
from lrvm_tools import assemble

out = numpy.lib.format.open_memmap("out.npy", "w+", numpy.uint32, (200_000,))
import os
os.truncate("out.npy", 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    Batch.stream(assemble("halt"), 200_000, outputs=["a0"], out={"a0": out[:]})
except OSError as error:
    print(error.errno, error.filename)
"""


def test_outputs_without_room(tmp_path: Path) -> None:
    with python(FULL, cwd=tmp_path) as process:
        stdout, stderr = process.communicate(timeout=200)
    assert (process.returncode, stderr) == (0, "")
    assert stdout == f"{errno.EFBIG} {tmp_path / 'out.npy'}\n"


@pytest.mark.parametrize("without", [False, True])
def test_outputs_get_their_room_first(
    tmp_path: Path, without: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system has no call for it; what the file has stays."""
    import os

    from lrvm_jit.batch.mapped_arrays import allocate

    if without:
        monkeypatch.delattr(os, "posix_fallocate")
    path = tmp_path / "out.npy"
    out = numpy.lib.format.open_memmap(path, "w+", numpy.uint32, (1 << 20,))
    out[3] = 5
    before = path.stat().st_blocks
    allocate(out[2:10])
    assert path.stat().st_blocks * 512 >= out.nbytes > before * 512
    assert (out[3], int(out.sum())) == (5, 5)


def test_words_of_a_component_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "words.npy"
    numpy.save(path, numpy.ones((4, 50_000), numpy.uint32))
    job = """
import os, numpy
from lrvm_jit.batch import Batch, DataError, WordInput
from lrvm_tools import assemble

words = WordInput(numpy.load("words.npy", mmap_mode="r")[:, 1:])
os.truncate("words.npy", 1000)
with Batch(assemble("cpy ac0, 0x2000\\nlsa a0, ac0, 8\\nhalt"), 4,
           components=[words]) as batch:
    try:
        batch.run()
    except DataError as error:
        print("DataError:", error)
"""
    with python(job, cwd=tmp_path) as process:
        stdout, stderr = process.communicate(timeout=200)
    assert (process.returncode, stderr) == (0, "")
    assert stdout == f"DataError: {path} has been cut short: 1000 of 800128 bytes are left\n"
