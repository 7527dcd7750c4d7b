"""Where a stream's inputs come from: arrays, functions, iterators, files, tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..batch.data_error import DataError
from ..batch.mapped_arrays import check_mapped, is_mapped
from .array_files import FileArray, open_npy, open_npz
from .chunk_size import ChunkSize
from .fields import TEXT, Texts, parse_field, rows_of, texts_of
from .optional import import_arrow
from .table_files import TableFile, open_arrow, open_parquet
from .text_files import SUFFIX, TextFile, open_texts

Columns = Mapping[str, Any]
"""Inputs by name: arrays with a row for each lane, or what is the same for all lanes."""

_TABLES: Final = ("Table", "RecordBatch")
_KINDS: Final = (
    "a mapping from names to arrays, a function of (first, count) that makes one, an iterable of "
    "such mappings, an array, an Arrow table, or the path of a .npy, .npz, .arrow, .parquet or "
    ".jsonl file"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lanes that run together, as one chunk."""

    number: int
    first: int
    count: int
    make: Callable[[], Columns]
    """Makes the inputs."""


class Source(ABC):
    """Inputs in chunks. `n` is the number of lanes, None while nobody knows. `is_cheap` tells
    whether it costs nothing worth mentioning to make a chunk's inputs a second time."""

    path: Path | None = None
    """The file that the inputs come from."""
    is_made = False
    """Whether a chunk's inputs are there as soon as the chunk is."""

    def __init__(self, kind: str, n: int | None, is_cheap: bool) -> None:
        self.kind = kind
        self.n = n
        self.is_cheap = is_cheap

    @abstractmethod
    def chunks(self, size: ChunkSize) -> Iterator[Chunk]:
        """The lanes in order, at most `size()` in a chunk. Called once."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Close files."""


