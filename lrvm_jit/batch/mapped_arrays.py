"""Arrays that are memory maps of files, where a full disk or a file that was cut short would end
the process with SIGBUS instead of an error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..output_files import naming
from .data_error import DataError

_BLOCK: Final = 1 << 20


def allocate(array: NDArray[Any]) -> None:
    """Give the file of an array that is to be written all its room on the disk. OSError, which
    names the file, if there is not as much."""
    mapped = _mapped(array)
    if mapped is None or mapped.mode not in ("r+", "w+"):
        return
    with naming(Path(mapped.filename)):
        descriptor = os.open(mapped.filename, os.O_RDWR | os.O_CLOEXEC)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, mapped.offset, mapped.nbytes)
            else:
                _write_again(descriptor, mapped.offset, mapped.nbytes)
        finally:
            os.close(descriptor)


def _write_again(descriptor: int, offset: int, count: int) -> None:
    """Write what a file has, zeros where it has nothing."""
    for start in range(offset, offset + count, _BLOCK):
        size = min(_BLOCK, offset + count - start)
        data = os.pread(descriptor, size, start).ljust(size, b"\0")
        while data:
            written = os.pwrite(descriptor, data, start)
            data, start = data[written:], start + written


def check_mapped(array: NDArray[Any]) -> None:
    """DataError if the file of an array that is a memory map has been cut short."""
    mapped = _mapped(array)
    if mapped is None:
        return
    needed = mapped.offset + mapped.nbytes
    try:
        size = Path(mapped.filename).stat().st_size
    except OSError:  # it has another name, or none: nobody can cut it by that
        return
    if size < needed:
        raise DataError(f"{mapped.filename} has been cut short: {size} of {needed} bytes are left")


def is_mapped(array: object) -> bool:
    """Whether an array shows a part of a file that has a name."""
    return _mapped(array) is not None


def _mapped(array: object) -> Any:
    """The memory map that an array shows a part of, if it does and has a file with a name."""
    found = None
    while isinstance(array, numpy.ndarray):
        if isinstance(array, numpy.memmap):
            found = array
        array = array.base
    return found if found is not None and found.filename is not None else None
