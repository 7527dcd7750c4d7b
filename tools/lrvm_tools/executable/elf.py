"""ELF files of 32 bits, big-endian: headers and sections, whatever they contain.

The layout is that of the System V ABI, chapters 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Final

from ..images import ELF_MAGIC
from .binary import ExecutableError, Input, Output

MACHINE: Final = 0x4C56
"""`e_machine`: the letters LV. No number is registered for this machine."""
ABI_VERSION: Final = 1
"""`e_flags`: the version of the calling convention and of the notes."""

_IDENT: Final = ELF_MAGIC + bytes((1, 2, 1)) + bytes(9)  # 32 bits, big-endian, version 1
_HEADER_BYTES: Final = 52
_SEGMENT_BYTES: Final = 32
_SECTION_BYTES: Final = 40
_EXECUTABLE_TYPE: Final = 2
_MOST_SECTIONS: Final = 0xFEFF


class SegmentType(IntEnum):
    LOAD = 1
    NOTE = 4


class SegmentFlag(IntFlag):
    EXECUTE = 1
    WRITE = 2
    READ = 4


class SectionType(IntEnum):
    NULL = 0
    PROGBITS = 1
    SYMTAB = 2
    STRTAB = 3
    NOTE = 7
    NOBITS = 8


class SectionFlag(IntFlag):
    WRITE = 1
    ALLOC = 2
    EXECUTE = 4


@dataclass(slots=True)
class Section:
    """A section: its header's fields that matter, and its content."""

    name: str
    type: int
    data: bytes = b""
    flags: int = 0
    address: int = 0
    size: int = 0
    """In memory; counts where there is no content (NOBITS)."""
    link: int = 0
    info: int = 0
    alignment: int = 1
    entry_size: int = 0


@dataclass(frozen=True, slots=True)
class LoadSegment:
    """A program header: what goes into memory. `data` may be shorter than `size`."""

    type: int
    address: int
    data: bytes
    size: int
    flags: int


@dataclass(slots=True)
class ElfFile:
    """An ELF file's parts. Section 0, which has no content, is left out; links count it."""

    entry: int
    segments: list[LoadSegment] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def section(self, name: str) -> Section | None:
        """The first section of a name."""
        return next((section for section in self.sections if section.name == name), None)


def write_elf(elf: ElfFile) -> bytes:
    """The file. A segment shares the bytes of the section that has its content, if there is one."""
    names = Output(b"\0")
    name_offsets = []
    sections = [*elf.sections, Section(".shstrtab", SectionType.STRTAB)]
    if len(sections) >= _MOST_SECTIONS:
        raise ValueError(f"{len(sections)} sections are too many for an ELF file")
    for section in sections:
        name_offsets.append(len(names))
        names.text(section.name)
    sections[-1].data = bytes(names)
    out = Output(bytes(_HEADER_BYTES + _SEGMENT_BYTES * len(elf.segments)))
    places: dict[bytes, int] = {}
    offsets = []
    for section in sections:
        out.align(max(section.alignment, 1))
        offsets.append(len(out))
        out += section.data
        places.setdefault(section.data, offsets[-1])
    for segment in elf.segments:
        if segment.data not in places:
            out.align(4)
            places[segment.data] = len(out)
            out += segment.data
    out.align(4)
    table = len(out)
    out += bytes(_SECTION_BYTES)  # section 0
    for section, name, offset in zip(sections, name_offsets, offsets, strict=True):
        for value in (
            name,
            section.type,
            section.flags,
            section.address,
            offset,
            len(section.data) or section.size,
            section.link,
            section.info,
            section.alignment,
            section.entry_size,
        ):
            out.u32(value)
    out[:_HEADER_BYTES] = _header(elf, table, len(sections) + 1)
    at = _HEADER_BYTES
    for segment in elf.segments:
        header = Output()
        for value in (
            segment.type,
            places[segment.data],
            segment.address,
            segment.address,
            len(segment.data),
            segment.size,
            segment.flags,
            4,
        ):
            header.u32(value)
        out[at : at + _SEGMENT_BYTES] = header
        at += _SEGMENT_BYTES
    return bytes(out)


