"""Watchpoints: runs stop after an access to a word of physical memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..arguments import whole_numbers
from .mapping import ADDRESS_SPACE, MemoryMap

MOST_WATCHPOINTS = 64


class Watch(StrEnum):
    """Which accesses to a watched word stop a run.

    >>> from lrvm_jit import Watch
    >>> [watch.value for watch in Watch]
    ['read', 'write', 'any']
    """

    READ = "read"
    """Loads, and reading it as an instruction or as a page-table entry."""
    WRITE = "write"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class WatchHit:
    """An access to a watched word: its physical address, READ or WRITE, and the word.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> from lrvm_components import Ram
    >>> with Motherboard([BootRom(assemble("wsa a0, 0, 5"), 0x100), Ram(0x100)]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     board.cpu.regs.a0 = 0x100
    ...     board.watchpoints = {0x100: "write"}
    ...     hit = board.run(10).watch
    >>> hit.word
    5
    """

    address: int
    access: Watch
    word: int


class Watchpoints:
    """The watched words of a board, and the first access to one since the run began.

    An engine takes a watched word out of what the kernel serves by itself, so that each access
    comes to Python, and notes it here.
    """

    def __init__(self, mappings: MemoryMap) -> None:
        self._mappings = mappings
        self._by_address: dict[int, Watch] = {}
        self.hit: WatchHit | None = None

    def __bool__(self) -> bool:
        return bool(self._by_address)

    @property
    def addresses(self) -> Mapping[int, Watch]:
        """What is watched."""
        return dict(self._by_address)

    def set(self, wanted: Mapping[int, str] | Iterable[int]) -> None:
        """Watch these addresses and no others. ValueError for what is no word's address."""
        addresses = whole_numbers("watchpoints", "a watchpoint", wanted)
        kinds = wanted.values() if isinstance(wanted, Mapping) else [Watch.ANY] * len(addresses)
        chosen: dict[int, Watch] = {}
        for address, access in zip(addresses, kinds, strict=True):
            if not 0 <= address < ADDRESS_SPACE or address % 4:
                raise ValueError(
                    f"watchpoint {address:#x} must be a multiple of 4 within 0..0xFFFFFFFF"
                )
            try:
                chosen[address] = Watch(access)
            except ValueError:
                raise ValueError(
                    f"watchpoint {address:#x} is for {access!r}; it must be one of "
                    f"{', '.join(map(repr, map(str, Watch)))}"
                ) from None
        if len(chosen) > MOST_WATCHPOINTS:
            raise ValueError(
                f"{len(chosen)} watchpoints are too many; there can be {MOST_WATCHPOINTS}"
            )
        self._by_address = chosen

    def offsets(self, component: int) -> list[int]:
        """Byte offsets of the watched words of a component, ascending."""
        mapping = self._mappings.of(component)
        if mapping is None:
            return []
        return sorted(
            address - mapping.first
            for address in self._by_address
            if mapping.first <= address <= mapping.last
        )

    def note(self, component: int, offset: int, access: Watch, word: int) -> bool:
        """An access has taken place; whether it is one that stops the run."""
        mapping = self._mappings.of(component)
        assert mapping is not None
        watch = self._by_address.get(mapping.first + offset)
        if watch is None or watch not in (Watch.ANY, access):
            return False
        if self.hit is None:
            self.hit = WatchHit(mapping.first + offset, access, word)
        return True
