"""Where a stream's outputs go: new arrays, arrays of the caller, a function, files."""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy
from numpy.typing import DTypeLike, NDArray

from .durable import part_of, put_in_place
from .optional import import_arrow

Arrays = Mapping[str, NDArray[Any]]
Types = dict[str, tuple[DTypeLike, tuple[int, ...]]]
"""For each output the type of its elements, and the shape of a lane's."""
ChunkFunction = Callable[[int, dict[str, NDArray[Any]]], object]
"""Gets the number of the first lane and the outputs of a chunk."""


class Sink(ABC):
    """Takes the chunks in order."""

    may_wait = True
    """Whether Ctrl-C can wait until `put` is over."""

    @abstractmethod
    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        """Take a chunk's outputs. False if no more are wanted."""

    def finish(self, done: int) -> Arrays:
        """All is there, `done` lanes. What the caller gets."""
        return {}

    def abandon(self) -> None:  # noqa: B027 - most have nothing to undo
        """Nothing comes of it."""


class NewArrays(Sink):
    """Makes arrays."""

    def __init__(self, types: Types, n: int | None) -> None:
        self._n = n
        self._arrays = {
            name: numpy.empty((n or 0, *shape), dtype) for name, (dtype, shape) in types.items()
        }
        self._parts: dict[str, list[NDArray[Any]]] = {name: [] for name in types}

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        for name, rows in outputs.items():
            if self._n is None:
                self._parts[name].append(rows)
            else:
                self._arrays[name][first : first + len(rows)] = rows
        return True

    def finish(self, done: int) -> Arrays:
        if self._n is not None:
            return {name: array[:done] for name, array in self._arrays.items()}
        return {
            name: numpy.concatenate([array, *self._parts[name]])
            for name, array in self._arrays.items()
        }


class GivenArrays(Sink):
    """Fills arrays that the caller has made, memory maps for instance."""

    def __init__(self, arrays: Arrays, types: Types, n: int | None) -> None:
        """ValueError, TypeError for arrays that do not fit."""
        self._arrays = arrays
        if set(arrays) != set(types):
            raise ValueError(
                f"out has arrays for {sorted(arrays)}, but outputs are {sorted(types)}"
            )
        for name, (dtype, shape) in types.items():
            array = arrays[name]
            if not isinstance(array, numpy.ndarray):
                raise TypeError(f"out[{name!r}] is a {type(array).__name__}, not a numpy array")
            wanted = (len(array) if n is None and array.ndim else n, *shape)
            if array.shape != wanted:
                raise ValueError(f"out[{name!r}] has shape {array.shape}; it must have {wanted}")
            if not numpy.can_cast(dtype, array.dtype, "safe"):
                raise TypeError(
                    f"out[{name!r}] has elements of type {array.dtype}, which cannot hold all "
                    f"values of {numpy.dtype(dtype)}"
                )
            if not array.flags.writeable:
                raise ValueError(f"out[{name!r}] is read-only; open it with mmap_mode='r+'")

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        for name, rows in outputs.items():
            if first + len(rows) > len(self._arrays[name]):
                raise ValueError(
                    f"out[{name!r}] has {len(self._arrays[name])} rows, but the inputs are for "
                    f"{first + len(rows)} lanes or more; pass n={len(self._arrays[name])} to stop "
                    "there"
                )
            self._arrays[name][first : first + len(rows)] = rows
        return True

    def finish(self, done: int) -> Arrays:
        for array in self._arrays.values():
            if isinstance(array, numpy.memmap):
                array.flush()
        return self._arrays


class FunctionSink(Sink):
    """Calls a function."""

    may_wait = False

    def __init__(self, function: ChunkFunction) -> None:
        self._function = function

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        # What is true of arrays nobody can say.
        return self._function(first, outputs) is not True


