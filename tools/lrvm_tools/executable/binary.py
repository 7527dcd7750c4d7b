"""Writing and reading big-endian binary data, with the variable-length numbers of DWARF."""

from __future__ import annotations

from typing import Final

from ..images import ImageError

_LONGEST_LEB: Final = 10
"""Bytes of a number of 64 bits."""


class ExecutableError(ImageError):
    """A file that is no executable of this machine, or a damaged one; the message says what."""


class Output(bytearray):
    """Bytes that grow; all numbers big-endian. OverflowError for a number that does not fit."""

    def u8(self, value: int) -> None:
        self.append(value)

    def u16(self, value: int) -> None:
        self += value.to_bytes(2, "big")

    def u32(self, value: int) -> None:
        self += value.to_bytes(4, "big")

    def text(self, text: str) -> None:
        """A string with a zero behind it; zeros in it are left out."""
        self += text.replace("\0", "").encode("utf-8", "surrogateescape") + b"\0"

    def uleb(self, value: int) -> None:
        """A number >= 0, seven bits a byte."""
        while value >= 0x80:
            self.append(value & 0x7F | 0x80)
            value >>= 7
        self.append(value)

    def sleb(self, value: int) -> None:
        """A number with its sign, seven bits a byte."""
        while not -0x40 <= value < 0x40:
            self.append(value & 0x7F | 0x80)
            value >>= 7
        self.append(value & 0x7F)

    def patch_u32(self, at: int, value: int) -> None:
        """Put a number where four bytes are already."""
        self[at : at + 4] = value.to_bytes(4, "big")

    def align(self, multiple: int) -> None:
        """Zeros up to a multiple."""
        self += bytes(-len(self) % multiple)


class Input:
    """Reads bytes from `at` up to `end`; ExecutableError where there are too few.

    `what` says in messages what is read.
    """

    def __init__(self, data: bytes, what: str, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.what = what
        self.at = at
        self.end = len(data) if end is None else end
        if not 0 <= at <= self.end <= len(data):
            raise ExecutableError(f"{what} lies outside of the file")

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self.at < self.end

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count < 0 or self.end - self.at < count:
            raise ExecutableError(f"{self.what} is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def part(self, count: int, what: str | None = None) -> Input:
        """The next bytes, to be read for themselves."""
        at = self.at
        self.take(count)
        return Input(self.data, what or self.what, at, self.at)

    def u8(self) -> int:
        if self.at >= self.end:
            raise ExecutableError(f"{self.what} is cut short")
        self.at += 1
        return self.data[self.at - 1]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def s8(self) -> int:
        return int.from_bytes(self.take(1), "big", signed=True)

    def text(self) -> str:
        """A string that ends with a zero."""
        end = self.data.find(b"\0", self.at, self.end)
        if end < 0:
            raise ExecutableError(f"a string in {self.what} has no end")
        raw = self.data[self.at : end]
        self.at = end + 1
        return raw.decode("utf-8", "surrogateescape")

    def uleb(self) -> int:
        value, _ = self._leb()
        return value

    def sleb(self) -> int:
        value, bits = self._leb()
        return value - (1 << bits) if value >> (bits - 1) else value

    def _leb(self) -> tuple[int, int]:
        value = 0
        for count in range(_LONGEST_LEB):
            byte = self.u8()
            value |= (byte & 0x7F) << 7 * count
            if byte < 0x80:
                return value, 7 * count + 7
        raise ExecutableError(f"a number in {self.what} is too long")
