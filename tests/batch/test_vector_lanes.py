"""Lanes side by side do exactly what they do alone: registers, flags, memory, cycles, budgets."""

from __future__ import annotations

import random
from typing import Any

import numpy
import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.batch import Batch, CharOutput, LaneReason
from lrvm_jit.batch.vector import code
from lrvm_jit.isa import Reg
from lrvm_jit.jit.vector import memory, shape
from lrvm_jit.jit.vector.shape import VectorUnit, vector_unit
from lrvm_tools.lasm import assemble
from tests.batch.divergent_programs import RAM_WORDS, random_program

N = 70
"""Lanes: no multiple of any width."""
FIELDS = ("reason", "cycles", "pc", "address", "exception", "instructions")
ARRAYS = ("regs", "flags", "left", "halted", "last_pc")


def side_by_side(width: int) -> TranslatorOptions:
    return TranslatorOptions(vector_lanes=width, cache=False, optimize=False)


def state_of(batch: Batch) -> dict[str, numpy.ndarray]:
    found = {name: getattr(batch.lanes, name).copy() for name in ARRAYS}
    return found | {"ram": batch.ram.copy()}


def assert_same(source: str, width: int, seed: int, budgets: list[Any], stop: bool) -> float:
    """Run lanes alone and side by side; returns the part of the instructions done side by side."""
    batches = [
        Batch(assemble(source), N, ram_size=4 * RAM_WORDS, engine=engine, threads=1)
        for engine in ("interpreter", side_by_side(width))
    ]
    for batch in batches:
        rng = numpy.random.default_rng(seed)
        top = 1 << 32 if seed % 3 == 0 else 40
        batch.regs[:, :8] = rng.integers(0, top, (N, 8), dtype=numpy.uint32)
        batch.ram[:] = rng.integers(0, 1 << 32, batch.ram.shape, dtype=numpy.uint32)
        if seed % 4 == 1:
            batch.regs[:, Reg.AF] = rng.integers(0, 256, N)
    for budget in budgets:
        alone, together = (batch.run(budget, halt_on_exception=stop) for batch in batches)
        for name in FIELDS:
            assert numpy.array_equal(getattr(alone, name), getattr(together, name)), name
        wanted, found = map(state_of, batches)
        for name in wanted:
            assert numpy.array_equal(wanted[name], found[name]), name
    stats = batches[1].stats()
    return stats.side_by_side / max(1, stats.instructions)


@pytest.mark.parametrize("width", [8, 16, 32])
def test_random_programs(width: int) -> None:
    """Lanes that part at random, with faults, short budgets, and runs that go on."""
    together = 0.0
    for seed in range(4 * width, 4 * width + (1 if width == 32 else 2)):
        rng = numpy.random.default_rng(seed)
        budgets = [rng.integers(0, 60, N), rng.integers(0, 3_000, N), 20_000]
        source = random_program(random.Random(seed))
        together += assert_same(source, width, seed, budgets, stop=bool(seed & 1))
    assert together > 0


