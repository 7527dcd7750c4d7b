"""From a relocatable object to the bytes that stand in memory: where each section goes, and what
its relocations become. Pure computation; `loading.py` puts the result into memory."""

from __future__ import annotations

from collections.abc import Callable

from .elf import (
    ABSOLUTE,
    COMMON,
    EXECUTABLE,
    FUNCTION,
    GLOBAL,
    LOCAL,
    OBJECT_SYMBOL,
    UNDEFINED,
    WEAK,
    WRITABLE,
    LoadingError,
    RelocatableObject,
    Symbol,
    damaged,
)
from .relocation import STUB_SIZE, STUBS, Kind, Via, kind_of

Resolve = Callable[[str], int]
"""Tells the address of a symbol that is elsewhere. LookupError if there is none."""


def no_others(name: str) -> int:
    """For objects that refer to nothing outside themselves."""
    raise LookupError(name)


class Plan:
    """Where everything of an object will be, from its first byte on.

    Code and constants come first, then at `data_start`, a multiple of `page`, what may be written.
    `size` is that of all of it.
    """

    def __init__(self, source: RelocatableObject, page: int) -> None:
        self._source = source
        self._stubs: dict[int, int] = {}
        """Where the jump to a symbol is, and"""
        self._slots: dict[int, int] = {}
        """the word with its address."""
        self._relocations = [
            (section, entry.offset, kind_of(source.machine, entry.kind), entry.symbol, entry.addend)
            for section, entries in source.relocations()
            for entry in entries
        ]
        self._places: list[int | None] = [None] * len(source.sections)
        """Where each section starts, if it has a place."""
        self._common: dict[int, int] = {}
        end = self._place(0, writable=False)
        end = self._place_stubs_and_slots(end)
        self.code_size = end
        self.data_start = end = -(-end // page) * page
        self.size = max(self._place_common(self._place(end, writable=True)), 1)

    def _place(self, end: int, *, writable: bool) -> int:
        """Give the sections that may be written, or those that may not, their places."""
        for index, section in enumerate(self._source.sections):
            if section.in_memory and bool(section.flags & WRITABLE) is writable:
                end = -(-end // section.alignment) * section.alignment
                self._places[index] = end
                end += section.size
        return end

    def _place_common(self, end: int) -> int:
        for index, symbol in enumerate(self._source.symbols):
            if symbol.section == COMMON:
                end = -(-end // symbol.value) * symbol.value
                self._common[index] = end
                end += symbol.size
        return end

    def _place_stubs_and_slots(self, end: int) -> int:
        end = -(-end // STUB_SIZE) * STUB_SIZE
        for _, _, kind, symbol, _ in self._relocations:
            if kind.via is Via.SLOT and symbol not in self._slots:
                self._slots[symbol] = end
                end += 8
        end = -(-end // STUB_SIZE) * STUB_SIZE
        for _, _, kind, symbol, _ in self._relocations:
            elsewhere = self._source.symbols[symbol].section == UNDEFINED
            if kind.via is Via.STUB and elsewhere and symbol not in self._stubs:
                self._stubs[symbol] = end
                end += STUB_SIZE
        return end

    def functions(self) -> dict[str, int]:
        """Where the functions start that others may call, by name, from the first byte on."""
        found: dict[str, int] = {}
        for symbol in self._source.symbols:
            if symbol.kind == FUNCTION and symbol.binding in (GLOBAL, WEAK):
                place = self._places[symbol.section] if self._is_inside(symbol) else None
                if place is not None and self._source.sections[symbol.section].flags & EXECUTABLE:
                    found[symbol.name] = place + symbol.value
        return found

    def variables(self) -> dict[str, int]:
        """Where the variables start that others may use, by name, from the first byte on."""
        found: dict[str, int] = {}
        for index, symbol in enumerate(self._source.symbols):
            if symbol.kind == OBJECT_SYMBOL and symbol.binding in (GLOBAL, WEAK):
                if symbol.section == COMMON:
                    found[symbol.name] = self._common[index]
                elif self._is_inside(symbol) and self._places[symbol.section] is not None:
                    found[symbol.name] = (self._places[symbol.section] or 0) + symbol.value
        return found

    @staticmethod
    def _is_inside(symbol: Symbol) -> bool:
        return symbol.section not in (UNDEFINED, ABSOLUTE, COMMON)

    def image(self, base: int, resolve: Resolve = no_others) -> bytes:
        """The bytes for memory that starts at `base`, a multiple of `page`.

        LoadingError names a symbol that `resolve` does not know, a symbol that is out of reach, or
        what is wrong with a relocation.
        """
        memory = bytearray(self.size)
        for section, place in zip(self._source.sections, self._places, strict=True):
            if place is not None:
                content = self._source.content(section)
                memory[place : place + len(content)] = content
        addresses = self._addresses(base, resolve)
        for symbol, place in self._slots.items():
            memory[place : place + 8] = addresses[symbol].to_bytes(8, "little")
        jump = STUBS[self._source.machine]
        for symbol, place in self._stubs.items():
            stub = jump + addresses[symbol].to_bytes(8, "little")
            memory[place : place + len(stub)] = stub
        self._relocate(memory, base, addresses)
        return bytes(memory)

    def _addresses(self, base: int, resolve: Resolve) -> dict[int, int]:
        """Where each symbol is that a relocation refers to."""
        addresses: dict[int, int] = {}
        for _, _, _, index, _ in self._relocations:
            if index in addresses:
                continue
            symbol = self._source.symbols[index]
            if symbol.section == COMMON:
                addresses[index] = base + self._common[index]
            elif symbol.section == UNDEFINED and symbol.name and symbol.binding != LOCAL:
                try:
                    addresses[index] = resolve(symbol.name)
                except LookupError:
                    raise LoadingError(
                        f"the object code needs {symbol.name!r} from elsewhere"
                    ) from None
            else:
                place = self._places[symbol.section] if self._is_inside(symbol) else None
                if place is None:
                    raise damaged(f"a relocation refers to {symbol.name!r}, which has no place")
                addresses[index] = base + place + symbol.value
        return addresses

    def _relocate(self, memory: bytearray, base: int, addresses: dict[int, int]) -> None:
        """Change what depends on addresses."""
        ends = [0] * len(self._places)
        for index, offset, kind, symbol, addend in sorted(self._relocations, key=_place_of):
            start, width = self._places[index], kind.width
            if (
                start is None
                or offset < ends[index]
                or offset + width > self._source.sections[index].size
            ):
                raise damaged("a relocation is outside its section, or two are in one place")
            ends[index] = offset + width
            place = start + offset
            target = addresses[symbol]
            if kind.via is Via.SLOT:
                target = base + self._slots[symbol]
            elif symbol in self._stubs and kind.via is Via.STUB:
                target = base + self._stubs[symbol]
            old = int.from_bytes(memory[place : place + width], "little")
            try:
                new = kind.apply(target + addend, base + place, old)
            except OverflowError:
                name = self._source.symbols[symbol].name
                raise LoadingError(
                    f"{name or 'a section'!r} is out of reach of a relocation {kind.name}"
                ) from None
            memory[place : place + width] = new.to_bytes(width, "little")


def _place_of(relocation: tuple[int, int, Kind, int, int]) -> tuple[int, int]:
    return relocation[0], relocation[1]
