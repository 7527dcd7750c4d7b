"""Object code becomes functions in memory, and goes away again.

A program that changes its own code can have thousands of translations made and thrown away, so
nothing may stay behind. Of what llvmlite offers, only engines that are closed give everything
back, and the old MCJIT engine is the smallest and quickest of them: one for each object. LLJIT
keeps nine kilobytes of every library that it ever loaded.

MCJIT ends the process when it meets an object that it cannot link. Therefore ELF objects are
checked here before it sees them; of other formats, only what LLVM itself can tell.
"""

from __future__ import annotations

import mmap
import platform
import struct
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

ENGINE_BYTES = 48 << 10
"""What LLVM keeps for one engine beside the pages of its code, as measured."""
WAITING = 64
"""Released engines that wait at most before they are closed."""


class LoadingError(ValueError):
    """The object code is damaged, or is not for this machine, or lacks something."""


class NativeCode:
    """A function in executable memory, until `release` or until nothing refers to this object."""

    __slots__ = ("_engines", "address", "size")

    def __init__(self, engine: Any, address: int, size: int) -> None:
        self._engines = [engine]
        self.address = address
        """Where the function starts."""
        self.size = size
        """Bytes that it occupies, with what LLVM needs to manage it."""

    def release(self) -> None:
        """Give the memory back. The code must not be running; a second call does nothing.

        LLVM is not entered at every call: it has one lock, which the compiler may be holding in
        another thread for a long time. Usually the next `load` does the work.
        """
        # A pop is atomic. With a lock, releasing in a finalizer could wait for itself.
        with suppress(IndexError):
            _released.append(self._engines.pop())
        if len(_released) >= WAITING:
            free_released()


_released: list[Any] = []


def load(object_code: bytes, symbol: str) -> NativeCode:
    """Put object code into executable memory; `symbol` names the function whose address counts.

    Any thread may call this. LoadingError says what is wrong with the bytes. The code may not
    refer to anything outside itself, such as the `memset` that LLVM makes of some loops unless
    the function has the attribute "no-builtins".
    """
    import llvmlite.binding as llvm

    free_released()
    if object_code.startswith(IDENTITY[:4]):
        size = _check_elf(object_code, symbol)
    else:
        # Mach-O puts an underscore before the names of C.
        if f"\0_{symbol}\0".encode() not in object_code:
            raise LoadingError(f"the object code does not define {symbol!r}")
        size = _whole_pages(len(object_code))
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(""),
        _target().create_target_machine(opt=0),
        # Places all sections in one block. LLVM's own manager does not, and then data may be
        # farther from the code than its relative addresses reach.
        use_lmm=True,
    )
    try:
        object_file = llvm.ObjectFileRef.from_data(object_code)
        if not object_file:
            object_file.detach()
            raise LoadingError("LLVM does not recognise the object code")
        engine.add_object_file(object_file)
        # No finalize_object() before: it would compile the empty module, which takes longer than
        # everything else together. Asking for an address makes the pages executable as well.
        address = engine.get_function_address(symbol)
        if not address:
            raise LoadingError(f"the object code does not define {symbol!r}")
    except BaseException:
        engine.close()
        raise
    return NativeCode(engine, address, size + ENGINE_BYTES)


def free_released() -> None:
    """Close the engines of all code that has been released since the last time."""
    with suppress(IndexError):
        while True:
            _released.pop().close()


