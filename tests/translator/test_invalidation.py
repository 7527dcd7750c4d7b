"""Code that changes after it has been translated, and whatever else a region relied on.

Every scenario is played on the reference engine and on translators, and all see the same after each
run: registers, flags, cycles, memory, why and where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import pytest

from lrvm_jit import Component, MemoryWindow, Metadata
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.code.installation import MOST_LOSSES
from lrvm_tools.lasm import assemble
from tests.translator.scenarios import HOT, Scenario, play

ADD_1, ADD_100 = encode("add", Reg.A0, 1), encode("add", Reg.A0, 100)


# --- the guest changes its code ----------------------------------------------------------------


def test_a_store_into_the_next_instruction() -> None:
    """Of the same block: the translated store must not run into the old instruction."""
    play(
        """
    loop:
        ex a1, a2
        wsa target, a1
    target:
        add a0, 1
        xor a3, a0
        jp loop
        """,
        Scenario.warm_up,
        a1=ADD_1,
        a2=ADD_100,
    )


def test_a_store_into_the_next_instruction_now_and_then() -> None:
    """Most rounds write what stands there already, which is no change."""
    play(
        """
    loop:
        inc c0
        and c0, 63
        ifeq
        ex a1, a2
        wsa target, a1
    target:
        add a0, 1
        jp loop
        """,
        lambda scenario: scenario.run(*[330] * 12),
        a1=ADD_1,
        a2=ADD_100,
    )


@pytest.mark.parametrize("every", [8, 64, 256])
@pytest.mark.parametrize(
    "store", ["wsa target, a1", "wea a6, 0, 1", "srm a6, 0, a1", "push a1\npop a4"]
)
def test_a_loop_that_patches_itself(store: str, every: int) -> None:
    """Every so many rounds, by each instruction that stores."""
    play(
        f"""
    loop:
    target:
        add a0, 1
        inc a5
        cmp a5, {every}
        ifls
        jp loop
        cpy a5, 0
        ex a1, a2
        cpy avr, a1
        {store}
        jp loop
        """,
        Scenario.warm_up,
        a1=ADD_1,
        a2=ADD_100,
        ssp=4,
    )


def test_a_store_at_a_distance_from_the_code_it_changes() -> None:
    """The patching code is a region of its own, far from the patched one."""
    play(
        """
    loop:
        call target
        inc a5
        and a5, 127
        ifeq
        call patch
        jp loop
    target:
        add a0, 1
        xor a3, a0
        ret
    #addr 0x1000
    patch:
        ex a1, a2
        cpy a6, target
        wsa a6, 0, a1
        ret
        """,
        Scenario.warm_up,
        a1=ADD_1,
        a2=ADD_100,
        ssp=0x8000,
    )


def test_code_copied_over_code() -> None:
    """Two routines take turns at the same place; both are run long enough to be translated."""
    scenarios = play(
        """
    loop:
        cpy a1, routine_a
        call copy
        cpy a1, routine_b
        call copy
        jp loop
    copy:
        cpy c0, 0
    next:
        lsa avr, a1, c0
        wea a7, c0, 1
        add c0, 4
        cmp c0, 20
        ifls
        jp next
        jp a7
    routine_a:
        add a2, 1
        cmp a2, a6
        ifls
        jpr -12
        ret
    routine_b:
        xor a4, a2
        dec a2
        ifnq
        jpr -12
        ret
        """,
        lambda scenario: scenario.run(*[400] * 20),
        a6=100,
        a7=0x1000,
        ssp=0x8000,
    )
    assert all(scenario.board.stats().invalidations for scenario in scenarios)


def test_a_table_between_the_instructions() -> None:
    """Data beside translated code changes all the time, and that is no change of code."""
    [hot, _] = play(
        """
    loop:
        lsa a1, counter
        inc a1
        wsa counter, a1
        jp after
    counter: #d32 0
    after:
        xor a2, a1
        jp loop
        """,
        Scenario.warm_up,
    )
    assert hot.board.stats().invalidations == 0


def test_code_that_two_regions_have() -> None:
    """A function in two loops: with its change both are void."""
    source = """
    first:
        call f
        dec c0
        ifnq
        jp first
        jp a7
    second:
        inc a5
        call f
        dec c0
        ifnq
        jp second
        jp a7
    f:
        add a0, 1
        xor a3, a0
        ret
    """

    def script(scenario: Scenario) -> None:
        regs = scenario.board.cpu.regs
        for word in (ADD_1, ADD_100, ADD_1):
            scenario.board.memory.write(scenario.labels["f"], word)
            for label in ("first", "second") * 2:
                regs.pc, regs.c0, regs.a7 = scenario.labels[label], 1000, scenario.labels[label]
                scenario.run(300, 300, 300)

    scenarios = play(source, script, ssp=0x8000)
    assert all(scenario.board.stats().invalidations >= 2 for scenario in scenarios)


def test_a_loop_that_rewrites_another_one() -> None:
    """The other one's limit, step and target are changed in all the ways that a word can be."""
    play(
        """
    outer:
        add a2, 13
        and a2, 0xFF
        ifeq
        inc a2
        cpy a3, a4
        bor a3, a2
        wsa limit, a3
        cpy a0, 0
    inner:
        inc a0
    limit:
        cmp a0, 5
        ifls
        jp inner
        add a1, a0
        jp outer
        """,
        lambda scenario: scenario.run(*[330] * 14),
        a4=encode("cmp", Reg.A0, 0),
    )


