"""Where a stream's outputs go: new arrays, arrays of the caller, a function, files."""

from __future__ import annotations

import json
import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy
from numpy.typing import DTypeLike, NDArray

from ..batch.mapped_arrays import allocate, check_mapped
from ..output_files import OutputFile, naming, remove_stale
from .fields import TEXT
from .optional import import_arrow
from .text_files import SUFFIX

Arrays = Mapping[str, NDArray[Any]]
Types = dict[str, tuple[DTypeLike, tuple[int, ...]]]
"""For each output the type of its elements, and the shape of a lane's."""
ChunkFunction = Callable[[int, dict[str, NDArray[Any]]], object]
"""Gets the number of the first lane and the outputs of a chunk."""
LANE: Final = "lane"
"""The array or column with the numbers of lanes, in files whose rows are not simply the first."""
_ROWS: Final = 1 << 16
"""Rows that are copied at a time."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Lanes that were done of a chunk that Ctrl-C ended: their numbers (int64) and outputs."""

    lanes: NDArray[numpy.int64]
    outputs: dict[str, NDArray[Any]]


class Sink(ABC):
    """Takes the chunks in order."""

    may_wait = True
    """Whether Ctrl-C can wait until `put` is over."""
    takes_rest = False
    """Whether it can say which lanes it has, if those are not the first ones."""
    file: Path | None = None
    """The file that has the outputs in the end."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All such files."""
        return () if self.file is None else (self.file,)

    @abstractmethod
    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        """Take a chunk's outputs. False if no more are wanted."""

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
        """All is there, the first `done` lanes and, if `takes_rest`, some more. What the caller
        gets."""
        return {}

    def abandon(self) -> None:  # noqa: B027 - most have nothing to undo
        """Nothing comes of it."""


class NewArrays(Sink):
    """Makes arrays."""

    def __init__(self, types: Types, n: int | None) -> None:
        self._n = n
        self._arrays = {
            name: numpy.zeros((n or 0, *shape), dtype) for name, (dtype, shape) in types.items()
        }
        self._parts: dict[str, list[NDArray[Any]]] = {name: [] for name in types}

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        for name, rows in outputs.items():
            if self._n is None:
                self._parts[name].append(rows)
            else:
                self._arrays[name][first : first + len(rows)] = rows
        return True

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
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
        for array in arrays.values():
            allocate(array)

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        for name, rows in outputs.items():
            if first + len(rows) > len(self._arrays[name]):
                raise ValueError(
                    f"out[{name!r}] has {len(self._arrays[name])} rows, but the inputs are for "
                    f"{first + len(rows)} lanes or more; pass n={len(self._arrays[name])} to stop "
                    "there"
                )
            check_mapped(self._arrays[name])
            self._arrays[name][first : first + len(rows)] = rows
        return True

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
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

    def __init__(self, file: BinaryIO, dtype: DTypeLike, shape: tuple[int, ...]) -> None:
        self.file = file
        self._dtype = numpy.dtype(dtype)
        self._shape = shape
        self._write_header(0)

    def _write_header(self, rows: int) -> None:
        # numpy leaves room for the first number to grow (format.GROWTH_AXIS_MAX_DIGITS).
        numpy.lib.format.write_array_header_1_0(
            self.file,
            {
                "descr": numpy.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (rows, *self._shape),
            },
        )

    def append(self, rows: NDArray[Any]) -> None:
        self.file.write(numpy.asarray(rows, self._dtype).tobytes())

    def finish(self, rows: int) -> None:
        self.file.seek(0)
        self._write_header(rows)
        self.file.flush()


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
        self._outputs: list[OutputFile] = []

    def _open(self) -> BinaryIO:
        self._outputs.append(OutputFile(self._path))
        return self._outputs[-1].file

    def _commit(self, interrupted: bool) -> None:
        """Put the last output in place; beside an older file if it is not all."""
        self.file = self._path
        if interrupted and self._path.is_file():
            self.file = self._path.with_stem(f"{self._path.stem}.interrupted")
        self._outputs.pop().commit(self.file)

    def abandon(self) -> None:
        for output in self._outputs:
            output.abandon()


