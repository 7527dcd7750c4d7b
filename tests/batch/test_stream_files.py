"""Inputs from files and tables, outputs to files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from lrvm_jit.batch import Batch, StreamResult
from lrvm_jit.stream.array_files import FileArray, open_npz
from lrvm_tools import assemble
from tests.batch.streams import SUM, sums

LANES = 100
A0 = numpy.arange(LANES)
RAM = numpy.stack([A0, A0 * 2, A0 * 3], axis=1)
HALT = assemble("halt")
EXPECTED = sums(A0, 2, 0).tolist()


def run(inputs: Any, n: int | None = None, **options: Any) -> StreamResult:
    defaults = {"outputs": ["a1"], "ram_size": 64, "halt_on_exception": True, "chunk": 30}
    return Batch.stream(SUM, n, inputs, **{**defaults, **options})


# --- inputs --------------------------------------------------------------------------------------


def columns() -> dict[str, Any]:
    return {"a0": A0.astype(numpy.uint32), "c0": numpy.full(LANES, 2)}


def table() -> Any:
    return pyarrow.table(columns())


def make_npz(path: Path) -> Path:
    numpy.savez(path / "in.npz", **columns())
    return path / "in.npz"


def make_compressed(path: Path) -> Path:
    numpy.savez_compressed(path / "in.npz", **columns())
    return path / "in.npz"


def make_structured(path: Path) -> Path:
    array = numpy.zeros(LANES, [("a0", "<u4"), ("c0", ">i8")])
    array["a0"], array["c0"] = A0, 2
    numpy.save(path / "in.npy", array)
    return path / "in.npy"


def make_parquet(path: Path) -> Path:
    # Row groups of another size than the chunks.
    parquet.write_table(table(), path / "in.parquet", row_group_size=35)
    return path / "in.parquet"


def make_arrow(path: Path) -> Path:
    with pyarrow.ipc.new_file(str(path / "in.arrow"), table().schema) as file:
        file.write_table(table(), max_chunksize=17)
    return path / "in.arrow"


MAKERS = [make_npz, make_compressed, make_structured, make_parquet, make_arrow]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("kind", [str, Path])
def test_files(make: Callable[[Path], Path], kind: type, tmp_path: Path) -> None:
    path = make(tmp_path)
    assert run(kind(path))["a1"].tolist() == EXPECTED
    assert run(kind(path), LANES, checkpoint=tmp_path / "state")["a1"].tolist() == EXPECTED
    again = run(kind(path), checkpoint=tmp_path / "state")
    assert again.resumed == again.chunks
    assert again["a1"].tolist() == EXPECTED


def test_memory_maps(tmp_path: Path) -> None:
    """An array that lies in a file is read chunk by chunk."""
    numpy.save(tmp_path / "a0.npy", A0)
    assert run({"a0": numpy.load(tmp_path / "a0.npy", mmap_mode="r"), "c0": 2})["a1"].tolist() == (
        EXPECTED
    )
    numpy.save(tmp_path / "ram.npy", RAM)
    result = Batch.stream(HALT, inputs=tmp_path / "ram.npy", outputs=["ram[0:3]"], chunk=30)
    assert result["ram[0:3]"].tolist() == RAM.tolist()


def test_npz_is_read_as_it_is_wanted(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "a0": A0,
        "ram": numpy.asfortranarray(RAM),
        "empty": numpy.zeros((0, 3), numpy.int16),
    }
    numpy.savez(tmp_path / "x.npz", **arrays)
    opened = open_npz(tmp_path / "x.npz")
    for name, array in arrays.items():
        found = opened[name]
        assert isinstance(found, FileArray)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert found[:].tolist() == array.tolist()
        assert found[20:33].tolist() == array[20:33].tolist()
    numpy.savez(tmp_path / "objects.npz", a0=numpy.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"objects\.npz is no \.npz file that can be read: "):
        open_npz(tmp_path / "objects.npz")


def test_tables() -> None:
    """A table in memory, and pieces of one."""
    assert run(table())["a1"].tolist() == EXPECTED
    assert run(table().to_batches(max_chunksize=13))["a1"].tolist() == EXPECTED
    assert run(table().slice(40, 20))["a1"].tolist() == EXPECTED[40:60]


@pytest.mark.parametrize("kind", ["list", "fixed"])
def test_rows_in_tables(kind: str) -> None:
    lists = pyarrow.list_(pyarrow.int64(), 3 if kind == "fixed" else -1)
    rows = pyarrow.table({"ram[1:4]": pyarrow.array(RAM.tolist(), lists)})
    result = Batch.stream(HALT, inputs=rows, outputs=["ram[0:5]"], chunk=30)
    assert result["ram[0:5]"].tolist() == [[0, *row, 0] for row in RAM.tolist()]


def test_mistakes_in_tables() -> None:
    with pytest.raises(ValueError, match="the column 'a0' has 1 nulls; fill them first"):
        run(pyarrow.table({"a0": [1, None]}))
    with pytest.raises(ValueError, match="'ram' has lists of 1 to 2 words; they must be of the sa"):
        run(pyarrow.table({"ram": [[1], [1, 2]]}))
    with pytest.raises(ValueError, match="there is no input 'id'"):
        run(pyarrow.table({"a0": [1], "id": [1]}))
    with pytest.raises(TypeError, match="'a0' has elements of type object"):
        run(pyarrow.table({"a0": ["one"]}))


# --- outputs -------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix == ".npz":
        with numpy.load(path) as file:
            return dict(file)
    if path.suffix == ".npy":
        return {"ram[0:2]": numpy.load(path)}
    if path.suffix == ".parquet":
        rows = parquet.read_table(path)
    else:
        with pyarrow.ipc.open_file(str(path)) as file:
            rows = file.read_all()
    return {name: numpy.array(rows[name].to_pylist()) for name in rows.column_names}


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".parquet", ".arrow"])
@pytest.mark.parametrize("is_known", [True, False])
def test_out_files(tmp_path: Path, suffix: str, is_known: bool) -> None:
    """Whether or not it is known before how many lanes there will be."""
    names = ["ram[0:2]"] if suffix == ".npy" else ["a1", "reason", "cycles", "ram[0:2]"]
    inputs: Any = {"a0": A0, "c0": 2}
    if not is_known:
        inputs = ({"a0": A0[k : k + 9], "c0": 2} for k in range(0, LANES, 9))
    path = tmp_path / f"out{suffix}"
    path.write_text("what was there before")
    result = run(inputs, outputs=names, out=path)
    assert not result.outputs
    expected = run({"a0": A0, "c0": 2}, outputs=names)
    found = read(path)
    assert list(found) == names
    for name in names:
        assert found[name].tolist() == expected[name].tolist()
    if suffix.startswith(".np"):
        assert {found[name].dtype for name in names} == {expected[name].dtype for name in names}
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".parquet", ".arrow"])
def test_no_lanes_in_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    run(None, 0, outputs=["ram[0:2]"], out=path)
    assert read(path)["ram[0:2]"].tolist() == []


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".parquet", ".arrow"])
def test_nothing_half_written(tmp_path: Path, suffix: str) -> None:
    """A stream that fails leaves what was there before."""

    def fail(first: int, count: int) -> dict[str, Any]:
        if first == 60:
            assert len(list(tmp_path.iterdir())) > 1
            raise ZeroDivisionError
        return {"a0": A0[first : first + count], "c0": 2}

    path = tmp_path / f"out{suffix}"
    path.write_text("what was there before")
    with pytest.raises(ZeroDivisionError):
        run(fail, LANES, out=path)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "what was there before"


def test_a_memory_map_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    out = numpy.lib.format.open_memmap(path, "w+", numpy.uint32, (LANES,))
    run({"a0": A0, "c0": 2}, out={"a1": out})
    del out
    assert numpy.load(path).tolist() == EXPECTED
    with pytest.raises(ValueError, match=r"out\['a1'\] is read-only; open it with mmap_mode='r\+'"):
        run({"a0": A0, "c0": 2}, out={"a1": numpy.load(path, mmap_mode="r")})


def test_an_iterator_longer_than_the_arrays() -> None:
    out = numpy.zeros(50, numpy.uint32)
    pieces = [{"a0": A0[:40], "c0": 2}, {"a0": A0[40:80], "c0": 2}]
    with pytest.raises(ValueError, match="has 50 rows, but the inputs are for 70 lanes or more"):
        run(pieces, out={"a1": out})
    assert run(pieces, 50, out={"a1": out}).n == 50
    assert out.tolist() == EXPECTED[:50]


# --- without the extras --------------------------------------------------------------------------


def test_the_core_needs_none_of_the_extras(tmp_path: Path) -> None:
    numpy.save(tmp_path / "in.npy", A0)
    (tmp_path / "in.parquet").write_bytes(b"")
    code = f"""
import sys
for name in ("pyarrow", "distributed", "dask", "rich"):
    sys.modules[name] = None
from lrvm_jit.batch import Batch
halt = {[int(word) for word in HALT]!r}
assert Batch.stream(halt, inputs="in.npy", out="out.npz").n == {LANES}
for options in ({{"inputs": "in.parquet"}}, {{"n": 1, "out": "x.parquet"}},
                {{"n": 1, "client": 1}}, {{"n": 1, "progress": True}}):
    try:
        Batch.stream(halt, **options)
    except ImportError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "the file in.parquet needs the package pyarrow: pip install 'lrvm-jit[arrow]'",
        "the file x.parquet needs the package pyarrow: pip install 'lrvm-jit[arrow]'",
        "client needs the package distributed: pip install 'lrvm-jit[distributed]'",
        "a progress bar needs the package rich: pip install 'lrvm-jit[tools]'",
    ]
