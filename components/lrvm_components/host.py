"""The host: exit status, arguments, streams, files and time for a guest (docs/devices/host.md).

cpy ac0, 0xffff         ; where it is mapped: 0xFFFF0000
shl ac0, 16
wsa ac0, 0x04, 0x41     ; OUT: puts an A to the standard output
wsa ac0, 0x10, 3        ; STATUS: what the process exits with
halt
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

import numpy
from numpy.typing import NDArray

from lrvm_jit import (
    Category,
    HardwareCode,
    HardwareError,
    MemoryWindow,
    SnapshotError,
    StateValue,
)
from lrvm_jit.arguments import whole_number

from .base import StandardComponent
from .host_files import Folder
from .host_registers import SIZE, WINDOW, WINDOW_WORDS, offset_of
from .host_session import STATUS, STDERR, STDOUT, ByteSink, ByteSource, Session

_COMMAND = offset_of("COMMAND")
_OUT = offset_of("OUT")
_ERR = offset_of("ERR")
_IN = offset_of("IN")


class Host(StandardComponent):
    """What a program needs of the world: streams of bytes, arguments, files, time, an end.

    `host_registers` has the registers. All but COMMAND, OUT, ERR and IN is plain memory, so a
    guest fills a buffer of 4 KiB and hands it on with one call into Python.

    - `arguments`: the program's name and its arguments; strings are handed on as UTF-8.
    - `stdin`, `stdout`, `stderr`: binary files such as `io.BytesIO()`, by default the process's.
    - `folder`: the guest may open files below it; there are none by default. `writable` lets it
      create, change and remove them as well.
    - `clock`, `monotonic`: nanoseconds since 1970, and since some moment.

    What goes wrong with a file or a stream is a code for the guest. A stream whose reader has gone
    is not: BrokenPipeError comes out of `run()`. OSError if `folder` is none.

    >>> import io
    >>> from lrvm_components import Host
    >>> out = io.BytesIO()
    >>> Host(stdout=out).write(0x04, ord("A"))
    >>> out.getvalue()
    b'A'
    """

    name = "Host"
    category = Category.PLATFORM_SPECIFIC
    type_code = 0x1

    def __init__(
        self,
        arguments: Iterable[str | bytes] = (),
        *,
        stdin: ByteSource | None = None,
        stdout: ByteSink | None = None,
        stderr: ByteSink | None = None,
        folder: str | os.PathLike[str] | None = None,
        writable: bool = False,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
        hw_id: int | None = None,
    ) -> None:
        super().__init__(SIZE, hw_id)
        words = numpy.zeros(WINDOW_WORDS, numpy.uint32)
        self.windows = (MemoryWindow(WINDOW, words),)
        self._folder = None if folder is None else Folder(folder, writable)
        self._session = Session(
            encoded(arguments), stdin, stdout, stderr, self._folder, clock, monotonic
        )

    @property
    def words(self) -> NDArray[numpy.uint32]:
        """The live registers from STATUS on, and the buffer."""
        return self.windows[0].words

    @property
    def status(self) -> int:
        """What the guest has put into STATUS, its exit status; 0 if nothing."""
        return int(self.words[STATUS])

    def read(self, offset: int) -> int:
        if offset == _IN:
            return self._session.take_byte()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == _COMMAND:
            self._session.command(word, self.words)
        elif offset == _OUT:
            self._session.put_byte(STDOUT, word)
        elif offset == _ERR:
            self._session.put_byte(STDERR, word)
        elif offset == _IN:
            raise HardwareError(HardwareCode.NOT_WRITABLE)
        else:
            super().write(offset, word)

    def flush(self) -> None:
        """Hand on bytes that the output streams keep. OSError if that fails."""
        self._session.flush()

    def reset(self) -> None:
        """Clear registers and buffer, close the guest's files; streams go on where they are."""
        self.words[:] = 0
        self._session.reset()

    def save_state(self) -> StateValue:
        """The time since the last reset. Streams are outside of the machine, and stay where they
        are when a snapshot is restored. SnapshotError while the guest has files open."""
        if self._session.open_files:
            raise SnapshotError(
                f"the guest has {self._session.open_files} files open, and a snapshot cannot keep "
                "where it is in them"
            )
        return {"elapsed": self._session.elapsed}

    def load_state(self, state: dict[str, int]) -> None:
        """Go on from a time since the last reset; files that the guest has open are closed."""
        elapsed = whole_number("elapsed", state["elapsed"])
        self._session.close_files()
        self._session.elapsed = elapsed

    def close(self) -> None:
        self._session.close_files()
        if self._folder is not None:
            self._folder.close()


def encoded(arguments: Iterable[str | bytes]) -> tuple[bytes, ...]:
    """Arguments as bytes without a zero in them. ValueError for one that has, TypeError."""
    if isinstance(arguments, str | bytes):
        raise TypeError(f"arguments must be a sequence of strings, not {arguments!r}")
    result = []
    for number, argument in enumerate(arguments):
        if isinstance(argument, str):
            argument = os.fsencode(argument)
        elif not isinstance(argument, bytes):
            raise TypeError(f"argument {number} must be a string or bytes, not {argument!r}")
        if b"\0" in argument:
            raise ValueError(f"argument {number} has a zero byte, which ends a string in C")
        result.append(argument)
    return tuple(result)
