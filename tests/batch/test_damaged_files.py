"""Damaged inputs and checkpoints: an error of the documented kind, never wrong data.

`make fuzz` sets LRVM_FUZZ for many more mutations. A failing one prints its seed.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pytest
from pyarrow import parquet

from lrvm_jit.batch import Batch, CheckpointError, DataError, StreamResult
from lrvm_jit.stream.chunk_size import FixedSize
from lrvm_jit.stream.inputs import Source, blaming, open_inputs
from tests.batch.damage import LONG, damaged
from tests.batch.streams import SUM

LANES = 40
A0 = numpy.arange(LANES)
OUTPUTS = ("a1", "ram[0:2]", "reason", "cycles")


def run(inputs: Any, **options: Any) -> StreamResult:
    defaults = {"outputs": OUTPUTS, "ram_size": 64, "halt_on_exception": True, "chunk": 10}
    return Batch.stream(SUM, inputs=inputs, **{**defaults, **options})


def rows(result: StreamResult) -> dict[str, Any]:
    return {
        **{name: array.tolist() for name, array in result.outputs.items()},
        "counts": result.counts,
        "instructions": result.instructions,
    }


# --- checkpoints ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished job's checkpoint, and its results."""
    folder = tmp_path_factory.mktemp("job") / "state"
    return folder, rows(run({"a0": A0, "c0": 2}, checkpoint=folder))


@pytest.mark.parametrize("name", ["chunk-000001.npz", "chunks.jsonl", "job.json"])
def test_damaged_checkpoints(tmp_path: Path, job: tuple[Path, dict[str, Any]], name: str) -> None:
    """Refused, or without any influence (spaces in `job.json`; a line that was cut off the end
    of the list, as when the process is killed)."""
    folder, expected = job
    whole = (folder / name).read_bytes()
    shutil.copytree(folder, tmp_path / "state")
    for seed in range(17_500 // 3 * LONG or 40):
        (tmp_path / "state" / name).write_bytes(damaged(whole, random.Random(seed)))
        try:
            found = rows(run({"a0": A0, "c0": 2}, checkpoint=tmp_path / "state"))
        except CheckpointError:
            continue
        assert found == expected, seed
        assert name != "chunk-000001.npz", seed
        # It may have run chunks again, and listed them.
        shutil.rmtree(tmp_path / "state")
        shutil.copytree(folder, tmp_path / "state")


def test_the_byte_that_was_not_noticed(tmp_path: Path, job: tuple[Path, dict[str, Any]]) -> None:
    """The length of a comment in the zip archive's directory: entries behind it are not found."""
    shutil.copytree(job[0], tmp_path / "state")
    chunk = tmp_path / "state" / "chunk-000001.npz"
    data = bytearray(chunk.read_bytes())
    entry = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[entry + 32] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"chunk-000001\.npz cannot be read .*; delete it"):
        run({"a0": A0, "c0": 2}, checkpoint=tmp_path / "state")
    chunk.unlink()
    assert rows(run({"a0": A0, "c0": 2}, checkpoint=tmp_path / "state")) == job[1]


def test_chunks_of_another_job(tmp_path: Path, job: tuple[Path, dict[str, Any]]) -> None:
    run({"a0": A0 + 1, "c0": 2}, checkpoint=tmp_path / "other")
    shutil.copytree(job[0], tmp_path / "state")
    shutil.copy(tmp_path / "other" / "chunk-000001.npz", tmp_path / "state")
    with pytest.raises(CheckpointError, match=r"000001\.npz cannot be read \(it is not what was w"):
        run({"a0": A0, "c0": 2}, checkpoint=tmp_path / "state")


