"""Texts in files of JSON lines: a string on each line, one for each lane."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path
from typing import Final

import numpy
from numpy.typing import NDArray

from ..batch.data_error import DataError
from .array_files import FileHandle, readable

SUFFIX: Final = ".jsonl"
_BLOCK: Final = 1 << 20


class TextFile:
    """The strings of a file of JSON lines, read as they are wanted; a slice of them is a list.

    DataError, with the number of the line, for what is no string, and for what has been cut off
    the file since it was opened.
    """

    ndim = 1

    def __init__(self, file: FileHandle, starts: NDArray[numpy.int64]) -> None:
        """`starts` are where the lines begin, and where the last one ends."""
        self._file = file
        self._starts = starts
        self.shape = (len(starts) - 1,)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, lines: slice) -> list[str]:
        first, last, _ = lines.indices(len(self))
        if last <= first:
            return []
        begin = int(self._starts[first])
        data = bytearray(int(self._starts[last]) - begin)
        self._file.read(memoryview(data), begin)
        ends = (self._starts[first : last + 1] - begin).tolist()
        return [self._text(data[ends[k] : ends[k + 1]], first + k + 1) for k in range(last - first)]

    def _text(self, line: bytes | bytearray, number: int) -> str:
        try:
            text = json.loads(line.decode())
            if not isinstance(text, str):
                raise ValueError(f"it is {type(text).__name__}")
            text.encode()
        except (ValueError, RecursionError) as error:
            raise DataError(
                f'{self._file.path}, line {number} is no JSON string such as "abc\\n": {error}'
            ) from None
        return text


def open_texts(path: Path) -> TextFile:
    """The strings of a `.jsonl` file. OSError, DataError if it cannot be read."""
    with readable(path, SUFFIX) as file:
        begin = len(codecs.BOM_UTF8) * (os.pread(file.fileno(), 3, 0) == codecs.BOM_UTF8)
        size = os.fstat(file.fileno()).st_size
        starts = [numpy.array([begin], numpy.int64)]
        for at in range(begin, size, _BLOCK):
            block = numpy.frombuffer(os.pread(file.fileno(), _BLOCK, at), numpy.uint8)
            starts.append(numpy.flatnonzero(block == ord("\n")) + (at + 1))
        found = numpy.concatenate(starts)
        if found[-1] < size:  # the last line's end may be missing
            found = numpy.append(found, size)
        return TextFile(FileHandle(file, path), found)
