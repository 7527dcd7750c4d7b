"""Waiting for clients of GDB's protocol: at a port of this computer, or on standard streams."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from lrvm_jit.debug import Debugger

from ...machines import Host
from ..terminal import DebugHost
from .packets import Packets
from .session import Ending, GdbSession

_LOOK: Final = 0.5
"""Seconds after which one who waits for a client looks whether it should go on waiting."""
LOCAL: Final = "localhost"


@dataclass(frozen=True, slots=True)
class GdbAddress:
    """Where clients are waited for. `host` is this computer alone unless it is named."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> GdbAddress:
        """The address that `[HOST:]PORT` means. ValueError."""
        host, _, port = text.rpartition(":")
        if not (port.isascii() and port.isdigit()) or int(port) > 0xFFFF:
            raise ValueError(f"{text!r} is no [HOST:]PORT with a port from 0 to 65535")
        return cls(host.strip("[]") or LOCAL, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class WatchedHost(DebugHost):
    """The terminal as the outside world, where one knows whether the guest waits for input."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = False

    def read_character(self) -> str:
        return self._reading(super().read_character)

    def read_line(self) -> str:
        return self._reading(super().read_line)

    def _reading(self, read: Callable[[], str]) -> str:
        self.waits = True
        try:
            return read()
        finally:
            self.waits = False


class StreamHost(Host):
    """The outside world of a machine whose standard streams are the client's: its text is shown
    there, and there is nothing to read."""

    def __init__(self) -> None:
        self.say: Callable[[str], None] | None = None

    def show(self, text: str) -> None:
        if self.say is not None and text:
            self.say(text)

    def read_line(self) -> str:
        return ""

    def read_character(self) -> str:
        return ""


def serve_streams(debugger: Debugger, host: StreamHost, source: BinaryIO, sink: BinaryIO) -> None:
    """Serve one client, `target remote | lrvm debug --gdb - PROGRAM`."""

    def write(data: bytes) -> None:
        sink.write(data)
        sink.flush()

    session = GdbSession(debugger, Packets(source, write))
    host.say = session.show
    session.serve()


def serve_socket(
    debugger: Debugger,
    host: WatchedHost,
    address: GdbAddress,
    say: Callable[[str], None],
) -> None:
    """Serve clients, one after the other, until one kills the program.

    One that detaches leaves the machine as it is, for the next. `say` gets what is to be told to
    who has started this. OSError if the address cannot be had.
    """
    with _listening(address) as listener:
        bound = GdbAddress(address.host, listener.getsockname()[1])
        say(f"Waiting for GDB; there:  target remote {bound}")
        while True:
            ending = _serve_client(debugger, host, listener)
            if ending is Ending.KILLED:
                return
            if ending is Ending.STRANGER:
                say("A connection was closed that did not speak GDB's protocol")
            else:
                say(f"The client has left; the program stands at position {debugger.position}")


def _listening(address: GdbAddress) -> socket.socket:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    # IPv4 first: that is what `localhost` is to most clients.
    family, _, _, _, where = min(found, key=lambda one: one[0] != socket.AF_INET)
    listener = socket.create_server(where[:2], family=family, backlog=1)
    listener.settimeout(_LOOK)
    return listener


def _serve_client(debugger: Debugger, host: WatchedHost, listener: socket.socket) -> Ending:
    connection = _accepted(listener)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    serving = threading.get_ident()

    def interrupt() -> None:
        debugger.interrupt()
        # Who waits for a key does not look whether it should stop.
        if host.waits and hasattr(signal, "pthread_kill"):
            signal.pthread_kill(serving, signal.SIGINT)

    with connection, connection.makefile("rb") as source:
        ending = GdbSession(debugger, Packets(source, connection.sendall), interrupt).serve()
        # The thread that reads stands in a call that only this ends.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return ending


def _accepted(listener: socket.socket) -> socket.socket:
    while True:
        with suppress(TimeoutError):
            return listener.accept()[0]
