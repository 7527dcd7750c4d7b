"""Exceptions in translated code, and its accesses at the edges of memory.

Every scenario is played on the reference engine and on translators; all see the same.
"""

from __future__ import annotations

from functools import partial

import pytest

from lrvm_jit import StopReason
from tests.engines import EAGER
from tests.machine.guest import RAM_SIZE
from tests.machine.probes import Probe
from tests.translator import scenarios
from tests.translator.scenarios import OPTIMIZED, Scenario

play = partial(scenarios.play, translators=(OPTIMIZED, EAGER))

# --- exceptions --------------------------------------------------------------------------------

HANDLER = """
handler:
    cpy c1, era
    add c1, 4
    xor ac0, af
    xor ac1, et
    add ac2, c1
    jp c1
"""


@pytest.mark.parametrize(
    "risky",
    [
        "div a1, a2",
        "mod a1, a2",
        "div a1, a2, 0x10",
        "lsa a3, a5",
        "lsa a3, a4, a2",
        "wsa a5, 0, a1",
        "wea a5, a2, 1",
        "lea a5, a2, 4",
        "srm a5, 0, a1",
        "srm a5, a2, a1",
        "itr 3",
        "ex a1, ssp\nex a1, ssp\npush a1\npop a3",
    ],
)
def test_exceptions_in_a_translated_loop(risky: str) -> None:
    """Some rounds divide by zero or use an odd address: the handler finds era, et and the flags
    of that instruction, and goes on behind it."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.warm_up()
        scenario.run(*[17] * 60)
        assert scenario.board.cpu.exception is not None or "ssp" in risky

    play(
        f"""
    loop:
        inc a0
        cpy a2, a0
        and a2, 7
        cpy a5, a6
        cmp a2, 5
        ifeq
        add a5, 2
        add a1, a0
        {risky}
        cpy a7, af
        add rr0, a7
        add rr1, a3
        jp loop
        {HANDLER}
        """,
        script,
        a4=0x7001,
        a6=0x7000,
        ssp=0x8000,
    )


def test_a_stop_on_exception_in_a_translated_loop() -> None:
    """The run ends with the exception, at the instruction that raised it."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.warm_up()
        reasons = {scenario.run(400, halt_on_exception=True).reason for _ in range(10)}
        assert reasons == {StopReason.EXCEPTION}

    play(
        f"loop: inc a0\ncpy a1, a0\nand a1, 63\ndiv a2, a1\nxor a3, a2\njp loop\n{HANDLER}", script
    )


def test_signed_division_overflows() -> None:
    """The smallest number by -1, and by 0, in every mode; on x86 either ends the process if
    generated code gets it wrong."""
    modes = (
        "DIV_SIG",
        "DIV_SIG | DIV_ZRO_MIN | DIV_OFW_MIN",
        "DIV_SIG | DIV_ZRO_MAX | DIV_OFW_ZRO",
    )
    body = "\n".join(
        f"cpy a3, a1\n{op} a3, a2, {mode}\nxor a4, a3\ncpy a5, af\nadd a6, a5"
        for op in ("div", "mod")
        for mode in (*modes, "DIV_SIG | DIV_ZRO_ZRO | DIV_OFW_MAX", "DIV_ZRO_MAX")
    )

    def script(scenario: Scenario) -> None:
        regs = scenario.board.cpu.regs
        regs.ev = scenario.labels["handler"]
        for dividend in (0x8000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0):
            for divisor in (0xFFFF_FFFF, 0, 1, 0x8000_0000):
                regs.a1, regs.a2, regs.pc = dividend, divisor, 0
                scenario.run(300)

    play(f"loop:\n{body}\njp loop\n{HANDLER}", script)


# --- edges of memory ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "top", [RAM_SIZE, RAM_SIZE - 4, RAM_SIZE + 4, RAM_SIZE + 8, RAM_SIZE + 12, 0x7002]
)
@pytest.mark.parametrize("behind", ["nothing", "component"])
def test_the_stack_at_the_end_of_memory(top: int, behind: str) -> None:
    """Pushes and pops around the last word; behind it is nothing, or a component. The words that
    one check covers must all be there."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.warm_up()
        scenario.run(*[11] * 40)
        if behind == "component":
            probe = scenario.board.components[1]
            assert isinstance(probe, Probe)
            scenario.note(probe.log)

    play(
        f"""
    loop:
        inc a0
        push a0
        push a1
        call f
        pop a2
        pop a3
        pop a4
        add a1, a4
        push a4
        xor a5, a3
        cpy ssp, a6
        jp loop
    f:  push a2
        if EF
        pop a2
        cpy ssp, a7
        jp back
    back:
        jp c0
        {HANDLER}
        """,
        script,
        (lambda: [Probe(size=64)]) if behind == "component" else tuple,
        c0=16,
        a6=top,
        a7=(top - 8) & 0xFFFF_FFFF,
        ssp=top,
    )


@pytest.mark.parametrize("top", [0, 4, 8, 12, 16])
def test_the_stack_at_address_0(top: int) -> None:
    """It wraps around to 0xFFFFFFFC, where nothing is; or it overwrites the program's start."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.pc = 0x1000
        scenario.warm_up()

    play(
        """
        #addr 0x1000
    loop:
        inc a0
        push a0
        call f
        pop a1
        add a2, a1
        cpy ssp, a6
        jp loop
    f:  push a2
        pop a3
        cpy ssp, a7
        jp 0x100C
        """,
        script,
        a6=top,
        a7=(top - 4) & 0xFFFF_FFFF,
        ssp=top,
    )


def test_a_stack_that_grows_over_the_code() -> None:
    """Pushes come nearer to the loop and then overwrite it."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.pc = 0x1000
        scenario.run(*[400] * 6)

    play(
        "#addr 0x1000\nloop: push a1\ninc a0\nxor a2, a0\njp loop\nhalt",
        script,
        a1=0x1C00_0001,
        ssp=0x1300,
        ev=0x1010,
    )


@pytest.mark.parametrize("start", [RAM_SIZE - 64, 0xFFFF_FFC0, RAM_SIZE - 62])
@pytest.mark.parametrize("step", [4, 12, 0xFFFF_FFFC])
def test_stores_and_loads_over_the_end_of_memory(start: int, step: int) -> None:
    """RAM, then nothing; and around the end of the address space into the program's first words."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.pc = 0x1000
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.warm_up()

    play(
        f"""
        #addr 0x1000
    again:
        cpy a0, a7
        cpy c0, 40
    loop:
        lsa a1, a0
        add a1, c0
        wsa a0, 0, a1
        lsa a2, a0
        xor a3, a2
        add a0, a6
        dec c0
        ifnq
        jp loop
        jp again
        {HANDLER}
        """,
        script,
        a6=step,
        a7=start,
    )


def test_code_at_the_end_of_memory() -> None:
    """A loop whose last instruction is the last word, and one that runs off it."""

    def script(scenario: Scenario) -> None:
        regs = scenario.board.cpu.regs
        for start in (RAM_SIZE - 16, RAM_SIZE - 12, RAM_SIZE - 8, RAM_SIZE - 4):
            regs.pc = start
            scenario.run(300, 300, 300)

    play(
        f"handler: cpy a7, {RAM_SIZE // 2}\nadd a7, a7\nsub a7, 16\njp a7\n"
        f"#addr {RAM_SIZE - 16}\ninc a0\nadd a1, a0\ncmp a2, a0\nif ZF",
        script,
    )
