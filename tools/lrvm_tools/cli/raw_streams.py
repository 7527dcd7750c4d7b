"""The process's standard streams as a guest's: bytes as they are, and nothing kept back."""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import Final

_STDIN, _STDOUT, _STDERR = range(3)
_KEPT: Final = 1 << 16
"""Bytes that are written one by one are kept until there are so many, or somebody flushes."""


class RawInput:
    """Standard input. A process that was started without one is at its end at once."""

    def read(self, size: int, /) -> bytes:
        """Bytes that are there, or the next that come; none at the end."""
        # Without one, the number may belong to some other file.
        if sys.stdin is None:
            return b""
        while True:
            try:
                return os.read(_STDIN, size)
            except BlockingIOError:
                select.select([_STDIN], [], [])


class RawOutput:
    """Standard output, or the standard error output.

    After an error what was kept is forgotten: whoever asked for it has been told.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._name = "standard output" if descriptor == _STDOUT else "standard error output"
        self._kept = bytearray()

    def write(self, data: bytes, /) -> int:
        """Take bytes."""
        self._kept += data
        if len(self._kept) >= _KEPT:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Hand on what was taken. OSError."""
        if not self._kept:
            return
        data, self._kept = memoryview(bytes(self._kept)), bytearray()
        stream = sys.stdout if self._descriptor == _STDOUT else sys.stderr
        if stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._name)
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except BrokenPipeError:
                # Nobody reads any more: no error of a file, so it has no name.
                raise
            except OSError as error:
                error.filename = self._name
                raise


def raw_streams() -> tuple[RawInput, RawOutput, RawOutput]:
    """Standard input, output and error output."""
    return RawInput(), RawOutput(_STDOUT), RawOutput(_STDERR)
