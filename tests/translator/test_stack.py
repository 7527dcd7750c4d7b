"""What is known of the guest's stack: one check for all accesses up to the next head."""

from __future__ import annotations

from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.analysis.region import SYMBOL
from lrvm_jit.jit.analysis.stack import StackAnalysis
from lrvm_jit.jit.emit.function import generate
from tests.translator.regions import Program

TREE = """
f:  cmp a0, 2
    ifls
    ret
    push a1
    cpy a1, a0
    sub a0, 1
    call f
    push a0
    cpy a0, a1
    sub a0, 2
    call f
    pop a1
    add a0, a1
    pop a1
    ret
"""


def test_only_what_follows_a_head_checks() -> None:
    """Copies of a recursive function rely on the check at the head above them, also where another
    way leads to the head with a narrower span already checked."""
    region = Program(TREE).found(limit=2000)
    analysis = StackAnalysis(region, int(Reg.SSP))
    below = 0
    for key, block in region.blocks.items():
        if block.head:
            assert analysis.at[key].checked is None
            continue
        need = analysis.need_ahead(block.instructions, block)
        checked = analysis.at[key].checked
        if key[1] and need is not None:
            assert checked is not None
            assert checked[0] <= need[0] <= need[1] <= checked[1]
            below += 1
    assert below > 20


def test_many_ways_are_no_burden() -> None:
    """Sixty conditions in a row are more ways than could be followed one by one."""
    lines = "\n".join(f"cmp a0, {k}\nifeq\npush a1\ninc a0" for k in range(60))
    region = Program(f"loop:\n{lines}\njp loop").region()
    assert region is not None
    analysis = StackAnalysis(region, int(Reg.SSP))
    assert analysis.need_ahead(region.blocks[0, ()].instructions, region.blocks[0, ()]) == (
        -240,
        -4,
    )
    assert f" @{SYMBOL}(" in generate(region).text
