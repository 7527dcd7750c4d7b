"""Where the ready-made components of a machine show text and ask for input."""

from __future__ import annotations

import sys

from lrvm_components import DebugMessage


class Host:
    """The process's standard streams, as the displays and keyboards of a machine use them.

    Override `show` and the two `read_...` for another outside world.
    """

    def show(self, text: str) -> None:
        """Show the guest's text."""
        sys.stdout.write(text)
        # Flushing is a system call: in a pipe, once a line is soon enough.
        if "\n" in text or sys.stdout.isatty():
            sys.stdout.flush()

    def read_character(self) -> str:
        """Wait for a character; empty at the end of the input."""
        sys.stdout.flush()
        return sys.stdin.read(1)

    def read_line(self) -> str:
        """Wait for a line, with its newline; empty at the end of the input."""
        sys.stdout.flush()
        return sys.stdin.readline()

    def report(self, message: DebugMessage) -> None:
        """Show a message of the debug interface on a line of its own."""
        self.show(f"{message}\n")
