"""Translated code is exact: where a run ends, what a cycle counter, a component or a handler
sees, where a request to stop it comes.

Every scenario is played on the reference engine and on translators; all see the same.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from lrvm_jit import HardwareError, Stop, StopReason
from tests.engines import EngineChoice
from tests.machine.guest import RAM_SIZE, Machine, machine
from tests.machine.probes import Probe
from tests.translator.scenarios import HOT, TRANSLATORS, Scenario, play, translator_id

BUSY = """
loop:
    inc a0
    call f
    cmp a0, a1
    ifls
    jp loop
    if EF
    add a2, 3
    ifn ZLF
    sub a3, a2
    push a3
    call f
    pop a4
    xor a5, a4
    ifge
    jp loop
    jp loop
f:
    add a6, a0
    ifge
    ret
    inc a7
    ret
"""
"""Calls, skips, skipped jumps and skipped returns."""


# --- where runs end ----------------------------------------------------------------------------


def test_every_stop_is_exact() -> None:
    """The run ends after so many instructions, wherever in the loop that is: cycles, pc, and the
    address of the last instruction."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.run(*range(120))

    scenarios = play(BUSY, script, ssp=0x8000, a1=400)
    assert all(scenario.board.stats().translated > 2000 for scenario in scenarios)


def test_every_stop_is_exact_from_every_instruction() -> None:
    """Also where a run begins in the middle of a region."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        for start in range(0, scenario.labels["f"] + 20, 4):
            for budget in (0, 1, 2, 3, 5, 8, 13, 40):
                scenario.board.cpu.regs.pc = start
                scenario.run(budget)

    play(BUSY, script, ssp=0x8000, a1=400)


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 29])
def test_a_run_in_slices(budget: int) -> None:
    """Many short runs are one long one."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.run(*[budget] * 120)

    play(BUSY, script, ssp=0x8000, a1=400)


def test_slices_and_one_run_end_alike() -> None:
    """A long run of translated code, cut anywhere, ends in the same state: also where the kernel
    itself cuts it."""
    rng = random.Random(1)
    cuts = sorted(rng.sample(range(3_000_000), 200))
    ends = []
    for slices in (
        [3_000_000],
        [2000] * 5 + [2_989_999, 1],
        [after - before for before, after in zip([0, *cuts], [*cuts, 3_000_000], strict=True)],
    ):
        busy = machine(BUSY, HOT, ssp=0x8000, a1=400)
        for budget in slices:
            stop = busy.run(budget)
        ends.append((stop, busy.state, busy.board.memory.dump(0x7F00, 0x8000).tolist()))
        assert busy.board.stats().translated > 2_000_000
    assert ends[0] == ends[1] == ends[2]


def test_a_loop_that_ends() -> None:
    """HALT after a translated loop, with the budget for it and one short of it."""

    def script(scenario: Scenario) -> None:
        for missing in (0, 1, 2, 3, 4):
            scenario.board.cpu.halted = False
            scenario.board.cpu.regs.pc = 0
            scenario.run(2 + 3 * 500 - missing, 10)

    play("cpy a0, 500\nloop: dec a0\nifnq\njp loop\nhalt", script)


def test_a_loop_without_budget_makes_no_progress() -> None:
    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.run(*[0] * 5)

    play("here: jp here", script)


# --- the cycle counter -------------------------------------------------------------------------


def test_the_cycle_counter_is_exact_everywhere() -> None:
    """At a block's beginning and end, after a skip, in a function, after a skipped jump."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.run(*[37] * 40)

    play(
        """
    loop:
        cycles a0
        wsa a7, 0, a0
        inc a1
        if EF
        cycles a2
        xor a3, a2
        call f
        cycles a2
        xor a3, a2
        ifge
        jp tail
        cycles a4
    tail:
        cycles a5
        mul a5, 3
        add a6, a5
        jp loop
    f:  cycles a2
        add a6, a2
        ret
        """,
        script,
        a7=0x7000,
        ssp=0x8000,
    )


# --- components --------------------------------------------------------------------------------


class Watcher(Probe):
    """Notes the whole state of the CPU at every access, and refuses some."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.on_access = self.watch

    def watch(self, kind: str, offset: int, value: int) -> None:
        if self.board is None:
            return
        cpu = self.board.cpu
        self.seen.append((kind, offset, value, list(cpu.regs), cpu.cycles, cpu.halted))
        if len(self.seen) % 7 == 0:
            raise HardwareError(0x20, len(self.seen) & 0xFF)


