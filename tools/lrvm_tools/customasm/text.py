"""The text of source files."""

from __future__ import annotations


def decode(data: bytes) -> str:
    """The text in a source file: UTF-8, a byte order mark before it is left out. Raises
    ValueError that names the first bad byte."""
    mark = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        return data[mark:].decode()
    except UnicodeDecodeError as error:
        offset = mark + error.start
        line = data.count(b"\n", 0, offset) + 1
        raise ValueError(
            f"line {line}: the file is not UTF-8 text: byte 0x{data[offset]:02X} at offset {offset}"
        ) from None