@pytest.mark.parametrize("name", ["lock", "job.json", "chunks.jsonl", "chunk-000000.npz"])
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_file_of_a_checkpoint(tmp_path: Path, name: str, kind: str) -> None:
    """A link in somebody else's folder must not have its target emptied, or written over."""
    (tmp_path / "precious").write_bytes(b"precious")
    state = tmp_path / "state"
    state.mkdir()
    if kind == "link":
        (state / name).symlink_to("../precious")
    else:
        (state / name).mkdir()
    with pytest.raises(CheckpointError, match=rf"{name} is no regular file"):
        run({"a0": A0, "c0": 2}, checkpoint=state)
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_list_that_was_being_written(tmp_path: Path, job: tuple[Path, dict[str, Any]]) -> None:
    """The process was killed in the last line: that chunk runs again, and is listed."""
    shutil.copytree(job[0], tmp_path / "state")
    listed = tmp_path / "state" / "chunks.jsonl"
    whole = listed.read_bytes()
    listed.write_bytes(whole[:-20])
    result = run({"a0": A0, "c0": 2}, checkpoint=tmp_path / "state")
    assert (result.resumed, rows(result)) == (3, job[1])
    assert listed.read_bytes() == whole


# --- inputs --------------------------------------------------------------------------------------


def make(path: Path, kind: str) -> Path:
    columns: dict[str, Any] = {
        "a0": A0.astype(numpy.uint32),
        "ram[0:2]": numpy.arange(2 * LANES).reshape(-1, 2),
    }
    path /= f"in.{kind.rpartition(' ')[2]}"
    if kind == "npy":
        numpy.save(path, A0)
    elif kind == "npz":
        numpy.savez(path, **columns)
    elif kind == "compressed npz":
        numpy.savez_compressed(path, **columns)
    else:
        lists = pyarrow.array(
            numpy.asarray(columns["ram[0:2]"]).tolist(), pyarrow.list_(pyarrow.int64())
        )
        table = pyarrow.table({"a0": columns["a0"], "ram[0:2]": lists})
        if kind == "parquet":
            parquet.write_table(table, path, row_group_size=15)
        else:
            with pyarrow.ipc.new_file(str(path), table.schema) as file:
                file.write_table(table, max_chunksize=15)
    return path


KINDS = ["npy", "npz", "compressed npz", "parquet", "arrow"]


def read(path: Path) -> list[Any]:
    """All inputs of a file, as a stream reads them."""
    source: Source = open_inputs(path, None)
    try:
        found = []
        for piece in source.chunks(FixedSize(10)):
            with blaming(source.path):
                columns = piece.make()
                found.append({name: numpy.asarray(value) for name, value in columns.items()})
        return found
    finally:
        source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs(tmp_path: Path, kind: str) -> None:
    """DataError, or another but valid file: formats without checksums cannot tell."""
    path = make(tmp_path, kind)
    whole = path.read_bytes()
    assert sum(len(columns["a0"]) for columns in read(path)) == LANES
    for seed in range(4_000 * LONG or 150):
        path.write_bytes(damaged(whole, random.Random(seed)))
        try:
            read(path)
        except DataError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"", b"\0", b"no such file" * 100])
def test_no_inputs(tmp_path: Path, kind: str, content: bytes) -> None:
    path = make(tmp_path, kind)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"in\.\w+ is no \.\w+ file that can be read: "):
        run(path, outputs=["a0"])


def test_bits_of_an_npz(tmp_path: Path) -> None:
    """Its checksums are compared though its arrays are read as they are wanted."""
    path = tmp_path / "in.npz"
    words = numpy.arange(100_000, dtype=numpy.uint32)
    numpy.savez(path, a0=words)
    data = bytearray(path.read_bytes())
    data[data.index(words[-10:].tobytes())] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"the checksum of a0\.npy is wrong"):
        run(path, outputs=["a0"])


def test_inputs_that_do_not_fit(tmp_path: Path) -> None:
    """Whole files, but not of what registers and RAM take."""
    path = tmp_path / "in.npy"
    for array, message in (
        (A0 / 2, "elements of type float64"),
        (A0 + (1 << 40), "contains 1099511627776"),
        (numpy.zeros((2, 2, 2), int), "must have one dimension"),
    ):
        numpy.save(path, array)
        with pytest.raises(DataError, match=rf"in\.npy: .*{message}"):
            run(path, outputs=["a0"])
    with pytest.raises(FileNotFoundError):
        run(tmp_path / "no.npy")
