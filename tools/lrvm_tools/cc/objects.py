"""Object files: compiled code and data before their addresses are known."""

from __future__ import annotations

import marshal
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Fixup = tuple[int, int, Any, int, int]
"""(place, kind, target, addend, register): the place is a word of code or a byte of data; the
target is a symbol, or the number of a label of the same section."""


class Kind(IntEnum):
    """What a fixup puts in its place. Those of code take one word at the least and grow."""

    JUMP = 0
    CONDITIONAL_JUMP = 1
    """A jump behind a skip: however long it gets, the skip must leave out all of it."""
    CALL = 2
    ADDRESS = 3
    """Set a register to an address."""
    WORD = 4
    """An address as a word of data."""


@dataclass(slots=True)
class Section:
    """A function, a variable or a table: what is linked or left out as a whole.

    `words` is for code, `data` for everything else (`size` bytes of zeros behind it).
    """

    name: str
    kind: str
    """code, rodata, data"""
    words: list[int] = field(default_factory=list)
    data: bytes = b""
    size: int = 0
    align: int = 4
    fixups: list[Fixup] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    """The word where each label stands."""
    exported: dict[str, int] = field(default_factory=dict)
    """Symbols of labels, by the label's number."""
    address: int = -1
    """A fixed address, or -1."""
    placement: str = ""
    """The name of the section that the source asks for."""
    source: tuple[str, str] = ("", "")
    """Path and text of a section in assembly: it is assembled once its address is known."""
    needs: list[str] = field(default_factory=list)
    """Names in assembly that may be symbols of other sections."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    """(word, metadata node of the position)"""
    debug: Any = None
    """What the debugger is told about a function, see debug.py."""


@dataclass(slots=True)
class ObjectFile:
    """What one run of the back end has made. `symbols`: name to (section, binding), the binding
    being local, global or weak. `aliases`: further names, (symbol, addend, binding)."""

    name: str
    sections: list[Section] = field(default_factory=list)
    symbols: dict[str, tuple[int, str]] = field(default_factory=dict)
    aliases: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    weak_references: set[str] = field(default_factory=set)
    constructors: list[tuple[int, str, int]] = field(default_factory=list)
    """(priority, symbol, 1 for a destructor)"""

    def dump(self) -> bytes:
        """The object as bytes, without what only a debugger needs."""
        sections = [
            (s.name, s.kind, s.words, s.data, s.size, s.align, s.fixups, s.labels, s.exported,
             s.address, s.placement, s.source, s.needs)
            for s in self.sections
        ]  # fmt: skip
        return marshal.dumps(
            (
                self.name,
                sections,
                self.symbols,
                self.aliases,
                sorted(self.weak_references),
                self.constructors,
            )
        )

    @classmethod
    def load(cls, data: bytes) -> ObjectFile:
        """The object that `dump` gave; the bytes must be known to come from there."""
        name, sections, symbols, aliases, weak, constructors = marshal.loads(data)
        made = [Section(*section) for section in sections]
        return cls(name, made, symbols, aliases, set(weak), constructors)