@pytest.mark.parametrize(
    "access",
    [
        "lsa a3, a7",
        "lsa a3, a7, a5",
        "lea a7, a5, 1\ncpy a3, avr",
        "wsa a7, 0, a0",
        "wsa a7, a5, a0",
        "wea a7, a5, 1",
        "srm a7, 4, a3",
        "lsa pc, a7",
    ],
)
def test_a_component_in_the_middle_of_a_block(access: str) -> None:
    """It sees the registers, flags, pc and cycle counter of exactly this instruction, and its
    refusal is an exception there."""

    def script(scenario: Scenario) -> None:
        watcher = scenario.board.components[1]
        assert isinstance(watcher, Watcher)
        watcher.board = scenario.board
        watcher.words[0] = scenario.labels["after"]
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.run(300, 300, 500, *[13] * 20)
        scenario.note(watcher.seen)
        assert len(watcher.seen) > 100

    play(
        f"""
    loop:
        inc a0
        xor a1, a0
        sub a2, a1
        {access}
    after:
        add a4, a3
        shl a4, 1
        add a5, 4
        and a5, 0xFF
        call f
        jp loop
    f:  ret
    handler:
        cpy c1, era
        add c1, 4
        add c0, et
        jp c1
        """,
        script,
        lambda: [Watcher()],
        a7=RAM_SIZE,
        ssp=0x8000,
    )


def test_a_loop_that_wanders_from_memory_into_a_component() -> None:
    """The same instruction finds RAM at first, then the component, then nothing."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        probe = scenario.board.components[1]
        assert isinstance(probe, Probe)
        scenario.note(probe.log)
        assert probe.log

    play(
        """
    again:
        cpy a0, a7
    loop:
        lsa a1, a0
        add a1, a0
        wsa a0, 0, a1
        add a0, 4
        cmp a0, a6
        ifls
        jp loop
        jp again
        """,
        script,
        lambda: [Probe(size=64)],
        a6=RAM_SIZE + 128,
        a7=RAM_SIZE - 512,
    )


# --- requests to stop --------------------------------------------------------------------------


def run_until_stopped(looping: Machine) -> Stop:
    """A run that only another thread ends."""
    ended = threading.Event()

    def stop() -> None:
        while not ended.wait(0.02):
            looping.board.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        return looping.board.run()
    finally:
        ended.set()
        stopper.join()


ENDLESS = {
    "counting": "loop: inc a0\njp loop",
    "itself": "loop: jp loop",
    "calls": BUSY,
    "memory": "loop: lsa a0, 0x80\ninc a0\nwsa 0x80, a0\nifnq\njp loop\njp loop",
    "store": "loop: wsa a7, 0, a0\nadd a7, a6\nadd a0, a1\nifge\njp loop\njp loop",
}


def successors(source: str) -> Callable[[int], set[int]]:
    """For an address all that can come after the instruction there, by running it alone."""

    def after(address: int) -> set[int]:
        found = set()
        for flags in (0x00, 0xFE, 0x40, 0x80, 0x08):
            one = machine(source, "reference", pc=address, ssp=0x8000, a7=0x7000, af=flags)
            for site in range(0, 0x60, 4):
                one.board.memory.write(0x8000, site)
                one.board.cpu.regs.pc = address
                one.board.cpu.regs.ssp = 0x8000
                one.board.cpu.regs.af = flags
                found.add(one.run(1).pc)
        return found

    return after


@pytest.mark.parametrize("translator", TRANSLATORS, ids=translator_id)
@pytest.mark.parametrize("name", ENDLESS)
def test_another_thread_stops_a_translated_loop(name: str, translator: EngineChoice) -> None:
    """The loop never leaves its region by itself. The stop names an instruction of the loop and
    what comes after it; the machine is between these two and runs on."""
    source = ENDLESS[name]
    looping = machine(source, translator, ssp=0x8000, a1=400, a7=0x7000)
    for _ in range(4):
        looping.run(300)
    after = successors(source)
    for _ in range(3):
        cycles = looping.board.cpu.cycles
        stop = run_until_stopped(looping)
        assert stop.reason is StopReason.STOPPED
        assert stop.cycles > cycles
        assert stop.pc in after(stop.address)
        again = looping.run(1)
        assert (again.address, again.cycles) == (stop.pc, stop.cycles + 1)
    stats = looping.board.stats()
    assert stats.translated > stats.instructions // 2
    assert stats.instructions == looping.board.cpu.cycles


@pytest.mark.parametrize("translator", TRANSLATORS, ids=translator_id)
def test_a_stopped_run_is_the_same_as_one_with_that_budget(translator: EngineChoice) -> None:
    """Nothing is lost or done twice at the point where the request came."""
    stopped = machine(BUSY, translator, ssp=0x8000, a1=400)
    stop = run_until_stopped(stopped)
    other = machine(BUSY, "interpreter", ssp=0x8000, a1=400)
    end = other.board.run(max_cycles=stop.cycles)
    assert (stop.pc, stop.address) == (end.pc, end.address)
    assert stopped.state == other.state
