"""Packets of GDB's remote serial protocol over a stream of bytes each way.

`$content#xx`, where `xx` is the content's sum; `+` and `-` acknowledge them, until both sides agree
to do without. A byte 3 between packets is Ctrl-C. In binary content `}` announces a byte that is
itself xor 0x20.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import BinaryIO, Final

PACKET_SIZE: Final = 0x8000
"""Bytes of content that are taken and sent at most."""
_ESCAPE: Final = 0x7D
_ESCAPED: Final = frozenset(b"#$}*")
_HEX: Final = b"0123456789abcdefABCDEF"


class Received(Enum):
    """What comes in besides packets."""

    INTERRUPT = "interrupt"
    END = "end"
    """The client is gone."""
    TOO_LONG = "too long"
    BAD_SUM = "bad sum"
    """A packet with a wrong sum while nothing is acknowledged, so that it is not sent again."""
    STRANGER = "stranger"
    """The stream begins with nothing of the protocol, but with a request of a browser, say."""


def escaped(data: bytes) -> bytes:
    """Binary data as the content of a packet."""
    return b"".join(
        bytes((_ESCAPE, byte ^ 0x20)) if byte in _ESCAPED else bytes((byte,)) for byte in data
    )


def framed(content: bytes) -> bytes:
    """A packet with this content, which is escaped where it has to be."""
    return b"$%s#%02x" % (content, sum(content) & 0xFF)


class Packets:
    """A connection's packets. One thread receives, any thread sends. `write` sends all of some
    bytes, or raises OSError."""

    def __init__(self, source: BinaryIO, write: Callable[[bytes], object]) -> None:
        self._source = source
        self._write_all = write
        self._sending = threading.Lock()
        self._last = b""
        self._has_begun = False
        self.acknowledges = True
        """Whether packets are answered by `+` and `-`."""

    def receive(self) -> bytes | Received:
        """The content of the next packet, without escapes, or what comes in its place."""
        while True:
            byte = self._byte()
            if byte == b"":
                return Received.END
            if not self._has_begun and byte not in b"$+-\x03":
                return Received.STRANGER
            self._has_begun = True
            if byte == b"\x03":
                return Received.INTERRUPT
            if byte == b"-" and self.acknowledges:
                self._answer(self._last)
            if byte != b"$":
                continue
            content = self._content()
            if content is not None:
                return content

    def _content(self) -> bytes | Received | None:
        """What follows a `$`; None for what the client has to send again."""
        content = bytearray()
        total = 0
        is_long = is_escaped = False
        while (byte := self._byte()) != b"#":
            if byte == b"":
                return Received.END
            if byte == b"$":  # the packet before was cut short
                content.clear()
                total, is_long, is_escaped = 0, False, False
                continue
            value = byte[0]
            total += value
            if value == _ESCAPE and not is_escaped:
                is_escaped = True
                continue
            if len(content) == PACKET_SIZE:
                is_long = True
                continue
            content.append(value ^ 0x20 if is_escaped else value)
            is_escaped = False
        digits = self._byte() + self._byte()
        is_hex = len(digits) == 2 and all(digit in _HEX for digit in digits)
        is_whole = is_hex and int(digits, 16) == total & 0xFF and not is_escaped
        if self.acknowledges:
            self._answer(b"+" if is_whole else b"-")
            if not is_whole:
                return None
        if is_long:
            return Received.TOO_LONG
        return bytes(content) if is_whole else Received.BAD_SUM

    def send(self, content: bytes) -> None:
        """Send a packet. OSError if the client is gone."""
        self._last = framed(content)
        self._write(self._last)

    def _answer(self, data: bytes) -> None:
        with suppress(OSError):  # the client is gone, which the next byte tells
            self._write(data)

    def _byte(self) -> bytes:
        try:
            return self._source.read(1)
        except (OSError, ValueError):  # reset by the client, or closed by this side
            return b""

    def _write(self, data: bytes) -> None:
        with self._sending:
            self._write_all(data)
