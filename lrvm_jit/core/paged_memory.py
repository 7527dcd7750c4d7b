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
        self._before: NDArray[numpy.uint32] | None = None
        """What the pages hold, in one piece; None until something is compared with it."""
        self._is_new = True
        """Whether no image has been taken or put back."""
        pages, rest = divmod(len(words), PAGE_WORDS)
        self._pages = [_ZEROS] * pages + ([_ZEROS[: 4 * rest]] if rest else [])

    def take(self) -> Pages:
        """An image of the memory as it is now."""
        if self._is_new:
            # Every page is copied once; what the next image is compared with can wait.
            self._is_new = False
            data = memoryview(self._words.view(numpy.uint8))  # type: ignore[arg-type]
            for number, zeros in enumerate(self._pages):
                at = 4 * PAGE_WORDS * number
                page = bytes(data[at : at + 4 * PAGE_WORDS])
                if page != zeros:
                    self._pages[number] = page
            return tuple(self._pages)
        before = self._laid_out()
        for number in self._changed(before):
            part = self._part(number)
            # The page first: cut short here, it still counts as changed.
            self._pages[number] = self._words[part].tobytes()
            before[part] = numpy.frombuffer(self._pages[number], numpy.uint32)
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
        self._is_new = False
        laid_out = self._laid_out()
        changed = set(self._changed(laid_out))
        changed.update(
            number
            for number, (page, before) in enumerate(zip(pages, self._pages, strict=True))
            if page is not before and page != before
        )
        for number in changed:
            part = self._part(number)
            words = numpy.frombuffer(pages[number], numpy.uint32)
            # In this order a page counts as changed until all is done.
            self._words[part] = words
            self._pages[number] = pages[number]
            laid_out[part] = words
        return bool(changed)

    @staticmethod
    def _part(number: int) -> slice:
        return slice(number * PAGE_WORDS, (number + 1) * PAGE_WORDS)

    def _laid_out(self) -> NDArray[numpy.uint32]:
        """The pages in one piece. Memory from `zeros` is claimed only where something is written,
        so pages of zeros take none."""
        if self._before is None:
            laid_out = numpy.zeros(len(self._words), numpy.uint32)
            for number, page in enumerate(self._pages):
                if page is not _ZEROS:
                    laid_out[self._part(number)] = numpy.frombuffer(page, numpy.uint32)
            self._before = laid_out
        return self._before

    def _changed(self, laid_out: NDArray[numpy.uint32]) -> list[int]:
        """Numbers of the pages that are not what they were at the last image."""
        found: list[int] = []
        whole = len(self._words) // PAGE_WORDS
        # Two words at a time.
        shape = (whole, PAGE_WORDS // 2)
        now = self._words[: whole * PAGE_WORDS].view(numpy.uint64).reshape(shape)
        before = laid_out[: whole * PAGE_WORDS].view(numpy.uint64).reshape(shape)
        for first in range(0, whole, _BLOCK_PAGES):
            block = slice(first, first + _BLOCK_PAGES)
            differ = (now[block] != before[block]).any(axis=1)
            if differ.any():
                found += (numpy.flatnonzero(differ) + first).tolist()
        tail = slice(whole * PAGE_WORDS, None)
        if not numpy.array_equal(self._words[tail], laid_out[tail]):
            found.append(whole)
        return found
