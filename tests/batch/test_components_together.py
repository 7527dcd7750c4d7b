"""The clock of batches, and several components in one program, against single machines."""

from __future__ import annotations

import numpy
import pytest

from lrvm_components import CharDisplay
from lrvm_jit.batch import CharOutput, CycleClock, RandomSource, WordInput
from tests.batch.component_models import ClockModel, InputModel, RandomModel
from tests.batch.lanes_and_machines import (
    BUDGET,
    DESCRIPTION,
    assert_same,
    batch_of,
    engines,
    sample,
    single,
    threads,
)

# --- the clock -------------------------------------------------------------------------------

READ_CLOCK = (
    DESCRIPTION
    + """
    cpy ac0, 0x2000
    cpy ac1, 0x1000
    cpy a2, a0
    and a2, 0x1F
wait:
    sub a2, 1
    ifge
    jp wait
    cycles a2
    lsa a3, ac0, 28         ; one more than the line before
    cpy c0, 0
loop:
    lsa a4, ac0, c0
    wsa ac1, 0, a4
    add ac1, 4
    add c0, 4
    cmp c0, 32
    ifls
    jp loop
    cmp ac2, 0
    ifnq
    jp done
    inc ac2
    cpy avr, 2
    reset 0x11              ; the clock alone
    lsa a5, ac0, 20
    cpy c0, 0
    jp loop
done:
    cpy ev, refused
    wsa ac0, 0, 1
refused:
    cpy a1, et
    halt
"""
)


@engines
@threads
@pytest.mark.parametrize("n", [1, 100])
@pytest.mark.parametrize(
    ("hertz", "start"), [(1_000_000_000, 0), (3, 2**33 + 5), (7_000_000, 1), (4_000_000_000, 0)]
)
def test_clock(n: int, hertz: int, start: int, engine: str, threads: int) -> None:
    """It tells the CPU's counter, as time and as it is."""
    batch = batch_of(READ_CLOCK, n, [CycleClock(hertz, start)], engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):
        model = ClockModel(hertz, start)
        board = single(READ_CLOCK, lane, [model])
        model.board = board
        assert_same(batch, result, lane, board)
    assert (batch.regs[:, 3] == batch.regs[:, 2] + 1).all()
    assert (batch.regs[:, 1] == 0x01A03100).all()


def test_clock_after_resets_of_the_cpu() -> None:
    """The counter, and all that the clock tells, begin again with the CPU's counter."""
    source = """
        cpy ac0, 0x2000
        cpy c0, 0x1000
        lsa a2, c0, 0
        cmp a2, 0
        ifnq
        jp again
        wsa c0, 0, 1
        cpy avr, 2
        reset 0x01          ; clock and CPU; the flag in RAM stays
    again:
        lsa a3, ac0, 20
        lsa a4, ac0, 28
        halt
    """
    batch = batch_of(source, 3, [CycleClock()])
    batch.run(BUDGET)
    assert batch.regs[:, 3:5].tolist() == [[7, 8]] * 3
    batch.reset()
    batch.ram[:, 0] = 1
    batch.run(BUDGET)
    assert batch.regs[:, 3:5].tolist() == [[7, 8]] * 3


def test_clock_with_a_large_counter() -> None:
    """Both words of the counter, and seconds beyond 32 bits."""
    batch = batch_of(
        "cpy ac0, 0x2000\nlsa a2, ac0, 0\nlsa a3, ac0, 4\nlsa a4, ac0, 24\nlsa a5, ac0, 28\nhalt",
        2,
        [CycleClock(1)],
    )
    batch.lanes.cycles[:] = [0, 5 << 32]
    batch.run(BUDGET)
    assert batch.regs[:, 2:6].tolist() == [[0, 3, 0, 5], [5, 3, 5, 5]]


# --- several together ------------------------------------------------------------------------

TOGETHER = """
    cpy ac0, 0x2000         ; output, input at 4, random at 20, clock at 24
loop:
    lsa a3, ac0, 16
    cmp a3, 0
    ifeq
    halt
    lsa a2, ac0, 12
    lsa a4, ac0, 20
    and a4, 7
    add a2, a4
    lsa a5, ac0, 52
    and a5, 3
    add a2, a5
    wsa ac0, 0, a2
    jp loop
"""


@engines
@threads
@pytest.mark.parametrize("n", [1, 33, 5000])
def test_several_components(n: int, engine: str, threads: int) -> None:
    """One program, four components, rows of different length."""
    numbers = numpy.random.default_rng(n)
    rows = numbers.integers(65, 90, (n, 12), numpy.uint32)
    counts = numbers.integers(0, 13, n)
    output = CharOutput()
    components = [output, WordInput(rows, counts), RandomSource(4), CycleClock()]
    batch = batch_of(TOGETHER, n, components, engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):
        shown: list[str] = []
        clock = ClockModel(10**9, 0)
        board = single(
            TOGETHER,
            lane,
            [
                CharDisplay(shown.append),
                InputModel(rows[lane, : counts[lane]].tolist()),
                RandomModel(4, lane),
                clock,
            ],
        )
        clock.board = board
        assert_same(batch, result, lane, board)
        assert output.text(lane) == "".join(shown)
        assert len(shown) == counts[lane]
