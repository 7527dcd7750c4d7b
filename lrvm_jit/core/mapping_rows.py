"""The mapping table: what of the mapped addresses is plain memory, and what the bus serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import layout
from .component import Component
from .mapping import Mapping


def mapping_rows(
    mapping: Mapping, component: Component, watched: Sequence[tuple[int, int]]
) -> Iterator[list[int]]:
    """Rows of the mapping table for a mapping: plain windows, and the bus in between.

    The words of the `watched` ranges of offsets are reached over the bus.
    """

    def row(start: int, stop: int, base: int, read: int, write: int) -> list[int]:
        return [
            mapping.first + start,
            mapping.first + stop,
            base,
            mapping.component,
            start,
            read,
            write,
        ]

    at = 0
    for window in component.windows:
        start, stop = min(window.offset, mapping.size), min(window.end, mapping.size)
        if start > at:
            yield row(at, start, -1, layout.BUS, layout.BUS)
        if stop > start:
            read, write = (
                layout.PLAIN if error is None else error.word
                for error in (window.read_error, window.write_error)
            )
            here = start
            for low, high in watched:
                low, high = max(low, start), min(high, stop)
                if low < high:
                    if low > here:
                        yield row(here, low, window.base + (here - start) // 4, read, write)
                    yield row(low, high, -1, layout.BUS, layout.BUS)
                    here = high
            if stop > here:
                yield row(here, stop, window.base + (here - start) // 4, read, write)
        at = stop
    if mapping.size > at:
        yield row(at, mapping.size, -1, layout.BUS, layout.BUS)
