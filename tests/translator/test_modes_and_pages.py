"""Page tables and modes that change under translated code.

Every scenario is played on the reference engine and on translators; all see the same.
"""

from __future__ import annotations

import pytest

from lrvm_tools.lasm import assemble
from tests.machine.paging import (
    ALL,
    EXECUTE,
    FRAME,
    HIGH,
    HIGH_TABLE,
    WRITE,
    low_entry,
    set_page,
)
from tests.translator.scenarios import Scenario, play, play_paged

OTHER = 0xA400

SWAP = "inc a5\nand a5, a6\nifnq\njp a4\nex a1, a2\nwsa a7, 0, a1\njp a4"
CODE_A, CODE_B = assemble("add a0, 1\n" + SWAP), assemble("add a0, 100\n" + SWAP)


@pytest.mark.parametrize("every", [1, 16, 256])
def test_the_code_page_is_remapped_under_a_loop(every: int) -> None:
    """The loop swaps the page in which it runs for another one, every so many rounds."""

    def script(scenario: Scenario) -> None:
        set_page(scenario.machine, HIGH, FRAME)
        scenario.board.memory.load(FRAME, CODE_A)
        scenario.board.memory.load(OTHER, CODE_B)
        scenario.warm_up()

    play_paged(
        "jp a4",
        script,
        a1=ALL | FRAME >> 10,
        a2=ALL | OTHER >> 10,
        a4=HIGH,
        a6=every - 1,
        a7=HIGH_TABLE,
    )


def test_the_code_page_is_remapped_by_the_host() -> None:
    """Between runs; the code that was there before is there again later, at both addresses."""

    def script(scenario: Scenario) -> None:
        scenario.board.memory.load(FRAME, assemble("loop: add a0, 1\nxor a1, a0\njpr -8"))
        scenario.board.memory.load(OTHER, assemble("loop: add a0, 5\njpr -4\nhalt"))
        for frame, other in ((FRAME, OTHER), (OTHER, FRAME)) * 2:
            set_page(scenario.machine, HIGH, frame)
            set_page(scenario.machine, HIGH + 0x400, other)
            for start in (HIGH, HIGH + 0x400):
                scenario.board.cpu.regs.pc = start
                scenario.run(300, 300, 300, 99)

    play_paged("jp 0", script)


@pytest.mark.parametrize("every", [4, 16, 256])
def test_the_data_page_is_remapped_under_a_loop(every: int) -> None:
    """Loads, stores and stack accesses of translated code go where the table points now."""

    def script(scenario: Scenario) -> None:
        set_page(scenario.machine, HIGH, FRAME)
        scenario.warm_up()

    play_paged(
        """
    loop:
        lsa a3, a0, 4
        inc a3
        wsa a0, 4, a3
        push a3
        call f
        pop a3
        add a4, a3
        inc a5
        and a5, a6
        ifnq
        jp loop
        ex a1, a2
        wsa a7, 0, a1
        jp loop
    f:
        srm a0, 8, a4
        ret
        """,
        script,
        a0=HIGH,
        a1=ALL | FRAME >> 10,
        a2=ALL | OTHER >> 10,
        a6=every - 1,
        a7=HIGH_TABLE,
        ssp=HIGH + 0x200,
    )


def test_neighbouring_pages_are_mapped_apart() -> None:
    """A loop over two pages side by side goes on where the second one is put instead."""

    def script(scenario: Scenario) -> None:
        for frame in (FRAME + 0x400, 0xB400, FRAME + 0x400, 0xB800):
            set_page(scenario.machine, HIGH, FRAME)
            set_page(scenario.machine, HIGH + 0x400, frame)
            scenario.warm_up()

    play_paged(
        """
    again:
        cpy a1, a0
        cpy c0, 300
    loop:
        lsa a3, a1
        add a3, c0
        wsa a1, 0, a3
        add a1, 4
        dec c0
        ifnq
        jp loop
        jp again
        """,
        script,
        a0=HIGH + 0x100,
    )