def test_more_changes_than_are_worth_translating() -> None:
    """Code that changes all the time is translated a few times, then it is left alone."""
    source = """
    loop:
    target:
        add a0, 1
        xor a3, a0
        dec c0
        ifnq
        jp loop
        cpy c0, 50
        ex a1, a2
        wsa target, a1
        jp loop
    """
    scenarios = play(
        source,
        lambda scenario: scenario.run(*[500] * 40),
        a1=ADD_1,
        a2=ADD_100,
        c0=50,
    )
    for scenario in scenarios:
        assert scenario.board.stats().invalidations <= 9 * MOST_LOSSES


# --- the host and components change code -------------------------------------------------------


OVERLAYS = [
    "l: add a0, 3\nxor a1, a0\njp 0x800",
    "l: sub a0, 1\ninc a2\nifnq\njp 0x800\njp 0x804",
    "push a0\ncall 0x810\npop a0\njp 0x800\nadd a0, 7\nret",
    "add a0, 5\nxor a1, a0\njp 0x800",
]


@pytest.mark.parametrize("how", ["load", "write", "words"])
def test_the_host_loads_overlays(how: str) -> None:
    """Another program at the same place, and again the first one."""

    def script(scenario: Scenario) -> None:
        for source in [*OVERLAYS, *OVERLAYS]:
            words = assemble(source)
            if how == "load":
                scenario.board.memory.load(0x800, words)
            elif how == "words":
                scenario.machine.ram.words[0x200 : 0x200 + len(words)] = words
            else:
                for k, word in enumerate(words.tolist()):
                    scenario.board.memory.write(0x800 + 4 * k, word)
            scenario.board.cpu.regs.pc = 0x800
            scenario.run(300, 300, 300, 101)

    [_, eager] = play("jp 0x800", script, ssp=0x4000)
    assert eager.board.stats().invalidations >= 4


def test_programs_one_after_the_other_at_the_same_place() -> None:
    """Each of them is translated where it is hot; the later ones after some time."""

    def script(scenario: Scenario) -> None:
        for number in range(1, MOST_LOSSES + 3):
            scenario.board.reset()
            scenario.board.memory.load(0, assemble(f"loop: add a0, {number}\nxor a1, a0\njp loop"))
            before = scenario.board.stats().translated
            scenario.run(*[300] * (6 if number <= MOST_LOSSES else 60))
            if scenario.board.engine == "translator":
                assert scenario.board.stats().translated - before > 600, f"program {number}"

    play("halt", script, translators=[HOT])


