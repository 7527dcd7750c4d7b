"""ELF relocatable objects, as LLVM writes them: read, and checked before a byte of them is used.

Nothing here trusts the bytes: whatever is cut short, points outside, or is of a kind that LLVM does
not make for plain functions is a `LoadingError` that says what it is. (System V ABI, "Object
Files"; the numbers of relocations are in `relocation.py`.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QIIq")

IDENTITY: Final = b"\x7fELF\x02\x01\x01"
"""64 bits, little-endian, version 1."""
RELOCATABLE: Final = 1
NOTHING, PROGBITS, SYMTAB, STRTAB, RELA, NOTE, NOBITS, GROUP = 0, 1, 2, 3, 4, 7, 8, 17
X86_UNWIND, LLVM_ADDRSIG = 0x70000001, 0x6FFF4C03
SECTION_TYPES = {
    *(NOTHING, PROGBITS, SYMTAB, STRTAB, RELA, NOTE, NOBITS, GROUP),
    *(X86_UNWIND, LLVM_ADDRSIG),
}
WRITABLE, ALLOCATED, EXECUTABLE = 1, 2, 4
SECTION_FLAGS = 0x90000277
"""These, and: mergeable, strings, linked, in a group, large, excluded."""
UNDEFINED, ABSOLUTE, COMMON = 0, 0xFFF1, 0xFFF2
OBJECT_SYMBOL, FUNCTION, SECTION_SYMBOL = 1, 2, 3
SYMBOL_TYPES = {0, OBJECT_SYMBOL, FUNCTION, SECTION_SYMBOL, 4}
"""The first has no type, the last is the name of a source file."""
LOCAL, GLOBAL, WEAK = 0, 1, 2
MACHINES = {62: "x86_64", 183: "aarch64"}
"""ELF's numbers of the machines that are known here, and what `os.uname` calls them."""
MOST_MEMORY = 16 << 20
"""Bytes of memory that one object may ask for."""
LARGEST_PAGE = 4096
"""No section may ask to lie at multiples of more."""


class LoadingError(ValueError):
    """The object code is damaged, or is not for this machine, or lacks something."""


class Section(NamedTuple):
    """A section: bytes that belong together."""

    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def in_memory(self) -> bool:
        """Whether it has a place in memory. Tables for unwinding have none: nothing unwinds."""
        return bool(self.flags & ALLOCATED) and self.name != ".eh_frame"


class Symbol(NamedTuple):
    """A name for a place."""

    name: str
    binding: int
    kind: int
    section: int
    """Index of a section, or UNDEFINED, ABSOLUTE, COMMON."""
    value: int
    """Bytes from the section's start; for COMMON the alignment."""
    size: int


class Relocation(NamedTuple):
    """Bytes of a section that depend on where a symbol is."""

    offset: int
    kind: int
    symbol: int
    addend: int


