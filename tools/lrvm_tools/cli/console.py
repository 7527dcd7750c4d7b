"""The command's side of a running machine: where its text goes and its input comes from."""

from __future__ import annotations

import io
import sys
from contextlib import AbstractContextManager, nullcontext

from ..machines import Host
from .progress import Progress


class ConsoleHost(Host):
    """The terminal, shared by the guest, the lines about the run, and its progress."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.unfinished = False
        """Whether the guest's last line has no end yet."""

    def show(self, text: str) -> None:
        if not text:
            return
        self.unfinished = not text.endswith("\n")
        with self._room():
            super().show(text)

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
        if self.unfinished and sys.stdout.isatty() and sys.stderr.isatty():
            line = f"\n{line}"
            self.unfinished = False
        with self._room():
            sys.stdout.flush()
            sys.stderr.write(line)

    def _typed(self, text: str) -> None:
        if text.endswith("\n") and sys.stdin.isatty():
            self.unfinished = False

    def _room(self) -> AbstractContextManager[None]:
        if self.progress is None:
            return nullcontext()
        return self.progress.paused(unfinished=self.unfinished and sys.stdout.isatty())


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