@pytest.mark.parametrize("right", [WRITE, EXECUTE])
def test_a_right_is_withdrawn_and_given_back(right: int) -> None:
    """The access after the withdrawal raises, out of the middle of a translated loop; the handler
    gives the right back."""
    entry = HIGH_TABLE if right == WRITE else low_entry(0)

    def script(scenario: Scenario) -> None:
        set_page(scenario.machine, HIGH, FRAME)
        scenario.machine.ram.words[entry // 4] = ALL | (FRAME if right == WRITE else 0) >> 10
        regs = scenario.board.cpu.regs
        regs.a1 = int(scenario.machine.ram.words[entry // 4])
        regs.a2 = regs.a1 & ~right
        scenario.board.memory.load(0x3000, assemble("wsa a7, 0, a1\ninc a3\ncpy a6, era\njp a6"))
        scenario.warm_up()
        assert regs.a3 > 10

    play_paged(
        """
    loop:
        inc a5
        wsa a0, 0, a5
        cmp a5, 0
        and a5, 31
        ifeq
        wsa a7, 0, a2
        inc a4
        jp loop
        """,
        script,
        a0=HIGH,
        a7=entry,
        ev=0x3000,
    )


def test_translation_is_turned_on_and_off_in_a_loop() -> None:
    """mtt changes what the same addresses mean, twice in each round."""

    def script(scenario: Scenario) -> None:
        set_page(scenario.machine, 0x9000, FRAME)
        scenario.warm_up()

    play_paged(
        """
    loop:
        inc a5
        wsa a0, 0, a5
        cpy mtt, 0
        lsa a1, a0
        add a1, a5
        wsa a0, 4, a1
        cpy mtt, 1
        lsa a2, a0, 4
        xor a3, a2
        jp loop
        """,
        script,
        a0=0x9000,
    )


def test_system_calls() -> None:
    """Userland in a loop, supervisor mode in the handler: both are translated, each for its
    mode, with its own stack."""

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.warm_up()

    play(
        """
    start:
        lsm user
    user:
        inc a0
        push a0
        itr 7
        pop a1
        add a2, a1
        jp user
    handler:
        push a5
        cpy a5, era
        add a5, 4
        inc a6
        cpy a7, a5
        pop a5
        lsm a7
        """,
        script,
        ssp=0x8000,
        usp=0x9000,
    )


def test_the_same_code_in_both_modes() -> None:
    """A privileged instruction, and the stack that push means, depend on the mode."""
    source = """
    start:
        lsm shared          ; userland until the privileged instruction below
    shared:
        cpy c0, 50
    loop:
        push c0
        pop a1
        add a0, a1
        dec c0
        ifnq
        jp loop
        cpy a2, ssp         ; raises in userland
        jp start
    handler:
        inc a6
        jp shared
    """

    def script(scenario: Scenario) -> None:
        scenario.board.cpu.regs.ev = scenario.labels["handler"]
        scenario.run(*[400] * 10)

    play(
        source,
        script,
        ssp=0x8000,
        usp=0x9000,
    )


def test_the_host_changes_the_mode_of_a_translated_loop() -> None:
    """The loop is the same; its stack is another."""

    def script(scenario: Scenario) -> None:
        for mode in (1, 0, 1, 0):
            scenario.board.cpu.regs.smt = mode
            scenario.warm_up()

    play("loop: push a0\ninc a0\npop a1\nxor a2, a1\njp loop", script, ssp=0x8000, usp=0x9000)


def test_the_host_changes_registers_of_a_translated_loop() -> None:
    """Flags set by hand, the stack pointer, and pc in the middle of what one region has."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        regs = scenario.board.cpu.regs
        for flags in (0x00, 0x80, 0x40, 0xFE, 0x22):
            for label in scenario.labels.values():
                regs.af, regs.pc = flags, label
                scenario.run(1, 2, 50, 333)
        for top in (0x8000, 0x7FFC, 0x10000, 2, 0xFFFF_FFFC):
            regs.ssp = top
            scenario.run(1, 2, 50, 333)

    play(
        """
    loop:
        inc a0
    a:  if2 ZF, CF, CMP_XOR
        add a1, 1
    b:  if SF
        add a2, 1
    c:  cpy a3, af
        xor a4, a3
        call f
    d:  sub a5, a0
        jp loop
    f:  push a5
    e:  pop a6
        ret
        """,
        script,
        ssp=0x8000,
    )
