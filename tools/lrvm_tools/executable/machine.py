"""The machine that a program is linked for, as a machine file's text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lrvm_jit import TranslatorOptions
from lrvm_jit.input_files import read_file
from lrvm_jit.locks import cached_property

from ..images import Image
from ..machines import Host, Machine, MachineError, load_machine
from ..machines.builtin import BUILTIN_TYPES
from ..machines.file import build_machine
from ..machines.types import find_type
from ..text_files import decode

WORD_BYTES: Final = 4
ROM_PAGE: Final = 0x1000
"""The ROM of the machine `c` is a multiple of this, in bytes."""
RAM_PAGE: Final = 0x400
"""And its RAM of this: a page of the MMU."""
DEFAULT_RAM: Final = 0x0100_0000
HOST_ADDRESS: Final = 0xFFFF_0000

_C_MACHINE: Final = """\
# The machine `c`: what programs of `lrvm cc` run on.

[[component]]
type = "rom"                    # id 0: code, constants, first values of variables
address = 0x0000_0000
size = 0x{rom:08X}

[[component]]
type = "ram"                    # id 1: variables, heap, stack
address = 0x{ram_base:08X}
size = 0x{ram:08X}

[[component]]
type = "host"                   # id 2: streams, files, time, exit status
address = 0x{host:08X}
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A mapped component: its type in machine files, its first byte and the one behind its last."""

    type: str
    component: int
    address: int
    end: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.address


@dataclass(frozen=True)
class MachineDescription:
    """A machine file's text, and what a linker asks of it."""

    toml: str
    source: str = "machine c"
    """What messages call it; for a machine file its path, where the paths in it start."""
    is_own: bool = True
    """Whether it comes from the user and not out of a program's file: one from there may not name
    files of the host."""

    @classmethod
    def of_file(cls, path: str | Path) -> MachineDescription:
        """That of a machine file. OSError or MachineError if it cannot be used."""
        path = Path(path)
        with load_machine(path, needs_program=False):
            return cls(decode(read_file(path)), str(path))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The mapped components by address. Raises MachineError."""
        with self.build_empty() as machine:
            return tuple(
                Part(machine.types[m.component], m.component, m.first, m.last + 4)
                for m in sorted(machine.board.mappings, key=lambda m: m.first)
            )

    def first(self, kind: str) -> Part | None:
        """The first component of a type."""
        return next((part for part in self.parts if part.type == kind), None)

    @property
    def ram(self) -> Part:
        """Its RAM. MachineError if it has none."""
        part = self.first("ram")
        if part is None:
            raise MachineError(self.source, ["there is no component of type `ram`"])
        return part

    @property
    def at_zero(self) -> Part:
        """The component where the CPU starts. MachineError if there is none."""
        if not self.parts or self.parts[0].address:
            raise MachineError(self.source, ["there is nothing at address 0, where the CPU starts"])
        return self.parts[0]

    def with_ram(self, size: int) -> MachineDescription:
        """The same with so many bytes of RAM. ValueError if there is no room for them, or if
        this is not the machine `c`, whose layout is known."""
        if not self.is_c:
            raise ValueError("the size of RAM can be chosen for the machine `c` only")
        return replace(self, toml=c_machine(self.at_zero.size, size, self.ram.address).toml)

    @cached_property
    def is_c(self) -> bool:
        """Whether this is the machine `c`."""
        rom, ram = self.first("rom"), self.first("ram")
        return (
            rom is not None
            and ram is not None
            and self.toml == c_machine(rom.size, ram.size, ram.address).toml
        )

    def build_empty(self) -> Machine:
        """The machine without a program, to look at it. Raises MachineError."""
        self._check_paths()
        return build_machine(
            self.toml.encode(), self.source, Path(self.source).parent, needs_program=False
        )

    def build(self, program: Image, host: Host, engine: str | TranslatorOptions | None) -> Machine:
        """The machine with a program in its ROM, mapped and reset. Raises MachineError."""
        self._check_paths()
        return build_machine(
            self.toml.encode(),
            self.source,
            Path(self.source).parent,
            program=program,
            host=host,
            engine=engine,
        )

    def _check_paths(self) -> None:
        """MachineError if a description out of a program's file names files of the host."""
        if self.is_own:
            return
        try:
            entries = tomllib.loads(self.toml).get("component", [])
        except tomllib.TOMLDecodeError:
            return  # building the machine tells it
        problems = [
            f"component {number}: {problem}, which a program's file may not: "
            "give the machine file with --machine"
            for number, entry in enumerate(entries)
            if isinstance(entry, dict) and (problem := _what_is_refused(entry))
        ]
        if problems:
            raise MachineError(self.source, problems)


def _what_is_refused(entry: Mapping[str, object]) -> str | None:
    """What a description out of a program's file may not say of a component."""
    name = entry.get("type")
    if not isinstance(name, str) or name not in BUILTIN_TYPES:
        return f"its type {name!r} is none of lrvm's own"
    for setting in find_type(name).settings.values():
        if setting.kind is Path and setting.name in entry:
            return f"its `{setting.name}` names a file of the host"
    return None


def c_machine(
    rom_bytes: int, ram_bytes: int = DEFAULT_RAM, ram_base: int | None = None
) -> MachineDescription:
    """The machine `c` with a ROM for so many bytes, and so much RAM.

    The RAM begins at `ram_base`, by default right behind the ROM: the lower it lies, the shorter
    is the code that takes addresses in it. ValueError if there is no room for all of it.
    """
    rom = -(-max(rom_bytes, 4) // ROM_PAGE) * ROM_PAGE
    base = rom if ram_base is None else ram_base
    if base < rom or base % WORD_BYTES:
        raise ValueError(
            f"RAM at 0x{base:X} must lie on a multiple of 4 behind the {rom} bytes of ROM"
        )
    room = HOST_ADDRESS - base
    if ram_bytes % RAM_PAGE or not RAM_PAGE <= ram_bytes <= room:
        raise ValueError(
            f"{ram_bytes} bytes of RAM must be a multiple of {RAM_PAGE}, "
            f"from {RAM_PAGE} to {room // RAM_PAGE * RAM_PAGE}"
        )
    return MachineDescription(
        _C_MACHINE.format(rom=rom, ram_base=base, ram=ram_bytes, host=HOST_ADDRESS)
    )
