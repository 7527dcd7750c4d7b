"""Tables in `.parquet`, `.arrow` and `.feather` files, whose rows are read as they are wanted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..batch.data_error import DataError
from .array_files import readable
from .optional import import_arrow


class TableFile:
    """A table that is in a file in parts; the part that was read last is kept."""

    def __init__(
        self,
        path: Path,
        kind: str,
        lengths: Sequence[int],
        part: Callable[[int], Any],
        close: Callable[[], object],
    ) -> None:
        """`lengths` are the rows of each part, `part` reads one as a table."""
        self._path = path
        self._kind = kind
        self._ends = list(accumulate(lengths))
        self._part = part
        self._kept: tuple[int, Any] | None = None
        self.close = close

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def rows(self, first: int, count: int) -> Any:
        """The table of these rows. DataError if the file is damaged."""
        pieces = []
        number = bisect_right(self._ends, first)
        while count:
            begin = self._ends[number - 1] if number else 0
            piece = self._read(number).slice(first - begin, count)
            pieces.append(piece)
            first, count, number = first + len(piece), count - len(piece), number + 1
        return pieces[0] if len(pieces) == 1 else import_arrow("tables").concat_tables(pieces)

    def _read(self, number: int) -> Any:
        if self._kept is None or self._kept[0] != number:
            self._kept = None
            begin = self._ends[number - 1] if number else 0
            try:
                table = self._part(number)
                table.validate(full=True)
            except Exception as error:
                raise DataError(
                    f"{self._path} is no {self._kind} file that can be read: {error}"
                ) from error
            if len(table) != self._ends[number] - begin:
                raise DataError(f"{self._path} has changed while it was read")
            self._kept = number, table
        return self._kept[1]


def open_parquet(path: Path) -> TableFile:
    """The table of a `.parquet` file, a row group at a time."""
    arrow = import_arrow(f"the file {path}")
    from pyarrow import parquet

    with readable(path, ".parquet"), ExitStack() as closing:
        raw = closing.enter_context(arrow.OSFile(str(path)))
        # Threads that still wait for a damaged file may end the process at its exit.
        file = parquet.ParquetFile(raw, pre_buffer=False)
        metadata = file.metadata
        lengths = [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]
        if min(lengths, default=0) < 0:
            raise ValueError(f"it has row groups of {lengths} rows")
        closing.pop_all()
        part = partial(file.read_row_group, use_threads=False)
        return TableFile(path, ".parquet", lengths, part, raw.close)


def open_arrow(path: Path) -> TableFile:
    """The table of a `.arrow` file, a record batch at a time."""
    arrow = import_arrow(f"the file {path}")
    with readable(path, path.suffix), ExitStack() as closing:
        raw = closing.enter_context(arrow.OSFile(str(path)))
        file = arrow.ipc.open_file(raw)

        def part(number: int) -> Any:
            return arrow.Table.from_batches([file.get_batch(number)])

        # How many rows a batch has stands nowhere else.
        lengths = [len(part(number)) for number in range(file.num_record_batches)]
        closing.pop_all()
        return TableFile(path, path.suffix, lengths, part, raw.close)
