"""Reading Intel HEX, the format that `lrvm_tools.lasm.formats` writes."""

from __future__ import annotations

from typing import Final

from .text_files import end_lines

_DATA, _END, _UPPER = 0, 1, 4
_IGNORED: Final = (3, 5)
"""Start addresses: the machine starts at 0."""
_LIMIT: Final = 1 << 26
"""Far more than a program has; a file with a wild address must not fill the memory."""


def read_ihex(text: str) -> bytes:
    """The bytes of an Intel HEX text, from address 0 on, zero where it has none.

    ValueError tells the line that is wrong.
    """
    data = bytearray()
    upper = 0
    for number, line in enumerate(end_lines(text).split("\n"), 1):
        if not line.strip():
            continue
        try:
            address, kind, payload = _parse_record(line.strip())
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if kind == _END:
            return bytes(data)
        if kind == _UPPER:
            upper = int.from_bytes(payload, "big") << 16
        elif kind == _DATA:
            start = upper + address
            if start + len(payload) > _LIMIT:
                raise ValueError(f"line {number}: address 0x{start:08X} is too high for a program")
            data.extend(bytes(max(0, start + len(payload) - len(data))))
            data[start : start + len(payload)] = payload
        elif kind not in _IGNORED:
            raise ValueError(f"line {number}: unknown record type {kind:02X}")
    raise ValueError("the end record is missing")


def _parse_record(line: str) -> tuple[int, int, bytes]:
    if not line.startswith(":"):
        raise ValueError("a record begins with `:`")
    body = bytes.fromhex(line[1:])
    if len(body) < 5 or len(body) != body[0] + 5:
        raise ValueError("the record's length is wrong")
    if sum(body) & 0xFF:
        raise ValueError("the record's checksum is wrong")
    return body[1] << 8 | body[2], body[3], body[4:-1]
