"""The baseline tier of one board: its native context, its code, and when all of that goes."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy
from numpy.typing import NDArray

from ...core import baseline_layout as base
from ...core import layout
from ...core import native_abi as abi
from ...kernel.build.compile import SOURCES, EntryPointSource, load, needs_no_numba
from ..analysis.heat import BlockCounts
from ..native_context import new_context
from .library import SOURCES as STENCIL_SOURCES
from .library import stencils
from .memory import PatchedMemory, fresh

PATCHER = EntryPointSource(
    "lrvm_jit.jit.baseline.entry",
    "patch",
    "the patcher of machine code",
    (
        *SOURCES,
        *STENCIL_SOURCES,
        *(
            f"jit/baseline/{name}.py"
            for name in ("blocks", "discovery", "entry", "patcher", "stencil_code", "words", "work")
        ),
    ),
)
MOST_BYTES = 16 << 20
FIRST_BYTES = 1 << 22
"""Bytes of machine code for which there is room at first; it grows when that is full."""
BYTES_FOR_BLOCK = 64
BYTES_FOR_SITE = 16
"""How much code there is, at least, for each block and each exit that there is room for."""
MOST_AT_A_TIME = 2048
"""Instructions translated by one request."""
MOST_WORDS = 1 << 27
"""Boards with more memory than so many words have no baseline tier: it keeps up to 26 bytes for
each word, most of which are never touched."""


@cache
def is_supported() -> bool:
    """Whether this system has what the tier needs. Where numba has to load the kernel it would have
    to compile the patcher as well, which takes longer than most programs."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and needs_no_numba()


@cache
def _stencil_code() -> NDArray[numpy.uint8]:
    # It is copied eight bytes at a time.
    return numpy.concatenate([stencils().code, numpy.zeros(8, numpy.uint8)])


def load_ahead() -> None:
    """Have the patcher and the stencils in memory. Once in a process it takes 2 ms."""
    load(PATCHER)
    _stencil_code()


