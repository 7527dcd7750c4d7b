"""Lanes with much memory are not put aside when they ask a component: the same happens to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import pytest
from numpy.testing import assert_array_equal

from lrvm_jit import HardwareCode, Metadata
from lrvm_jit.batch import Batch, BatchComponent, BatchResult
from lrvm_jit.batch.component import Errors, LaneNumbers, Words
from lrvm_jit.batch.worker import LARGE_LANE
from lrvm_jit.isa import Reg
from lrvm_tools.lasm import assemble

N = 9
SOURCE = """
    cpy a3, 4               ; ac0: the component; ac1: the RAM
next:
    lsa a1, ac0, 0          ; its answer
    add a2, a1
    wsa ac1, 0, a2
    wsa ac0, 0, a2
    lsa a4, ac0, 0x10       ; of its window
    xor a2, a4
    lsa a1, ac0, 8          ; refused
    sub a3, 1
    ifnq
    jp next
    halt
"""


class BrokenError(Exception):
    pass


class Counting(BatchComponent):
    """Says how many accesses the lane has made; its window holds what was written, plus cycles."""

    name = "Counting"
    sees_lanes = False
    window = (16, 1)

    def __init__(self, failing: Sequence[int] = ()) -> None:
        self.failing = set(failing)
        self.calls: list[int] = []
        self.log: dict[int, list[tuple[int, ...]]] = {}

    def metadata(self) -> Metadata:
        return Metadata(hardware_id=1, size=32, category=0, type=0)

    def plug_in(self, lanes: object) -> None:
        self.cycles = lanes.cycles  # type: ignore[attr-defined]

    def _begin(self, lanes: LaneNumbers) -> None:
        self.calls.append(len(lanes))
        if len(self.calls) in self.failing:
            raise BrokenError(f"call {len(self.calls)}")

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        self._begin(lanes)
        seen = [self.log.setdefault(lane, []) for lane in lanes.tolist()]
        for log, lane, offset in zip(seen, lanes.tolist(), offsets.tolist(), strict=True):
            log.append((offset, int(self.cycles[lane])))
        errors = numpy.where(offsets == 8, int(HardwareCode.NOT_READABLE) << 8, -1)
        return numpy.array([len(log) for log in seen], numpy.uint32), errors.astype(numpy.int32)

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> None:
        self._begin(lanes)
        self.rows[lanes, 0] = words + self.cycles[lanes].astype(numpy.uint32)
        for lane, offset, word in zip(
            lanes.tolist(), offsets.tolist(), words.tolist(), strict=True
        ):
            self.log[lane].append((offset, word, int(self.cycles[lane])))


def run(ram_size: int, engine: str, component: Counting) -> tuple[Batch, list[BatchResult]]:
    """Run to the end, however often the component fails on the way."""
    batch = Batch(
        assemble(SOURCE), N, ram_size=ram_size, components=[component], engine=engine, threads=1
    )
    batch.regs[:, Reg.AC0] = batch.address_of(2)
    batch.regs[:, Reg.AC1] = batch.ram_base
    batch.regs[:, Reg.EV] = 4 * 8  # where it is refused it goes on
    batch.regs[:, Reg.A2] = numpy.arange(N)
    results: list[BatchResult] = []
    notes: list[str] = []
    while not results or not batch.lanes.halted.all():
        try:
            results.append(batch.run(max_cycles=23))
        except BrokenError as error:
            notes.append(" ".join(error.__notes__))
            results.append(batch.run(max_cycles=1))
    assert all("component 2 (Counting)" in note for note in notes)
    assert bool(notes) is bool(component.failing)
    return batch, results


@pytest.mark.parametrize("engine", ["interpreter", "auto"])
@pytest.mark.parametrize("failing", [(), (1, 7, 30)], ids=["", "failures"])
def test_like_lanes_that_are_put_aside(engine: str, failing: tuple[int, ...]) -> None:
    (small, small_results), (large, large_results) = (
        run(size, engine, Counting(failing)) for size in (256, LARGE_LANE)
    )
    a, b = small.components[2], large.components[2]
    assert isinstance(a, Counting)
    assert isinstance(b, Counting)
    assert max(a.calls) == N
    assert set(b.calls) == {1}
    assert a.log == b.log
    large.regs[:, Reg.AC0] = small.regs[:, Reg.AC0]  # behind another RAM
    for name in ("regs", "cycles", "flags", "halted"):
        assert_array_equal(getattr(small.lanes, name), getattr(large.lanes, name), name)
    assert numpy.array_equal(small.memories[2], large.memories[2])
    assert numpy.array_equal(small.ram, large.ram[:, : small.ram.shape[1]])
    if not failing:
        for one, other in zip(small_results, large_results, strict=True):
            assert numpy.array_equal(one.reason, other.reason)
            assert numpy.array_equal(one.cycles, other.cycles)


def test_components_that_see_lanes_find_them_in_the_arrays() -> None:
    """So their lanes are put aside, however large they are."""
    component = Counting()
    component.sees_lanes = True
    run(LARGE_LANE, "interpreter", component)
    assert max(component.calls) == N
