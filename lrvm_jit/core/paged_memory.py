"""Images of a machine's memory that share what has not changed from one to the next.

An image is a tuple of pages. Taking one compares the memory with what it was at the last image
and copies only pages that differ; so does putting one back. Pages that were never written are
one and the same page of zeros, and take no memory.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy
from numpy.typing import NDArray

from .snapshot_values import SnapshotError

PAGE_WORDS = 1024
"""Words of a page: comparing costs the same whatever it is, copying grows with it."""
_BLOCK_PAGES = 128
"""Pages that are compared at a time, so that the result stays in the processor's cache."""
_ZEROS = bytes(4 * PAGE_WORDS)

Pages: TypeAlias = tuple[bytes, ...]
"""The pages of an image, the last one perhaps shorter."""


class PagedMemory:
    """The memory of one machine, and what it was at its last image."""

    def __init__(self, words: NDArray[numpy.uint32]) -> None:
        """`words` is the live memory, a one-dimensional uint32 array."""
        self._words = words
        # Memory from `zeros` is claimed only where something is written.
        self._before: NDArray[numpy.uint32] = numpy.zeros(len(words), numpy.uint32)
        pages, rest = divmod(len(words), PAGE_WORDS)
        self._pages = [_ZEROS] * pages + ([_ZEROS[: 4 * rest]] if rest else [])

    def take(self) -> Pages:
        """An image of the memory as it is now."""
        for number in self._changed():
            part = self._part(number)
            self._before[part] = self._words[part]
            self._pages[number] = self._before[part].tobytes()
        return tuple(self._pages)

    def check(self, pages: Pages) -> None:
        """SnapshotError unless the pages are an image of a memory of this size."""
        sizes = len(self._pages), len(self._pages[-1])
        if (len(pages), len(pages[-1]) if pages else 0) != sizes:
            raise SnapshotError(
                f"the snapshot has {sum(map(len, pages))} bytes of memory, this board "
                f"{4 * len(self._words)}"
            )

    def put(self, pages: Pages) -> bool:
        """Make the memory what an image of it says; whether that changed anything.

        The image must be of a memory of this size.
        """
        changed = set(self._changed())
        changed.update(
            number
            for number, (page, before) in enumerate(zip(pages, self._pages, strict=True))
            if page is not before and page != before
        )
        for number in changed:
            part = self._part(number)
            self._words[part] = self._before[part] = numpy.frombuffer(pages[number], numpy.uint32)
            self._pages[number] = pages[number]
        return bool(changed)

    @staticmethod
    def _part(number: int) -> slice:
        return slice(number * PAGE_WORDS, (number + 1) * PAGE_WORDS)

    def _changed(self) -> list[int]:
        """Numbers of the pages that are not what they were at the last image."""
        found: list[int] = []
        whole = len(self._words) // PAGE_WORDS
        # Two words at a time.
        shape = (whole, PAGE_WORDS // 2)
        now = self._words[: whole * PAGE_WORDS].view(numpy.uint64).reshape(shape)
        before = self._before[: whole * PAGE_WORDS].view(numpy.uint64).reshape(shape)
        for first in range(0, whole, _BLOCK_PAGES):
            block = slice(first, first + _BLOCK_PAGES)
            differ = (now[block] != before[block]).any(axis=1)
            if differ.any():
                found += (numpy.flatnonzero(differ) + first).tolist()
        tail = slice(whole * PAGE_WORDS, None)
        if not numpy.array_equal(self._words[tail], self._before[tail]):
            found.append(whole)
        return found
