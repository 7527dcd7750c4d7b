"""Memory for machine code: pages that can be written or executed, never both.

All of it comes from spaces of `SPACE` bytes, of which the processor's short jumps reach every
place, so pieces of code from different objects can jump to each other. A space is reserved as
a whole, which costs addresses only. Its pages are private to the process: after a fork parent and
child change their own.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from bisect import insort
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

from ..locks import SharedLock
from .elf import LoadingError

SPACE: Final = 120 << 20
"""Bytes of a space: aarch64's jumps reach 128 MiB."""
PAGE: Final = mmap.PAGESIZE


class CodeMemory:
    """Pages of memory, until `release` or until nothing refers to this object.

    They can be written at first. `make_executable` and `make_writable` change that; nobody may be
    executing them while they can be written.
    """

    __slots__ = ("__weakref__", "_held", "address", "size")

    def __init__(self, size: int) -> None:
        """Pages for so many bytes, all zero. LoadingError if there is no memory, or if the system
        allows no executable memory."""
        self._held: list[tuple[int, int]] = []
        self.size = whole_pages(size)
        """Bytes, in whole pages."""
        self.address = _SPACES.take(self.size)
        """Where they start."""
        self._held.append((self.address, self.size))

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes, while the pages are writable. ValueError if they do not lie inside."""
        if not 0 <= offset <= self.size - len(data):
            raise ValueError(
                f"{len(data)} bytes at {offset} are not within the {self.size} of this memory"
            )
        ctypes.memmove(self.address + offset, data, len(data))

    def make_executable(self, size: int | None = None) -> None:
        """Have the first `size` bytes executed and no longer written; all of them by default. The
        rest, from the next page on, stays as it is."""
        length = self.size if size is None else whole_pages(size)
        if length:
            _protect(self.address, length, mmap.PROT_READ | mmap.PROT_EXEC)
            if FLUSHES and self.address != _flusher_address:
                _flusher()(self.address, self.address + length)

    def make_writable(self) -> None:
        """Have all bytes written and no longer executed."""
        _protect(self.address, self.size, mmap.PROT_READ | mmap.PROT_WRITE)

    def release(self) -> None:
        """Give the memory back. The code must not be running; a second call does nothing."""
        # A pop is atomic, so two threads may try.
        with suppress(IndexError):
            _SPACES.give_back(*self._held.pop())

    def __del__(self) -> None:
        self.release()


class _Spaces:
    """All spaces of the process, and what of them is free."""

    def __init__(self) -> None:
        self._lock = SharedLock(innermost=True)
        self._busy = False
        self._free: list[tuple[int, int]] = []
        """Start and end of what is free, ascending; neighbours are one."""
        self._released: deque[tuple[int, int]] = deque()

    def take(self, size: int) -> int:
        """Pages that can be written; where they start."""
        with self._lock:
            self._busy = True
            try:
                self._take_back()
                start = self._first_fit(size)
                if start is None:
                    self._reserve(size)
                    start = self._first_fit(size)
                    assert start is not None
            finally:
                self._busy = False
        try:
            _protect(start, size, mmap.PROT_READ | mmap.PROT_WRITE)
        except BaseException:
            self.give_back(start, size)
            raise
        return start

    def give_back(self, start: int, size: int) -> None:
        """The pages are free again.

        For finalizers too, which run wherever Python collects garbage: in a thread that holds the
        lock, say, or even within `take`. What cannot be done now the next call does.
        """
        self._released.append((start, start + size))
        if self._lock.acquire(blocking=False):
            try:
                if not self._busy:
                    self._busy = True
                    try:
                        self._take_back()
                    finally:
                        self._busy = False
            finally:
                self._lock.release()

    def _take_back(self) -> None:
        with suppress(IndexError):
            while True:
                start, end = self._released.popleft()
                # New pages in the place of the old ones: neither readable nor in memory.
                _map(start, end - start)
                self._insert(start, end)

    def _insert(self, start: int, end: int) -> None:
        insort(self._free, (start, end))
        at = self._free.index((start, end))
        if at + 1 < len(self._free) and self._free[at + 1][0] == end:
            end = self._free.pop(at + 1)[1]
        if at and self._free[at - 1][1] == start:
            at, start = at - 1, self._free.pop(at - 1)[0]
        self._free[at] = start, end

    def _first_fit(self, size: int) -> int | None:
        for at, (start, end) in enumerate(self._free):
            if end - start >= size:
                if end - start == size:
                    del self._free[at]
                else:
                    self._free[at] = start + size, end
                return start
        return None

    def _reserve(self, size: int) -> None:
        """One more space; a smaller one if the process may not have so many addresses."""
        length = max(SPACE, size)
        while True:
            try:
                start = _map(None, length)
                break
            except LoadingError:
                if length == size:
                    raise
                length = max(whole_pages(length // 2), size)
        self._insert(start, start + length)


def whole_pages(size: int) -> int:
    """So many bytes, rounded up to pages."""
    return -(-size // PAGE) * PAGE


_library: Any = None


def _functions() -> Any:
    """The C library's `mmap` and `mprotect`. Python's own module `mmap` lets nobody write to pages
    that are made executable later, and changes no rights."""
    global _library
    if _library is None:
        library = ctypes.CDLL(None, use_errno=True)
        library.mmap.restype = ctypes.c_void_p
        library.mmap.argtypes = [
            *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
            *(ctypes.c_int, ctypes.c_int, ctypes.c_long),
        ]
        library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        _library = library
    return _library


MAP_FIXED: Final = 0x10
MAP_NORESERVE: Final = 0x4000
"""Linux's numbers, which Python 3.11 does not name."""


