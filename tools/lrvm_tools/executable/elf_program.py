"""Executables as ELF files, and back.

Beside what every ELF file has, there are two notes of the owner `LRVM` in `.note.lrvm`:

- type 0x101: the machine, as the text of a machine file;
- type 0x102: for each section its name, a zero, and the first 16 bytes of the SHA-256 of its
  content behind its type, flags, address, size, link, info and entry size; under the name `*`
  that of the segments, the entry and the machine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Final

import numpy

from lrvm_jit.input_files import read_file
from lrvm_jit.output_files import write_file

from .binary import ExecutableError, Input, Output
from .debug_info import LineTable
from .dwarf_frames import encode_frames
from .dwarf_info import DebugSections, encode_info
from .dwarf_lines import decode_lines, encode_lines
from .dwarf_read import Info, decode_info
from .elf import (
    ElfFile,
    LoadSegment,
    Section,
    SectionFlag,
    SectionType,
    SegmentFlag,
    SegmentType,
    read_elf,
    write_elf,
)
from .executable import Executable, Segment, Symbol, SymbolKind
from .machine import MachineDescription

NOTES: Final = ".note.lrvm"
_OWNER: Final = b"LRVM\0"
_MACHINE_NOTE, _DIGEST_NOTE = 0x101, 0x102
_DIGEST_BYTES: Final = 16
_ALL_SEGMENTS: Final = "*"
_ABSOLUTE: Final = 0xFFF1
_SYMBOL_BYTES: Final = 16
_KIND_NUMBERS: Final = {
    SymbolKind.LABEL: 0,
    SymbolKind.OBJECT: 1,
    SymbolKind.FUNCTION: 2,
}
_LARGEST_MACHINE: Final = 1 << 20


def to_elf(executable: Executable) -> bytes:
    """The ELF file of a program. ValueError for what does not fit one."""
    segments = [
        LoadSegment(
            SegmentType.LOAD,
            segment.address,
            segment.words.astype(">u4").tobytes(),
            segment.size,
            _flags(segment),
        )
        for segment in executable.segments
    ]
    sections = _memory_sections(executable.segments, segments)
    symbols, names, locals_count = _symbol_table(executable.symbol_table, sections)
    if executable.symbol_table:
        sections.append(
            Section(
                ".symtab",
                SectionType.SYMTAB,
                symbols,
                link=len(sections) + 2,
                info=locals_count,
                alignment=4,
                entry_size=_SYMBOL_BYTES,
            )
        )
        sections.append(Section(".strtab", SectionType.STRTAB, names))
    sections += [
        Section(name, SectionType.PROGBITS, data) for name, data in _debug_sections(executable)
    ]
    elf = ElfFile(executable.entry, segments, sections)
    notes = Output()
    machine = executable.machine_description.toml.encode()
    _note(notes, _MACHINE_NOTE, machine)
    _note(notes, _DIGEST_NOTE, _digests(elf, machine))
    sections.append(Section(NOTES, SectionType.NOTE, bytes(notes), alignment=4))
    elf.segments.append(
        LoadSegment(SegmentType.NOTE, 0, bytes(notes), len(notes), SegmentFlag.READ)
    )
    return write_elf(elf)


def from_elf(data: bytes, name: str = "program") -> Executable:
    """The program in an ELF file. `name` is what messages call it.

    ExecutableError if the file is damaged, or for another machine.
    """
    try:
        return _program(read_elf(data), name)
    except ExecutableError as error:
        raise ExecutableError(f"{name}: {error}") from None


def load_executable(path: str | os.PathLike[str]) -> Executable:
    """The program in a file. OSError if it cannot be read, ExecutableError as of `from_elf`."""
    return from_elf(read_file(path), os.fspath(path))


def save_executable(executable: Executable, path: str | os.PathLike[str]) -> None:
    """Write a program's ELF file. It is there whole or not at all. OSError."""
    write_file(path, to_elf(executable))


# --- writing -------------------------------------------------------------------------------------


def _flags(segment: Segment) -> int:
    return (
        SegmentFlag.READ
        | (SegmentFlag.WRITE if segment.writable else 0)
        | (SegmentFlag.EXECUTE if segment.executable else 0)
    )


