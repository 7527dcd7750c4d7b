"""Where the ready-made components of a machine show text and ask for input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lrvm_components import DebugMessage
from lrvm_components import Host as HostComponent
from lrvm_components.host_session import ByteSink, ByteSource


class Host:
    """The process's standard streams, as the displays and keyboards of a machine use them.

    Override `show` and the two `read_...` for another outside world. The attributes are for the
    component `Host`: the program's name and arguments, its streams (None: the process's), and the
    folder below which it may open files.
    """

    arguments: Sequence[str | bytes] = ()
    stdin: ByteSource | None = None
    stdout: ByteSink | None = None
    stderr: ByteSink | None = None
    folder: Path | None = None
    writable: bool = False

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

    def component(
        self, folder: Path | None = None, writable: bool = False, hw_id: int | None = None
    ) -> HostComponent:
        """The component `Host` of a machine; its own `folder` is the one of the machine file."""
        if self.folder is not None:
            folder, writable = self.folder, self.writable
        return HostComponent(
            self.arguments,
            stdin=self.stdin,
            stdout=self.stdout,
            stderr=self.stderr,
            folder=folder,
            writable=writable,
            hw_id=hw_id,
        )