@pytest.mark.parametrize("unit", [VectorUnit.PLAIN, VectorUnit.AVX2])
def test_random_programs_for_other_processors(
    unit: VectorUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code for a processor that has less: without mask registers, and without gathers."""
    if unit.value > vector_unit().value:
        pytest.skip(f"this processor has no {unit.name}")
    for module in (shape, memory):
        monkeypatch.setattr(module, "vector_unit", lambda: unit)
    assert shape.host_shape(16).piece == unit.value
    for seed in (900 + unit.value, 901 + unit.value):
        rng = numpy.random.default_rng(seed)
        budgets = [rng.integers(0, 60, N), rng.integers(0, 3_000, N), 20_000]
        assert_same(random_program(random.Random(seed)), 16, seed, budgets, stop=bool(seed & 1))


SOURCES = {
    # Registers and flags only, all lanes together.
    "together": "cpy a3, 50\nloop: mul a0, 31\nxor a0, a1\nsub a3, 1\nifnq\njp loop\nhalt",
    # Each lane leaves the loop when it likes.
    "trips": "and a0, 63\nloop: add a1, a0\nsub a0, 1\nifge\njp loop\nhalt",
    # Ways that meet again, one with a call, and memory at addresses that differ.
    "calls": """
        cpy ssp, 0x1100
        cpy a3, 20
    loop:
        cpy ac1, a0
        and ac1, 0x3C
        add ac1, 0x1000
        lsa a4, ac1, 0
        cmp a4, a1
        ifls
        call swap
        add a0, 4
        sub a3, 1
        ifnq
        jp loop
        halt
    swap:
        push a4
        wsa ac1, 0, a1
        pop a1
        ret
    """,
    # A table in ROM, and divisions that some lanes may not do.
    "table": """
        cpy ac1, table
        cpy a3, 12
    loop:
        cpy a2, a0
        and a2, 7
        shl a2, 2
        lsa a4, ac1, a2
        div a1, a4, DIV_SIG
        add a0, a1
        sub a3, 1
        ifnq
        jp loop
        halt
    table:
        #d32 1, 2, 0xFFFFFFFF, 7, 1000, 3, 0, 5
    """,
}


@pytest.mark.parametrize("name", SOURCES)
def test_loops(name: str) -> None:
    """What vector code is for is done by it, and not by the scalar path."""
    together = assert_same(SOURCES[name], 16, 4, [7, 10_000], stop=True)
    assert together > 0.5


def test_registers_that_all_lanes_share() -> None:
    """Code that relies on one value in all lanes is made anew when they differ in another run."""
    source = (
        "cpy a3, 9\nloop: add a0, a1\nlsa a4, ac0, 0\nadd a0, a4\nsub a3, 1\nifnq\njp loop\nhalt"
    )
    batch = Batch(assemble(source), 40, ram_size=64, engine=side_by_side(16), threads=1)
    for addresses in (0, 4 * (numpy.arange(40) % 16), 8):
        batch.reset()
        batch.ram[:] = numpy.arange(16)
        batch.regs[:, Reg.AC0] = batch.ram_base + addresses
        batch.regs[:, Reg.A1] = numpy.arange(40)
        assert (batch.run().reason == LaneReason.HALTED).all()
        wanted = 9 * (numpy.arange(40) + numpy.asarray(addresses) // 4)
        assert (batch.regs[:, Reg.A0] == wanted).all()
    stats = batch.stats()
    assert stats.side_by_side == stats.instructions


@pytest.mark.parametrize("first", [0x10, 0x800], ids=["in the loop", "where no code is"])
def test_code_is_made_anew_for_lanes_that_begin_elsewhere(first: int) -> None:
    begin, loop = "cpy a3, 9\nadd a0, 5\nxor a0, 1\nsub a0, 2", "add a0, a1\nsub a3, 1"
    source = f"{begin}\nloop: {loop}\nifnq\njp loop\nhalt"
    batch = Batch(assemble(source), 40, ram_size=64, engine=side_by_side(16), threads=1)
    batch.regs[:, Reg.PC] = first
    batch.run(max_cycles=20)
    before = batch.stats()
    batch.reset()
    batch.run()
    after = batch.stats()
    assert after.side_by_side - before.side_by_side == after.instructions - before.instructions
    assert (batch.regs[:, Reg.A0] == 2).all()


def test_a_table_in_rom() -> None:
    """Loads whose bounds the code tells, and others, from lanes that are together or have parted;
    beyond the ROM there is an exception."""
    source = """
        cpy ac1, table
    loop:
        cpy a2, a0
        and a2, 3
        shl a2, 2
        lsa a3, ac1, a2
        add a1, a3
        and a4, 31
        lsa a3, ac1, a4
        xor a1, a3
        sub a0, 1
        ifge
        jp loop
        halt
    table:
        #d32 7, 11, 0x10000, 13
    """
    batches = [
        Batch(assemble(source), N, ram_size=64, engine=engine, threads=1)
        for engine in ("interpreter", side_by_side(32))
    ]
    for together in (True, False):
        for batch in batches:
            batch.reset()
            batch.regs[:, Reg.A0] = 20 if together else numpy.arange(N)
            batch.regs[:, Reg.A4] = numpy.arange(N) % 5 * 4
            result = batch.run(max_cycles=1000, halt_on_exception=True)
        alone, side = batches
        assert numpy.array_equal(alone.regs, side.regs)
        assert numpy.array_equal(alone.lanes.cycles, side.lanes.cycles)
    stats = side.stats()
    assert stats.side_by_side > 0.8 * stats.instructions
    assert (result.reason == LaneReason.HALTED).any()


def test_components_are_asked_in_between() -> None:
    """Lanes leave for a component and come back: each prints so many letters as it counts."""
    source = """
        cpy ac0, 0x2000
    next:
        add a1, a0
        wsa ac0, 0, a2
        add a2, 1
        sub a0, 1
        ifnq
        jp next
        halt
    """
    texts = []
    for engine in ("interpreter", side_by_side(16)):
        output = CharOutput()
        batch = Batch(assemble(source), 40, components=[output], engine=engine)
        batch.regs[:, Reg.A0] = 1 + numpy.arange(40) % 7
        batch.regs[:, Reg.A2] = ord("a")
        result = batch.run()
        assert (result.reason == LaneReason.HALTED).all()
        texts.append([output.text(lane) for lane in range(40)])
    assert texts[0] == texts[1]
    assert texts[0][6] == "abcdefg"


def test_userland_and_paging_are_left_to_the_scalar_path() -> None:
    """Lanes that are in userland, or whose MMU is on, are no lanes for vector code."""
    batch = Batch(assemble("loop: sub a0, 1\nifnq\njp loop\nhalt"), 32, engine=side_by_side(16))
    batch.regs[:, Reg.A0] = 100
    batch.regs[::2, Reg.SMT] = 0
    result = batch.run(1_000, halt_on_exception=True)
    assert (result.reason[1::2] == LaneReason.HALTED).all()
    assert (result.reason[::2] == LaneReason.EXCEPTION).all()


def test_code_in_ram_is_left_to_the_scalar_path() -> None:
    """Each lane has code of its own there, and can change it."""
    words = assemble("sub a0, 1\nifnq\njpr -8\nhalt")
    template = Motherboard([BootRom([0], 0x1000), Ram(0x100)])
    template.map_contiguous(0)
    template.reset()
    batch = Batch(template, 32, engine=side_by_side(16))
    batch.regs[:, Reg.A0] = 5
    batch.regs[:, Reg.PC] = 0x1000
    batch.ram[:, : len(words)] = words
    assert (batch.run(1_000).reason == LaneReason.HALTED).all()
    assert batch.stats().side_by_side == 0


def test_a_stopped_run_goes_on() -> None:
    """However a run was stopped, flags and the last address are those between instructions."""
    source = "loop: add a0, 3\nxor a1, a0\ncmp a1, a2\nifnq\njp loop\nhalt"
    batch = Batch(assemble(source), 64, engine=side_by_side(16), threads=1)
    batch.regs[:, Reg.A2] = 1

    def stop(done: int, total: int, instructions: int) -> None:
        batch.stop()

    result = batch.run(progress=stop)
    assert result.interrupted
    begun = numpy.flatnonzero(result.reason == LaneReason.STOPPED)
    rounds, steps = numpy.divmod(result.cycles[begun], 5)
    assert (result.address[begun] == 4 * ((steps - 1) % 5)).all()
    # Where a lane stands the flags are those of the last operation that sets them.
    last = numpy.select([steps == 1, steps == 2], [batch.regs[begun, 0], batch.regs[begun, 1]])
    zero = batch.regs[begun, Reg.AF] >> 7
    known = numpy.isin(steps, (1, 2)) & (rounds >= 0)
    assert (zero[known] == (last[known] == 0)).all()


@pytest.mark.parametrize("width", [1, 7, 64, -8])
def test_widths_are_checked(width: int) -> None:
    with pytest.raises(ValueError, match=f"vector_lanes is {width}"):
        TranslatorOptions(vector_lanes=width)


def test_a_failure_is_told_and_the_lanes_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without vector code a batch is slower: nothing else would tell."""

    def fail(*_: Any) -> None:
        raise KeyError("no such op")

    monkeypatch.setattr(code, "explore", fail)
    program = assemble("loop: add a1, a0\nsub a0, 1\nifnq\njp loop\nhalt")
    batch = Batch(program, n=64, engine=TranslatorOptions(vector_lanes=16), ram_size=4)
    batch.regs[:, Reg.A0] = numpy.arange(1, 65)
    with pytest.warns(
        RuntimeWarning, match="lanes do not run side by side: KeyError: 'no such op'"
    ):
        batch.run()
    assert batch.regs[:, Reg.A1].tolist() == [k * (k + 1) // 2 for k in range(1, 65)]
