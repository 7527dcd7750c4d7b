"""Exceptions that nobody handles end a run that would go on for ever, and no other run."""

from __future__ import annotations

import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import GuestException, HardwareError, Motherboard, StopReason
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.guest import machine
from tests.machine.paging import paged
from tests.machine.probes import Probe

PORT = 0x10000


def look_in_limited_runs(board: Motherboard) -> Motherboard:
    """Have the rule hold in runs with a limit too: tests of what might never end need one."""
    board._runner._looks_for_unhandled = lambda max_cycles: True  # type: ignore[method-assign]
    return board


@pytest.mark.parametrize(
    ("source", "cycles", "address"),
    [
        ("div a0, 0", 2, 0),
        # The registers become what they were in the second round.
        ("inc a0\ncpy a1, a0\ncpy a0, 0\ncpy a1, 0\nitr 7", 10, 16),
        # From user mode, to which each round goes back.
        ("cpy a0, 1\nlsm 8\ndiv a1, 0", 6, 8),
        # Two exceptions by turns: each comes again with the registers it had. A skip is no
        # instruction, so the rounds are 4 and 4 long.
        ("xor a0, 1\ncmp a0, 0\nifeq\ndiv a1, 0\nitr 3", 12, 16),
        # Plain memory may be read, and nothing be read where nothing is mapped.
        ("jp 8\nhalt\nlsa a0, 0x80\nlsa a1, a2\npop a3\ncpy ssp, 0\nitr 1", 12, 24),
    ],
    ids=range(5),
)
def test_a_run_that_would_never_end(
    source: str, cycles: int, address: int, engine: EngineChoice
) -> None:
    """It ends with the second time that the exception finds the machine as it was: at the same
    cycle on all engines."""
    built = machine(source, engine, a2=0x9000_0000)
    stop = look_in_limited_runs(built.board).run(100)
    assert (stop.reason, stop.cycles, stop.address) == ("unhandled", cycles, address)


@pytest.mark.parametrize(
    "between",
    [
        "wsa ac0, 0, a0",  # a store that changes nothing is a store
        "wsa ac1, 0, a0",  # to nowhere
        "push a0\npop a0",
        "lsa a7, ac2, 0",  # a component
        "wsa ac2, 0, a0",
        "hwd a7, 0, 0",
        "cycles a7",
        "reset 0x11",
        "inc a1",  # a register that is new each time
    ],
)
def test_a_run_that_may_still_end(between: str, engine: EngineChoice) -> None:
    """Whatever may make a difference one day lets the run go on."""
    source = f"{between}\ncpy a7, 0\ndiv a3, 0"
    built = machine(source, engine, [Probe()], ac0=0x800, ac1=0x9000_0000, ac2=PORT, ssp=0xF00)
    assert look_in_limited_runs(built.board).run(300).reason == "budget"
    assert built.board.stats().exceptions > 10


@pytest.mark.parametrize("handler", [0x40, 4])
def test_a_handler_is_the_guests_affair(handler: int, engine: EngineChoice) -> None:
    """With `ev` set to anything but 0 an endless loop of exceptions is one that was asked for."""
    built = machine("div a0, 0\ndiv a0, 0\n", engine, ev=handler)
    assert look_in_limited_runs(built.board).run(500).reason == "budget"


def test_a_refusing_component_may_give_way(engine: EngineChoice) -> None:
    """A component that refuses is asked again and again, until it answers."""
    probe = Probe()
    left = 20

    def refuse(kind: str, offset: int, value: int) -> None:
        nonlocal left
        if kind == "read" and left:
            left -= 1
            raise HardwareError(0x10)

    probe.on_access = refuse
    built = machine("lsa a0, a1, 0\nhalt", engine, [probe], a1=PORT)
    stop = look_in_limited_runs(built.board).run(1000)
    assert (stop.reason, stop.cycles) == ("halted", 22)


def test_a_refused_store_is_none(engine: EngineChoice) -> None:
    """A store to ROM is refused without asking anybody."""
    rom = BootRom(assemble("wsa a0, 0, a1"), 0x100)
    board = Motherboard([rom], engine=engine)
    board.map(0, 0)
    board.reset()
    stop = look_in_limited_runs(board).run(100)
    assert (stop.reason, stop.cycles) == ("unhandled", 2)
    assert stop.exception == GuestException(supervisor=True, code=0xA0, data=0x3100)


def test_never_mapped(engine: EngineChoice) -> None:
    """The message names what to call."""
    board = Motherboard([Ram(0x100)], engine=engine)
    board.reset()
    stop = board.run()
    assert (stop.reason, stop.cycles, stop.attempted, stop.pc) == ("unhandled", 2, 2, 0)
    assert stop.exception == GuestException(supervisor=True, code=1, data=0)
    assert "map_contiguous" in stop.advice
    board.map(0x8000, 0)
    board.reset()
    assert "Nothing is mapped at 0x00000000" in board.run().advice


def test_the_message_says_what_to_do(engine: EngineChoice) -> None:
    """With a program in its place it is `ev` that is missing; with the MMU on nothing is said of
    physical addresses."""
    stop = machine("div a0, 0", engine).board.run()
    assert "set ev" in stop.advice
    assert "mapped" not in stop.advice
    stop = look_in_limited_runs(paged("jp 0x8000", engine).board).run(100)
    assert stop.reason is StopReason.UNHANDLED
    assert "mapped" not in stop.advice


def test_only_without_a_limit_and_unless_switched_off(engine: EngineChoice) -> None:
    """Runs with a limit and single steps are exact; an attribute turns the rule off and on."""
    board = machine("div a0, 0", engine).board
    assert board.run(50).reason == "budget"
    for _ in range(5):
        assert board.cpu.step().reason == "budget"
    assert board.run().cycles == 57
    assert board.stops_on_unhandled
    # Without the rule only a breakpoint ends the run.
    board.stops_on_unhandled = False
    board.breakpoints = {0}
    assert board.run().reason == "breakpoint"
    assert board.run().reason == "breakpoint"
    board.breakpoints = ()
    board.stops_on_unhandled = True
    assert board.run().reason == "unhandled"


def test_each_run_begins_anew(engine: EngineChoice) -> None:
    """What the host may have changed between two runs gives the guest another chance."""
    board = machine("div a0, 0", engine).board
    assert [board.run().cycles for _ in range(3)] == [2, 4, 6]


def test_in_warm_code(engine: EngineChoice) -> None:
    """Stores of translated code are noticed: a loop that stores in each round goes on until its
    count is done, one that has stopped to do so ends."""
    built = machine(
        """
            lsa a0, 0x80        ; how often this has been
            inc a0
            cmp a0, a2
            ifgt
            jp done
            wsa 0x80, 0, a0
            cpy a0, 300
        spin:
            sub a0, 1
            ifnq
            jp spin
        done:
            cpy a0, 0
            div a3, 0
        """,
        engine,
        a2=20,
    )
    stop = look_in_limited_runs(built.board).run(100_000)
    assert stop.reason == "unhandled"
    assert built.ram.words[0x20] == 20
    assert built.board.stats().exceptions == 22