def _map(start: int | None, size: int) -> int:
    """Reserve addresses, anywhere or exactly at `start`; where they begin."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    if start is not None:
        flags |= MAP_FIXED
    found = _functions().mmap(start, size, 0, flags, -1, 0)
    if found is None or found == ctypes.c_void_p(-1).value:
        raise LoadingError(f"no {size} bytes for machine code: {os.strerror(ctypes.get_errno())}")
    return int(found)


def _protect(start: int, size: int, rights: int) -> None:
    if _functions().mprotect(start, size, rights):
        what = "executable" if rights & mmap.PROT_EXEC else "writable"
        reason = os.strerror(ctypes.get_errno())
        raise LoadingError(f"the system makes no {size} bytes {what}: {reason}")


# aarch64 must be told that memory holds new instructions. Linux does that when pages become
# executable for the first time only, which is enough for the function that does it for all others.

FLUSHES: Final = os.name == "posix" and os.uname().machine == "aarch64"
FLUSH: Final = bytes.fromhex(
    "23003bd5"
    "870080d2"
    "644c50d3"  # mrs x3, ctr_el0; mov x7, #4; ubfx x4, x3, #16, #4
    "e420c49a"
    "860400d1"
    "0500268a"  # lsl x4, x7, x4; sub x6, x4, #1; bic x5, x0, x6
    "257b0bd5"
    "a500048b"
    "bf0001eb"
    "a3ffff54"  # dc cvau, x5; add x5, x5, x4; cmp x5, x1; b.lo -3
    "9f3b03d5"
    "640c40d3"  # dsb ish; ubfx x4, x3, #0, #4
    "e420c49a"
    "860400d1"
    "0500268a"  # lsl x4, x7, x4; sub x6, x4, #1; bic x5, x0, x6
    "25750bd5"
    "a500048b"
    "bf0001eb"
    "a3ffff54"  # ic ivau, x5; add x5, x5, x4; cmp x5, x1; b.lo -3
    "9f3b03d5"
    "df3f03d5"
    "c0035fd6"  # dsb ish; isb; ret
)
"""A function of start and end in x0 and x1: writes the lines of the data cache back, then forgets
those of the instruction cache. The register `ctr_el0` has the sizes of lines."""

_flusher_address = 0


@cache
def _flusher() -> Callable[[int, int], None]:
    """FLUSH as a function."""
    global _flusher_address
    memory = CodeMemory(len(FLUSH))
    memory.write(0, FLUSH)
    _flusher_address = memory.address
    memory.make_executable()
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(memory.address)
    # The memory must live as long as the function.
    function.memory = memory  # type: ignore[attr-defined]
    return function


_SPACES = _Spaces()