class NumpyFile(_FileSink):
    """`.npy` for one output, `.npz` for any number."""

    def __init__(self, path: Path, types: Types) -> None:
        super().__init__(path, types)
        if TEXT in types:
            raise ValueError(
                f"{path} cannot hold the output {TEXT!r}; name a {SUFFIX}, .parquet or .arrow file "
                "for it"
            )
        self._is_npz = self.takes_rest = path.suffix.lower() == ".npz"
        if not self._is_npz and len(types) != 1:
            raise ValueError(
                f"{path} can hold one output, but there are {len(types)}: {', '.join(types)}; "
                "name a .npz file, or one output"
            )
        self._files: dict[str, _NpyFile] = {}

    def _begin(self) -> None:
        if not self._files:
            remove_stale(self._path)
            for name, (dtype, shape) in self._types.items():
                self._files[name] = _NpyFile(self._open(), dtype, shape)

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        with naming(self._path):
            self._begin()
            for name, rows in outputs.items():
                self._files[name].append(rows)
        return True

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
        with naming(self._path):
            self._begin()
            if rest is not None:
                self._add(done, rest)
                done += len(rest.lanes)
            for file in self._files.values():
                file.finish(done)
            if self._is_npz:
                self._pack()
        self._commit(interrupted)
        return {}

    def _add(self, done: int, rest: Rest) -> None:
        """Add lanes that are not the next ones, and the numbers of all."""
        for name, rows in rest.outputs.items():
            self._files[name].append(rows)
        numbers = self._files[LANE] = _NpyFile(self._open(), numpy.int64, ())
        for first in range(0, done, _ROWS):
            numbers.append(numpy.arange(first, min(done, first + _ROWS)))
        numbers.append(rest.lanes)

    def _pack(self) -> None:
        """Put the arrays into one file, the last of the outputs."""
        with zipfile.ZipFile(self._open(), "w") as archive:
            for name, array in self._files.items():
                array.file.seek(0)
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    shutil.copyfileobj(array.file, entry, 1 << 20)
                # Its room on the disk is wanted for the next.
                self._outputs.pop(0).abandon()


class ArrowFile(_FileSink):
    """`.parquet`, or Arrow's own `.arrow` or `.feather`: a column for each output."""

    takes_rest = True

    def __init__(self, path: Path, types: Types) -> None:
        super().__init__(path, types)
        self._arrow = import_arrow(f"the file {path}")
        self._is_parquet = path.suffix.lower() == ".parquet"
        self._schema = self._arrow.schema(
            [(name, self._type(dtype, shape)) for name, (dtype, shape) in types.items()]
        )
        self._writer: Any = None

    def _type(self, dtype: DTypeLike, shape: tuple[int, ...]) -> Any:
        if numpy.dtype(dtype).kind == "T":
            return self._arrow.string()
        element = self._arrow.from_numpy_dtype(numpy.dtype(dtype))
        return self._arrow.list_(element, shape[0]) if shape else element

    def _begin(self) -> None:
        if self._writer is None:
            remove_stale(self._path)
            self._open_writer()

    def _open_writer(self) -> None:
        file = self._open()
        if self._is_parquet:
            from pyarrow import parquet

            self._writer = parquet.ParquetWriter(file, self._schema)
        else:
            self._writer = self._arrow.ipc.new_file(file, self._schema)

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        with naming(self._path):
            self._begin()
            self._write(self._columns(outputs))
        return True

    def _columns(self, outputs: dict[str, NDArray[Any]]) -> list[Any]:
        return [
            self._arrow.array(rows.tolist(), self._arrow.string())
            if rows.dtype.kind == "T"
            else self._arrow.array(rows)
            if rows.ndim == 1
            else self._arrow.FixedSizeListArray.from_arrays(
                self._arrow.array(rows.reshape(-1)), rows.shape[1]
            )
            for rows in (outputs[name] for name in self._types)
        ]

    def _write(self, columns: list[Any]) -> None:
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
        with naming(self._path):
            self._begin()
            self._writer.close()
            if rest is not None:
                self._add(rest)
        self._commit(interrupted)
        return {}

    def _add(self, rest: Rest) -> None:
        """Make the file again with lanes that are not the next ones, and the numbers of all."""
        written = self._outputs[0]
        written.file.seek(0)
        batches = self._batches(written.file)
        self._schema = self._schema.append(self._arrow.field(LANE, self._arrow.int64()))
        self._open_writer()
        first = 0
        for batch in batches:
            numbers = numpy.arange(first, first + len(batch))
            self._write([*batch.columns, self._arrow.array(numbers)])
            first += len(batch)
        self._write([*self._columns(rest.outputs), self._arrow.array(rest.lanes)])
        self._writer.close()
        self._outputs.pop(0).abandon()

    def _batches(self, file: BinaryIO) -> Iterator[Any]:
        if self._is_parquet:
            from pyarrow import parquet

            yield from parquet.ParquetFile(file).iter_batches(_ROWS)
        else:
            reader = self._arrow.ipc.open_file(file)
            yield from map(reader.get_batch, range(reader.num_record_batches))

    def abandon(self) -> None:
        if self._writer is not None:
            with suppress(Exception):  # a full disk is still full
                self._writer.close()
        super().abandon()


