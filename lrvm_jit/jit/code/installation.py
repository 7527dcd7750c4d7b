"""Which regions a board has, how the kernel finds them, and when they must go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy
from numpy.typing import NDArray

from ...core import layout
from ...core.kernel_arrays import KernelArrays
from ...records import dataclass
from ..analysis.region import PlainMemory, Region
from .store import STORE, SharedCode

ROWS = 1024
"""Regions that a board can have at a time."""
MOST_LOSSES = 4
"""Code that has changed so often after having been translated is left alone for a while."""
MOST_REMEMBERED = 1 << 16
LAST_GENERATION = 4
"""A region is not made again more often, however much more of its function has been seen to run."""


@dataclass(eq=False, slots=True)
class Installed:
    """A region that the kernel can enter."""

    row: int
    start: int
    """Virtual address that it was made for."""
    region: Region
    code: SharedCode
    indices: NDArray[numpy.int64]
    """Arena indices of its words,"""
    words: NDArray[numpy.uint32]
    """and what must stand there."""
    entries: list[int]
    """Arena indices at which it can be entered."""
    generation: int = 0
    """How many regions it has taken the place of, one after the other."""
    recent: int = 0
    """Instructions that it has executed since the last look, and half of those before."""
    is_enlarged: bool = False
    """Whether it was tried to make it larger."""


class Followers(Protocol):
    """Native code that goes on in regions."""

    def enter(self, installed: Installed) -> None:
        """A region is entered at its entries from now on."""

    def leave(self, index: int) -> None:
        """What native code there is at an arena word must not be entered any more."""


class Installation:
    """The regions of one board. Only while the kernel does not run."""

    def __init__(self, arrays: KernelArrays, max_bytes: int) -> None:
        self._arrays = arrays
        self._max_bytes = max_bytes
        self._rows: dict[int, Installed] = {}
        self._free = list(range(ROWS - 1, -1, -1))
        self._uses: Counter[int] = Counter()
        """How many regions rely on an arena word."""
        self.codes: dict[int, SharedCode] = {}
        """The code of each row."""
        self.losses: Counter[int] = Counter()
        """How often a region with this arena word was lost to a change."""
        self._looks = 0
        self._next_try: dict[int, int] = {}
        self.bytes = 0
        self._followers: list[Followers] = []

    def follow(self, follower: Followers) -> None:
        """Have somebody told of all that is installed and removed from now on."""
        self._followers.append(follower)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Installed]:
        return iter(list(self._rows.values()))

    @property
    def marks(self) -> NDArray[numpy.uint8]:
        """The marks of all arena words."""
        return self._arrays.marks

    def row(self, number: int) -> NDArray[numpy.int64]:
        """A row of the kernel's table."""
        first = number * layout.TRANSLATION_FIELDS
        return self._arrays.translations[first : first + layout.TRANSLATION_FIELDS]

    def get(self, number: int) -> Installed | None:
        """The region in a row."""
        return self._rows.get(number)

    def entered_at(self, index: int) -> Installed | None:
        """The region that the kernel enters at an arena index."""
        op = int(self._arrays.ops[index])
        if op & 0xFF != layout.ENTER:
            return None
        return self._rows.get(op >> 8 & 0xFFFF)

    def add(
        self, region: Region, code: SharedCode, start: int, delta: int, plain_layout: int = -1
    ) -> Installed | None:
        """Make the kernel enter a region. None, and the code released, if that has no use.

        It takes the place of those that it contains. The words must still be what was translated,
        at least one entry must be free, and the code must not be larger than all that a board may
        have.
        """
        arrays = self._arrays
        pcs = numpy.fromiter(region.words.keys(), numpy.int64, len(region.words))
        words = numpy.fromiter(region.words.values(), numpy.uint32, len(region.words))
        indices = (pcs >> 2) + delta
        fits = code.native.size <= self._max_bytes and bool(
            ((indices >= 0) & (indices < len(arrays.arena))).all()
        )
        if not fits or not bool((arrays.arena[indices] == words).all()):
            STORE.release(code)
            return None
        generation = self._remove_within(region, delta)
        entries = [
            (number, (pc >> 2) + delta)
            for number, pc in enumerate(region.entries)
            if self.entered_at((pc >> 2) + delta) is None
        ]
        if not entries:
            STORE.release(code)
            return None
        if not self._free or self.bytes + code.native.size > self._max_bytes:
            self.clear()
        number = self._free.pop()
        installed = Installed(
            number,
            start,
            region,
            code,
            indices,
            words,
            [index for _, index in entries],
            generation,
        )
        self._rows[number] = installed
        self.codes[number] = code
        self.bytes += code.native.size
        self._fill_row(installed, delta, plain_layout)
        self._uses.update(indices.tolist())
        self._mark(installed)
        for selector, index in entries:
            for follower in self._followers:
                follower.leave(index)
            need = min(region.blocks[region.entries[selector], ()].need, 0xFFFF)
            arrays.ops[index] = layout.ENTER | number << 8 | selector << 24 | need << 32
        for follower in self._followers:
            follower.enter(installed)
        return installed

    def entries(self, installed: Installed) -> list[tuple[int, int]]:
        """Where the kernel enters a region: number of the entry and arena index."""
        return [
            (int(self._arrays.ops[index]) >> 24 & 0xFF, index)
            for index in installed.entries
            if self.entered_at(index) is installed
        ]

    def stands(self, region: Region, delta: int) -> bool:
        """Whether the words of a region are in memory, where it would be installed."""
        arrays = self._arrays
        pcs = numpy.fromiter(region.words.keys(), numpy.int64, len(region.words))
        words = numpy.fromiter(region.words.values(), numpy.uint32, len(region.words))
        indices = (pcs >> 2) + delta
        if indices.min() < 0 or indices.max() >= len(arrays.arena):
            return False
        return bool((arrays.arena[indices] == words).all())

    def _fill_row(self, installed: Installed, delta: int, plain_layout: int) -> None:
        row = self.row(installed.row)
        row[:] = 0
        row[layout.TRANSLATION_FUNCTION] = installed.code.native.address
        row[layout.TRANSLATION_KEY] = -1
        row[layout.TRANSLATION_LOW] = installed.region.low >> 2
        row[layout.TRANSLATION_HIGH] = installed.region.high >> 2
        row[layout.TRANSLATION_DELTA] = delta
        row[layout.TRANSLATION_MODE] = installed.region.supervisor
        row[layout.TRANSLATION_LAYOUT] = plain_layout
        row[layout.TRANSLATION_SLOTS_USED] = layout.TRANSLATION_SLOT_COUNT

    def _mark(self, installed: Installed) -> None:
        """Have stores to the region's words noticed: by the kernel, and by its check of what the
        host has changed."""
        arrays = self._arrays
        arrays.marks[installed.indices] |= layout.MARK_CODE | layout.MARK_TRANSLATED
        arrays.snapshot[installed.indices] = installed.words
        pages = len(arrays.code_pages) >> 1
        state = arrays.state
        # Not numpy.unique, whose first call imports numpy.ma: 15 ms.
        for page in sorted(set((installed.indices // layout.PAGE_WORDS).tolist())):
            if not arrays.code_pages[pages + page]:
                arrays.code_pages[pages + page] = 1
                arrays.code_pages[state[layout.CODE_PAGE_COUNT]] = page
                state[layout.CODE_PAGE_COUNT] += 1
        # No window may still cover the words as plain memory.
        state[layout.CLEAN_WINDOWS : layout.MAPPINGS] = 0
        state[layout.CLEAN_GENERATION] += 1
        state[layout.CLEAN_LOW] = 1 << 62
        state[layout.CLEAN_HIGH] = 0

    def remove(self, installed: Installed) -> None:
        """Take a region from the kernel."""
        arrays = self._arrays
        for _, index in self.entries(installed):
            arrays.ops[index] = 0
            for follower in self._followers:
                follower.leave(index)
        for index in installed.indices.tolist():
            self._uses[index] -= 1
            if not self._uses[index]:
                del self._uses[index]
                arrays.marks[index] &= 0xFF ^ layout.MARK_TRANSLATED
        self.row(installed.row)[:] = 0
        del self._rows[installed.row], self.codes[installed.row]
        self._free.append(installed.row)
        self.bytes -= installed.code.native.size
        STORE.release(installed.code)

    def _remove_within(self, region: Region, delta: int) -> int:
        """Take those regions from the kernel that another one contains; its generation."""
        generation = 0
        for installed in self:
            if installed.region.supervisor != region.supervisor or self.delta(installed) != delta:
                continue
            old = installed.region
            is_final = installed.generation >= LAST_GENERATION and not old.own <= region.own
            if not is_final and old.is_mostly_in(region.own):
                generation = max(generation, installed.generation + 1)
                self.remove(installed)
        return generation

    def delta(self, installed: Installed) -> int:
        """Arena index minus virtual address in words where a region was made."""
        return int(self.row(installed.row)[layout.TRANSLATION_DELTA])

    def take_executed(self, installed: Installed) -> int:
        """How many instructions a region has executed since that was last asked."""
        row = self.row(installed.row)
        executed = int(row[layout.TRANSLATION_EXECUTED])
        row[layout.TRANSLATION_EXECUTED] = 0
        return executed

    def is_taken(self, indices: NDArray[numpy.int64]) -> NDArray[numpy.bool_]:
        """Whether regions have these arena words."""
        taken: NDArray[numpy.bool_] = self._arrays.marks[indices] & layout.MARK_TRANSLATED != 0
        return taken

    def taken(self, first: int, last: int) -> bytes:
        """For the arena words from `first` to before `last` whether a region has them: 1, or 2 if
        it is not to be made again."""
        marks = self._arrays.marks[first:last]
        taken = ((marks & layout.MARK_TRANSLATED) != 0).astype(numpy.uint8)
        for installed in self._rows.values():
            if installed.generation >= LAST_GENERATION:
                inside = installed.indices[
                    (installed.indices >= first) & (installed.indices < last)
                ]
                taken[inside - first] = 2
        return bytes(taken)

    def remove_around(self, addresses: NDArray[numpy.int64], indices: NDArray[numpy.int64]) -> None:
        """Take those regions from the kernel that reach to one of these words, or across it: given
        by virtual addresses in words, or by arena indices."""
        for installed in self:
            row = self.row(installed.row)
            low, high = row[layout.TRANSLATION_LOW], row[layout.TRANSLATION_HIGH]
            delta = row[layout.TRANSLATION_DELTA]
            for words in (addresses, indices - delta):
                if ((words >= low - 1) & (words <= high)).any():
                    self.remove(installed)
                    break

    def clear(self) -> None:
        """Take all regions from the kernel."""
        for installed in self:
            self.remove(installed)

    def invalidate(self) -> list[Installed]:
        """Remove the regions whose words have changed; these."""
        state = self._arrays.state
        low, high = state[layout.STALE_LOW], state[layout.STALE_HIGH]
        removed = []
        for installed in self:
            indices = installed.indices
            if not ((indices >= low) & (indices < high)).any():
                continue
            changed = indices[self._arrays.arena[indices] != installed.words]
            if not len(changed):
                # Written, but with what was there.
                self._mark(installed)
            else:
                self._note_loss(indices.tolist())
                self.remove(installed)
                removed.append(installed)
        state[layout.STALE_LOW] = state[layout.STALE_HIGH] = 0
        return removed

    def give_up_at(self, places: Iterable[int]) -> None:
        """Remove the regions that are entered at these arena words, as they are left again too soon
        to be worth it. They are not made again for a while."""
        for index in places:
            installed = self.entered_at(index)
            if installed is not None:
                words = installed.indices.tolist()
                self.losses.update(dict.fromkeys(words, MOST_LOSSES))
                self._note_loss(words)
                self.remove(installed)

    def give_up_refused(self) -> None:
        """Remove the regions that native code has come to in vain, as the translation of addresses,
        the mode or the memory is another one now. They are not made again for a while."""
        self._arrays.state[layout.REFUSED] = 0
        for installed in self:
            if self.row(installed.row)[layout.TRANSLATION_REFUSED] >= layout.MOST_REFUSALS:
                self._note_loss(installed.indices.tolist())
                self.remove(installed)

    def fit(self, plain: Iterable[PlainMemory], number: int) -> None:
        """The board's plain memory is another one now, with this number: remove the regions that
        rely on what is gone."""
        known = frozenset(plain)
        for installed in self:
            row = self.row(installed.row)
            if row[layout.TRANSLATION_LAYOUT] < 0:
                continue
            if installed.region.relied_on <= known:
                row[layout.TRANSLATION_LAYOUT] = number
            else:
                self.remove(installed)

    def _note_loss(self, indices: list[int]) -> None:
        if len(self.losses) > MOST_REMEMBERED:
            self.losses.clear()
            self._next_try.clear()
        for index in indices:
            self.losses[index] += 1
            self._next_try[index] = self._looks + (1 << min(self.losses[index], 16))

    def may_translate(self, index: int) -> bool:
        """Whether code at an arena index has not changed too often.

        After some changes it must wait: each time for twice as many of these questions.
        """
        self._looks += 1
        return self.losses[index] < MOST_LOSSES or self._looks >= self._next_try[index]

    def statistics(self) -> dict[str, Any]:
        """Counts of what is installed."""
        return {"regions": len(self._rows), "bytes": self.bytes}
