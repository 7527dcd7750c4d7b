"""The batch itself: how it is made, run, interrupted, run on; what it takes."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_components import BootRom, CharDisplay, Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.batch import (
    Batch,
    BatchComponent,
    CharOutput,
    CycleClock,
    LaneReason,
    PerLane,
    RandomSource,
    WordInput,
)
from lrvm_jit.batch.blocks import SMALLEST_BLOCK, Blocks
from lrvm_jit.batch.component import LaneNumbers, Words
from lrvm_jit.core.metadata import Metadata
from lrvm_jit.isa.table import Reg
from lrvm_tools.lasm import assemble

SUM = """
loop:
    add a1, a0              ; a1 += a0, c0 times
    dec c0
    ifnq
    jp loop
    wsa ac0, 0, a1
    halt
"""
ENDLESS = "loop: add a0, 1\nadd a1, 1\njp loop"


def summing(n: int, **options: Any) -> Batch:
    """Lane k sums k up, k % 7 + 1 times, into the first word of its RAM."""
    batch = Batch(assemble(SUM), n, ram_size=64, **options)
    lanes = numpy.arange(n)
    batch.regs[:, Reg.A0] = lanes
    batch.regs[:, Reg.C0] = lanes % 7 + 1
    batch.regs[:, Reg.AC0] = batch.ram_base
    return batch


@pytest.mark.parametrize("n", [0, 1, 2, 17, 5000])
@pytest.mark.parametrize("threads", [1, 3])
def test_one_lane_or_many(n: int, threads: int) -> None:
    """The same lines for any number of lanes and threads."""
    batch = summing(n, threads=threads)
    result = batch.run(max_cycles=1000)
    lanes = numpy.arange(n)
    assert len(result) == n
    assert (result.reason == LaneReason.HALTED).all()
    assert (batch.ram[:, 0] == lanes * (lanes % 7 + 1)).all()
    assert not batch.ram[:, 1:].any()
    assert (result.cycles == 4 * (lanes % 7 + 1) + 1).all()
    assert (result.pc == 24).all()
    assert (result.address == 20).all()
    assert result.instructions == result.cycles.sum()
    assert result.counts == ({LaneReason.HALTED: n} if n else {})
    assert not result.interrupted


def test_lanes_that_end_differently_do_not_disturb_each_other() -> None:
    """One halts, one faults, one goes on for ever, one never began."""
    batch = Batch(
        assemble("cmp a0, 1\nifls\nhalt\nifeq\ndiv a1, 0\nloop: inc a2\njp loop"), 4, threads=1
    )
    batch.regs[:, Reg.A0] = [0, 1, 2, 2]
    batch.lanes.halted[3] = 1
    result = batch.run(max_cycles=1000, halt_on_exception=True)
    assert result.reason.tolist() == [
        LaneReason.HALTED,
        LaneReason.EXCEPTION,
        LaneReason.BUDGET,
        LaneReason.HALTED,
    ]
    assert result.cycles.tolist() == [3, 4, 1000, 0]
    exception = result.exception_of(1)
    assert exception is not None
    assert str(exception) == "Division by zero"
    assert result.exception.tolist() == [0, exception.word, 0, 0]
    assert result.exception_of(0) is None


def test_a_budget_for_each_lane() -> None:
    """Lanes stop where their own budget ends, and go on from there."""
    batch = Batch(assemble(ENDLESS), 3)
    budgets = numpy.array([0, 10, 100_000])
    result = batch.run(budgets)
    assert result.cycles.tolist() == budgets.tolist()
    assert (result.reason == LaneReason.BUDGET).all()
    result = batch.run(5)
    assert result.cycles.tolist() == [5, 15, 100_005]


def test_a_program_for_each_lane() -> None:
    """(n, words): and the array that was given is used as it is, without a copy."""
    programs = numpy.array([assemble(f"cpy a0, {k}\nhalt") for k in range(100)])
    batch = Batch(programs, ram_size=4)
    assert batch.n == 100
    assert numpy.shares_memory(batch.lanes.memories[0].rows, programs)
    batch.run()
    assert batch.regs[:, Reg.A0].tolist() == list(range(100))


def test_code_in_the_lanes_own_memory() -> None:
    """Each lane runs from its RAM, and changes its code there; nobody sees another's."""
    template = Motherboard([Ram(64, image=assemble("wsa a7, 0, a1\nadd a0, 1\nhalt"))])
    template.map_contiguous(0)
    template.reset()
    batch = Batch(template, 50)
    batch.regs[:, Reg.A7] = 4
    add = assemble("add a0, 1")[0]
    batch.regs[:, Reg.A1] = add + numpy.arange(50)
    batch.run()
    assert batch.regs[:, Reg.A0].tolist() == list(range(1, 51))
    assert (batch.ram[:, 1] == add + numpy.arange(50)).all()


