"""Memory for code that is patched while its board lives: written at one address, run at another.

No page can be written and executed through the same address. Both stand for the same pages of a
file in memory, which a fork shares: a child makes its own (`BaselineCode`).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from typing import Any, Final

import numpy
from numpy.typing import NDArray

PROTECTIONS: Final = (mmap.PROT_READ | mmap.PROT_WRITE, mmap.PROT_READ | mmap.PROT_EXEC)


class PatchedMemory:
    """Bytes at two addresses; OSError where the system has no such memory."""

    def __init__(self, size: int) -> None:
        self.size = size
        descriptor = os.memfd_create("lrvm-code")
        try:
            os.ftruncate(descriptor, size)
            self._written = _map(descriptor, size, PROTECTIONS[0])
            weakref.finalize(self, _unmap, self._written, size)
            self._run = _map(descriptor, size, PROTECTIONS[1])
            weakref.finalize(self, _unmap, self._run, size)
        finally:
            os.close(descriptor)

    @property
    def written_at(self) -> int:
        return self._written

    @property
    def run_at(self) -> int:
        return self._run


def fresh(count: int, kind: type[numpy.generic]) -> NDArray[Any]:
    """An array of zeros of which the system has nothing until it is used: `numpy.zeros` fills
    megabytes where it takes them from memory that has been given back."""
    size = max(count * numpy.dtype(kind).itemsize, 1)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return numpy.frombuffer(memory, kind, count)


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def _map(descriptor: int, size: int, protection: int) -> int:
    address = _libc.mmap(None, size, protection, mmap.MAP_SHARED, descriptor, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    assert isinstance(address, int)
    return address


def _unmap(address: int, size: int) -> None:
    _libc.munmap(address, size)
