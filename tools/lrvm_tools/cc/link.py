"""Linking: object files and what they need of the library become an executable."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lrvm_jit.input_files import read_file
from lrvm_jit.isa.spellings import ALIASES
from lrvm_jit.isa.table import BY_MNEMONIC, Reg

from ..executable import (
    Executable,
    MachineDescription,
    Segment,
    Symbol,
    SymbolKind,
    c_machine,
)
from ..lasm import AssemblyError, assemble_program
from ..text_files import UndecodableError, decode, end_lines
from .debug import DebugBuilder, FunctionNote, VariableNote
from .errors import CompileError
from .layout import PlacedCode, align, place_data
from .objects import Kind, ObjectFile, Section

Find = Callable[[str], ObjectFile | None]
"""The library: the object that defines a symbol."""

START: Final = "__lrvm_reset"
_PAGE: Final = 0x1000
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = {
    *BY_MNEMONIC, *(alias.name for alias in ALIASES), *(str(reg) for reg in Reg)
}  # fmt: skip
_KEPT_WITH_THEIR_FILE: Final = "_needs_stdio_exit"
"""musl has functions that nobody calls, so that whoever links a file of stdio gets what flushes
the streams at the end."""
_LINKER_SYMBOLS: Final = (
    "__lrvm_copies", "__lrvm_constructors", "__lrvm_destructors", "__lrvm_heap", "__lrvm_ram",
    "__lrvm_host",
)  # fmt: skip
_ROUNDS: Final = 40


@dataclass(frozen=True, slots=True)
class Target:
    """What a program is linked for: a machine, or the one called `c` with so much RAM."""

    ram: int = 0x0100_0000
    machine: MachineDescription | None = None


def assembly_object(path: str, text: str) -> ObjectFile:
    """The object of a file in assembly: one section, whose global labels are its symbols."""
    names = set(_NAME.findall(re.sub(r";[^\n]*", "", text)))
    # What the file itself does not define stands for 0 until the program is linked.
    defined = set(re.findall(r"(?m)^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::|=)", text))
    needs = sorted(name for name in names - defined if name.lower() not in _WORDS)
    assembly = None
    known: list[str] = []
    for _ in range(len(needs) + 1):
        try:
            assembly = assemble_program(_with_symbols(text, dict.fromkeys(known, 0)), path)
            break
        except AssemblyError as error:
            unknown = {
                name
                for diagnostic in error.diagnostics
                for name in needs
                if name not in known and f"{name}" in diagnostic.message
            }
            if not unknown:
                raise
            known += sorted(unknown)
    assert assembly is not None
    section = Section(path, "code", source=(path, text), needs=known)
    section.words = [0] * len(assembly.words)
    result = ObjectFile(path, [section])
    result.symbols[path] = (0, "local")
    for entry in assembly.entries:
        if entry.is_label and "." not in entry.name:
            section.labels.append(entry.value // 4)
            section.exported[entry.name] = len(section.labels) - 1
            result.symbols[entry.name] = (0, "global")
    return result


def _with_symbols(text: str, values: dict[str, int]) -> str:
    """A text with symbols defined, on its own lines' numbers."""
    return text + "\n" + "\n".join(f"{name} = 0x{value:x}" for name, value in values.items())


