"""Traces as files: Parquet, through pyarrow, or lines of JSON.

The columns: `cycle` (the counter after the instruction, 1 for the first one), `pc`, `word`,
`register` (the name of the one that was written), `value` (its new value), `address` (virtual, of
the instruction's data), `stored` (the word that it stored); the last four are null where there is
none. A Parquet file's metadata have the source lines under `lrvm.source`.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..input_files import open_file
from ..isa.table import REGISTER_NAMES
from ..output_files import OutputFile
from . import trace_layout as layout
from .program import ProgramInfo
from .trace_lines import json_lines

COLUMNS: Final = ("cycle", "pc", "word", "register", "value", "address", "stored")
SUFFIXES: Final = (".parquet", ".jsonl")
_SOURCE_KEY: Final = b"lrvm.source"
_WAITING: Final = 64
"""Batches that may wait for being written."""
_GROUP_ROWS: Final = 1 << 20
_READ_ROWS: Final = 1 << 16

Rows = NDArray[numpy.int64]
"""int64[7, n], -1 for null; registers by code."""


class TraceError(ValueError):
    """A file that is no trace."""


class TraceWriter:
    """Writes a trace while it is made, on a thread of its own; the file is there whole or not at
    all. `write` takes what `tracing` gives. ValueError for a name with another ending, OSError
    for what cannot be written, ImportError without pyarrow for `.parquet`.
    """

    def __init__(self, path: str | os.PathLike[str], program: ProgramInfo | None = None) -> None:
        self.path = Path(path)
        suffix = _suffix(self.path)
        if suffix == ".parquet":
            _import_pyarrow()
        self.rows = 0
        self._output = OutputFile(self.path)
        self._queue: queue.Queue[Rows | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        target = self._parquet if suffix == ".parquet" else self._lines
        self._program = program
        self._thread = threading.Thread(target=self._work, args=(target,), daemon=True)
        self._thread.start()

    def write(self, rows: Rows) -> None:
        """Add rows. Raises what the writing thread has met."""
        if self._error is not None:
            raise self._error
        self.rows += rows.shape[1]
        self._queue.put(rows.copy())

    def _work(self, target: Any) -> None:
        try:
            target()
        except BaseException as error:
            self._error = error
            # Whoever is waiting for room must not wait for ever.
            while self._queue.get() is not None:
                pass

    def _batches(self) -> Iterator[Rows]:
        while (rows := self._queue.get()) is not None:
            yield rows

    def _parquet(self) -> None:
        arrow, parquet = _import_pyarrow()
        metadata = {}
        if self._program is not None:
            metadata[_SOURCE_KEY] = json.dumps(_source_map(self._program)).encode()
        schema = _schema(arrow).with_metadata(metadata)
        names = arrow.array(list(REGISTER_NAMES), arrow.string())
        kept: list[Any] = []
        count = 0
        writer = parquet.ParquetWriter(
            self._output.file,
            schema,
            compression="lz4",
            use_dictionary=["register", "word", "pc"],
            column_encoding={"cycle": "DELTA_BINARY_PACKED"},
            write_statistics=["cycle"],
        )
        with writer:
            for rows in self._batches():
                kept.append(_record_batch(arrow, schema, names, rows))
                count += rows.shape[1]
                if count >= _GROUP_ROWS:
                    writer.write_table(arrow.Table.from_batches(kept, schema))
                    kept, count = [], 0
            if kept:
                writer.write_table(arrow.Table.from_batches(kept, schema))

    def _lines(self) -> None:
        for rows in self._batches():
            for piece in json_lines(rows):
                self._output.file.write(piece)

    def close(self) -> None:
        """Finish the file. Raises what went wrong; then there is none."""
        self._end()
        if self._error is not None:
            self._output.abandon()
            raise self._error
        self._output.commit()

    def abandon(self) -> None:
        """Leave no file."""
        with suppress(BaseException):
            self._end()
        self._output.abandon()

    def _end(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()


def row_dicts(rows: Rows) -> Iterator[dict[str, Any]]:
    """The rows as dicts, with None for null and registers by name."""
    for cycle, pc, word, register, value, address, stored in rows.T.tolist():
        yield {
            "cycle": cycle,
            "pc": pc,
            "word": word,
            "register": None if register < 0 else REGISTER_NAMES[register],
            "value": None if register < 0 else value,
            "address": None if address < 0 else address,
            "stored": None if stored < 0 else stored,
        }


def read_trace(path: str | os.PathLike[str]) -> Iterator[Rows]:
    """The rows of a trace, in pieces. TraceError if it is none, OSError if it cannot be read."""
    target = Path(path)
    suffix = _suffix(target)
    try:
        yield from _read_parquet(target) if suffix == ".parquet" else _read_lines(target)
    except (KeyError, TypeError, UnicodeDecodeError, OverflowError) as error:
        raise TraceError(f"{path} is no trace: {error!r}") from None
    except ValueError as error:
        raise error if isinstance(error, TraceError) else TraceError(f"{path}: {error}") from None


def trace_source(path: str | os.PathLike[str]) -> dict[int, str]:
    """The source lines that a Parquet trace carries: `file:line  text` by address."""
    if _suffix(Path(path)) != ".parquet":
        return {}
    _, parquet = _import_pyarrow()
    try:
        metadata = parquet.read_schema(path).metadata or {}
        found = json.loads(metadata.get(_SOURCE_KEY, b"{}"))
        return {int(address): str(text) for address, text in found.items()}
    except OSError:
        raise
    except Exception as error:
        raise TraceError(f"{path} is no trace: {error}") from None


def _read_parquet(path: Path) -> Iterator[Rows]:
    _, parquet = _import_pyarrow()
    with open_file(path) as file:
        table = parquet.ParquetFile(file)
        missing = set(COLUMNS) - set(table.schema_arrow.names)
        if missing:
            raise TraceError(f"{path} is no trace: it lacks the column {min(missing)}")
        for batch in table.iter_batches(_READ_ROWS, columns=list(COLUMNS)):
            rows = numpy.empty((len(COLUMNS), batch.num_rows), numpy.int64)
            for number, name in enumerate(COLUMNS):
                column = batch.column(name)
                if name == "register":
                    codes = {text: code for code, text in enumerate(REGISTER_NAMES)}
                    rows[number] = [codes.get(text, -1) for text in column.to_pylist()]
                else:
                    rows[number] = column.cast("int64").fill_null(-1).to_numpy()
            yield rows


def _read_lines(path: Path) -> Iterator[Rows]:
    codes = {name: code for code, name in enumerate(REGISTER_NAMES)}
    kept: list[list[int]] = []
    with open_file(path) as file:
        for line in file:
            item = json.loads(line)
            row = [-1 if item[name] is None else item[name] for name in COLUMNS]
            row[layout.REGISTER] = codes.get(item["register"], -1)
            kept.append(row)
            if len(kept) == _READ_ROWS:
                yield numpy.array(kept, numpy.int64).T
                kept = []
    if kept:
        yield numpy.array(kept, numpy.int64).T


def _schema(arrow: Any) -> Any:
    return arrow.schema(
        [
            arrow.field("cycle", arrow.uint64(), nullable=False),
            arrow.field("pc", arrow.uint32(), nullable=False),
            arrow.field("word", arrow.uint32(), nullable=False),
            arrow.field("register", arrow.dictionary(arrow.int8(), arrow.string())),
            arrow.field("value", arrow.uint32()),
            arrow.field("address", arrow.uint32()),
            arrow.field("stored", arrow.uint32()),
        ]
    )


def _record_batch(arrow: Any, schema: Any, names: Any, rows: Rows) -> Any:
    no_register = rows[layout.REGISTER] < 0
    registers = arrow.array(rows[layout.REGISTER].astype(numpy.int8), mask=no_register)
    columns = [
        arrow.array(rows[layout.CYCLE].astype(numpy.uint64)),
        arrow.array(rows[layout.PC].astype(numpy.uint32)),
        arrow.array(rows[layout.WORD].astype(numpy.uint32)),
        arrow.DictionaryArray.from_arrays(registers, names),
    ]
    for number, mask in (
        (layout.VALUE, no_register),
        (layout.ADDRESS, rows[layout.ADDRESS] < 0),
        (layout.STORED, rows[layout.STORED] < 0),
    ):
        columns.append(arrow.array(rows[number].astype(numpy.uint32), mask=mask))
    return arrow.RecordBatch.from_arrays(columns, schema=schema)


def _source_map(program: ProgramInfo) -> dict[str, str]:
    lines = {}
    for address, place in program.lines.items():
        text = program.source_line(place)
        lines[str(address)] = f"{place}  {(text or '').strip()}"
    return lines


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise TraceError(f"a trace is a {' or '.join(SUFFIXES)} file, not {path.name!r}")
    return suffix


def _import_pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError(
            "Parquet files need pyarrow: run  pip install 'lrvm-jit[arrow]', or name a .jsonl file"
        ) from None
    return pyarrow, pyarrow.parquet
