"""The result of assembling a program."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lrvm_jit.locks import cached_property

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Place(NamedTuple):
    """A line of a source file."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Emitted:
    """A statement that has a place in the output: an instruction, data, a label, reserved space.

    `data` is what it put there, nothing for a label or reserved space. `bit_offset` and `bits`
    tell data that does not fill whole bytes; `data` then has zeros around it. `source` is the
    source line.
    """

    address: int
    data: bytes
    path: str
    line: int
    source: str
    bit_offset: int = 0
    bits: int = 0

    @property
    def place(self) -> Place:
        return Place(self.path, self.line)


@dataclass(frozen=True, slots=True)
class SymbolEntry:
    """A label (`value` is its address) or a constant."""

    name: str
    value: int
    is_label: bool
    path: str
    line: int


@dataclass(frozen=True)
class Assembly:
    """An assembled program.

    `items` has the statements that have a place in the output, `entries` the symbols, both in
    the order of the program.
    """

    bytes: bytes
    items: tuple[Emitted, ...]
    entries: tuple[SymbolEntry, ...]

    @cached_property
    def words(self) -> NDArray[np.uint32]:
        """The bytes as big-endian words, padded with zeros to a multiple of four."""
        # Imported here: most uses of the assembler's own module need no numpy.
        import numpy as np

        padded = self.bytes + bytes(-len(self.bytes) % 4)
        return np.frombuffer(padded, dtype=">u4").astype(np.uint32)

    @cached_property
    def symbols(self) -> dict[str, int]:
        """Value or address by name, `outer.inner` for local ones."""
        return {entry.name: entry.value for entry in self.entries}

    @cached_property
    def source_map(self) -> dict[int, Place]:
        """The line that each emitted item comes from, by the item's first address."""
        places: dict[int, Place] = {}
        for item in self.items:
            if item.data:
                places.setdefault(item.address, item.place)
        return places

    def locate(self, address: int) -> Place | None:
        """The line that the byte at an address comes from; None if no line emitted it."""
        index = bisect_right(self._addresses, address) - 1
        if index < 0:
            return None
        item = self._by_address[index]
        return item.place if address < item.address + len(item.data) else None

    @cached_property
    def _by_address(self) -> list[Emitted]:
        return sorted((item for item in self.items if item.data), key=lambda item: item.address)

    @cached_property
    def _addresses(self) -> list[int]:
        return [item.address for item in self._by_address]
