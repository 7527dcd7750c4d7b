"""Where the guest finds the memory that vector code accesses."""

from __future__ import annotations

from dataclasses import dataclass

from ...isa.table import WORD_MASK


@dataclass(frozen=True, slots=True)
class MemoryMap:
    """Where the guest finds the memory that vector code accesses."""

    ram_base: int = 0
    ram_words: int = 0
    """Words of RAM of each lane; 0 if there is none."""
    rom_base: int = 0
    rom_words: int = 0
    """Words that all lanes share and that never change."""

    def in_ram(self, address: int) -> int | None:
        """The word's index, if the address is one of RAM."""
        return _index(address, self.ram_base, self.ram_words)

    def in_rom(self, address: int) -> int | None:
        return _index(address, self.rom_base, self.rom_words)


def _index(address: int, base: int, words: int) -> int | None:
    inside = address - base & WORD_MASK
    return inside >> 2 if inside & 3 == 0 and inside >> 2 < words else None