class Linker:
    """Collects what a program needs, lays it out, and makes the executable."""

    def __init__(self, objects: Iterable[ObjectFile], find: Find, target: Target) -> None:
        self.find = find
        self.target = target
        self.globals: dict[str, tuple[ObjectFile, str]] = {}
        """Who defines a global symbol, and whether weakly."""
        self.objects: list[ObjectFile] = []
        self.sections: list[tuple[ObjectFile, Section]] = []
        self.taken: set[int] = set()
        self.code: dict[int, PlacedCode] = {}
        self.addresses: dict[int, int] = {}
        self.values = dict.fromkeys(_LINKER_SYMBOLS, 0)
        self.missing: dict[str, str] = {}
        self.owner: dict[int, ObjectFile] = {}
        self.calls: dict[int, int] = {}
        self.cache: dict[int, dict[str, tuple[int, int] | int]] = {}
        for one in objects:
            self.add(one)

    def add(self, one: ObjectFile) -> None:
        """Let an object's global symbols be found."""
        self.objects.append(one)
        for name, binding in (
            *((name, binding) for name, (_, binding) in one.symbols.items()),
            *((name, binding) for name, (_, _, binding) in one.aliases.items()),
        ):
            if binding == "local":
                continue
            before = self.globals.get(name)
            if before is None or (before[1] == "weak" and binding == "global"):
                self.globals[name] = (one, binding)
            elif (
                before[1] == binding == "global"
                and before[0].name != one.name
                and not one.name.startswith("library:")
            ):
                raise CompileError(f"{name} is defined in {before[0].name} and {one.name}")
        for _, function, _ in one.constructors:
            self._need(one, function, one.name)

    # What the program consists of.

    def _locate(self, one: ObjectFile, name: str) -> tuple[ObjectFile, str] | None:
        """The object that a name means in another one; asks the library."""
        for table in (one.symbols, one.aliases):
            found = table.get(name)
            if found is not None and found[-1] == "local":
                return one, name
        known = self.globals.get(name)
        if known is None:
            library = self.find(name)
            if library is not None:
                self.add(library)
                known = self.globals.get(name)
        if known is None:
            return None
        return known[0], name

    def _need(self, one: ObjectFile, name: str, user: str) -> None:
        work = [(one, name, user)]
        while work:
            one, name, user = work.pop()
            base = name.split(":")[0] if ":" in name and name not in one.symbols else name
            is_weak = base in one.weak_references
            if is_weak and base not in self.globals:
                continue  # a weak reference takes nothing out of the library
            found = self._locate(one, base)
            if found is not None and is_weak and found[0].name.startswith("library:"):
                continue
            if found is None:
                if name not in self.values:
                    self.missing.setdefault(name, user)
                continue
            owner, base = found
            if base in owner.aliases:
                work.append((owner, owner.aliases[base][0], user))
                continue
            section = owner.sections[owner.symbols[base][0]]
            if id(section) in self.taken:
                continue
            self.taken.add(id(section))
            self.owner[id(section)] = owner
            self.sections.append((owner, section))
            work += [
                (owner, name, user)
                for name in owner.symbols
                if name.endswith(_KEPT_WITH_THEIR_FILE)
            ]
            for fixup in section.fixups:
                if isinstance(fixup[2], str):
                    work.append((owner, fixup[2], section.name))
            for symbol in section.needs:
                if self._locate(owner, symbol) is not None:
                    work.append((owner, symbol, section.name))

    def link(self, name: str) -> Executable:
        """The program. Raises CompileError for symbols that nobody defines and for memory that
        does not suffice."""
        for one in list(self.objects):
            for section in one.sections:
                if section.address >= 0 or section.source[0] or section.placement == ".lrvm.keep":
                    self._need(one, section.name, one.name)
        self._need(self.objects[0], START, "the start of the program")
        # What came later may have taken the place of weak symbols that were followed before.
        known = -1
        while known != len(self.sections):
            known = len(self.sections)
            for owner, section in list(self.sections):
                for fixup in section.fixups:
                    if isinstance(fixup[2], str):
                        self._need(owner, fixup[2], section.name)
        if self.missing:
            lines = [
                f"{name} is not defined (used in {user})" for name, user in self.missing.items()
            ]
            raise CompileError("\n".join(sorted(lines)))
        self._lists()
        self._lay_out()
        return self._finish(name)

    def _lists(self) -> None:
        """Sections of the linker's own: constructors, and what is copied to RAM at the start."""
        self.own = ObjectFile("linker")
        entries = [
            (priority, place, function, destructor, one)
            for one in self.objects
            for place, (priority, function, destructor) in enumerate(one.constructors)
        ]
        entries.sort(key=lambda entry: entry[:2])
        for name, kind in (("__lrvm_constructors", 0), ("__lrvm_destructors", 1)):
            chosen = [entry for entry in entries if entry[3] == kind]
            section = Section(name, "rodata", data=bytes(4 * len(chosen) + 4))
            section.size = len(section.data)
            for place, (_, _, function, _, one) in enumerate(chosen):
                section.fixups.append((4 * place, int(Kind.WORD), function, 0, 0))
                self.cache.setdefault(id(self.own), {})[function] = self._lookup(one, function)
            self._own(section)
        copied = [
            section
            for _, section in self.sections
            if section.kind == "data" and section.address >= 0 and section.data
        ]
        copies = Section("__lrvm_copies", "rodata", size=12 * (len(copied) + 2))
        self.copied = copied
        self.copies = copies
        self._own(copies)

    def _own(self, section: Section) -> None:
        self.own.symbols[section.name] = (len(self.own.sections), "global")
        self.own.sections.append(section)
        self.sections.append((self.own, section))
        self.taken.add(id(section))
        self.owner[id(section)] = self.own
        self.globals[section.name] = (self.own, "global")
        self.values.pop(section.name, None)

    # Addresses.

    def _lookup(self, one: ObjectFile, name: str) -> tuple[int, int] | int:
        """What a name means: (section, label or -1 with an addend), or a number."""
        found = self.globals.get(name)
        for table in (one.symbols, one.aliases):
            local = table.get(name)
            if local is not None and local[-1] == "local":
                found = (one, "local")
        label = ""
        if found is None and ":" in name:
            base, _, label = name.partition(":")
            local = one.symbols.get(base)
            found = (one, "") if local is not None else self.globals.get(base)
            label, name = name, base
        if found is None:
            return self.values.get(name, 0)
        owner = found[0]
        addend = 0
        while name in owner.aliases:
            name, more, _ = owner.aliases[name]
            addend += more
            if name not in owner.symbols and name not in owner.aliases:
                owner = self.globals[name][0]
        section = owner.sections[owner.symbols[name][0]]
        if id(section) not in self.addresses and id(section) not in self.taken:
            return 0  # a weak reference to what nobody else needs
        key = label or name
        if key in section.exported:
            return (id(section), section.exported[key])
        return (id(section), -1 - addend)

    def _resolver(self, one: ObjectFile) -> Callable[[str], int]:
        cache = self.cache.setdefault(id(one), {})

        def resolve(name: str) -> int:
            meaning = cache.get(name)
            if meaning is None:
                meaning = cache[name] = self._lookup(one, name)
            if isinstance(meaning, int):
                return self.values.get(name, meaning)
            section, label = meaning
            if label < 0:
                return self.addresses[section] - 1 - label
            code = self.code[section]
            return code.position(code.section.labels[label])

        return resolve

    def _ordered_code(self) -> list[Section]:
        """Code in the order of its addresses: the start first, then what is called most often, so
        that it lies where calls are short."""
        count: dict[str, int] = {}
        for _, section in self.sections:
            for fixup in section.fixups:
                if fixup[1] == Kind.CALL:
                    count[fixup[2]] = count.get(fixup[2], 0) + 1
        code = [section for _, section in self.sections if section.kind == "code"]
        code.sort(
            key=lambda one: (
                START not in one.exported,
                not one.source[0],  # its jumps reach the first 64 KiB only
                one.name != "__lrvm_start",
                -count.get(one.name, 0) / (len(one.words) + 20),
            )
        )
        return code

    def _lay_out(self) -> None:
        code = [section for section in self._ordered_code() if section.address < 0]
        fixed = [section for _, section in self.sections if section.address >= 0]
        for section in (*code, *(one for one in fixed if one.kind == "code")):
            self.code[id(section)] = PlacedCode(section)
        constants = [s for _, s in self.sections if s.kind == "rodata" and s.address < 0]
        variables = [s for _, s in self.sections if s.kind == "data" and s.address < 0]
        for section in (*constants, *variables):
            section.size = max(section.size, len(section.data))
        first = [section for section in variables if section.data]
        zeros = [section for section in variables if not section.data]
        for _ in range(_ROUNDS):
            offset = 0
            for section in code:
                placed = self.code[id(section)]
                placed.address = self.addresses[id(section)] = offset
                offset += placed.size
            self.code_end = offset
            offset = place_data(constants, offset, self.addresses)
            for section in fixed:
                self.addresses[id(section)] = section.address
                if section.kind == "code":
                    self.code[id(section)].address = section.address
            self.image = align(offset, 8)
            initial = place_data(first, 0, self.addresses)
            # What fixed sections begin with lies behind it.
            self.fixed_images = []
            end = self.image + align(initial, 4)
            for section in self.copied:
                self.fixed_images.append(end)
                end += align(len(section.data), 4)
            self.rom_end = end
            self._memory(end)
            for section in first:
                self.addresses[id(section)] += self.ram
            self.initial = (self.ram, align(initial, 4))
            self.ram_end = align(place_data(zeros, self.ram + align(initial, 8), self.addresses), 8)
            self.values["__lrvm_heap"] = self.ram_end
            if not self._grow():
                break
        else:
            raise CompileError("the sizes of code and addresses do not settle")
        self._check_room(fixed)

    def _memory(self, rom_end: int) -> None:
        """Where RAM and the host component are."""
        machine = self.target.machine
        if machine is None:
            self.ram = align(max(rom_end, 4), _PAGE)
            self.values["__lrvm_host"] = 0xFFFF_0000
        else:
            self.ram = machine.ram.address
            host = machine.first("host")
            self.values["__lrvm_host"] = host.address if host else 0
        self.values["__lrvm_ram"] = self.ram

    def _grow(self) -> bool:
        changed = False
        for key, placed in self.code.items():
            if placed.fixups and placed.grow(self._resolver(self.owner[key])):
                changed = True
        return changed

    def _check_room(self, fixed: list[Section]) -> None:
        machine = self.target.machine
        if machine is not None:
            room = machine.at_zero.size
            if self.rom_end > room:
                raise CompileError(
                    f"the program takes {self.rom_end} bytes, but the machine's ROM has {room}"
                )
            if machine.first("host") is None and any(
                "__lrvm_host" in {fixup[2] for fixup in s.fixups} for _, s in self.sections
            ):
                raise CompileError(
                    "the program uses streams, files or the clock, but the machine has no "
                    "component of type `host`"
                )
        size = machine.ram.size if machine else self.target.ram
        if self.ram_end - self.ram + 64 > size:
            raise CompileError(
                f"the program's variables take {self.ram_end - self.ram} bytes, but the machine "
                f"has {size} bytes of RAM: --ram gives it more"
            )
        spans = sorted(
            (self.addresses[id(s)], max(s.size, len(s.data), 4 * len(s.words)), s.name)
            for _, s in self.sections
        )
        for (begin, length, name), (other, _, following) in itertools.pairwise(spans):
            if fixed and begin + length > other:
                raise CompileError(f"{name} at 0x{begin:x} reaches into {following} at 0x{other:x}")

    # The result.

    def _finish(self, name: str) -> Executable:
        end = self.rom_end
        for _, section in self.sections:
            if section.address >= 0 and section.kind != "data":
                end = max(end, section.address + max(section.size, 4 * len(section.words)))
        image = bytearray(align(end, 4))
        for owner, section in self.sections:
            address = self.addresses[id(section)]
            resolve = self._resolver(owner)
            if section.source[0]:
                data = self._assembled(owner, section, address)
            elif section.kind == "code":
                words = self.code[id(section)].words(resolve)
                data = np.array(words, dtype=">u4").tobytes()
            else:
                data = self._data(section, resolve)
            if section.kind == "data":
                if not section.data:
                    continue
                if section.address >= 0:
                    address = self.fixed_images[self.copied.index(section)]
                else:
                    address = self.image + address - self.ram
            image[address : address + len(data)] = data
        self._write_copies(image)
        words_array = np.frombuffer(bytes(image), dtype=">u4").astype(np.uint32)
        segments = [Segment(0, words_array, len(image), executable=True)]
        if self.ram_end > self.ram:
            empty = np.zeros(0, np.uint32)
            segments.append(Segment(self.ram, empty, self.ram_end - self.ram, writable=True))
        machine = self.target.machine or c_machine(len(image), self.target.ram, self.ram)
        symbols = self._symbols()
        builder = DebugBuilder()
        for _, section in self.sections:
            if isinstance(section.debug, FunctionNote):
                placed = self.code[id(section)]
                builder.add_function(section, placed.address, placed.size, placed.position)
            elif isinstance(section.debug, VariableNote):
                note = section.debug
                builder.add_variable(note.node, note.positions, self.addresses[id(section)])
        return Executable(
            tuple(segments),
            machine,
            symbols,
            name=name,
            producer="lrvm cc",
            **builder.result(str(Path.cwd())),
        )

    def _data(self, section: Section, resolve: Callable[[str], int]) -> bytes:
        data = bytearray(section.data)
        for place, _, target, addend, sign in section.fixups:
            value = resolve(target) + addend
            if sign < 0:
                value = int.from_bytes(data[place : place + 4], "big") - value
            elif sign == 0 and any(data[place : place + 4]):
                value += int.from_bytes(data[place : place + 4], "big")
            data[place : place + 4] = (value & 0xFFFF_FFFF).to_bytes(4, "big")
        return bytes(data)

    def _assembled(self, owner: ObjectFile, section: Section, address: int) -> bytes:
        path, text = section.source
        resolve = self._resolver(owner)
        values = {name: resolve(name) for name in section.needs}
        source = _with_symbols(text, values)
        return assemble_program(f"#addr 0x{address:x}\n{source}", path).bytes[address:]

    def _write_copies(self, image: bytearray) -> None:
        """(to, from, bytes) for each piece of RAM with first values, and zeros behind them."""
        entries = []
        if self.initial[1]:
            entries.append((self.initial[0], self.image, self.initial[1]))
        for section, source in zip(self.copied, self.fixed_images, strict=True):
            entries.append((section.address, source, align(len(section.data), 4)))
        at = self.addresses[id(self.copies)]
        for entry in entries:
            for value in entry:
                image[at : at + 4] = value.to_bytes(4, "big")
                at += 4

    def _symbols(self) -> tuple[Symbol, ...]:
        symbols = []
        for owner, section in self.sections:
            address = self.addresses[id(section)]
            if section.source[0]:
                for label, number in section.exported.items():
                    place = address + 4 * section.labels[number]
                    symbols.append(Symbol(label, place, 0, SymbolKind.FUNCTION))
                continue
            is_code = section.kind == "code"
            size = self.code[id(section)].size if is_code else section.size
            kind = SymbolKind.FUNCTION if is_code else SymbolKind.OBJECT
            is_local = owner.symbols[section.name][1] == "local"
            if ":" not in section.name:
                symbols.append(Symbol(section.name, address, size, kind, is_local))
            for alias, (target, addend, _) in owner.aliases.items():
                if target == section.name:
                    symbols.append(Symbol(alias, address + addend, size, kind))
        symbols.append(Symbol("__lrvm_heap", self.ram_end, 0, SymbolKind.VALUE))
        return tuple(sorted(symbols, key=lambda symbol: (symbol.address, symbol.name)))


def read_assembly(path: Path) -> ObjectFile:
    """The object of an assembly file. OSError, CompileError or AssemblyError."""
    return assembly_object(str(path), source_text(path))


def source_text(path: Path) -> str:
    """The text of an assembly file. OSError; CompileError if it is not UTF-8."""
    try:
        return end_lines(decode(read_file(path)))
    except UndecodableError as error:
        raise CompileError(str(error), f"{path}:{error.line}") from None