def _memory_sections(segments: Sequence[Segment], contents: Sequence[LoadSegment]) -> list[Section]:
    sections = []
    taken: set[str] = set()
    for segment, content in zip(segments, contents, strict=True):
        name = ".text" if segment.executable else ".data" if segment.writable else ".rodata"
        if not content.data:
            name = ".bss"
        if name in taken:
            name += f".{segment.address:x}"
        taken.add(name)
        flags = SectionFlag.ALLOC
        flags |= SectionFlag.WRITE if segment.writable else 0
        flags |= SectionFlag.EXECUTE if segment.executable else 0
        kind = SectionType.PROGBITS if content.data else SectionType.NOBITS
        size = len(content.data) or segment.size
        sections.append(
            Section(name, kind, content.data, flags, segment.address, size, alignment=4)
        )
    return sections


def _symbol_table(
    symbols: Sequence[Symbol], sections: Sequence[Section]
) -> tuple[bytes, bytes, int]:
    """Content of `.symtab` and `.strtab`, and how many entries are local, the empty first one
    included. Local ones stand first, as they must."""
    table, names = Output(bytes(_SYMBOL_BYTES)), Output(b"\0")
    offsets: dict[str, int] = {}
    ordered = sorted(symbols, key=lambda symbol: not symbol.is_local)
    for symbol in ordered:
        if symbol.name not in offsets:
            offsets[symbol.name] = len(names)
            names.text(symbol.name)
        table.u32(offsets[symbol.name])
        table.u32(symbol.address & 0xFFFF_FFFF)
        table.u32(symbol.size)
        table.u8((not symbol.is_local) << 4 | _KIND_NUMBERS.get(symbol.kind, 0))
        table.u8(0)
        if symbol.kind is SymbolKind.VALUE:
            table.u16(_ABSOLUTE)
        else:
            table.u16(_section_at(symbol.address, sections))
    return bytes(table), bytes(names), 1 + sum(symbol.is_local for symbol in ordered)


def _section_at(address: int, sections: Sequence[Section]) -> int:
    """The number of the section that holds an address; its end counts, a label may stand there."""
    at_end = _ABSOLUTE
    for number, section in enumerate(sections, 1):
        if section.address <= address < section.address + section.size:
            return number
        if address == section.address + section.size:
            at_end = number
    # Of what lies in no section, the address alone is known: the first one may hold it as well.
    return at_end if at_end != _ABSOLUTE or not sections else 1


def _debug_sections(executable: Executable) -> Iterable[tuple[str, bytes]]:
    if not (executable.rows or executable.functions or executable.globals or executable.types):
        return
    info = encode_info(executable)
    yield ".debug_info", info.info
    yield ".debug_abbrev", info.abbreviations
    yield ".debug_line", encode_lines(executable.lines)
    if info.locations:
        yield ".debug_loc", info.locations
    if frames := encode_frames(executable.functions):
        yield ".debug_frame", frames


def _note(out: Output, kind: int, content: bytes) -> None:
    out.u32(len(_OWNER))
    out.u32(len(content))
    out.u32(kind)
    out += _OWNER
    out.align(4)
    out += content
    out.align(4)


def _digests(elf: ElfFile, machine: bytes) -> bytes:
    out = Output()
    out.text(_ALL_SEGMENTS)
    out += _digest_of_program(elf, machine)
    for section in elf.sections:
        if section.name != NOTES:
            out.text(section.name)
            out += _digest_of_section(section)
    return bytes(out)


def _digest_of_section(section: Section) -> bytes:
    out = Output()
    for value in (
        section.type,
        section.flags,
        section.address,
        len(section.data) or section.size,
        section.link,
        section.info,
        section.entry_size,
    ):
        out.u32(value)
    return _digest(bytes(out + section.data))


def _digest_of_program(elf: ElfFile, machine: bytes) -> bytes:
    out = Output()
    out.u32(elf.entry)
    out.u32(len(machine))
    out += machine
    for segment in elf.segments:
        if segment.type == SegmentType.LOAD:
            for value in (segment.address, segment.size, segment.flags, len(segment.data)):
                out.u32(value)
            out += segment.data
    return _digest(bytes(out))


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_DIGEST_BYTES]


# --- reading -------------------------------------------------------------------------------------


