"""The command's side of a running machine: where its text goes and its input comes from."""

from __future__ import annotations

import codecs
import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from lrvm_jit import UnmappedWarning

from ..machines import Host
from ..running import PREFIX
from .progress import Progress


class ConsoleHost(Host):
    """The terminal, shared by the guest, the lines about the run, and its progress."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self._unfinished = False

    def show(self, text: str) -> None:
        if not text:
            return
        with self._room():
            super().show(text)
            self._unfinished = not text.endswith("\n")

    def read_character(self) -> str:
        with self._room():
            key = super().read_character()
            self._typed(key)
        return key

    def read_line(self) -> str:
        with self._room():
            line = super().read_line()
            self._typed(line)
        return line

    def write(self, line: str) -> None:
        """Write about the run, on stderr."""
        with self._room():
            sys.stdout.flush()
            if sys.stderr.isatty() and not self.is_line_start():
                line = f"\n{line}"
                self._unfinished = False
            sys.stderr.write(line)

    def is_line_start(self) -> bool:
        """Whether the terminal's cursor is at the start of a line, for all that is known."""
        return not (self._unfinished and sys.stdout.isatty())

    def _typed(self, text: str) -> None:
        if text.endswith("\n") and sys.stdin.isatty():
            self._unfinished = False

    def _room(self) -> AbstractContextManager[None]:
        return nullcontext() if self.progress is None else self.progress.paused()


class CapturingHost(ConsoleHost):
    """Keeps the guest's text instead of showing it."""

    def __init__(self) -> None:
        super().__init__()
        self._text = io.StringIO()

    @property
    def text(self) -> str:
        """All that the guest has shown."""
        return self._text.getvalue()

    def show(self, text: str) -> None:
        self._text.write(text)


class ShownOutput:
    """A guest's output stream of bytes, shown as text."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes, /) -> int:
        """Show bytes; a character that is not complete waits for the rest of it."""
        self._host.show(self._decoder.decode(bytes(data)))
        return len(data)

    def flush(self) -> None:
        """There is nothing to wait for."""


@contextmanager
def told_warnings(host: ConsoleHost) -> Iterator[None]:
    """What the guest does that the machine warns of is told in a line, other warnings as ever."""
    with warnings.catch_warnings():
        otherwise = warnings.showwarning

        def show(message: Any, category: Any, *rest: Any, **options: Any) -> None:
            if issubclass(category, UnmappedWarning):
                host.write(f"{PREFIX} warning: {message}\n")
            else:
                otherwise(message, category, *rest, **options)

        warnings.simplefilter("always", UnmappedWarning)
        warnings.showwarning = show
        yield
