"""Rows of a trace as lines of JSON, by numpy: a line at a time would take most of the time.

Numbers are aligned to the right, so that all lines of a piece are of one length and are filled in
column by column, four characters at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy
from numpy.typing import NDArray

from ..isa.table import REGISTER_NAMES
from . import trace_layout as layout

_PIECE: Final = 4096
"""Rows whose lines are made at a time: they fit into the processor's cache."""
_GROUP: Final = 10_000
"""Numbers are written by groups of four digits."""
_NULL: Final = 2 * _GROUP
_NAMES: Final = ("cycle", "pc", "word", "register", "value", "address", "stored")

_Words = NDArray[numpy.uint32]


def _words(text: str) -> _Words:
    """A text as words of four characters each."""
    return numpy.frombuffer(text.encode(), numpy.uint32)


def _groups(*, is_last: bool) -> _Words:
    """A group's characters: by its value, with zeros before it; by that plus `_GROUP` where all
    groups before it are 0; by `_NULL` where there is no number."""
    zeros = [f"{value:04}" for value in range(_GROUP)]
    spaces = [f"{value:4}" for value in range(_GROUP)]
    if not is_last:
        spaces[0] = " " * 4
    return _words("".join([*zeros, *spaces, "null" if is_last else " " * 4]))


_LAST: Final = _groups(is_last=True)
_OTHERS: Final = _groups(is_last=False)
_REGISTERS: Final = _words(
    "".join(f"{text:>8}" for text in [*(f'"{name}"' for name in REGISTER_NAMES), "null"])
).reshape(-1, 2)


def json_lines(rows: NDArray[numpy.int64]) -> Iterator[memoryview]:
    """The lines of int64[7, n], as `tracing` gives them, in pieces: -1 is null, registers are
    codes."""
    for first in range(0, rows.shape[1], _PIECE):
        yield _piece(rows[:, first : first + _PIECE])


def _piece(rows: NDArray[numpy.int64]) -> memoryview:
    registers = rows[layout.REGISTER]
    columns: list[list[_Words]] = []
    for number in range(len(_NAMES)):
        if number == layout.REGISTER:
            columns.append(list(_REGISTERS[registers].T))
        elif number == layout.VALUE:
            columns.append(_numbers(numpy.where(registers < 0, -1, rows[number])))
        else:
            columns.append(_numbers(rows[number]))
    # A line, first with spaces where its values come.
    line = ""
    places: list[int] = []
    for name, column in zip(_NAMES, columns, strict=True):
        line += f'{"," if line else "{"}"{name}":'
        line += " " * (-len(line) % 4)
        places.append(len(line) // 4)
        line += " " * (4 * len(column))
    line += " " * (-(len(line) + 2) % 4) + "}\n"
    lines = numpy.empty((rows.shape[1], len(line) // 4), numpy.uint32)
    lines[:] = _words(line)
    for place, column in zip(places, columns, strict=True):
        for at, words in enumerate(column, place):
            lines[:, at] = words
    return lines.data.cast("B")


def _numbers(values: NDArray[numpy.int64]) -> list[_Words]:
    """Numbers as words of characters; -1 is null."""
    is_null = values < 0
    rest = numpy.where(is_null, 0, values)
    if rest.max(initial=0) >> 32 == 0:
        rest = rest.astype(numpy.uint32)  # which is divided faster
    found: list[_Words] = []
    while True:
        above = rest // _GROUP
        index = rest - above * _GROUP
        index += (above == 0) * index.dtype.type(_GROUP)
        index[is_null] = _NULL
        found.insert(0, (_OTHERS if found else _LAST).take(index))
        if not above.any():
            return found
        rest = above
