"""Conformance: the published vectors on lanes that go side by side."""

from __future__ import annotations

import numpy
import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.batch import Batch
from tests.machine.test_vectors import load

WIDTHS = (8, 16, 32)


@pytest.mark.parametrize(("name", "step"), [("cpu.jsonl.gz", 61), ("mmu.jsonl.gz", 211)])
def test_vectors_side_by_side(name: str, step: int) -> None:
    """Every lane of a group ends as the case says; half of them stop on the way and go on. Some of
    the cases, as each is a program that is compiled."""
    together = 0
    for number, case in enumerate(load(name)[::step]):
        width = WIDTHS[number % len(WIDTHS)]
        template = Motherboard(
            [BootRom(case["program"], case["rom_size"], hw_id=1), Ram(case["ram_size"], hw_id=2)]
        )
        template.map_contiguous(0)
        template.reset()
        options = TranslatorOptions(vector_lanes=width, optimize=False, cache=False)
        batch = Batch(template, n=width + 3, engine=options, threads=1)
        batch.ram[:, : len(case["ram"])] = case["ram"]
        batch.regs[:] = case["regs"]
        budget = numpy.full(batch.n, case["cycles"])
        budget[::2] //= 2
        batch.run(budget)
        batch.run(case["cycles"] - budget)
        for lane in range(batch.n):
            found = {
                "regs": batch.regs[lane].tolist(),
                "cycles": int(batch.lanes.cycles[lane]),
                "halted": bool(batch.lanes.halted[lane]),
                "ram": [[index, int(word)] for index, word in enumerate(batch.ram[lane]) if word],
            }
            assert found == case["expect"], (lane, width, case)
        together += batch.stats().side_by_side
    assert together > 0 or name.startswith("mmu")
