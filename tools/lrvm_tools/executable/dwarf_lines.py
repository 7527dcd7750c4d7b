"""`.debug_line`: which source line each instruction belongs to (DWARF 4, section 6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from .binary import ExecutableError, Input, Output
from .debug_info import LineRow, LineTable
from .dwarf_names import END_SEQUENCE, SET_ADDRESS, LineOperation

_VERSION: Final = 4
_INSTRUCTION: Final = 4
_LINE_BASE: Final = -5
_LINE_RANGE: Final = 14
_OPERANDS: Final = (0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)
"""Of the standard operations 1 to 12."""
_FIRST_SPECIAL: Final = len(_OPERANDS) + 1
_MOST_ROWS: Final = 1 << 24


def encode_lines(table: LineTable) -> bytes:
    """The section for a table. Rows of one address: the last counts."""
    header = Output()
    header.u8(_INSTRUCTION)
    header.u8(1)  # operations of an instruction
    header.u8(1)  # the first row is a statement
    header.u8(_LINE_BASE & 0xFF)
    header.u8(_LINE_RANGE)
    header.u8(_FIRST_SPECIAL)
    header += bytes(_OPERANDS)
    folders: dict[str, int] = {}
    entries = []
    for path in table.files:
        folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        if not name or f"{folder}/{name}" != path or folder == ".":
            # What would not come back as it is, and what has no folder.
            folder, name = "", path
        entries.append((name, folders.setdefault(folder, len(folders) + 1) if folder else 0))
    for folder in folders:
        header.text(folder)
    header.u8(0)
    for name, number in entries:
        header.text(name)
        header.uleb(number)
        header.uleb(0)  # time
        header.uleb(0)  # length
    header.u8(0)
    program = _program(table.rows, table.end)
    section = Output()
    section.u32(2 + 4 + len(header) + len(program))
    section.u16(_VERSION)
    section.u32(len(header))
    return bytes(section + header + program)


def _program(rows: Sequence[LineRow], end: int) -> Output:
    out = Output()
    if not rows:
        return out
    address, file, line, column, is_statement = rows[0].address, 0, 1, 0, True
    out += bytes((LineOperation.EXTENDED, 5, SET_ADDRESS))
    out.u32(address)
    for row in rows:
        if row.file != file:
            out.u8(LineOperation.SET_FILE)
            out.uleb(row.file + 1)
            file = row.file
        if row.column != column:
            out.u8(LineOperation.SET_COLUMN)
            out.uleb(row.column)
            column = row.column
        if row.is_statement != is_statement:
            out.u8(LineOperation.NEGATE_STMT)
            is_statement = row.is_statement
        by_line = row.line - line
        by_address = (row.address - address) // _INSTRUCTION
        if not 0 <= by_line - _LINE_BASE < _LINE_RANGE:
            out.u8(LineOperation.ADVANCE_LINE)
            out.sleb(by_line)
            by_line = 0
        special = by_line - _LINE_BASE + _LINE_RANGE * by_address + _FIRST_SPECIAL
        if special > 255:
            out.u8(LineOperation.ADVANCE_PC)
            out.uleb(by_address)
            special = by_line - _LINE_BASE + _FIRST_SPECIAL
        out.u8(special)
        address, line = row.address, row.line
    out.u8(LineOperation.ADVANCE_PC)
    out.uleb(max(end - address, 0) // _INSTRUCTION)
    out += bytes((LineOperation.EXTENDED, 1, END_SEQUENCE))
    return out


def decode_lines(section: bytes) -> LineTable:
    """The table of a section. ExecutableError for one that is damaged, or of another version."""
    data = Input(section, "the line table")
    if not data:
        return LineTable()
    unit = data.part(data.u32())
    version = unit.u16()
    if version != _VERSION:
        raise ExecutableError(f"the line table has version {version}, not {_VERSION}")
    header = unit.part(unit.u32())
    if header.u8() != _INSTRUCTION or header.u8() != 1:
        raise ExecutableError("the line table is made for another machine")
    is_statement = bool(header.u8())
    line_base, line_range, first_special = header.s8(), header.u8(), header.u8()
    if not line_range or not first_special:
        raise ExecutableError("the line table's header makes no sense")
    operands = header.take(first_special - 1)
    folders = [""]
    while folder := header.text():
        folders.append(folder)
    files = []
    while name := header.text():
        number = header.uleb()
        header.uleb()
        header.uleb()
        if number >= len(folders):
            raise ExecutableError(f"file {name!r} of the line table is in no known folder")
        files.append(f"{folders[number]}/{name}" if number else name)
    rows, end = _rows(unit, is_statement, line_base, line_range, first_special, operands)
    if any(not 0 <= row.file < len(files) for row in rows):
        raise ExecutableError("a row of the line table belongs to no known file")
    return LineTable(rows, files, end)


def _rows(
    unit: Input,
    is_statement_at_first: bool,
    line_base: int,
    line_range: int,
    first_special: int,
    operands: bytes,
) -> tuple[list[LineRow], int]:
    rows: list[LineRow] = []
    end = address = column = 0
    file = line = 1
    is_statement = is_statement_at_first
    while unit:
        code = unit.u8()
        if code >= first_special:
            by_address, by_line = divmod(code - first_special, line_range)
            address += by_address * _INSTRUCTION
            line += by_line + line_base
        elif code == LineOperation.EXTENDED:
            operation = unit.part(unit.uleb())
            kind = operation.u8()
            if kind == END_SEQUENCE:
                end = max(end, address)
                address = column = 0
                file = line = 1
                is_statement = is_statement_at_first
            elif kind == SET_ADDRESS:
                address = operation.u32()
            continue
        elif code == LineOperation.ADVANCE_PC:
            address += unit.uleb() * _INSTRUCTION
        elif code == LineOperation.ADVANCE_LINE:
            line += unit.sleb()
        elif code == LineOperation.SET_FILE:
            file = unit.uleb()
        elif code == LineOperation.SET_COLUMN:
            column = unit.uleb()
        elif code == LineOperation.NEGATE_STMT:
            is_statement = not is_statement
        elif code == LineOperation.CONST_ADD_PC:
            address += (255 - first_special) // line_range * _INSTRUCTION
        elif code == LineOperation.FIXED_ADVANCE_PC:
            address += unit.u16()
        elif code != LineOperation.COPY:
            for _ in range(operands[code - 1]):
                unit.uleb()
        if code >= first_special or code == LineOperation.COPY:
            if not (0 <= line < 1 << 31 and 0 <= address < 1 << 32 and 0 <= column < 1 << 31):
                raise ExecutableError("a row of the line table makes no sense")
            if len(rows) == _MOST_ROWS:
                raise ExecutableError("the line table has too many rows")
            rows.append(LineRow(address, file - 1, line, column, is_statement))
    return rows, end
