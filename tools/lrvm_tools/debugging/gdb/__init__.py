"""The debugger for GDB and other clients of its remote serial protocol."""

from .packets import Packets
from .server import GdbAddress, StreamHost, WatchedHost, serve_socket, serve_streams
from .session import Ending, GdbSession

__all__ = [
    "Ending",
    "GdbAddress",
    "GdbSession",
    "Packets",
    "StreamHost",
    "WatchedHost",
    "serve_socket",
    "serve_streams",
]