class SlicedSource(Source):
    """Inputs that can be made for any lanes."""

    def __init__(
        self,
        kind: str,
        n: int,
        take: Callable[[int, int], object],
        is_cheap: bool,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(kind, n, is_cheap)
        self._lanes = n
        self._take = take
        self._close = close

    def chunks(self, size: ChunkSize) -> Iterator[Chunk]:
        number = first = 0
        while first < self._lanes:
            count = min(size(), self._lanes - first)
            yield Chunk(number, first, count, partial(self._columns, first, count))
            number += 1
            first += count

    def _columns(self, first: int, count: int) -> Columns:
        return columns_of(self._take(first, count), f"the inputs of lane {first} and on")

    def close(self) -> None:
        self._close()


class IteratedSource(Source):
    """Inputs that come one chunk after the other."""

    is_made = True

    def __init__(self, kind: str, items: Iterable[object], limit: int | None) -> None:
        super().__init__(kind, limit, True)
        self._items = items

    def chunks(self, size: ChunkSize) -> Iterator[Chunk]:
        number = first = 0
        for index, item in enumerate(self._items):
            columns = columns_of(item, f"item {index} of the inputs")
            rows = _rows(columns)
            if rows is None:
                raise ValueError(
                    f"item {index} of the inputs says nothing about the number of its lanes; at "
                    "least one of its inputs must have a row for each lane"
                )
            if self.n is not None:
                rows = min(rows, self.n - first)
            at = 0
            while at < rows:
                count = min(size(), rows - at)
                yield Chunk(number, first, count, partial(_slice, columns, at, count))
                number += 1
                first += count
                at += count
            if self.n is not None and first >= self.n:
                return


class TextSource(Source):
    """A source with a text for each lane besides."""

    def __init__(self, source: Source, texts: TextFile | Texts, path: Path | None) -> None:
        super().__init__(source.kind, source.n, source.is_cheap)
        self.path = source.path or path
        self.is_made = source.is_made
        self._source = source
        self._texts = texts

    def chunks(self, size: ChunkSize) -> Iterator[Chunk]:
        for chunk in self._source.chunks(size):
            yield Chunk(chunk.number, chunk.first, chunk.count, partial(self._columns, chunk))

    def _columns(self, chunk: Chunk) -> Columns:
        columns = chunk.make()
        if TEXT in columns:
            raise ValueError(f"the inputs have the name {TEXT!r}, and there are `texts` as well")
        return {**columns, TEXT: self._texts[chunk.first : chunk.first + chunk.count]}

    def close(self) -> None:
        self._source.close()


def open_text_inputs(texts: object, inputs: object, n: int | None) -> Source:
    """`open_inputs` with a text for each lane besides: strings, or the path of a `.jsonl` file."""
    path = Path(texts) if isinstance(texts, str | Path) else None
    rows = texts_of(texts) if path is None else open_texts(path)
    if n is not None and n != len(rows):
        raise ValueError(f"{n} lanes are wanted, but there are {len(rows)} texts")
    return TextSource(open_inputs(inputs, len(rows)), rows, path)


def open_inputs(inputs: object, n: int | None) -> Source:
    """The source that `inputs` stands for. TypeError, ValueError if it stands for none, or not
    for `n` lanes; OSError for a file that cannot be read."""
    if isinstance(inputs, str | Path):
        path = Path(inputs)
        content = _open_file(path)
        with blaming(path):
            source = open_inputs(content, n)
        source.path = path
        return source
    if inputs is None:
        return SlicedSource("none", _known(n), lambda first, count: {}, True)
    if isinstance(inputs, TableFile):
        return SlicedSource("table", _agreed(n, len(inputs)), inputs.rows, True, inputs.close)
    if callable(inputs):
        return SlicedSource("function", _known(n), inputs, False)
    if isinstance(inputs, TextFile):
        inputs = {TEXT: inputs}
    if isinstance(inputs, Mapping | numpy.ndarray | FileArray):
        return _of_arrays(columns_of(inputs, "inputs"), n)
    if _is_arrow(inputs):
        table: Any = inputs
        return SlicedSource("table", _agreed(n, len(table)), table.slice, True)
    if isinstance(inputs, Iterable) and not isinstance(inputs, bytes):
        return IteratedSource("iterator", inputs, n)
    raise TypeError(f"inputs is a {type(inputs).__name__}; it must be {_KINDS}")


@contextmanager
def blaming(path: Path | None) -> Iterator[None]:
    """What is wrong with inputs of a file is a DataError, which names the file."""
    try:
        yield
    except (DataError, OSError, MemoryError):
        raise
    except Exception as error:
        if path is None:
            raise
        raise DataError(f"{path}: {error}") from error


def _of_arrays(columns: Columns, n: int | None) -> Source:
    arrays = {
        name: value
        if isinstance(value, FileArray | TextFile)
        else texts_of(value)
        if name == TEXT
        else numpy.asanyarray(value)
        for name, value in columns.items()
    }
    return SlicedSource(
        "arrays",
        _agreed(n, _rows(arrays)),
        lambda first, count: _slice(arrays, first, count),
        True,
    )


def _known(n: int | None) -> int:
    if n is None:
        raise TypeError("say how many lanes there are: Batch.stream(program, n, ...)")
    return n


def _agreed(n: int | None, rows: int | None) -> int:
    if rows is None:
        return _known(n)
    if n is not None and n != rows:
        raise ValueError(
            f"{n} lanes are wanted, but the inputs are for {rows}; give as many rows as lanes, or "
            "leave n out"
        )
    return rows


def _rows(columns: Columns) -> int | None:
    """For how many lanes inputs are. ValueError if they disagree."""
    found: dict[str, int] = {}
    for name, value in columns.items():
        rows = rows_of(parse_field(name, output=False), _shape(value))
        if rows is not None:
            found[name] = rows
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{name!r} has {rows}" for name, rows in found.items())
        raise ValueError(f"the inputs have different numbers of rows: {shown}")
    return next(iter(found.values()), None)


def _shape(value: Any) -> tuple[int, ...]:
    # What is in a file must not be read for that.
    return value.shape if isinstance(value, FileArray | TextFile) else numpy.shape(value)


def _slice(columns: Columns, first: int, count: int) -> Columns:
    return {name: _rows_from(name, value, first, count) for name, value in columns.items()}


def _rows_from(name: str, value: Any, first: int, count: int) -> Any:
    if rows_of(parse_field(name, output=False), _shape(value)) is None:
        return value
    if not is_mapped(value):
        return value[first : first + count]
    # The file behind it may be cut short while the lanes run.
    check_mapped(value)
    return numpy.array(value[first : first + count])


def columns_of(item: object, label: str) -> Columns:
    """Inputs by name, out of what stands for them. TypeError if nothing does."""
    if isinstance(item, Mapping):
        return item
    if isinstance(item, numpy.ndarray | FileArray):
        return _columns_of_array(item, label)
    if _is_arrow(item):
        table: Any = item
        names = table.schema.names
        if len(set(names)) < len(names):
            raise ValueError(f"{label}: two columns have the same name, of {', '.join(names)}")
        return {name: _column(name, table.column(index)) for index, name in enumerate(names)}
    raise TypeError(
        f"{label}: a mapping from names to arrays is needed, such as {{'a0': array}}, not a "
        f"{type(item).__name__}"
    )


def _columns_of_array(array: NDArray[Any] | FileArray, label: str) -> Columns:
    if isinstance(array, numpy.ndarray) and array.dtype.names is not None:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim == 1:
        return {"a0": array}
    if array.ndim == 2:
        return {"ram": array}
    raise ValueError(
        f"{label}: an array alone must have one dimension (for 'a0') or two (for 'ram'), not "
        f"{array.ndim}; use a mapping from names to arrays"
    )


# --- tables --------------------------------------------------------------------------------------


def _is_arrow(item: object) -> bool:
    """Whether it is a table, without importing what nobody has imported."""
    kind = type(item)
    return kind.__module__.partition(".")[0] == "pyarrow" and kind.__name__ in _TABLES


def _column(name: str, column: Any) -> NDArray[Any]:
    """A column of a table as an array; lists become rows."""
    arrow = import_arrow("tables")
    if column.null_count:
        raise ValueError(f"the column {name!r} has {column.null_count} nulls; fill them first")
    if isinstance(column, arrow.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if arrow.types.is_fixed_size_list(kind):
        width = kind.list_size
    elif arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
        widths = set(column.value_lengths().to_pylist())
        if len(widths) > 1:
            raise ValueError(
                f"the column {name!r} has lists of {min(widths)} to {max(widths)} words; they "
                "must be of the same length"
            )
        width = widths.pop() if widths else 0
    else:
        plain: NDArray[Any] = column.to_numpy(zero_copy_only=False)
        return plain
    flat: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), width)


# --- files ---------------------------------------------------------------------------------------


def _open_file(path: Path) -> object:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return open_npy(path)
    if suffix == ".npz":
        return open_npz(path)
    if suffix == ".parquet":
        return open_parquet(path)
    if suffix in (".arrow", ".feather"):
        return open_arrow(path)
    if suffix == SUFFIX:
        return open_texts(path)
    raise ValueError(f"{path}: inputs come from .npy, .npz, .arrow, .parquet or .jsonl files")