class BaselineCode:
    """The native context of a board, and the code that its guest has become.

    Only while the kernel does not run, but for what the kernel does itself.
    """

    def __init__(
        self,
        kernel_context: int,
        state: NDArray[numpy.int64],
        words: int,
        most_bytes: int = MOST_BYTES,
        began: Callable[[], None] = lambda: None,
    ) -> None:
        """`kernel_context`: address of the kernel's context; its `state` gets the address of the
        native one; `words` of the arena; `most_bytes` of machine code. `began` is called whenever
        there is no code any more, to have the ways into regions made again."""
        self._patch = load(PATCHER)[0]
        self._state = state
        pages = -(-words // layout.PAGE_WORDS)
        # Whole pages, as the kernel drops them.
        self._words = pages * layout.PAGE_WORDS
        self._most_bytes = most_bytes
        self._size = min(FIRST_BYTES, most_bytes)
        self._kept: dict[int, NDArray[Any]] = {
            base.CHANGES: fresh(self._words, numpy.uint8),
            base.VISITS: fresh(self._words, numpy.uint8),
            base.ALONE: numpy.zeros(base.MOST_ALONE, numpy.int64),
            base.PAGES: numpy.zeros(pages, numpy.int64),
            base.FLAGS: fresh(self._words + 2, numpy.uint8),
            base.WORK: fresh(base.WORK_WORDS, numpy.int64),
            base.STENCILS: stencils().tables,
            base.STENCIL_CODE: _stencil_code(),
        }
        self._request = numpy.zeros(base.REQUEST_WORDS, numpy.int64)
        self._request[0] = kernel_context
        self.context: NDArray[numpy.int64] = new_context()
        self._process = -1
        self._began = began
        self.flushes = 0
        self.leaves_alone = True
        """Whether places are left to the interpreter at which native code does not get far; counts
        for the code that is made from now on (`flush`)."""

    def prepare(self) -> None:
        """Before a run. The first time, and where an exception has come in between, there is no
        code; and a child of a fork makes its own."""
        if self._process != os.getpid() or not self._state[layout.NATIVE_CONTEXT]:
            self._begin()

    def flush(self) -> None:
        """Forget all code."""
        if self.context[base.BLOCK_COUNT]:
            self.flushes += 1
            self._begin()
        elif self._process >= 0:
            visits = self._kept[base.VISITS].ctypes.data
            self.context[base.VISITS] = visits if self.leaves_alone else 0

    def _begin(self) -> None:
        """Begin with empty memory of the present size.

        An exception may come after any line: until the last one the kernel has no native code.
        """
        self._state[layout.NATIVE_CONTEXT] = 0
        old = self.context
        blocks = min(self._size // BYTES_FOR_BLOCK, abi.MOST_BLOCKS)
        sites = self._size // BYTES_FOR_SITE
        context = self.context = new_context(blocks)
        self._memory = PatchedMemory(self._size)
        kept = self._kept
        kept[abi.SITES] = fresh(sites * abi.SITE_FIELDS, numpy.int64)
        kept[base.BLOCKS] = fresh(blocks * base.BLOCK_FIELDS, numpy.int64)
        kept[base.LINKS] = fresh(blocks * base.LINK_FIELDS, numpy.int64)
        kept[base.PAGES][:] = 0
        places = kept[base.ALONE][: old[base.ALONE_COUNT]]
        kept[base.VISITS][places[places < base.ALONE_CHANGED]] = 0
        for mode in range(2):
            kept.pop(base.TABLES + mode, None)
            kept.pop(base.OWNERS + mode, None)
        for word, array in kept.items():
            context[word] = array.ctypes.data
        if not self.leaves_alone:
            context[base.VISITS] = 0
        context[base.ROOM_BLOCKS] = context[base.ROOM_LINKS] = blocks
        context[base.ROOM_SITES] = sites
        context[base.CODE_WRITTEN] = self._memory.written_at
        context[base.CODE_RUN] = self._memory.run_at
        context[base.CODE_SIZE] = self._size
        context[base.WINDOWS_SEEN : base.WINDOW_NEXT] = -1
        for count in (base.EXECUTED, base.TRANSLATED_COUNT, base.DROPPED):
            context[count] = old[count]
        context[base.EXITS : base.EXITS + 8] = old[base.EXITS : base.EXITS + 8]
        self._request[1] = context.ctypes.data
        self._do(base.BEGIN)
        self._process = os.getpid()
        self._state[layout.NATIVE_CONTEXT] = context.ctypes.data
        self._began()

    def translate(
        self, pc: int, *, supervisor: bool, mmu: bool, low: int, words: int, first: int
    ) -> None:
        """Translate what can be reached from pc.

        The fetch window: first virtual address in words, words, arena index.
        """
        limit = MOST_AT_A_TIME
        index = first + (pc >> 2) - low
        while True:
            self._make_mode(supervisor)
            self._request[2 : base.REQUEST_WORDS - 1] = (
                pc, supervisor, mmu, low, words, first, limit,
            )  # fmt: skip
            self._do(base.TRANSLATE)
            if self.begins_at(index, supervisor=supervisor):
                return
            # There was no room left: more of it, until there may be no more, and then for less.
            if self._size == self._most_bytes:
                if limit == 1:
                    raise MemoryError(f"no code fits into {self._most_bytes} bytes")
                limit = max(1, limit // 4)
            self._grow()

    def enter_region(
        self, index: int, pc: int, *, supervisor: bool, row: int, selector: int
    ) -> None:
        """Have native code that comes to an arena word go on in the region of a row, at an entry.
        Where there is no room it leaves for the kernel, which does that."""
        if not self._state[layout.NATIVE_CONTEXT]:
            return
        self._make_mode(supervisor)
        row_bytes = 8 * layout.TRANSLATION_FIELDS * row
        self._request[2:7] = index, supervisor, pc, row_bytes, selector
        if not self._do(base.REGION) and self._size < self._most_bytes:
            self._grow()

    def _grow(self) -> None:
        """Begin again with more memory, if there may be more."""
        self._size = min(4 * self._size, self._most_bytes)
        self.flushes += 1
        self._begin()

    def take_counts(self) -> BlockCounts:
        """How often blocks have been entered since that was last asked."""
        last = int(self.context[base.BLOCK_COUNT]) + 1
        counts = self.context[abi.COUNTERS + 1 : abi.COUNTERS + last]
        rows = self._kept[base.BLOCKS].reshape(-1, base.BLOCK_FIELDS)[1:last]
        there = numpy.flatnonzero((counts != 0) & (rows[:, base.BLOCK_WORDS] != 0))
        rows, found = rows[there], counts[there]
        counts[:] = 0
        starts = rows[:, base.BLOCK_START]
        # `page_kind`: the difference of virtual address and arena index stands above two bits.
        deltas = self._kept[base.PAGES][starts // layout.PAGE_WORDS] >> 2
        return BlockCounts(
            starts,
            rows[:, base.BLOCK_WORDS],
            ((starts + deltas) << 2) & layout.WORD,
            rows[:, base.BLOCK_MODE],
            found,
        )

    @property
    def alone(self) -> tuple[int, int]:
        """How many places native code is not entered at, as it was left again too soon, and how
        many words are not translated, as they have changed too often."""
        words = self._alone_words
        changed = int((words >= base.ALONE_CHANGED).sum())
        return len(words) - changed, changed

    @property
    def places_alone(self) -> list[int]:
        """The arena words at which native code is not entered."""
        words = self._alone_words
        return [int(index) for index in words[words < base.ALONE_CHANGED]]

    @property
    def _alone_words(self) -> NDArray[numpy.int64]:
        words: NDArray[numpy.int64] = self._kept[base.ALONE][: self.context[base.ALONE_COUNT]]
        return words

    def retry(self, entries: NDArray[numpy.int64]) -> None:
        """Have the places that are left alone entered again, and the words translated once more.
        `entries` of the kernel."""
        words = self._alone_words
        is_changed = words >= base.ALONE_CHANGED
        places, changed = words[~is_changed], words[is_changed] - base.ALONE_CHANGED
        self._kept[base.VISITS][places] = 0
        self._kept[base.CHANGES][changed] = base.CHANGES_ALLOWED - 1
        self.context[base.ALONE_COUNT] = 0
        for index in changed.tolist():
            # The block before such a word ends there, and one that begins there is an exit only.
            self._own_exit(index)
            self.drop(index)
            self.drop(max(index - 1, 0))
        again = numpy.concatenate([places, changed])
        entries[again[entries[again] & 0xFF != layout.ENTER]] = layout.ENTER_NATIVE

    def _own_exit(self, index: int) -> None:
        """Make the block without instructions at an arena word, if there is one, own that word:
        then it can be dropped like all others."""
        rows = self._kept[base.BLOCKS].reshape(-1, base.BLOCK_FIELDS)
        rows = rows[: self.context[base.BLOCK_COUNT] + 1]
        for mode in (0, 1):
            if not self.context[base.TABLES + mode]:
                continue
            code = self._kept[base.TABLES + mode][index]
            owners = self._kept[base.OWNERS + mode]
            if not code or owners[index]:
                continue
            is_it = rows[:, base.BLOCK_CODE] == code - self.context[base.CODE_RUN]
            is_it &= (rows[:, base.BLOCK_MODE] == mode) & (rows[:, base.BLOCK_WORDS] == 0)
            for block in numpy.flatnonzero(is_it).tolist():
                rows[block, base.BLOCK_START], rows[block, base.BLOCK_WORDS] = index, 1
                owners[index] = block

    def _make_mode(self, supervisor: bool) -> None:
        """What is needed for each arena word, once a mode has code."""
        if not self.context[base.TABLES + supervisor]:
            for word, kind in ((base.OWNERS, numpy.int32), (base.TABLES, numpy.int64)):
                array = self._kept[word + supervisor] = fresh(self._words, kind)
                self.context[word + supervisor] = array.ctypes.data
            # The kernel has taken it that there is no table.
            self.context[abi.FETCH_BASE] = -1

    def begins_at(self, index: int, *, supervisor: bool) -> bool:
        """Whether native code begins at an arena word."""
        return bool(self._kept[base.TABLES + supervisor][index])

    def drop(self, index: int) -> None:
        """Drop the code that an arena word is part of."""
        if self._state[layout.NATIVE_CONTEXT]:
            self._request[2] = index
            self._do(base.DROP)

    def _do(self, what: int) -> int:
        self._request[base.REQUEST_WORDS - 1] = what
        return self._patch(self._request.ctypes.data)

    @property
    def bytes(self) -> int:
        """Bytes of machine code."""
        return int(self.context[base.CODE_USED])

    @property
    def memory(self) -> int:
        """Bytes that are reserved for the code and for what belongs to it."""
        shared = (base.STENCILS, base.STENCIL_CODE)
        kept = sum(array.nbytes for word, array in self._kept.items() if word not in shared)
        return self._size + self.context.nbytes + kept

    @property
    def blocks(self) -> int:
        """Blocks that have been made since memory was empty."""
        return int(self.context[base.BLOCK_COUNT])

    @property
    def executed(self) -> int:
        """Instructions that the code has executed."""
        return int(self.context[base.EXECUTED])