class TextLines(_FileSink):
    """`.jsonl`: the text of each lane as a JSON string on a line of its own."""

    def __init__(self, path: Path, types: Types) -> None:
        super().__init__(path, types)
        if tuple(types) != (TEXT,):
            raise ValueError(
                f"{path} holds the output {TEXT!r} and no other, but outputs are "
                f"{', '.join(types)}; name another file for these"
            )

    def _begin(self) -> BinaryIO:
        if not self._outputs:
            remove_stale(self._path)
            self._open()
        return self._outputs[0].file

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        with naming(self._path):
            file = self._begin()
            for text in outputs[TEXT].tolist():
                # In ASCII: some readers take other separators for ends of lines.
                file.write(json.dumps(text).encode() + b"\n")
        return True

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
        with naming(self._path):
            self._begin()
        self._commit(interrupted)
        return {}


class SeveralFiles(Sink):
    """Outputs in several files: texts in the `.jsonl` file, all others in the rest."""

    def __init__(self, paths: Sequence[str | Path], types: Types) -> None:
        self._sinks: list[tuple[_FileSink, list[str]]] = []
        has_lines = any(Path(path).suffix.lower() == SUFFIX for path in paths)
        for path in map(Path, paths):
            is_lines = path.suffix.lower() == SUFFIX
            names = [name for name in types if not has_lines or is_lines == (name == TEXT)]
            sink = _open_file(path, {name: types[name] for name in names})
            self._sinks.append((sink, names))
        self.takes_rest = any(sink.takes_rest for sink, _ in self._sinks)

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for sink, _ in self._sinks for file in sink.files)

    def put(self, first: int, outputs: dict[str, NDArray[Any]]) -> bool:
        for sink, names in self._sinks:
            sink.put(first, {name: outputs[name] for name in names})
        return True

    def finish(self, done: int, rest: Rest | None, interrupted: bool) -> Arrays:
        for sink, names in self._sinks:
            own = None
            if rest is not None and sink.takes_rest:
                own = Rest(rest.lanes, {name: rest.outputs[name] for name in names})
            sink.finish(done, own, interrupted)
        self.file = self._sinks[0][0].file
        return {}

    def abandon(self) -> None:
        for sink, _ in self._sinks:
            sink.abandon()


def _open_file(path: Path, types: Types) -> _FileSink:
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        return NumpyFile(path, types)
    if suffix in (".parquet", ".arrow", ".feather"):
        return ArrowFile(path, types)
    if suffix == SUFFIX:
        return TextLines(path, types)
    raise ValueError(f"{path}: outputs go to .npy, .npz, .parquet, .arrow or .jsonl files")


def open_sink(out: object, types: Types, n: int | None) -> Sink:
    """The sink that `out` stands for. TypeError, ValueError if it stands for none."""
    if out is None:
        return NewArrays(types, n)
    if isinstance(out, str | Path):
        return _open_file(Path(out), types)
    if isinstance(out, list | tuple) and out and all(isinstance(item, str | Path) for item in out):
        return SeveralFiles(out, types)
    if isinstance(out, Mapping):
        return GivenArrays(out, types, n)
    if callable(out):
        return FunctionSink(out)
    raise TypeError(
        f"out is a {type(out).__name__}; it must be the path of a file or a list of paths, a "
        "mapping from names to arrays, or a function of (first, outputs)"
    )
