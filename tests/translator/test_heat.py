"""Counters of blocks and regions decide what becomes a region; samples are taken while there is
something to learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import pytest
from numpy.typing import NDArray

from lrvm_jit import TranslatorOptions
from lrvm_jit.jit.analysis.heat import FUNCTION_WORDS, BlockCounts, Heat
from lrvm_jit.jit.analysis.region import PlainMemory
from lrvm_jit.jit.analysis.samples import Samples
from lrvm_jit.jit.baseline.code import is_supported
from tests.machine.guest import machine

FAR = 4 * FUNCTION_WORDS


def blocks(*rows: tuple[int, int, int]) -> BlockCounts:
    """Blocks of supervisor code: first word, words, times entered; at the same virtual words."""
    table = numpy.array(rows, numpy.int64).reshape(-1, 3)
    starts, words, counts = table[:, 0], table[:, 1], table[:, 2]
    return BlockCounts(starts, words, starts << 2, numpy.ones_like(starts), counts)


def none_taken(indices: NDArray[numpy.int64]) -> NDArray[numpy.bool_]:
    return numpy.zeros(len(indices), numpy.bool_)


def starts(heat: Heat) -> list[int]:
    return [block.index for block in heat.hottest(none_taken)]


def test_words_are_as_hot_as_their_blocks() -> None:
    heat = Heat(100)
    heat.add_blocks(blocks((10, 3, 7), (20, 1, 2)), 23)
    heat.add_blocks(blocks((12, 2, 5)), 10)
    assert heat.between(0, 100, 2) == {32: 7, 36: 7, 40: 12, 44: 5, 72: 2}
    assert heat.between(11, 13, 0) == {44: 7, 48: 12}


def test_what_ran_only_once_is_not_hot() -> None:
    """As code that starts a program up."""
    heat = Heat(FAR)
    heat.add_blocks(blocks((0, 4, 10_000)), 40_000)
    assert starts(heat) == []
    heat.add_blocks(blocks((FAR - 8, 4, 10_000)), 40_000)
    assert starts(heat) == []
    heat.add_blocks(blocks((FAR - 8, 4, 10_000)), 40_000)
    assert starts(heat) == [FAR - 8]


def test_the_hottest_function_comes_first() -> None:
    heat = Heat(2 * FAR)
    for _ in range(2):
        # Three blocks that are hotter together than the one that is hottest by itself.
        heat.add_blocks(blocks((0, 5, 30), (8, 5, 40), (16, 5, 20), (FAR, 5, 60)), 750)
    assert starts(heat) == [8, 0, 16, FAR]


def test_cold_code_is_left() -> None:
    heat = Heat(FAR)
    for _ in range(2):
        heat.add_blocks(blocks((0, 4, 100_000), (100, 4, 1)), 400_004)
    assert starts(heat) == [0]


def test_what_a_region_has_must_be_much_hotter_to_be_entered_there() -> None:
    heat = Heat(FAR)
    for _ in range(2):
        heat.add_blocks(blocks((0, 1, 1000), (40, 1, 10), (80, 1, 10)), 1020)
    taken = [(block.index, block.is_taken) for block in heat.hottest(lambda indices: indices != 80)]
    assert taken == [(0, True), (80, False)]


def test_regions_share_their_time_among_what_ran() -> None:
    heat = Heat(100)
    heat.add_blocks(blocks((0, 2, 3)), 6)
    heat.add_region(numpy.array([0, 1, 2]), 40)
    assert heat.between(0, 100, 0) == {0: 23, 4: 23}


def test_other_code_starts_cold() -> None:
    heat = Heat(100)
    for _ in range(2):
        heat.add_blocks(blocks((0, 2, 30), (8, 2, 30)), 120)
    heat.forget([0, 1])
    assert heat.between(0, 100, 0) == {32: 60, 36: 60}
    assert starts(heat) == [8]


TWO_LOOPS = """
outer:
    cpy a1, 300
first:
    add a0, 3
    dec a1
    ifnq
    jp first
    cpy a1, 300
second:
    xor a2, a0
    dec a1
    ifnq
    jp second
    jp outer
"""


@pytest.mark.skipif(not is_supported(), reason="no baseline tier on this system")
def test_no_samples_once_all_that_is_hot_is_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    take = Samples.take

    def noted(
        self: Samples,
        notes: Sequence[int],
        touched: Sequence[int],
        plain: tuple[PlainMemory, ...],
    ) -> None:
        taken.append(len(notes))
        take(self, notes, touched, plain)

    monkeypatch.setattr(Samples, "take", noted)
    options = TranslatorOptions(threshold=2000, background=False, cache=False, optimize=False)
    found = machine(TWO_LOOPS, options)
    for _ in range(20):
        found.run(3000)
    assert taken
    assert found.board.stats().regions
    before, translated = len(taken), found.board.stats().translated
    for _ in range(50):
        found.run(3000)
    assert len(taken) == before
    assert found.board.stats().translated - translated > 140_000
