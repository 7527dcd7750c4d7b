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


class SourceRow(NamedTuple):
    """Bits of the output and the line that they come from: the `bits` from `bit` on, both counted
    from the start of the output. `bank` is empty for the default one."""

    bank: str
    bit: int
    bits: int
    file: str
    line: int


class Emitted(NamedTuple):
    """A statement that has a place in the output: an instruction, data, a label, reserved space.

    `data` is what it put there, nothing for a label or reserved space. `bit_offset` and `bits`
    tell data that does not fill whole bytes; `data` then has zeros around it. `source` is the
    source line. `output_bit` is where it stands in the output, None if it is not written there:
    banks may put addresses anywhere.
    """

    address: int
    data: bytes
    path: str
    line: int
    source: str
    bit_offset: int = 0
    bits: int = 0
    bank: str = ""
    output_bit: int | None = None

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
    length: int | None = None
    """In bits, where that is not all of the bytes."""

    @property
    def bit_length(self) -> int:
        """How many bits of the bytes are the program's; the rest of the last byte is zeros."""
        return 8 * len(self.bytes) if self.length is None else self.length

    @cached_property
    def bits(self) -> int:
        """The program as one number of `bit_length` bits, the first bit the highest."""
        return int.from_bytes(self.bytes, "big") >> (-self.bit_length % 8)

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
    def source_map(self) -> tuple[SourceRow, ...]:
        """Which bits of the output come from which line, in the order of the output."""
        return tuple(
            sorted(
                (
                    SourceRow(item.bank, item.output_bit, item.bits, item.path, item.line)
                    for item in self.items
                    if item.output_bit is not None and item.bits
                ),
                key=lambda row: row.bit,
            )
        )

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