def test_a_template_gives_memory_map_content_and_registers() -> None:
    """Lanes begin as the board is; the board itself stays as it was."""
    rom, ram = BootRom(assemble("lsa a1, a0, 0\nadd a1, a2\nwsa a0, 4, a1\nhalt")), Ram(32)
    template = Motherboard([rom, ram])
    template.map(0x400, 0)
    template.map(0x9000, 1)
    template.reset()
    template.memory.load(0x9000, [1000])
    template.cpu.regs.pc, template.cpu.regs.a0 = 0x400, 0x9000
    batch = Batch(template, 10)
    batch.regs[:, Reg.A2] = numpy.arange(10)
    assert batch.ram_base == 0x9000
    batch.run()
    assert batch.ram[:, 1].tolist() == [1000 + k for k in range(10)]
    assert template.memory.read(0x9004) == 0
    assert template.cpu.cycles == 0


def test_flags_are_seen_and_set() -> None:
    """`af` in the registers is what the guest would read, and may be changed."""
    batch = Batch(assemble("sub a0, 1\nloop: jp loop"), 2)
    batch.regs[:, Reg.A0] = [0, 1]
    batch.run(1)
    single = Motherboard([BootRom(assemble("sub a0, 1"))])
    single.map_contiguous(0)
    expected = []
    for value in (0, 1):
        single.reset()
        single.cpu.regs.a0 = value
        single.run(1)
        expected.append(single.cpu.regs.af)
    assert batch.regs[:, Reg.AF].tolist() == expected
    reading = Batch(assemble("cpy a1, af\nifeq\ncpy a2, 1\nhalt"), 256)
    reading.regs[:, Reg.AF] = numpy.arange(256)
    reading.run()
    assert reading.regs[:, Reg.A1].tolist() == list(range(256))
    assert (reading.regs[:, Reg.A2] == (numpy.arange(256) >> 7)).all()


def test_reset() -> None:
    """All lanes as new, with the template's memory."""
    batch = summing(20)
    batch.run()
    batch.reset()
    assert not batch.ram.any()
    assert not batch.lanes.cycles.any()
    assert (batch.regs.sum(axis=1) == 1).all()
    assert (batch.run(3).reason == LaneReason.BUDGET).all()


def test_hot_code_is_translated_for_all_lanes() -> None:
    """Translated once, used by every lane; few instructions are left to the interpreter."""
    options = TranslatorOptions(threshold=1000, background=False, cache=False, tiers=("regions",))
    batch = summing(20_000, engine=options, threads=1)
    result = batch.run()
    stats = batch.stats()
    assert stats.instructions == result.instructions
    assert stats.translated > 0.7 * stats.instructions
    assert 1 <= stats.compiled <= 4
    lanes = numpy.arange(20_000)
    assert (batch.ram[:, 0] == lanes * (lanes % 7 + 1)).all()


# --- ends ----------------------------------------------------------------------------------------


def test_stop() -> None:
    """Every lane stands between two instructions, and the batch can be run on."""
    batch = Batch(assemble(ENDLESS), 5, threads=2)

    def stop(done: int, lanes: int, instructions: int) -> None:
        if instructions:
            batch.stop()

    result = batch.run(progress=stop)
    assert result.interrupted
    assert set(result.reason.tolist()) <= {LaneReason.STOPPED, LaneReason.NOT_RUN}
    assert LaneReason.STOPPED in result.reason
    assert (batch.regs[:, Reg.A0] - batch.regs[:, Reg.A1] <= 1).all()
    again = batch.run(1000)
    assert (again.cycles == result.cycles + 1000).all()


