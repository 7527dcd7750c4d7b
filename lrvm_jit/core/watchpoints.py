"""Watched words of physical memory: runs stop after an access to one, or hooks are called at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from ..arguments import whole_numbers
from ..records import dataclass
from .mapping import ADDRESS_SPACE, MemoryMap

MOST_WATCHPOINTS = 64
"""Ranges of watched or hooked words, of which each cuts the mapping table."""
MOST_WATCHED_WORDS = 1 << 20


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
    comes to Python, and notes it here. The words of hooks (`lrvm_jit.core.hooks`) are taken out
    in the same way; to note them does nothing.
    """

    def __init__(self, mappings: MemoryMap) -> None:
        self._mappings = mappings
        self._by_address: dict[int, Watch] = {}
        self._hooked: list[range] = []
        self._ranges: list[tuple[int, int]] = []
        """First and past-the-end addresses of all these words, ascending and apart."""
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
        self._ranges = _joined(chosen, self._hooked)
        self._by_address = chosen

    def hook(self, ranges: Sequence[range]) -> None:
        """Take the words of these ranges out as well. ValueError if these are too many."""
        self._ranges = _joined(self._by_address, ranges)
        self._hooked = list(ranges)

    def is_hooked(self, address: int) -> bool:
        """Whether a word is taken out for hooks."""
        return any(address in hooked for hooked in self._hooked)

    def pieces(self, component: int) -> list[tuple[int, int]]:
        """The ranges of a component that are taken out: first and past-the-end byte offsets,
        ascending and apart."""
        mapping = self._mappings.of(component)
        if mapping is None:
            return []
        first, end = mapping.first, mapping.last + 4
        return [
            (max(start, first) - first, min(stop, end) - first)
            for start, stop in self._ranges
            if start < end and stop > first
        ]

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


def _joined(addresses: Iterable[int], ranges: Iterable[range]) -> list[tuple[int, int]]:
    """The ranges of all these words: first and past-the-end addresses, ascending and apart."""
    parts = [(address, address + 4) for address in addresses]
    parts += [(words.start, words.stop) for words in ranges]
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(parts):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    words = sum(stop - start for start, stop in joined) // 4
    if len(joined) > MOST_WATCHPOINTS:
        raise ValueError(
            f"{len(joined)} separate ranges of watched or hooked words are too many; there can be "
            f"{MOST_WATCHPOINTS}"
        )
    if words > MOST_WATCHED_WORDS:
        raise ValueError(
            f"{words} watched or hooked words are too many; there can be {MOST_WATCHED_WORDS}"
        )
    return joined
