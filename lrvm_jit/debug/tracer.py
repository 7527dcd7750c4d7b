"""Traces and counts of what a machine executes, made by a compiled loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..kernel.build.compile import KERNEL as KERNEL_SOURCE
from ..kernel.build.compile import SOURCES, EntryPointSource, load, load_kernel
from ..machine.motherboard import Motherboard
from . import trace_layout as layout

TRACING_LOOP: Final = EntryPointSource(
    "lrvm_jit.debug.trace_kernel",
    "trace",
    "the tracing loop",
    (*SOURCES, "batch/lanes.py", "debug/trace_kernel.py", "debug/trace_layout.py"),
)
ROWS: Final = 1 << 14

Sink = Callable[[NDArray[numpy.int64]], None]


class _Instrument:
    """The tracing loop on a board: `lrvm_jit.core.instrument.Instrument`."""

    def __init__(self, sink: Sink | None, words: range | None) -> None:
        self._enter, _ = load(TRACING_LOOP)
        load_kernel()
        context = numpy.zeros(layout.CONTEXT_WORDS, numpy.int64)
        self._context = context
        self._sink = sink
        self._before = numpy.zeros(layout.BEFORE_WORDS, numpy.int64)
        context[layout.ENTER_AT] = load(KERNEL_SOURCE)[1]
        context[layout.BEFORE] = self._before.ctypes.data
        self._arrays: list[NDArray[Any]] = []
        if sink is not None:
            self._rows = self._array(layout.ROWS, (layout.COLUMNS, ROWS))
            context[layout.CAPACITY] = ROWS
        if words is not None:
            self.counts = self._array(layout.COUNTS, len(words))
            context[layout.FIRST] = words.start // 4
            context[layout.WORDS] = len(words)
            self.nodes = self._array(layout.NODES, (layout.MOST_NODES, layout.NODE_FIELDS))
            self.nodes[:2, layout.NODE_PARENT] = -1
            context[layout.NODE_CAPACITY] = layout.MOST_NODES
            context[layout.NODE_COUNT] = 2
            self._array(layout.TABLE, layout.TABLE_SIZE)
            self._array(layout.STACKS, (2, layout.MOST_CALLS, 2))

    def _array(self, field: int, shape: int | tuple[int, ...]) -> NDArray[numpy.int64]:
        made: NDArray[numpy.int64] = numpy.zeros(shape, numpy.int64)
        self._arrays.append(made)
        self._context[field] = made.ctypes.data
        return made

    def begin(self, kernel_context: int) -> tuple[Callable[[int], int], int]:
        self._context[layout.KERNEL] = kernel_context
        self._context[layout.IN_PROGRESS] = 0
        return self._enter, int(self._context.ctypes.data)

    def slice_ended(self) -> None:
        count = int(self._context[layout.COUNT])
        if count and self._sink is not None:
            self._sink(self._rows[:, :count])
        self._context[layout.COUNT] = 0

    @property
    def node_count(self) -> int:
        return int(self._context[layout.NODE_COUNT])

    @property
    def elsewhere(self) -> int:
        return int(self._context[layout.ELSEWHERE])


@contextmanager
def tracing(board: Motherboard, sink: Sink) -> Iterator[None]:
    """While in this block, `sink` gets what the board's runs execute.

    It is called after some tens of thousands of instructions with int64[7, n]: for each of n
    instructions the cycle counter after it, pc, its word, code and new value of the register that
    it wrote, the virtual address of its data, and the word that it stored; -1 where there is none.
    Of several registers the operand is told, else the stack pointer; of an exception, `et`. The
    array is used again: copy what is to be kept. ValueError for the engine `reference`.
    """
    board.instrument = _Instrument(sink, None)
    try:
        yield
    finally:
        board.instrument = None


@dataclass(frozen=True, slots=True)
class CallNode:
    """A function, called from another node of the tree."""

    parent: int
    """-1 for the roots: node 0, supervisor mode, and node 1, userland."""
    target: int
    cycles: int
    """Instructions of the function itself."""
    calls: int


class Counter:
    """Counts, exactly, how often each word of some range is executed, and for whom.

    `words` are the virtual addresses of the counted words, a range with step 4. ValueError for
    the engine `reference`.
    """

    def __init__(self, board: Motherboard, words: range) -> None:
        self.words = words
        self._board = board
        self._instrument = _Instrument(None, words)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what runs in this block execute."""
        self._board.instrument = self._instrument
        try:
            yield
        finally:
            self._board.instrument = None

    @property
    def counts(self) -> NDArray[numpy.int64]:
        """How often each word was attempted as an instruction."""
        return self._instrument.counts

    @property
    def elsewhere(self) -> int:
        """Instructions outside these words."""
        return self._instrument.elsewhere

    def calls(self) -> list[CallNode]:
        """The tree of calls: parents stand before their children."""
        rows = self._instrument.nodes[: self._instrument.node_count].tolist()
        return [CallNode(*row) for row in rows]
