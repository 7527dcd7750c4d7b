"""Output formats that show the program's lines and names (section 8 of the specification)."""

from __future__ import annotations

from typing import NamedTuple

from .assembler import Result
from .dumps import digits_of
from .items import DataItem, InstructionItem, Item, LabelItem
from .values import Sized


class _Row(NamedTuple):
    """An item: its bit in the output (None: it has none), its address, its source text."""

    item: Item
    bit: int | None
    address: int
    source: str


def _rows(result: Result) -> list[_Row]:
    """Labels, instructions and data elements in the order of the output; those without a place
    in it come first."""
    rows = []
    for item in result.items:
        if not isinstance(item, LabelItem | InstructionItem | DataItem):
            continue
        bank = item.bank
        bit = None if bank.output is None else bank.output + item.position
        rows.append(_Row(item, bit, bank.address_of(item.position), item.span.text))
    rows.sort(key=lambda row: -1 if row.bit is None else row.bit)
    return rows


class _Table:
    """The columns of `annotated` and `tcgame`."""

    def __init__(self, result: Result, base: int, group: int) -> None:
        self.rows = _rows(result)
        self._data = result.data
        self._bits = base.bit_length() - 1
        self._group = group
        self._unit = group * self._bits
        self._base = base
        self._widths = [2, 1, 4]
        self._content = group
        for row in self.rows:
            if row.bit is None:
                continue
            place, rest = divmod(row.bit, self._unit)
            for index, number in enumerate((place, rest, row.address)):
                self._widths[index] = max(self._widths[index], len(f"{number:x}"))
            digits = self._digits(row.item)
            width = digits + digits // group
            if 1 < width <= 5 * (group + 1):
                self._content = max(self._content, width - 1)

    def _digits(self, item: Item) -> int:
        return -(-item.size // self._bits)

    def header(self) -> str:
        first, second, third = self._widths
        outp, addr = "outp".rjust(first + second + 1), "addr".rjust(third)
        return f" {outp} | {addr} | data (base {self._base})\n\n"

    def place(self, row: _Row) -> str:
        first, second, third = self._widths
        place, rest = "--", "-"
        if row.bit is not None:
            place, rest = (f"{number:x}" for number in divmod(row.bit, self._unit))
        return f" {place:>{first}}:{rest:>{second}} | {row.address:{third}x}"

    def content(self, row: _Row, prefix: str = "") -> str:
        text = ""
        if row.bit is not None and row.item.size:
            digits = digits_of(self._data, row.bit, self._digits(row.item), self._bits)
            size = self._group
            text = " ".join(
                prefix + digits[start : start + size] for start in range(0, len(digits), size)
            )
        return f"{text:<{self._content}}"


def annotated(result: Result, base: int = 16, group: int = 2) -> str:
    """Every line with its place in the output, its address and what it gave."""
    table = _Table(result, base, group)
    lines = [table.header()]
    lines.extend(
        f"{table.place(row)} | {table.content(row)} ; {row.source}\n" for row in table.rows
    )
    return "".join(lines)


def tcgame(result: Result, base: int = 16, group: int = 2) -> str:
    """As `annotated`, for the game Turing Complete: everything but the digits is a comment."""
    table = _Table(result, base, group)
    prefix = "0x" if base == 16 else "0b"
    lines = ["#" + table.header()]
    lines.extend(
        f"# {table.place(row)} \n# {row.source}\n{table.content(row, prefix)}\n"
        for row in table.rows
    )
    return "".join(lines)


def addrspan(result: Result) -> str:
    """The place in the source of everything that has an address."""
    lines = [
        "; physical address : bit offset | logical address | "
        "file : line start : column start : line end : column end\n"
    ]
    for row in _rows(result):
        place = "-:-"
        if row.bit is not None:
            byte, bit = divmod(row.bit, 8)
            place = f"{byte:x}:{bit:x}"
        span = row.item.span
        source = span.source
        last = source.line_number(span.end)
        column = span.end - source.line_starts[last - 1]
        where = f"{source.path}:{span.line - 1}:{span.column - 1}:{last - 1}:{column}"
        lines.append(f"{place} | {row.address:x} | {where}\n")
    return "".join(lines)


def symbols(result: Result) -> str:
    """The symbols that are integers."""
    lines = []
    for symbol in result.symbols:
        value = symbol.value.value if isinstance(symbol.value, Sized) else symbol.value
        if symbol.emitted and type(value) is int:
            lines.append(f"{symbol.full_name} = 0x{value:x}\n")
    return "".join(lines)


def mesen_mlb(result: Result) -> str:
    """Labels for the debugger of the emulator Mesen."""
    lines = []
    for symbol in result.symbols:
        bank, value = symbol.bank, symbol.value
        if not symbol.is_label or bank is None or type(value) is not int:
            continue
        name = symbol.full_name.replace(".", "_")
        if bank.output is None:
            lines.append(f"R:{value:x}:{name}\n")
        else:
            offset = (value - bank.address + bank.output // 8 - 16) & ((1 << 64) - 1)
            lines.append(f"P:{offset:x}:{name}\n")
    return "".join(lines)
