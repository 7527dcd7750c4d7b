"""RAM that several LRVM processors have as plain memory, without a query per access.

A processor owns the RAM while it runs a batch of instructions, so nothing comes between the load
and the store of an SRM, and all see one order of all accesses. The content lies in the arena of
the board that owned it last; who owns it next copies it from there. A processor that is alone
with it copies nothing.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number
from ..core.component import Component, MemoryWindow
from ..core.memory import as_words
from ..core.metadata import Category, hardware_id
from ..core.metadata import Metadata as HardwareMetadata
from ..isa.table import WORD_MASK
from .messages import Data, Fail, Good, Load, Metadata, Query, Response, Save
from .parts import Peripheral

_numbers = itertools.count()

NOT_READABLE, NOT_WRITABLE = 0x2100, 0x3100
"""What LRVM components answer to an access that they do not know (memory.md)."""


def refused(query: Query, size: int) -> Fail | None:
    """What a peripheral of `size` bytes answers to a query that no LRVM processor would make:
    an address that is not one of its words', or a value that is no word."""
    known = 0 <= query.address < size and query.address % 4 == 0
    if isinstance(query, Load):
        return None if known else Fail(NOT_READABLE)
    return None if known and 0 <= query.value <= WORD_MASK else Fail(NOT_WRITABLE)


class TurnLock:
    """A lock that goes to those who wait for it in the order in which they came.

    With `threading.Lock`, a thread that lets go and takes it again at once would keep it for
    ever: the others only wake up when it is gone.
    """

    def __init__(self) -> None:
        self._held = threading.Lock()
        self._guard = threading.Lock()
        """Held by who gives `_held` back or joins the queue, so that nobody is overlooked."""
        self._owner = 0
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, *, first: bool = False) -> None:
        """Wait for it; with `first`, before all others who wait.

        RuntimeError if this thread has it: it would wait for itself.
        """
        if not self._held.acquire(blocking=False):
            self._wait(first)
        self._owner = threading.get_ident()

    def _wait(self, first: bool) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError(
                "the shared RAM belongs to the batch that is running in this thread; "
                "a component on the processor's own board cannot use it from outside"
            )
        with self._guard:
            if self._held.acquire(blocking=False):
                return
            mine = threading.Lock()
            mine.acquire()
            if first:
                self._waiting.appendleft(mine)
            else:
                self._waiting.append(mine)
        try:
            mine.acquire()
        except BaseException:
            # Ctrl-C. It may have been handed over just now.
            with self._guard:
                handed_over = mine not in self._waiting
                if not handed_over:
                    self._waiting.remove(mine)
            if handed_over:
                self.release()
            raise

    def release(self) -> None:
        """Hand it over to the first who waits, if anybody does."""
        self._owner = 0
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class SharedRam(Peripheral):
    """RAM of `size` bytes for several processors, zeros where `image` does not reach.

    Any processor may use it over its channel: `Load`, `Save` and `Swap` take byte addresses,
    multiples of 4. An `LrvmProcessor` may have it as plain memory instead, if it gets `direct()`
    as one of its ports. Both kinds see each other's words. Nothing resets it.
    """

    knows_swap = True

    def __init__(self, size: int, image: NDArray[numpy.uint32] | list[int] | None = None) -> None:
        size = whole_number("size", size)
        if size <= 0 or size % 4 or size >= 1 << 32:
            raise ValueError(f"size {size} must be a multiple of 4 bytes, from 4 to 0xFFFFFFFC")
        words = as_words([] if image is None else image)
        if words.nbytes > size:
            raise ValueError(
                f"an image of {words.nbytes} bytes does not fit the {size} bytes of the RAM"
            )
        self.size = size
        self.number = next(_numbers)
        """Who needs several takes them in this order, so that nobody waits for each other."""
        self.lock = TurnLock()
        self.content: NDArray[numpy.uint32] = numpy.zeros(size // 4, numpy.uint32)
        """What is in it now, for whoever has the lock."""
        self.content[: len(words)] = words
        self.version = 0
        """Grows with every query that may have changed the content."""

    def metadata(self) -> Metadata:
        return Metadata("Shared RAM")

    @property
    def words(self) -> NDArray[numpy.uint32]:
        """A copy of the content."""
        with self.lock:
            return self.content.copy()

    def direct(self) -> LentRam:
        """A port for one `LrvmProcessor` whose accesses are no queries."""
        return LentRam(self)

    def handle(self, query: Query) -> Response:
        refusal = refused(query, self.size)
        if refusal is not None:
            return refusal
        index = query.address >> 2
        # Somebody waits for the answer, and it takes no time; a batch of an owner does.
        self.lock.acquire(first=True)
        try:
            old = self.content.item(index)
            if isinstance(query, Load):
                return Data(old)
            self.content[index] = query.value
            self.version += 1
        finally:
            self.lock.release()
        return Good() if isinstance(query, Save) else Data(old)


class LentRam(Component):
    """The words of a `SharedRam` as plain memory of one board.

    What stands in `windows` is the RAM's content only while the board's processor owns it.
    """

    name = "Shared RAM"

    def __init__(self, ram: SharedRam) -> None:
        self.ram = ram
        self.windows = (MemoryWindow(0, numpy.zeros(ram.size // 4, numpy.uint32)),)
        self._seen = -1

    def metadata(self) -> HardwareMetadata:
        return HardwareMetadata(hardware_id(self.name), self.ram.size, Category.MEMORY, type=0x100)

    def acquire(self, *, first: bool = False) -> bool:
        """Own the RAM; True if its content is not what it was when this port last let it go."""
        ram, words = self.ram, self.windows[0].words
        ram.lock.acquire(first=first)
        changed = ram.version != self._seen
        if ram.content is not words:
            words[:] = ram.content
            ram.content = words
            changed = True
        return changed

    def release(self) -> None:
        """Let others have it."""
        self._seen = self.ram.version
        self.ram.lock.release()
