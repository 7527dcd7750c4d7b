"""Text files as editors of all systems save them: LASM sources, Intel HEX, machine files."""

from __future__ import annotations

import re
from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LONE_CARRIAGE_RETURN: Final = re.compile("\r(?!\n)")


class UndecodableError(ValueError):
    """Bytes that are no UTF-8: the first bad one is at `offset`, in `line` (counted from 1)."""

    def __init__(self, offset: int, line: int, byte: int) -> None:
        super().__init__(offset, line, byte)
        self.offset = offset
        self.line = line
        self.byte = byte

    def __str__(self) -> str:
        return f"the file is not UTF-8 text: byte 0x{self.byte:02X} at offset {self.offset}"


def decode(data: bytes) -> str:
    """The text in a file, which is UTF-8, without the mark that some editors put before it.

    Line ends stay as they are. UndecodableError for other bytes.
    """
    mark = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
    try:
        return data[mark:].decode()
    except UnicodeDecodeError as error:
        offset = mark + error.start
        line = len(re.findall(b"\r\n|\r|\n", data[:offset])) + 1
        raise UndecodableError(offset, line, data[offset]) from None


def end_lines(text: str) -> str:
    """The text with a line feed for each carriage return that stands alone, as old Macs wrote.

    CR LF stays: to all readers here it is white space and a line end. Offsets stay the same.
    """
    return _LONE_CARRIAGE_RETURN.sub("\n", text) if "\r" in text else text


def lone_carriage_return(text: str) -> tuple[int, int] | None:
    """Line and column, both from 1, of the first carriage return without a line feed behind it."""
    found = _LONE_CARRIAGE_RETURN.search(text)
    if found is None:
        return None
    start = text.rfind("\n", 0, found.start()) + 1
    return text.count("\n", 0, start) + 1, found.start() - start + 1
