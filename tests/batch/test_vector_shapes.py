"""Vector code for other processors than this one, optimised as it is for users.

The pieces of a group are vector registers: four words, eight with AVX2, sixteen with AVX-512. What
is for small registers runs on processors with larger ones.
"""

from __future__ import annotations

import random

import numpy
import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.batch import Batch
from lrvm_jit.isa import Reg
from lrvm_jit.jit.vector.shape import Shape, VectorUnit, vector_unit
from lrvm_tools import assemble
from tests.batch.divergent_programs import random_program

LANES = 67
SHAPES = [Shape(8, 4), Shape(16, 8)]
MEMORY = """
    and a0, 4
    add ac0, a0
    lsa a3, ac0, 0
    wsa ac0, 4, a3
    cpy a5, a1
    and a5, 0x7c
    add a5, ac0
    lsa a4, a5, 0
    add a4, a1
    wsa a5, 8, a4
    halt
"""


def ran(source: str, engine: str | TranslatorOptions, budgets: list[int]) -> Batch:
    batch = Batch(assemble(source), LANES, ram_size=0x100, engine=engine, threads=1)
    rng = numpy.random.default_rng(3)
    batch.regs[:, :8] = rng.integers(0, 1 << 32, (LANES, 8), numpy.uint32)
    batch.regs[:, Reg.AC0] = batch.ram_base
    batch.ram[:] = rng.integers(0, 1 << 32, batch.ram.shape, numpy.uint32)
    for budget in budgets:
        batch.run(max_cycles=budget)
    return batch


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.width}-by-{shape.piece}")
@pytest.mark.parametrize("source", [MEMORY, random_program(random.Random(1))])
def test_shapes_of_other_processors(
    source: str, shape: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registers, memory and cycles of all lanes are the interpreter's."""
    if shape.piece > vector_unit().value and vector_unit() is not VectorUnit.PLAIN:
        pytest.skip("this processor's vectors are shorter")
    monkeypatch.setattr("lrvm_jit.batch.vector.code.host_shape", lambda width: shape)
    budgets = [50, 1000, 5000]
    lanes = ran(source, TranslatorOptions(vector_lanes=shape.width, cache=False), budgets)
    expected = ran(source, "interpreter", budgets)
    assert lanes.stats().side_by_side > 0
    assert numpy.array_equal(lanes.regs, expected.regs)
    assert numpy.array_equal(lanes.ram, expected.ram)
    assert numpy.array_equal(lanes.lanes.cycles, expected.lanes.cycles)