@cache
def _target() -> Any:
    """The machine that LLVM makes code for, which is this one."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


# What follows checks ELF objects.

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QIIq")

IDENTITY = b"\x7fELF\x02\x01\x01"
"""64 bits, little-endian, version 1."""
RELOCATABLE = 1
NOTHING, PROGBITS, SYMTAB, STRTAB, RELA, NOTE, NOBITS = 0, 1, 2, 3, 4, 7, 8
X86_UNWIND, LLVM_ADDRSIG = 0x70000001, 0x6FFF4C03
SECTION_TYPES = {NOTHING, PROGBITS, SYMTAB, STRTAB, RELA, NOTE, NOBITS} | {X86_UNWIND, LLVM_ADDRSIG}
WRITABLE, ALLOCATED, EXECUTABLE = 1, 2, 4
SECTION_FLAGS = 0x80000077
"""These, and: mergeable, strings, linked, excluded."""
SECTION_SYMBOL, GLOBAL_FUNCTION = 0x03, 0x12
SYMBOL_TYPES = {0x00, 0x01, 0x02, SECTION_SYMBOL, 0x04, 0x10, 0x11, GLOBAL_FUNCTION}
"""Untyped, object, function, section, file; the last three also global."""
UNDEFINED, ABSOLUTE = 0, 0xFFF1
MOST_MEMORY = 16 << 20

X86_64_RELATIVE = {2, 4, 24}
X86_64_WIDTHS = {
    # PC32, PLT32, GOTPCREL, GOTPCRELX, REX_GOTPCRELX
    **dict.fromkeys((2, 4, 9, 41, 42), 4),
    # 64, PC64
    **dict.fromkeys((1, 24), 8),
}
AARCH64_WIDTHS = {
    # ABS32, PREL32, MOVW_UABS_*, ADR_PREL_PG_HI21, ADD_ABS_LO12_NC
    **dict.fromkeys((258, 261, *range(263, 270), 275, 277), 4),
    # TSTBR14, CONDBR19, JUMP26, CALL26, LDST*_ABS_LO12_NC, ADR_GOT_PAGE, LD64_GOT_LO12_NC
    **dict.fromkeys((279, 280, 282, 283, 278, 284, 285, 286, 299, 311, 312), 4),
    # ABS64, PREL64
    **dict.fromkeys((257, 260), 8),
}
MACHINES = {"x86_64": (62, X86_64_WIDTHS), "aarch64": (183, AARCH64_WIDTHS)}
"""For each machine its number, and how many bytes each kind of relocation that MCJIT and small
functions have in common changes."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def _check_elf(code: bytes, symbol: str) -> int:
    """How many bytes of memory the code will occupy.

    LoadingError if `symbol` is missing, or for what would make LLVM end the process.
    """
    if platform.machine() not in MACHINES:
        raise LoadingError(f"ELF object code cannot be checked on {platform.machine()}")
    machine, widths = MACHINES[platform.machine()]
    sections = _sections(code, machine)
    tables = [section for section in sections if section.kind == SYMTAB]
    if len(tables) != 1:
        raise _damaged("it has no symbol table")
    [table] = tables
    symbols = _entries(code, table, SYMBOL)
    names = _strings(code, sections, table.link)
    found = False
    for position, info, _, index, value, size in symbols:
        name = _name(names, position)
        unnamed = not name and index != UNDEFINED and info != SECTION_SYMBOL
        if info not in SYMBOL_TYPES or unnamed:
            raise _damaged("a symbol is not as LLVM makes them")
        if index == UNDEFINED:
            if name:
                raise LoadingError(f"the object code needs {name!r} from elsewhere")
        elif index != ABSOLUTE:
            if index >= len(sections) or value + size > sections[index].size:
                raise _damaged("a symbol is outside its section")
            if name == symbol and info == GLOBAL_FUNCTION:
                found = found or bool(sections[index].flags & EXECUTABLE)
    if not found:
        raise LoadingError(f"the object code does not define {symbol!r}")
    for section in sections:
        if section.kind == RELA:
            _check_relocations(code, sections, section, symbols, widths)
    return _memory(sections)


def _damaged(what: str) -> LoadingError:
    return LoadingError(f"the object code is damaged: {what}")


