"""How often code has run, by the counters of the baseline's blocks and of regions.

Where a board has a baseline this is what decides which code becomes a region: it is exact, and
costs nothing while the guest runs. Where jumps go and which memory is used it does not tell; that
is for samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy
from numpy.typing import NDArray

from ...records import dataclass

LEAST_SHARE = 1 / 500
"""Of the instructions executed lately: code that has less is not worth a translation."""
LEAST_SHARE_WITHIN = 1 / 50
"""The same of code that a region has, but that is not entered there."""
FUNCTION_WORDS = 128
"""A function's size: code so near by is taken for one."""

Indices = NDArray[numpy.int64]


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """How often blocks of the baseline have been entered since that was last asked; only those that
    have been. All are int64[blocks]."""

    starts: Indices
    """Arena index of the first word,"""
    words: Indices
    """number of words,"""
    addresses: Indices
    """virtual address,"""
    modes: Indices
    """1 for supervisor mode,"""
    counts: Indices


@dataclass(frozen=True, slots=True)
class HotBlock:
    """A block that is worth a translation."""

    index: int
    """Arena index of the first word,"""
    pc: int
    """its virtual address."""
    supervisor: bool
    is_taken: bool
    """Whether a region has it, but cannot be entered there."""


class Heat:
    """How often each arena word has run, and which blocks ran lately."""

    def __init__(self, words: int) -> None:
        # Zeros that nobody touches take no memory.
        self._heat: Indices = numpy.zeros(words, numpy.int64)
        self._recent: Indices = numpy.zeros(words, numpy.int64)
        """By first word: how many instructions a block has executed since the last look, and half
        of what stood here then."""
        self._starts: Indices = numpy.zeros(0, numpy.int64)
        """Where that is not 0."""
        self._ran_before = numpy.zeros(words, numpy.bool_)
        """Where it was not at the last look,"""
        self._starts_before = self._starts
        """the same as arena indices."""
        self._blocks: BlockCounts | None = None
        """What ran since the last look."""
        self._total = 0
        """Instructions since the last look, whatever executed them."""

    def add_blocks(self, blocks: BlockCounts, executed: int) -> None:
        """What blocks have run since the last look, while `executed` instructions were in all."""
        self._total, self._blocks = executed, blocks
        # The words of all blocks, one behind the other.
        ends = numpy.cumsum(blocks.words)
        if len(ends):
            inside = numpy.arange(ends[-1]) - numpy.repeat(ends - blocks.words, blocks.words)
            indices = numpy.repeat(blocks.starts, blocks.words) + inside
            numpy.add.at(self._heat, indices, numpy.repeat(blocks.counts, blocks.words))
        recent, before = self._recent, self._starts
        self._ran_before[self._starts_before] = False
        self._ran_before[before] = True
        self._starts_before = before
        recent[before] //= 2
        numpy.add.at(recent, blocks.starts, blocks.words * blocks.counts)
        new = blocks.starts[~self._ran_before[blocks.starts]]
        self._starts = numpy.concatenate([before[recent[before] > 0], new])

    def add_region(self, indices: Indices, executed: int) -> None:
        """A region with these words has executed so many instructions: those of its words that have
        run before share them."""
        ran = indices[self._heat[indices] > 0]
        if len(ran):
            self._heat[ran] += max(1, executed // len(ran))

    def hottest(self, is_taken: Callable[[Indices], NDArray[numpy.bool_]]) -> Iterator[HotBlock]:
        """Blocks that are worth a translation, hottest function first. `is_taken` tells of arena
        words whether regions have them.

        They ran since the last look, and before it: code that starts a program up is done by then.
        """
        blocks = self._blocks
        if blocks is None:
            return
        weights = self._recent[blocks.starts]
        taken = is_taken(blocks.starts)
        least = self._total * numpy.where(taken, LEAST_SHARE_WITHIN, LEAST_SHARE)
        hot = numpy.flatnonzero(self._ran_before[blocks.starts] & (weights >= least))
        candidates = [
            (weight, HotBlock(start, pc, bool(mode), within))
            for weight, start, pc, mode, within in zip(
                *(
                    array[hot].tolist()
                    for array in (weights, blocks.starts, blocks.addresses, blocks.modes, taken)
                ),
                strict=True,
            )
        ]
        around: Counter[int] = Counter()
        for weight, block in candidates:
            around[block.index // FUNCTION_WORDS] += weight
        candidates.sort(
            key=lambda one: (-around[one[1].index // FUNCTION_WORDS], -one[0], one[1].index)
        )
        yield from (block for _, block in candidates)

    def between(self, first: int, last: int, delta: int) -> dict[int, int]:
        """How often the arena words from `first` to before `last` have run: those that have, by
        virtual address. `delta` is an arena index minus the virtual address in words."""
        part = self._heat[first:last]
        there = numpy.flatnonzero(part)
        addresses = (there + (first - delta)) << 2
        return dict(zip(addresses.tolist(), part[there].tolist(), strict=True))

    def begin_anew(self, indices: Indices) -> None:
        """A region has these words from now on: what their blocks did before does not say that it
        should be entered elsewhere as well."""
        self._recent[indices] = 0

    def forget(self, indices: list[int]) -> None:
        """Other code stands there now."""
        self._heat[indices] = 0
        self._recent[indices] = 0
