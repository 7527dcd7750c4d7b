"""What earlier runs have found worth translating: the regions of programs, by the words at which
a run starts.

A board that runs a known program gets its regions before the first instruction, without looks,
discovery or a compiler. Nothing is taken for granted: a region is installed only where exactly its
words stand, and the kernel enters it only in its mode and at its addresses, as any other region.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from dataclasses import replace

from ...code_cache import CodeCache
from ...locks import SharedLock
from ...records import dataclass
from ..analysis.region import Block, BlockKey, Region
from .cache import host_key

MOST_REGIONS = 256
"""Regions that are remembered of one program."""
MOST_PROGRAMS = 256
"""Programs that a process remembers; the disk has the others."""
START_WORDS = 64
"""Words from pc on, at the start of a run, by which a program is known."""


@dataclass(frozen=True, slots=True)
class KnownRegion:
    """A region with all that is needed to install it."""

    start: int
    """Virtual address that it was made for."""
    delta: int
    """Arena index minus virtual address in words."""
    region: Region
    """Without its code: of its blocks there are only those at its entries, and they are empty."""
    code: str
    """Under which key `STORE` and the cache have its machine code."""


def program_key(pc: int, supervisor: bool, words: bytes, settings: tuple[object, ...]) -> str:
    """A name for the program that starts with these words, for this version and processor."""
    facts = repr((host_key(), pc, supervisor, settings)).encode()
    return hashlib.sha256(facts + words).hexdigest()


def known_region(region: Region, start: int, delta: int, code: str) -> KnownRegion:
    """What is kept of a region: its instructions and edges, nine tenths of it, are not."""
    entries: dict[BlockKey, Block] = {
        (pc, ()): Block(pc, (), need=region.blocks[pc, ()].need) for pc in region.entries
    }
    return KnownRegion(start, delta, replace(region, blocks=entries), code)


class KnownPrograms:
    """Thread-safe: the background thread adds to it, boards ask it."""

    def __init__(self) -> None:
        self._lock = SharedLock()
        self._programs: OrderedDict[str, dict[int, KnownRegion]] = OrderedDict()

    def find(self, program: str, cache: CodeCache) -> list[KnownRegion]:
        """The regions of a program, those that were made last at the end."""
        with self._lock:
            return list(self._of(program, cache).values())

    def note(self, program: str, known: KnownRegion, cache: CodeCache) -> None:
        """Remember a region. It takes the place of one for the same address, and of those that it
        takes the place of on a board."""
        own = known.region.own
        with self._lock:
            regions = self._of(program, cache)
            for start, other in list(regions.items()):
                if (
                    other.region.supervisor == known.region.supervisor
                    and other.delta == known.delta
                    and (start == known.start or other.region.is_mostly_in(own))
                ):
                    del regions[start]
            while len(regions) >= MOST_REGIONS:
                del regions[next(iter(regions))]
            regions[known.start] = known
            data = pickle.dumps(list(regions.values()))
        cache.save(program, data)

    def _of(self, program: str, cache: CodeCache) -> dict[int, KnownRegion]:
        regions = self._programs.get(program)
        if regions is None:
            regions = self._programs[program] = {
                known.start: known for known in _from_disk(program, cache)
            }
            if len(self._programs) > MOST_PROGRAMS:
                self._programs.popitem(last=False)
        else:
            self._programs.move_to_end(program)
        return regions


def _from_disk(program: str, cache: CodeCache) -> list[KnownRegion]:
    data = cache.load(program)
    if data is None:
        return []
    try:
        found = pickle.loads(data)
    except Exception:
        # Whole, and yet of no use.
        found = None
    if not isinstance(found, list) or not all(isinstance(one, KnownRegion) for one in found):
        cache.remove(program)
        return []
    return found


KNOWN = KnownPrograms()
