"""What an assembled program can be written as: hex dump, Intel HEX, listing, symbol table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .lasm import Assembly, Emitted

_ROW: Final = 16
_LISTED: Final = 8
_IHEX_DATA, _IHEX_END, _IHEX_UPPER = 0, 1, 4
_IHEX_IGNORED: Final = (3, 5)
"""Start addresses: the machine starts at 0."""


def hex_dump(data: bytes) -> str:
    """Rows of an address, 16 bytes and their characters.

    >>> print(hex_dump(b"Hello, world!\\\\n...."), end="")
    00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 5c 6e 2e  |Hello, world!\\\\n.|
    00000010  2e 2e 2e                                          |...|
    """
    lines = []
    for address in range(0, len(data), _ROW):
        row = data[address : address + _ROW]
        left, right = row[: _ROW // 2].hex(" "), row[_ROW // 2 :].hex(" ")
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{address:08x}  {left:23}  {right:23}  |{shown}|\n")
    return "".join(lines)


def intel_hex(data: bytes) -> str:
    """Intel HEX with 32-bit addresses (record types 00, 01 and 04)."""
    lines = []
    for address in range(0, len(data), _ROW):
        if address and not address & 0xFFFF:
            lines.append(_record(0, _IHEX_UPPER, (address >> 16).to_bytes(2, "big")))
        lines.append(_record(address & 0xFFFF, _IHEX_DATA, data[address : address + _ROW]))
    lines.append(_record(0, _IHEX_END, b""))
    return "".join(f"{line}\n" for line in lines)


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes((len(data), address >> 8, address & 0xFF, kind)) + data
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"


def read_ihex(text: str) -> bytes:
    """The bytes of an Intel HEX text, from address 0 on, zero where it has none.

    ValueError tells the line that is wrong.
    """
    data = bytearray()
    upper = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            address, kind, payload = _parse_record(line.strip())
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if kind == _IHEX_END:
            return bytes(data)
        if kind == _IHEX_UPPER:
            upper = int.from_bytes(payload, "big") << 16
        elif kind == _IHEX_DATA:
            start = upper + address
            if start + len(payload) > _IHEX_LIMIT:
                raise ValueError(f"line {number}: address 0x{start:08X} is too high for a program")
            data.extend(bytes(max(0, start + len(payload) - len(data))))
            data[start : start + len(payload)] = payload
        elif kind not in _IHEX_IGNORED:
            raise ValueError(f"line {number}: unknown record type {kind:02X}")
    raise ValueError("the end record is missing")


_IHEX_LIMIT: Final = 1 << 28
"""Far more than a program has; a file with a wild address must not fill the memory."""


def _parse_record(line: str) -> tuple[int, int, bytes]:
    if not line.startswith(":"):
        raise ValueError("a record begins with `:`")
    body = bytes.fromhex(line[1:])
    if len(body) < 5 or len(body) != body[0] + 5:
        raise ValueError("the record's length is wrong")
    if sum(body) & 0xFF:
        raise ValueError("the record's checksum is wrong")
    return body[1] << 8 | body[2], body[3], body[4:-1]


def listing(assembly: Assembly) -> str:
    """Address, bytes, place and text of every source line that has a place in the output.

    Longer data goes on in the rows below.
    """
    # A label and the instruction behind it on the same line are one row.
    following = [*((item.path, item.line) for item in assembly.items[1:]), None]
    items = [
        item
        for item, after in zip(assembly.items, following, strict=True)
        if item.data or after != (item.path, item.line)
    ]
    width = max((len(_place(item)) for item in items), default=0)
    return "".join(row for item in items for row in _listed_rows(item, width))


def _listed_rows(item: Emitted, width: int) -> Iterator[str]:
    for at in range(0, max(1, len(item.data)), _LISTED):
        row = f"{item.address + at:08x}  {item.data[at : at + _LISTED].hex(' '):23}"
        if at == 0:
            row += f"  {_place(item):{width}}  {_printable(item.source)}"
        yield row.rstrip() + "\n"


def _place(item: Emitted) -> str:
    return f"{item.path}:{item.line}"


def _printable(source: str) -> str:
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in source.strip().replace("\t", " ")
    )


def symbol_table(assembly: Assembly) -> str:
    """Labels in the order of their addresses, then constants by name; one a line:
    value, kind, name, and where it is defined."""
    entries = sorted(
        assembly.entries,
        key=lambda entry: (not entry.is_label, entry.value if entry.is_label else 0, entry.name),
    )
    rows = [
        (
            f"0x{entry.value:08x}" if entry.value >= 0 else str(entry.value),
            "label" if entry.is_label else "constant",
            entry.name,
            f"{entry.path}:{entry.line}",
        )
        for entry in entries
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return "".join(
        f"{value:{widths[0]}}  {kind:{widths[1]}}  {name:{widths[2]}}  {place}\n"
        for value, kind, name, place in rows
    )