def _sections(code: bytes, machine: int) -> list[_Section]:
    """The section headers. What they describe is there."""
    if len(code) < HEADER.size or not code.startswith(IDENTITY):
        raise _damaged("it is not a 64-bit little-endian ELF file")
    _, kind, of_machine, _, _, _, start, _, _, _, _, size, count, names = HEADER.unpack_from(code)
    if kind != RELOCATABLE or of_machine != machine:
        raise LoadingError("the object code is not for this machine")
    if size != SECTION.size or start % 8 or start + count * size > len(code):
        raise _damaged("section headers are missing")
    sections = [_Section(*SECTION.unpack_from(code, start + i * size)) for i in range(count)]
    section_names = _strings(code, sections, names)
    for section in sections:
        in_file = 0 if section.kind == NOBITS else section.size
        if (
            section.kind not in SECTION_TYPES
            or section.flags & ~SECTION_FLAGS
            or (section.kind == X86_UNWIND and not section.flags & ALLOCATED)
            or section.offset + in_file > len(code)
            or section.alignment > mmap.PAGESIZE
            or section.alignment & (section.alignment - 1)
            or section.offset % max(section.alignment, 1)
        ):
            raise _damaged("a section is not as LLVM makes them")
        _name(section_names, section.name)
    return sections


def _strings(code: bytes, sections: list[_Section], index: int) -> bytes:
    """The content of a string table."""
    if index >= len(sections) or sections[index].kind != STRTAB:
        raise _damaged("a string table is missing")
    section = sections[index]
    strings = code[section.offset : section.offset + section.size]
    if len(strings) != section.size or not strings.endswith(b"\0"):
        raise _damaged("a string table has no end")
    return strings


def _name(strings: bytes, position: int) -> str:
    if position >= len(strings):
        raise _damaged("a name is outside its table")
    return strings[position : strings.index(b"\0", position)].decode(errors="replace")


def _entries(code: bytes, section: _Section, shape: struct.Struct) -> list[tuple[int, ...]]:
    """The entries of a table."""
    if section.entry_size != shape.size or section.size % shape.size or section.offset % 8:
        raise _damaged("a table is not as LLVM makes them")
    return list(shape.iter_unpack(code[section.offset : section.offset + section.size]))


def _check_relocations(
    code: bytes,
    sections: list[_Section],
    table: _Section,
    symbols: list[tuple[int, ...]],
    widths: dict[int, int],
) -> None:
    """Each relocation is of a known kind and changes bytes of its section."""
    entries = _entries(code, table, RELOCATION)
    if max(table.info, table.link) >= len(sections) or sections[table.link].kind != SYMTAB:
        raise _damaged("relocations belong to no section")
    target = sections[table.info]
    if not target.flags & ALLOCATED:
        return
    content = code[target.offset : target.offset + target.size]
    places = [place for _, _, _, place, _, _ in symbols]
    end = 0
    for offset, kind, symbol, addend in sorted(entries):
        width = widths.get(kind, 0)
        if (
            not width
            or offset < end
            or offset + width > target.size
            or target.kind == NOBITS
            or symbol >= len(places)
            or places[symbol] in (UNDEFINED, ABSOLUTE)
            or not sections[places[symbol]].flags & ALLOCATED
            or abs(addend) > MOST_MEMORY
            # LLVM adds what is there to the addend.
            or (kind in X86_64_RELATIVE and any(content[offset : offset + width]))
        ):
            raise _damaged("a relocation is not as LLVM makes them")
        end = offset + width


def _memory(sections: list[_Section]) -> int:
    """Bytes of the pages for all sections: code, constants and data have pages of their own."""
    groups = dict.fromkeys((EXECUTABLE, WRITABLE, 0), 0)
    for section in sections:
        if section.flags & ALLOCATED:
            groups[section.flags & EXECUTABLE or section.flags & WRITABLE] += section.size
    if sum(groups.values()) > MOST_MEMORY:
        raise _damaged("it is too large")
    return sum(map(_whole_pages, groups.values()))
