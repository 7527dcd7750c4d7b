"""Machine code in memory: shared by boards, given back, bounded."""

from __future__ import annotations

import gc
import json
import threading
from pathlib import Path

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.jit.code.store import STORE, UNUSED_BYTES
from tests.machine.guest import machine
from tests.translator.background import (
    BACKGROUND,
    FAR_AWAY,
    WAITING,
    in_use,
    new_loop,
    run_until_translated,
)
from tests.translator.processes import process


def test_boards_with_the_same_program_share_code() -> None:
    """Also with one that came when the first had gone."""
    source = new_loop()
    first = machine(source, WAITING)
    run_until_translated(first)
    second = machine(source, WAITING)
    run_until_translated(second)
    stats = second.board.stats()
    assert first.board.stats().compiled == 1
    assert (stats.compiled, stats.loaded) == (0, 0)
    assert stats.shared >= 1
    first.run(5)
    del first, second
    gc.collect()
    third = machine(source, WAITING)
    run_until_translated(third)
    assert third.board.stats().compiled == 0
    assert third.board.stats().shared >= 1


def test_the_same_loop_elsewhere_is_other_code() -> None:
    """Addresses are in the code."""
    source = new_loop()
    first, second = machine(source, WAITING), machine("#addr 0x100\n" + source, WAITING)
    second.board.cpu.regs.pc = 0x100
    for built in (first, second):
        run_until_translated(built)
        built.run(999)
    assert second.board.stats().compiled >= 1
    assert second.state[1] == first.state[1]
    assert second.board.cpu.regs.pc == first.board.cpu.regs.pc + 0x100
    assert (second.a0, second.a1) == (first.a0, first.a1)


def test_a_hundred_boards() -> None:
    """Each with code of its own; what they leave behind is bounded."""
    before = in_use()
    for _ in range(100):
        built = machine(new_loop(), WAITING, size=0x400)
        run_until_translated(built)
        del built
    after = in_use()
    assert after <= before
    assert len(STORE._unused) > 10
    assert STORE._unused_bytes == sum(code.native.size for code in STORE._unused.values())
    assert STORE._unused_bytes <= UNUSED_BYTES
    assert set(STORE._unused) == set(STORE._codes) - after


def test_boards_in_several_threads() -> None:
    """They compile, share, release and drop code at the same time."""
    sources = [new_loop() for _ in range(3)]
    wanted = []
    for source in sources:
        reference = machine(source, "interpreter")
        reference.run(20 * 400)
        wanted.append(reference.state)
    failures: list[object] = []

    def work(number: int) -> None:
        try:
            for k in range(12):
                which = (number + k) % len(sources)
                built = machine(sources[which], BACKGROUND if k % 2 else WAITING)
                for _ in range(20):
                    built.run(400)
                assert built.state == wanted[which]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FAR_AWAY)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


def many_loops(count: int) -> str:
    """Loops of 200 rounds, one after the other, for ever."""
    loops = (
        f"cpy c0, 200\nloop{k}: add a0, {k}\nxor a1, a0\ndec c0\nifnq\njp loop{k}"
        for k in range(count)
    )
    return "again:\n" + "\n".join(loops) + "\njp again"


@pytest.mark.parametrize("most", [1 << 16, 300_000])
def test_memory_for_code_is_bounded(most: int) -> None:
    """When it is full all regions make room, and what is hot then is translated again."""
    options = TranslatorOptions(
        threshold=300,
        cache=False,
        background=False,
        optimize=False,
        max_bytes=most,
        tiers=("regions",),
    )
    built = machine(many_loops(20), options)
    other = machine(many_loops(20), "interpreter")
    most_regions = before = 0
    for run in range(120):
        built.run(310)
        stats = built.board.stats()
        assert stats.code_bytes <= most
        most_regions = max(most_regions, stats.regions)
        if run == 60:
            before = stats.translated
    assert 1 <= most_regions <= most // 4096
    assert built.board.stats().compiled + built.board.stats().shared > most_regions
    assert built.board.stats().translated > before > 0
    other.run(120 * 310)
    assert built.state == other.state


def test_a_region_larger_than_all_memory_for_code() -> None:
    """It is not kept; the guest does without."""
    options = TranslatorOptions(
        threshold=300, cache=False, background=False, optimize=False, tiers=("regions",)
    )
    # Less than may be asked for, and than the smallest region takes.
    object.__setattr__(options, "max_bytes", 1000)
    lines = "\n".join(f"lsa a2, a1, {k % 64 * 4}\nwsa a3, {k % 64 * 4}, a2" for k in range(150))
    source = f"loop:\n{lines}\njp loop"
    built = machine(source, options, a1=0x7000, a3=0x8000)
    other = machine(source, "interpreter", a1=0x7000, a3=0x8000)
    for _ in range(4):
        built.run(1000)
        other.run(1000)
        assert built.state == other.state
    stats = built.board.stats()
    assert stats.compiled + stats.shared > 0
    assert (stats.regions, stats.code_bytes) == (0, 0)


# --- many translations -------------------------------------------------------------------------

ROUNDS = """
from lrvm_jit.jit.code import store

def resident():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 10

options = TranslatorOptions(
    threshold=1,
    background=False,
    cache=False,
    optimize=False,
    max_instructions=8,
    max_bytes=1 << 17,
    tiers=("regions",),
)
# Full after a few of the rounds, as the board's memory is.
store.UNUSED_BYTES = 1 << 19
built = machine("halt", options)
regs, words = built.board.cpu.regs, built.ram.words
words[1], words[2] = encode("xor", Reg.A1, Reg.A0), encode("jpr", 0xFFF8)
sizes = []
for number in range(1, ROUNDS + 1):
    at = number % 5000 * 3
    words[at + 1 : at + 3] = words[1:3]
    for step in (number, number + 10000):
        words[at] = encode("add", Reg.A0, step)
        regs.pc, regs.a0 = 4 * at, 0
        built.run(30)
        assert built.a0 == 10 * step
    if number in (WARM, ROUNDS):
        sizes.append(resident())
stats = built.board.stats()
print(json.dumps([stats.compiled, stats.invalidations, stats.translated, sizes]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_stays_flat_over_thousands_of_translations() -> None:
    """Each round runs new code and then changes it: one translation goes because of the change,
    the other one as memory for code is full. Nothing of them stays in the process."""
    warm, rounds = 400, 1000
    printed = process(f"WARM, ROUNDS = {warm}, {rounds}\n", ROUNDS)
    compiled, invalidations, translated, (before, after) = json.loads(printed)
    assert compiled == 2 * rounds
    assert invalidations > rounds // 2
    assert translated > 2 * rounds * 20
    # LLVM keeps some 2 KB of each compilation; a region left behind would be 4 KB and more.
    assert after - before < 3600, "kilobytes"