class _NpyFile:
    """An `.npy` file that grows: how many rows it has is put in at the end."""

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
        self.path = path
        self._dtype = numpy.dtype(dtype)
        self._shape = shape
        self._file: BinaryIO = path.open("wb")
        self._write_header(0)

    def _write_header(self, rows: int) -> None:
        # numpy leaves room for the first number to grow (format.GROWTH_AXIS_MAX_DIGITS).
        numpy.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": numpy.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (rows, *self._shape),
            },
        )

    def append(self, rows: NDArray[Any]) -> None:
        self._file.write(numpy.asarray(rows, self._dtype).tobytes())

    def finish(self, rows: int) -> None:
        self._file.seek(0)
        self._write_header(rows)
        self._file.close()

    def abandon(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class _FileSink(Sink):
    """Writes a file, which appears when it is whole."""

    def __init__(self, path: Path, types: Types) -> None:
        """ValueError, FileNotFoundError for a path that cannot be."""
        if not types:
            raise ValueError(f"there are no outputs to write to {path}")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {path.parent} for {path.name}")
        self._path = path
        self._types = types


class NumpyFile(_FileSink):
    """`.npy` for one output, `.npz` for any number."""

    def __init__(self, path: Path, types: Types) -> None:
        super().__init__(path, types)
        self._is_npz = path.suffix.lower() == ".npz"
        if not self._is_npz and len(types) != 1:
            raise ValueError(
                f"{path} can hold one output, but there are {len(types)}: {', '.join(types)}; "
                "name a .npz file, or one output"
            )
        self._files: dict[str, _NpyFile] = {}

    def _begin(self) -> None:
        if not self._files:
            for number, (name, (dtype, shape)) in enumerate(self._types.items()):
                part = part_of(self._path.with_name(f"{self._path.name}.{number}"))
                self._files[name] = _NpyFile(part, dtype, shape)

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        self._begin()
        for name, rows in outputs.items():
            self._files[name].append(rows)
        return True

    def finish(self, done: int) -> Arrays:
        self._begin()
        for file in self._files.values():
            file.finish(done)
        part = next(iter(self._files.values())).path
        if self._is_npz:
            part = part_of(self._path)
            with zipfile.ZipFile(part, "w") as archive:
                for name, file in self._files.items():
                    archive.write(file.path, f"{name}.npy")
                    file.path.unlink()
        put_in_place(part, self._path)
        return {}

    def abandon(self) -> None:
        for file in self._files.values():
            file.abandon()
        part_of(self._path).unlink(missing_ok=True)


class ArrowFile(_FileSink):
    """`.parquet`, or Arrow's own `.arrow` or `.feather`: a column for each output."""

    def __init__(self, path: Path, types: Types) -> None:
        super().__init__(path, types)
        self._arrow = import_arrow(f"the file {path}")
        self._schema = self._arrow.schema(
            [(name, self._type(dtype, shape)) for name, (dtype, shape) in types.items()]
        )
        self._part = part_of(path)
        self._writer: Any = None

    def _type(self, dtype: DTypeLike, shape: tuple[int, ...]) -> Any:
        element = self._arrow.from_numpy_dtype(numpy.dtype(dtype))
        return self._arrow.list_(element, shape[0]) if shape else element

    def _begin(self) -> None:
        if self._writer is not None:
            return
        if self._path.suffix.lower() == ".parquet":
            from pyarrow import parquet

            self._writer = parquet.ParquetWriter(self._part, self._schema)
        else:
            self._writer = self._arrow.ipc.new_file(str(self._part), self._schema)

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        self._begin()
        columns = [
            self._arrow.array(rows)
            if rows.ndim == 1
            else self._arrow.FixedSizeListArray.from_arrays(
                self._arrow.array(rows.reshape(-1)), rows.shape[1]
            )
            for rows in (outputs[name] for name in self._types)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
        return True

    def finish(self, done: int) -> Arrays:
        self._begin()
        self._writer.close()
        put_in_place(self._part, self._path)
        return {}

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._part.unlink(missing_ok=True)


def open_sink(out: object, types: Types, n: int | None) -> Sink:
    """The sink that `out` stands for. TypeError, ValueError if it stands for none."""
    if out is None:
        return NewArrays(types, n)
    if isinstance(out, str | Path):
        path = Path(out)
        suffix = path.suffix.lower()
        if suffix in (".npy", ".npz"):
            return NumpyFile(path, types)
        if suffix in (".parquet", ".arrow", ".feather"):
            return ArrowFile(path, types)
        raise ValueError(f"{path}: outputs go to .npy, .npz, .parquet or .arrow files")
    if isinstance(out, Mapping):
        return GivenArrays(out, types, n)
    if callable(out):
        return FunctionSink(out)
    raise TypeError(
        f"out is a {type(out).__name__}; it must be the path of a file, a mapping from names to "
        "arrays, or a function of (first, outputs)"
    )