def test_code_at_a_place_that_was_tried_twice() -> None:
    """The second time as runs end there. The code that comes later is translated as well."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.pc = 4
        scenario.run(300, *[3] * 120)
        before = scenario.board.stats().translated
        scenario.board.memory.load(0, assemble("add a0, 5\nsub a1, a0\njp 0"))
        scenario.run(*[300] * 6)
        if scenario.board.engine == "translator":
            assert scenario.board.stats().translated - before > 600

    play("loop: add a0, 1\nxor a1, a0\njp loop", script, translators=[HOT])


def test_the_host_changes_one_word() -> None:
    """Each word of a translated loop in turn, and back."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        words = scenario.machine.ram.words
        for index in range(scenario.labels["end"] // 4):
            old = int(words[index])
            words[index] = encode("cpy", Reg.A6, 0)
            scenario.run(151)
            words[index] = old
            scenario.board.cpu.regs.pc = 0
            scenario.run(151, 300, 300)

    play(
        "loop: add a0, 1\ncall f\nadd a1, 1\ncmp a1, 9\nifge\ncpy a1, 0\njp loop\n"
        "f: xor a2, a0\nret\nend: jp loop",
        script,
        ssp=0x4000,
    )


def test_reset_brings_the_first_program_back() -> None:
    """board.reset() restores the RAM's image, under regions of what had been written there."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.board.memory.write(0, ADD_100)
        scenario.warm_up()
        scenario.board.reset()
        scenario.warm_up()

    play("loop: add a0, 1\nxor a1, a0\njp loop", script)


class Overlay(Component):
    """Plain memory with a register behind it: a write there puts that word at its start."""

    name = "Overlay"

    def __init__(self, words: Sequence[int]) -> None:
        self.windows = [MemoryWindow(0, numpy.array(words, numpy.uint32))]

    def metadata(self) -> Metadata:
        return Metadata(5, self.windows[0].end + 4, 0xFFFF_FFFF, 0)

    def write(self, offset: int, word: int) -> None:
        if offset == self.windows[0].end:
            self.windows[0].words[0] = word
        else:
            super().write(offset, word)


def test_a_component_changes_code_in_its_own_memory() -> None:
    """Code in a component's window, changed by that component in the middle of a loop."""
    routine = [ADD_1, *assemble("xor a3, a0\nret").tolist()]
    play(
        """
    loop:
        call a7
        inc a5
        and a5, 31
        ifnq
        jp loop
        ex a1, a2
        wsa a6, 0, a1
        call a7
        jp loop
        """,
        Scenario.warm_up,
        lambda: [Overlay(routine)],
        a1=ADD_1,
        a2=ADD_100,
        a6=0x1000C,
        a7=0x10000,
        ssp=0x8000,
    )


def test_a_component_changes_the_code_that_writes_to_it() -> None:
    """The loop itself lies in the component's window: the next instruction is the new one."""
    loop = assemble("add a0, 1\nex a1, a2\nwsa a6, 0, a1\nxor a3, a0\njp a7").tolist()
    play(
        "jp a7",
        Scenario.warm_up,
        lambda: [Overlay(loop)],
        a1=ADD_1,
        a2=ADD_100,
        a6=0x10014,
        a7=0x10000,
    )


# --- breakpoints -------------------------------------------------------------------------------


def test_breakpoints_on_translated_loops() -> None:
    """Set, moved and cleared between runs: each run stops before the instruction, each round."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        for address in (*range(0, 40, 4), 0x100):
            scenario.board.breakpoints = {address}
            scenario.run(*[100] * 4, 300)
            scenario.board.breakpoints = {address, 8}
            scenario.run(*[100] * 4)
            scenario.board.breakpoints = ()
            scenario.run(1, 300, 300)

    play(
        "loop: inc a0\ncall f\ncmp a0, a1\nifeq\njp loop\njp loop\nf: if EF\nadd a2, 1\nret\nhalt",
        script,
        ssp=0x8000,
    )