def _header(elf: ElfFile, section_table: int, sections: int) -> Output:
    header = Output(_IDENT)
    header.u16(_EXECUTABLE_TYPE)
    header.u16(MACHINE)
    header.u32(1)
    header.u32(elf.entry)
    header.u32(_HEADER_BYTES)
    header.u32(section_table)
    header.u32(ABI_VERSION)
    for value in (
        _HEADER_BYTES,
        _SEGMENT_BYTES,
        len(elf.segments),
        _SECTION_BYTES,
        sections,
        sections - 1,
    ):
        header.u16(value)
    return header


def read_elf(data: bytes) -> ElfFile:
    """The parts of a file. ExecutableError if it is damaged or not for this machine."""
    header = Input(data, "the file's header", 0, min(len(data), _HEADER_BYTES))
    if not data.startswith(ELF_MAGIC):
        raise ExecutableError("this is no ELF file")
    ident = header.take(16)
    if ident[4:7] != _IDENT[4:7]:
        raise ExecutableError("this is an ELF file for another machine: not 32 bits, big-endian")
    kind, machine, version = header.u16(), header.u16(), header.u32()
    if machine != MACHINE:
        raise ExecutableError(
            f"this is an ELF file for another machine: its number is {machine}, not {MACHINE}"
        )
    if kind != _EXECUTABLE_TYPE or version != 1:
        raise ExecutableError(f"this ELF file is no executable program: its type is {kind}")
    entry, segment_table, section_table, flags = (header.u32() for _ in range(4))
    if flags != ABI_VERSION:
        raise ExecutableError(
            f"the file was made by another version of the tools: its ABI is {flags}, "
            f"not {ABI_VERSION}"
        )
    sizes = [header.u16() for _ in range(6)]
    header_bytes, segment_bytes, segments, section_bytes, sections, names = sizes
    if (header_bytes, segment_bytes, section_bytes) != (
        _HEADER_BYTES,
        _SEGMENT_BYTES,
        _SECTION_BYTES,
    ):
        raise ExecutableError("the file's header makes no sense")
    return ElfFile(
        entry,
        _segments(data, segment_table, segments),
        _sections(data, section_table, sections, names),
    )


def _segments(data: bytes, at: int, count: int) -> list[LoadSegment]:
    table = Input(data, "the table of segments", at, at + count * _SEGMENT_BYTES)
    segments = []
    for number in range(count):
        kind, offset, address, _, in_file, size, flags, _ = (table.u32() for _ in range(8))
        content = Input(data, f"segment {number}", offset, offset + in_file).take(in_file)
        if size < in_file and kind == SegmentType.LOAD:
            raise ExecutableError(f"segment {number} is larger in the file than in memory")
        segments.append(LoadSegment(kind, address, content, size, flags))
    return segments


def _sections(data: bytes, at: int, count: int, names_index: int) -> list[Section]:
    if not count:
        return []
    table = Input(data, "the table of sections", at, at + count * _SECTION_BYTES)
    rows: Sequence[list[int]] = [[table.u32() for _ in range(10)] for _ in range(count)]
    if not 0 < names_index < count:
        raise ExecutableError("the table of sections has no names")
    sections = []
    names = _content(data, rows[names_index], names_index)
    for number, row in enumerate(rows[1:], 1):
        name, kind, flags, address, _, size, link, info, alignment, entry_size = row
        content = b"" if kind in (SectionType.NOBITS, SectionType.NULL) else None
        sections.append(
            Section(
                Input(names, "the names of sections", name).text(),
                kind,
                _content(data, row, number) if content is None else content,
                flags,
                address,
                size,
                link,
                info,
                alignment,
                entry_size,
            )
        )
    return sections


def _content(data: bytes, row: Sequence[int], number: int) -> bytes:
    offset, size = row[4], row[5]
    return Input(data, f"section {number}", offset, offset + size).take(size)