def test_ctrl_c_returns_what_is_done() -> None:
    """In a process of its own: the first lanes are done, one never ends, and SIGINT comes."""
    script = """
    import numpy
    from lrvm_jit.batch import Batch, LaneReason
    from lrvm_tools.lasm import assemble
    # Lane 100 runs for ever, the others halt at once.
    batch = Batch(assemble("cmp a0, 100\\nifnq\\nhalt\\nloop: jp loop"), 101, threads=1)
    batch.regs[:, 0] = numpy.arange(101)
    said = []
    def show(done, total, instructions):
        if instructions > 1000 and not said:
            # Noted first: the signal may come before print has returned.
            said.append(True)
            print("running", flush=True)
    result = batch.run(progress=show)
    print(result.interrupted, result.counts[LaneReason.HALTED], result.reason[100], flush=True)
    print((batch.run(7).cycles - result.cycles).tolist() == [0] * 100 + [7])
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output == "True 100 4\nTrue\n", errors
    assert process.returncode == 0


class Failing(BatchComponent):
    """Breaks on demand."""

    name = "Failing"

    def __init__(self) -> None:
        self.broken = True

    def metadata(self) -> Metadata:
        return Metadata(1, 4, 0xFFFF_FFFF, 0)

    def read(self, lanes: LaneNumbers, offsets: Words) -> Words:
        if self.broken:
            raise OSError("no paper")
        return lanes.astype(numpy.uint32)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_component_ends_the_run(threads: int) -> None:
    """It comes out of `run`; the lanes have not executed the instruction, and can go on."""
    failing = Failing()
    batch = Batch(
        assemble("add a1, 1\nlsa a0, ac0, 0\nhalt"), 1000, components=[failing], threads=threads
    )
    batch.regs[:, Reg.AC0] = batch.address_of(2)
    with pytest.raises(OSError, match="no paper"):
        batch.run()
    assert set(batch.regs[:, Reg.PC].tolist()) <= {0, 4}
    assert (batch.lanes.cycles == batch.regs[:, Reg.A1]).all()
    failing.broken = False
    result = batch.run()
    assert (result.cycles == 3).all()
    assert batch.regs[:, Reg.A0].tolist() == list(range(1000))


# --- memory --------------------------------------------------------------------------------------


def test_rows_that_nobody_writes_take_no_memory() -> None:
    """4 GiB of RAM in all, of which each lane reads a word and one lane writes one."""
    source = "lsa a1, ac0, 0\ncmp a0, 7\nifeq\nwsa ac0, 0, a0\nhalt"
    batch = Batch(assemble(source), 4096, ram_size=1 << 20, threads=1)
    batch.regs[:, Reg.A0] = numpy.arange(4096)
    batch.regs[:, Reg.AC0] = batch.ram_base
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    batch.run()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert batch.ram[7, 0] == 7
    assert grown < 256 << 10


def test_a_reset_leaves_such_rows_alone() -> None:
    """Only the rows that have been written are written again."""
    batch = Batch(assemble("halt"), 4096, ram_size=1 << 20, threads=1)
    batch.ram[100, 5] = 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    batch.reset()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert not batch.ram[100].any()
    assert grown < 256 << 10


def test_state_beside_registers_and_memory_is_small() -> None:
    """At most 64 bytes a lane for lanes that share their program."""
    arrays = Batch(assemble("halt"), 1000, ram_size=4).lanes
    extra = [
        value.nbytes
        for value in vars(arrays).values()
        if isinstance(value, numpy.ndarray) and value is not arrays.regs
    ]
    assert sum(extra) / 1000 <= 64
    assert len(extra) == 6


# --- mistakes ------------------------------------------------------------------------------------


ANYTHING: Any = CharDisplay()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Batch([0]), "how many lanes"),
        (lambda: Batch([0], -1), "n is -1"),
        (lambda: Batch([], 1), "no words"),
        (lambda: Batch([1 << 32], 1), "4294967296"),
        (lambda: Batch(numpy.zeros((3, 2))), "programs must be whole numbers, not float64"),
        (lambda: Batch([0], 1, ram_size=3), "size 3"),
        (lambda: Batch([0] * 9, 1, rom_size=8), "36 bytes does not fit the 8 bytes"),
        (lambda: Batch([0], 1, threads=0), "threads is 0"),
        (lambda: Batch([0], 1, engine="reference"), "single machines only"),
        (lambda: Batch([0], 1, engine="warp"), "unknown engine 'warp'"),
        (lambda: Batch(numpy.zeros((3, 4), numpy.uint32), 2), "3 programs for 2 lanes"),
        (lambda: Batch(numpy.full((3, 4), -1)), "outside 0..4294967295"),
        (lambda: Batch([0], 1, components=[ANYTHING]), "wrap components of single machines"),
        (lambda: Batch(Motherboard([CharDisplay()]), 1), "more than plain memory"),
        (lambda: Batch(Motherboard([Ram(4)]), 1, components={3: Failing()}), "no component 3"),
        (lambda: Batch(Motherboard([Ram(4)]), programs=numpy.zeros((1, 1), int)), "read-only"),
        (
            lambda: Batch(Motherboard([BootRom([0], 4)]), programs=numpy.zeros((1, 2), int)),
            "2 words do not fit the 1 words",
        ),
        (lambda: Batch([0], 1).run(-1), "max_cycles is -1"),
        (lambda: Batch([0], 2).run(numpy.zeros(3, int)), r"shape \(3,\)"),
        (lambda: Batch([0], 2).run(numpy.array([1, -1])), "0 or more"),
        (lambda: Batch([0], 1).run(progress=ANYTHING), "progress must be"),
    ],
)
def test_mistakes_are_named(make: Any, message: str) -> None:
    """What was wrong, the value, and the limit."""
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_one_run_at_a_time() -> None:
    """A second run, a reset and a close are refused meanwhile, saying what to do."""
    batch = Batch(assemble(ENDLESS), 1)
    thread = threading.Thread(target=batch.run)
    thread.start()
    try:
        while not batch._right.is_held:
            pass
        with pytest.raises(RuntimeError, match=r"use batch\.stop\(\)"):
            batch.run()
        with pytest.raises(RuntimeError, match="cannot reset"):
            batch.reset()
        with pytest.raises(RuntimeError, match="cannot close"):
            batch.close()
    finally:
        while thread.is_alive():
            batch.stop()
            thread.join(0.01)
    batch.close()
    with pytest.raises(RuntimeError, match="closed"):
        batch.run()


# --- how the work is shared ----------------------------------------------------------------------


@given(n=st.integers(0, 200_000), threads=st.integers(1, 16), most=st.integers(1, 600))
def test_blocks_cover_all_lanes_and_end_small(n: int, threads: int, most: int) -> None:
    """Each lane once, in order. A block is never more than a thread's fair share of what is left,
    so at the end no thread has much to do that another could have taken; and whole groups."""
    most *= SMALLEST_BLOCK
    blocks, first = Blocks(n, threads, most), 0
    while (block := blocks.take()) is not None:
        start, count = block
        assert start == first
        fair = (n - first) // (4 * threads) if threads > 1 else n
        assert 1 <= count <= min(most, max(SMALLEST_BLOCK, fair))
        assert count % SMALLEST_BLOCK == 0 or first + count == n
        first += count
    assert first == n
    assert blocks.take() is None


def test_a_template_that_was_never_reset() -> None:
    """Its lanes are halted; one warning says why, until the batch is reset."""
    template = Motherboard([Ram(64, image=assemble("halt"))])
    template.map(0, 0)
    batch = Batch(template, 3)
    with pytest.warns(RuntimeWarning, match="the template board was never reset"):
        assert batch.run().counts == {LaneReason.HALTED: 3}
    assert not batch.lanes.cycles.any()
    batch.reset()
    batch.run()
    assert batch.lanes.cycles.tolist() == [1, 1, 1]


def test_components_of_a_closed_batch_can_be_used_again() -> None:
    """They begin anew; those of a batch that is open cannot."""
    shown: list[str] = []
    makers: list[BatchComponent] = [
        CharOutput(),
        WordInput(numpy.array([[7], [8]])),
        RandomSource(1),
        CycleClock(),
        PerLane(lambda lane: CharDisplay(shown.append)),
    ]
    program = assemble("cpy ac0, 0x2000\nwsa ac0, 0, 65\nlsa a0, ac0, 12\nhalt")
    for _ in range(2):
        with Batch(program, 2, components=makers) as batch:
            batch.run()
            assert makers[0].text(1) == "A"  # type: ignore[attr-defined]
            assert batch.regs[:, 0].tolist() == [7, 8]
            for component in makers:
                with pytest.raises(ValueError, match="already belongs to another batch"):
                    component.plug_in(batch.lanes)
