"""An error of a batch's component says which one it was, for which lane, and where that stood."""

from __future__ import annotations

import numpy
import pytest

from lrvm_components import Ram
from lrvm_jit import Component, Metadata, Motherboard
from lrvm_jit.batch import Batch, BatchComponent, PartlyServedError, PerLane
from lrvm_jit.batch.component import LaneNumbers, Words
from lrvm_jit.isa import Reg
from lrvm_tools.lasm import assemble
from tests.engines import COMPILED, EngineChoice, engine_id
from tests.machine.probes import Probe
from tests.machine.test_error_notes import PROBE, notes_of

every_engine = pytest.mark.parametrize("engine", COMPILED, ids=engine_id)


class Failing(BatchComponent):
    """Serves the lanes below 3."""

    name = "Failing"

    def metadata(self) -> Metadata:
        return Metadata(1, 64, 0xFFFF_FFFF, 0)

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> None:
        wrong = numpy.flatnonzero(lanes >= 3)
        if len(wrong) == len(lanes):
            raise KeyError("broken")
        if len(wrong):
            raise PartlyServedError(int(wrong[0])) from KeyError("broken")

    def reset(self, lanes: LaneNumbers) -> None:
        if int(lanes[0]) == 3:
            raise KeyError("broken")


def batch_of(source: str, component: BatchComponent, engine: EngineChoice, n: int = 5) -> Batch:
    template = Motherboard([Ram(0x10000, image=assemble(source)), Probe(size=64)])
    template.map_contiguous(0)
    template.reset()
    batch = Batch(template, n, components={1: component}, engine=engine, threads=1)
    batch.regs[:, Reg.A0] = PROBE
    return batch


@every_engine
@pytest.mark.parametrize("n", [4, 5, 7])
def test_of_all_lanes(n: int, engine: EngineChoice) -> None:
    """The lane, and how many others wait in the same call."""
    batch = batch_of("inc a3\nwsa a0, 8, a1\nhalt", Failing(), engine, n)
    with pytest.raises(KeyError) as caught:
        batch.run()
    others = f", and for {n - 4} other lanes in this call" * (n > 4)
    assert notes_of(caught.value) == [
        "component 1 (Failing), write at offset 0x8, address 0x00010008, "
        f"by the instruction at pc 0x00000004 of lane 3{others}"
    ]


@every_engine
def test_of_one_lane(engine: EngineChoice) -> None:

    def component(lane: int) -> Component:
        fail: dict[tuple[str, int], BaseException] = {}
        if lane == 3:
            fail["read", 4] = KeyError("broken")
        return Probe(size=64, fail=fail)

    batch = batch_of("inc a3\nlsa a1, a0, 4\nhalt", PerLane(component), engine, 4)
    with pytest.raises(KeyError) as caught:
        batch.run()
    assert notes_of(caught.value) == [
        "component 1 (Probe), read at offset 0x4, address 0x00010004, "
        "by the instruction at pc 0x00000004 of lane 3"
    ]


@every_engine
def test_a_reset(engine: EngineChoice) -> None:
    batch = batch_of("inc a3\nreset 0x10\nhalt", Failing(), engine)
    with pytest.raises(KeyError) as caught:
        batch.run()
    assert notes_of(caught.value) == [
        "component 1 (Failing), reset by the instruction at pc 0x00000004",
        "lane 3 of a batch",
    ]
