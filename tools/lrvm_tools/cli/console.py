"""The command's side of a running machine: where its text goes and its input comes from."""

from __future__ import annotations

import io
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from ..machines import Host
from ..running import PREFIX
from .progress import Progress

_SHOWN_REPETITIONS: Final = 10


class ConsoleHost(Host):
    """The terminal, shared by the guest, the lines about the run, and its progress."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self._said = ""
        self._repetitions = 0
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
        """Write about the run, on stderr.

        A guest that raises the same exception for ever, as one without a handler does, must not
        flood the terminal.
        """
        line = self._without_repetition(line)
        if not line:
            return
        with self._room():
            sys.stdout.flush()
            if sys.stderr.isatty() and not self.is_line_start():
                line = f"\n{line}"
                self._unfinished = False
            sys.stderr.write(line)

    def is_line_start(self) -> bool:
        """Whether the terminal's cursor is at the start of a line, for all that is known."""
        return not (self._unfinished and sys.stdout.isatty())

    def _without_repetition(self, line: str) -> str:
        """The line, or in the place of one exception too many a remark, then nothing."""
        said = line.partition(": ")[2]
        if said != self._said or not said.startswith("exception"):
            self._said = said
            self._repetitions = 0
            return line
        self._repetitions += 1
        if self._repetitions < _SHOWN_REPETITIONS:
            return line
        if self._repetitions == _SHOWN_REPETITIONS:
            return f"{PREFIX} The same again and again; no more of these are shown\n"
        return ""

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
