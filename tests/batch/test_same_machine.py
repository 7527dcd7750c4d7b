"""Every lane of a batch does exactly what a single machine does."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

import numpy
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lrvm_components import BootRom, Ram
from lrvm_jit import HardwareError, Metadata, Motherboard, Stop
from lrvm_jit.batch import FINE, Batch, BatchComponent
from lrvm_jit.batch.component import Errors, LaneNumbers, Words
from tests.engines import COMPILED, EngineChoice, engine_id
from tests.machine.fuzzing import PORT_SIZE, Case, Outcome, build, random_case, run
from tests.machine.fuzzing import Port as SinglePort
from tests.machine.test_vectors import load

every_engine = pytest.mark.parametrize("engine", COMPILED, ids=engine_id)


def padded(rows: list[list[int]]) -> numpy.ndarray:
    result = numpy.zeros((len(rows), max(1, *map(len, rows))), numpy.uint32)
    for row, words in zip(result, rows, strict=True):
        row[: len(words)] = words
    return result


@every_engine
@pytest.mark.parametrize("name", ["cpu.jsonl.gz", "mmu.jsonl.gz"])
def test_vectors(name: str, engine: EngineChoice) -> None:
    """All cases at once, each as a lane with its program, memory, registers and budget. Cases
    whose memory has another size are another kind of machine, so another batch."""
    kinds = defaultdict(list)
    for case in load(name):
        kinds[case["rom_size"], case["ram_size"]].append(case)
    for (rom_size, ram_size), cases in kinds.items():
        template = Motherboard([BootRom([0], rom_size, hw_id=1), Ram(ram_size, hw_id=2)])
        template.map_contiguous(0)
        template.reset()
        batch = Batch(template, programs=padded([case["program"] for case in cases]), engine=engine)
        for lane, case in enumerate(cases):
            batch.ram[lane, : len(case["ram"])] = case["ram"]
            batch.regs[lane] = case["regs"]
        result = batch.run(numpy.array([case["cycles"] for case in cases]))
        assert len(result) == len(cases) == batch.n
        for lane, case in enumerate(cases):
            found = {
                "regs": batch.regs[lane].tolist(),
                "cycles": int(result.cycles[lane]),
                "halted": bool(batch.lanes.halted[lane]),
                "ram": [[index, int(word)] for index, word in enumerate(batch.ram[lane]) if word],
            }
            assert found == case["expect"], (lane, case)


class Port(BatchComponent):
    """`tests.machine.fuzzing.Port` for every lane."""

    name = "Port"

    def __init__(self, lanes: int) -> None:
        self.ports = [SinglePort() for _ in range(lanes)]
        self.calls = 0

    def metadata(self) -> Metadata:
        return self.ports[0].metadata() if self.ports else Metadata(7, PORT_SIZE, 0xFFFF_FFFF, 0)

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        self.calls += 1
        words = numpy.zeros(len(lanes), numpy.uint32)
        errors = numpy.full(len(lanes), FINE, numpy.int32)
        for k, (lane, offset) in enumerate(zip(lanes.tolist(), offsets.tolist(), strict=True)):
            try:
                words[k] = self.ports[lane].read(offset)
            except HardwareError as error:
                errors[k] = error.word
        return words, errors

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        self.calls += 1
        errors = numpy.full(len(lanes), FINE, numpy.int32)
        for k, (lane, offset, word) in enumerate(
            zip(lanes.tolist(), offsets.tolist(), words.tolist(), strict=True)
        ):
            try:
                self.ports[lane].write(offset, word)
            except HardwareError as error:
                errors[k] = error.word
        return errors

    def reset(self, lanes: LaneNumbers) -> None:
        for lane in lanes.tolist():
            self.ports[lane].reset()


def run_alone(case: Case) -> Stop:
    """How the case's machine stops when it runs by itself."""
    return build(case, "interpreter")[0].run(case.budget)


def as_lanes(cases: list[Case], engine: EngineChoice, threads: int, runs: int) -> list[Outcome]:
    """Run cases of one size as lanes, each budget in so many pieces."""
    first = cases[0]
    template = Motherboard(
        [BootRom([0], first.rom_size), Ram(first.ram_size, hw_id=2), SinglePort()]
    )
    template.map_contiguous(0)
    template.reset()
    port = Port(len(cases))
    batch = Batch(
        template,
        programs=padded([case.program for case in cases]),
        components={2: port},
        engine=engine,
        threads=threads,
    )
    for lane, case in enumerate(cases):
        batch.ram[lane, : len(case.ram)] = case.ram
        batch.regs[lane] = case.regs
    left = numpy.array([case.budget for case in cases])
    attempted = 0
    for number in range(runs, 0, -1):
        piece = left // number
        left -= piece
        result = batch.run(piece)
        attempted += result.instructions
        assert result.instructions <= piece.sum()
    assert attempted == sum(one.attempted for one in map(run_alone, cases))
    outcomes = []
    for lane in range(len(cases)):
        reason = "halted" if result.reason[lane] == 1 else "budget"
        outcomes.append(
            Outcome(
                batch.regs[lane].tolist(),
                int(result.cycles[lane]),
                bool(batch.lanes.halted[lane]),
                batch.ram[lane].tobytes(),
                port.ports[lane].accesses,
                (reason, int(result.pc[lane]), int(result.address[lane])),
            )
        )
    return outcomes


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # A seed says nothing by its size, so smaller ones are not looked for.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**64), threads=st.integers(1, 2), runs=st.integers(1, 3))
def test_same_as_reference(seed: int, threads: int, runs: int) -> None:
    """Random machines side by side: none disturbs another, and requests are answered in order,
    exactly once."""
    rng = random.Random(seed)
    sizes = defaultdict(list)
    for _ in range(150):
        case = random_case(rng)
        case.breakpoints = []
        sizes[case.rom_size, case.ram_size].append(case)
    cases = max(sizes.values(), key=len)[:40]
    expected = [replace(run(case, "reference"), instructions=[]) for case in cases]
    for engine in COMPILED:
        found = as_lanes(cases, engine, threads, runs)
        for case, of_lane, alone in zip(cases, found, expected, strict=True):
            assert of_lane == alone, (engine_id(engine), case)