class RelocatableObject:
    """An object whose tables have been read and checked: `sections`, `symbols`, `machine`.

    Raises LoadingError for bytes that are no such object.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sections: list[Section] = []
        self.symbols: list[Symbol] = []
        self._relocations: list[tuple[int, Section]] = []
        """Sections with relocations, and which one they are for."""
        self._read_sections()
        self._read_symbols()
        self._check_relocations()

    def content(self, section: Section) -> bytes:
        """The bytes of a section; for one that is only zeros, none."""
        if section.kind == NOBITS:
            return b""
        return self.data[section.offset : section.offset + section.size]

    def relocations(self) -> Iterator[tuple[int, list[Relocation]]]:
        """The index of each section in memory that has relocations, and these."""
        for target, section in self._relocations:
            if self.sections[target].in_memory:
                entries = self._entries(section, RELOCATION)
                yield target, [Relocation._make(entry) for entry in entries]

    def _read_sections(self) -> None:
        data = self.data
        if len(data) < HEADER.size or not data.startswith(IDENTITY):
            raise damaged("it is not a 64-bit little-endian ELF file")
        _, kind, machine, _, _, _, start, _, _, _, _, size, count, names = HEADER.unpack_from(data)
        if kind != RELOCATABLE or machine not in MACHINES:
            raise LoadingError("the object code is not for a machine that is known here")
        self.machine: str = MACHINES[machine]
        if size != SECTION.size or start % 8 or start + count * size > len(data):
            raise damaged("section headers are missing")
        headers = list(SECTION.iter_unpack(data[start : start + count * size]))
        if names >= count:
            raise damaged("the names of sections are missing")
        table = data[headers[names][4] :][: headers[names][5]]
        memory = 0
        for name, kind, flags, _, offset, size, link, info, alignment, entry_size in headers:
            in_file = 0 if kind == NOBITS else size
            if (
                kind not in SECTION_TYPES
                or flags & ~SECTION_FLAGS
                or (kind == X86_UNWIND and not flags & ALLOCATED)
                or offset + in_file > len(data)
                or alignment > LARGEST_PAGE
                or alignment & (alignment - 1)
                or offset % max(alignment, 1)
            ):
                raise damaged("a section is not as LLVM makes them")
            memory += size + alignment if flags & ALLOCATED else 0
            self.sections.append(
                Section(
                    _name(table, name),
                    *(kind, flags, offset, size, link, info, max(alignment, 1), entry_size),
                )
            )
        if memory > MOST_MEMORY:
            raise damaged(f"it asks for {memory} bytes of memory, at most {MOST_MEMORY} are given")
        self._strings(names)

    def _read_symbols(self) -> None:
        tables = [section for section in self.sections if section.kind == SYMTAB]
        if len(tables) != 1:
            raise damaged("it has no symbol table")
        names = self._strings(tables[0].link)
        common = 0
        for position, info, _, index, value, size in self._entries(tables[0], SYMBOL):
            name, binding, kind = _name(names, position), info >> 4, info & 15
            if (
                kind not in SYMBOL_TYPES
                or binding not in (LOCAL, GLOBAL, WEAK)
                or (not name and index != UNDEFINED and kind != SECTION_SYMBOL)
            ):
                raise damaged("a symbol is not as LLVM makes them")
            if index == COMMON:
                common += size + value
                if not 0 < value <= LARGEST_PAGE or value & (value - 1) or common > MOST_MEMORY:
                    raise damaged(f"the common symbol {name!r} is not as LLVM makes them")
            elif index not in (UNDEFINED, ABSOLUTE) and (
                index >= len(self.sections) or value + size > self.sections[index].size
            ):
                raise damaged(f"the symbol {name!r} is outside its section")
            self.symbols.append(Symbol(name, binding, kind, index, value, size))

    def _check_relocations(self) -> None:
        for section in self.sections:
            if section.kind != RELA:
                continue
            if (
                section.info >= len(self.sections)
                or section.link >= len(self.sections)
                or self.sections[section.link].kind != SYMTAB
            ):
                raise damaged("relocations belong to no section")
            target = self.sections[section.info]
            for offset, _, symbol, addend in self._entries(section, RELOCATION):
                if not target.in_memory:
                    break
                if symbol >= len(self.symbols) or abs(addend) > MOST_MEMORY:
                    raise damaged("a relocation is not as LLVM makes them")
                if offset >= target.size or target.kind == NOBITS:
                    raise damaged("a relocation is outside its section")
            self._relocations.append((section.info, section))

    def _strings(self, index: int) -> bytes:
        """The content of a string table."""
        if index >= len(self.sections) or self.sections[index].kind != STRTAB:
            raise damaged("a string table is missing")
        strings = self.content(self.sections[index])
        if not strings.endswith(b"\0"):
            raise damaged("a string table has no end")
        return strings

    def _entries(self, section: Section, shape: struct.Struct) -> Iterator[tuple[int, ...]]:
        """The entries of a table."""
        if section.entry_size != shape.size or section.size % shape.size or section.offset % 8:
            raise damaged("a table is not as LLVM makes them")
        return shape.iter_unpack(self.content(section))


def damaged(what: str) -> LoadingError:
    """What is raised for bytes that no compiler has written."""
    return LoadingError(f"the object code is damaged: {what}")


def _name(strings: bytes, position: int) -> str:
    end = strings.find(b"\0", position)
    if end < 0 or position >= len(strings):
        raise damaged("a name is outside its table")
    return strings[position:end].decode(errors="replace")
