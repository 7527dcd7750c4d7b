"""How often code has run, by the counters of the baseline's blocks and of regions.

Where a board has a baseline this is what decides which code becomes a region: it is exact, and
costs nothing while the guest runs. Where jumps go and which memory is used it does not tell; that
is for samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

LEAST_SHARE = 1 / 1000
"""Of the instructions executed lately: code that has less is not worth a translation."""
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


class Heat:
    """How often each arena word has run, and which blocks ran lately."""

    def __init__(self, words: int) -> None:
        # Zeros that nobody touches take no memory.
        self._heat: Indices = numpy.zeros(words, numpy.int64)
        self._recent: dict[int, tuple[int, HotBlock]] = {}
        """By first word: how many instructions, with those of earlier looks halved each time, of
        what has run since the last look, and before that."""
        self._total = 0
        """Instructions since the last look, whatever executed them."""

    def add_blocks(self, blocks: BlockCounts, executed: int) -> None:
        """What blocks have run since the last look, while `executed` instructions were in all."""
        self._total = executed
        # The words of all blocks, one behind the other.
        ends = numpy.cumsum(blocks.words)
        if len(ends):
            inside = numpy.arange(ends[-1]) - numpy.repeat(ends - blocks.words, blocks.words)
            indices = numpy.repeat(blocks.starts, blocks.words) + inside
            numpy.add.at(self._heat, indices, numpy.repeat(blocks.counts, blocks.words))
        before = self._recent
        self._recent = {}
        for start, words, pc, mode, count in zip(
            blocks.starts.tolist(),
            blocks.words.tolist(),
            blocks.addresses.tolist(),
            blocks.modes.tolist(),
            blocks.counts.tolist(),
            strict=True,
        ):
            earlier = before.get(start, (0, None))[0]
            self._recent[start] = (
                words * count + earlier // 2,
                HotBlock(start, pc, bool(mode)),
            )

    def add_region(self, indices: Indices, executed: int) -> None:
        """A region with these words has executed so many instructions: those of its words that have
        run before share them."""
        heat = self._heat[indices]
        ran = indices[heat > 0]
        if len(ran):
            self._heat[ran] += max(1, executed // len(ran))

    def hottest(self, is_taken: NDArray[numpy.bool_]) -> Iterator[HotBlock]:
        """Blocks that are worth a translation, hottest function first. `is_taken` tells of each
        arena word whether a region has it."""
        least = self._total * LEAST_SHARE
        candidates = [
            (weight, block)
            for weight, block in self._recent.values()
            if weight > least and not is_taken[block.index]
        ]
        around: Counter[int] = Counter()
        for weight, block in candidates:
            around[block.index // FUNCTION_WORDS] += weight
        candidates.sort(
            key=lambda one: (-around[one[1].index // FUNCTION_WORDS], -one[0], one[1].index)
        )
        return (block for _, block in candidates)

    def between(self, first: int, last: int) -> dict[int, int]:
        """How often the arena words from `first` to before `last` have run: those that have."""
        part = self._heat[first:last]
        there = numpy.flatnonzero(part)
        return dict(zip((there + first).tolist(), part[there].tolist(), strict=True))

    def forget(self, indices: list[int]) -> None:
        """Other code stands there now."""
        self._heat[indices] = 0
        for index in indices:
            self._recent.pop(index, None)
