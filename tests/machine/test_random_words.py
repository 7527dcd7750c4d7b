"""A guest cannot get out of hand, whatever its memory holds."""

from __future__ import annotations

import numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from tests.engines import EngineChoice
from tests.machine.probes import Probe

BUDGET = 2000
OPCODES_THAT_GO_ON = (*range(0x01, 0x0F), *range(0x11, 0x1E))


def outcome(engine: EngineChoice, words: list[int], registers: list[int]) -> tuple[object, ...]:
    """Run random memory, and tell all that can be seen afterwards."""
    ram, probe = Ram(0x400), Probe(size=0x100)
    board = Motherboard([ram, BootRom(words), probe], engine=engine)
    board.map_contiguous(0)
    board.reset()
    ram.words[: len(words)] = words[::-1]
    board.cpu.regs[: len(registers)] = registers
    stop = board.run(max_cycles=BUDGET)
    assert stop.reason in ("halted", "budget")
    assert stop.cycles <= BUDGET
    return stop, list(board.cpu.regs), ram.words.tolist(), probe.log


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    share=st.floats(0, 1),
    registers=st.lists(st.sampled_from([0, 4, 0x100, 0x3FC, 0x400, 0x4FC, 2**32 - 4]), max_size=29),
)
def test_random_memory(seed: int, share: float, registers: list[int]) -> None:
    """Random words everywhere, a share of them proper instructions: both engines end in the same
    state within the budget, and nothing but the budget or HALT ends the run."""
    numbers = numpy.random.default_rng(seed)
    words = numbers.integers(0, 1 << 32, 256, numpy.uint64)
    proper = numbers.random(256) < share
    words[proper] &= 0x07FFFFFF
    words[proper] |= (
        numbers.choice(OPCODES_THAT_GO_ON, int(proper.sum())).astype(numpy.uint64) << 27
    )
    found = [outcome(engine, words.tolist(), registers) for engine in ("reference", "interpreter")]
    assert found[0] == found[1]