def _program(elf: ElfFile, name: str) -> Executable:
    notes = _notes(elf)
    for kind, what in ((_MACHINE_NOTE, "the machine"), (_DIGEST_NOTE, "the digests")):
        if kind not in notes:
            raise ExecutableError(f"the note with {what} is missing: it was not made by lrvm")
    _check_digests(elf, notes[_DIGEST_NOTE], notes[_MACHINE_NOTE])
    if len(notes[_MACHINE_NOTE]) > _LARGEST_MACHINE:
        raise ExecutableError("the note with the machine is too long")
    try:
        toml = notes[_MACHINE_NOTE].decode()
    except UnicodeDecodeError:
        raise ExecutableError("the note with the machine is no text") from None
    lines, info = _debug_info(elf)
    return Executable(
        tuple(_segment(s) for s in elf.segments if s.type == SegmentType.LOAD),
        MachineDescription(toml, f"the machine of {name}", is_own=False),
        tuple(_symbols(elf)),
        elf.entry,
        name,
        lines.files,
        lines.rows,
        info.types,
        info.functions,
        info.globals,
        info.producer,
        info.folder,
        (info.source,) if info.source else (),
    )


def _notes(elf: ElfFile) -> dict[int, bytes]:
    notes: dict[int, bytes] = {}
    for segment in elf.segments:
        if segment.type != SegmentType.NOTE:
            continue
        data = Input(segment.data, "the notes")
        while data:
            owner, content, kind = data.u32(), data.u32(), data.u32()
            name = data.take(owner)
            data.take(-owner % 4)
            value = data.take(content)
            data.take(-content % 4)
            if name == _OWNER:
                notes[kind] = value
    return notes


def _check_digests(elf: ElfFile, note: bytes, machine: bytes) -> None:
    """ExecutableError for content that is not what was written."""
    data = Input(note, "the note with the digests")
    known: dict[str, bytes] = {}
    while data:
        name = data.text()
        known[name] = data.take(_DIGEST_BYTES)
    if known.pop(_ALL_SEGMENTS, None) != _digest_of_program(elf, machine):
        raise ExecutableError("the program in the file is damaged: its digest is another")
    for name, digest in known.items():
        section = elf.section(name)
        if section is None:
            raise ExecutableError(f"section {name} is missing")
        if digest != _digest_of_section(section):
            raise ExecutableError(f"section {name} is damaged: its digest is another")


def _segment(segment: LoadSegment) -> Segment:
    if segment.address % 4 or len(segment.data) % 4 or segment.size % 4:
        raise ExecutableError(f"the segment at 0x{segment.address:08X} has no whole words")
    if segment.address + segment.size > 1 << 32:
        raise ExecutableError(f"the segment at 0x{segment.address:08X} is too long")
    return Segment(
        segment.address,
        numpy.frombuffer(segment.data, ">u4").astype(numpy.uint32),
        segment.size,
        bool(segment.flags & SegmentFlag.EXECUTE),
        bool(segment.flags & SegmentFlag.WRITE),
    )


def _symbols(elf: ElfFile) -> Iterable[Symbol]:
    table = elf.section(".symtab")
    if table is None:
        return
    if not 0 < table.link <= len(elf.sections):
        raise ExecutableError("the table of symbols has no names")
    names = elf.sections[table.link - 1].data
    kinds = {number: kind for kind, number in _KIND_NUMBERS.items()}
    data = Input(table.data, "the table of symbols")
    data.take(min(_SYMBOL_BYTES, len(table.data)))
    while data:
        name, address, size = data.u32(), data.u32(), data.u32()
        info, _, section = data.u8(), data.u8(), data.u16()
        if info & 0xF not in kinds:
            continue  # a section's or a file's, which other tools add
        kind = SymbolKind.VALUE if section == _ABSOLUTE else kinds[info & 0xF]
        text = Input(names, "the names of symbols", name).text()
        yield Symbol(text, address, size, kind, not info >> 4)


def _debug_info(elf: ElfFile) -> tuple[LineTable, Info]:
    def content(name: str) -> bytes:
        section = elf.section(name)
        return section.data if section else b""

    lines = decode_lines(content(".debug_line"))
    info = content(".debug_info")
    if not info:
        return lines, Info((), (), (), "", "", "")
    sections = DebugSections(info, content(".debug_abbrev"), content(".debug_loc"))
    return lines, decode_info(sections, content(".debug_frame"))
