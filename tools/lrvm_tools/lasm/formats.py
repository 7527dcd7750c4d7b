"""Output formats: an assembled program as bytes or text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from ..customasm.assembly import Assembly, Emitted
from ..customasm.source import printable

_ROW: Final = 16
"""Bytes in a row of a hex dump and in a record of Intel HEX."""

_LISTED: Final = 8
"""Bytes in a row of a listing."""

_DATA, _END_OF_FILE, _EXTENDED_LINEAR_ADDRESS = 0x00, 0x01, 0x04
_SEGMENT: Final = 1 << 16
"""What the 16-bit address of an Intel HEX record reaches."""


def to_binary(assembly: Assembly) -> bytes:
    """The program's bytes, as they are."""
    return assembly.bytes


def to_hex_dump(assembly: Assembly) -> str:
    """Address, bytes and characters, 16 bytes a line."""
    rows = []
    for address, row in _rows(assembly.bytes, _ROW):
        characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        rows.append(f"{address:08x}  {row.hex(' '):<{3 * _ROW - 1}}  |{characters}|\n")
    return "".join(rows)


def to_intel_hex(assembly: Assembly) -> str:
    """Intel HEX, with extended linear address records where 16 bits of address do not suffice."""
    records = []
    segment = 0
    # Rows start at multiples of 16 and so never cross from one segment into the next.
    for address, row in _rows(assembly.bytes, _ROW):
        if address // _SEGMENT != segment:
            segment = address // _SEGMENT
            records.append(_record(_EXTENDED_LINEAR_ADDRESS, 0, segment.to_bytes(2, "big")))
        records.append(_record(_DATA, address % _SEGMENT, row))
    records.append(_record(_END_OF_FILE, 0, b""))
    return "".join(records)


def to_listing(assembly: Assembly) -> str:
    """Address, bytes and source line of everything emitted, file by file as it comes."""
    lines = []
    path = None
    for item in _listed(assembly):
        if item.path != path:
            path = item.path
            lines.append(f"; {path}\n")
        source = f"{item.line:5}  {printable(item.source.rstrip())}"
        offset = f".{item.bit_offset}" if item.bit_offset else "  "
        rows = list(_rows(item.data, _LISTED)) or [(0, b"")]
        for start, row in rows:
            data = f"{item.address + start:08x}{offset}  {row.hex(' '):<{3 * _LISTED - 1}}"
            lines.append(f"{data}  {source}".rstrip() + "\n")
            source = ""
    return "".join(lines)


def to_symbol_table(assembly: Assembly) -> str:
    """Value, kind and name of each symbol: labels by address, then constants by name."""
    labels = sorted(
        (entry for entry in assembly.entries if entry.is_label), key=lambda entry: entry.value
    )
    constants = sorted(
        (entry for entry in assembly.entries if not entry.is_label), key=lambda entry: entry.name
    )
    lines = [f"0x{entry.value:08x}  label     {entry.name}\n" for entry in labels]
    for entry in constants:
        sign = "-" if entry.value < 0 else ""
        lines.append(f"{sign}0x{abs(entry.value):08x}  constant  {entry.name}\n")
    return "".join(lines)


FORMATS: Final[dict[str, Callable[[Assembly], bytes | str]]] = {
    "binary": to_binary,
    "hex-dump": to_hex_dump,
    "intel-hex": to_intel_hex,
    "listing": to_listing,
    "symbols": to_symbol_table,
}
"""The formats by the names that users give them."""


def _rows(data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(data), size):
        yield start, data[start : start + size]


def _record(kind: int, address: int, data: bytes) -> str:
    content = bytes((len(data), address >> 8, address & 0xFF, kind)) + data
    checksum = -sum(content) & 0xFF
    return f":{content.hex().upper()}{checksum:02X}\n"


def _listed(assembly: Assembly) -> Iterator[Emitted]:
    """The items, but for a label whose line is listed with what follows it on that line."""
    for item, following in pairwise((*assembly.items, None)):
        assert item is not None
        if item.data or following is None or item.place != following.place:
            yield item
