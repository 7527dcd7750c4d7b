"""A region that is good is left alone."""

from __future__ import annotations

import pytest

from lrvm_components import Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.jit.baseline.code import is_supported
from lrvm_tools.lasm import assemble
from tests.translator.background import HeldWorker

LOOP = """
loop:
    add a0, 1
    cpy a1, 1
    shl a1, 30
    cmp a0, a1
    ifeq
    halt
    jp loop
"""


@pytest.mark.skipif(not is_supported(), reason="no baseline tier on this system")
def test_what_blocks_did_before_a_region_came_makes_no_other_one(held: HeldWorker) -> None:
    """Budgets that end in the middle of a loop leave blocks that begin there. They are hot until
    the region is there; entered there as well it would no longer be a counted loop."""
    board = Motherboard([Ram(0x1000)], TranslatorOptions(cache=False))
    board.map_contiguous(0)
    board.reset()
    board.memory.load(0, assemble(LOOP))
    while not held.jobs:
        board.run(max_cycles=100_003)
    for _ in range(50):
        board.run(max_cycles=100_003)
    held.deliver()
    for _ in range(400):
        board.run(max_cycles=1_000_003)
        assert not held.jobs
    assert board.stats().regions == 1
    assert board.stats().translated > 390_000_000
