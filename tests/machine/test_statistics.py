"""`board.stats().instructions` is what the reference counts, however a run ends."""

from __future__ import annotations

import threading

import pytest

from lrvm_jit import HardwareError, TranslatorOptions
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.probes import Probe

PROBE = 0x10000
LOOP = "next: inc a0\ninc a1\nwsa ac0, 0, a0\njp next"


def looping(engine: EngineChoice, source: str = LOOP) -> tuple[Machine, Probe]:
    probe = Probe()
    built = machine(source, engine, [probe], ac0=PROBE, ev=8)
    probe.board = built.board
    return built, probe


def at_write(probe: Probe, number: int, act: object) -> None:
    """At the store of this number, from 0, stop the board, or raise `act`."""
    count = iter(range(1 << 30))

    def access(kind: str, *_: object) -> None:
        if kind == "write" and next(count) == number:
            if isinstance(act, BaseException):
                raise act
            assert probe.board is not None
            probe.board.stop()

    probe.on_access = access


@pytest.mark.parametrize("round_number", [0, 1, 7, 500])
def test_a_component_stops_the_board(round_number: int, engine: EngineChoice) -> None:
    built, probe = looping(engine)
    at_write(probe, round_number, None)
    assert built.board.run().reason == "stopped"
    assert built.board.stats().instructions == built.board.cpu.cycles == 4 * round_number + 3


@pytest.mark.parametrize("round_number", [0, 1, 7, 500])
def test_a_component_fails(round_number: int, engine: EngineChoice) -> None:
    """The instruction that was undone does not count; run on, and it counts once."""
    built, probe = looping(engine)
    at_write(probe, round_number, KeyError("broken"))
    with pytest.raises(KeyError):
        built.board.run()
    assert built.board.stats().instructions == built.board.cpu.cycles == 4 * round_number + 2
    built.board.run(5)
    assert built.board.stats().instructions == built.board.cpu.cycles == 4 * round_number + 7


def test_a_component_refuses(engine: EngineChoice) -> None:
    """An instruction that raises an exception is an attempted one."""
    built, probe = looping(engine)
    at_write(probe, 3, HardwareError(0x30))
    built.board.run(halt_on_exception=True)
    assert built.board.stats().instructions == built.board.cpu.cycles == 15


def test_a_component_looks(engine: EngineChoice) -> None:
    """In a call the complete instructions count, the one in progress does not."""
    built, probe = looping(engine)
    found: list[tuple[int, int]] = []
    probe.on_access = lambda *_: found.append(
        (built.board.stats().instructions, built.board.cpu.cycles)
    )
    built.board.run(400)
    assert found == [(4 * k + 2, 4 * k + 3) for k in range(100)]
    assert built.board.stats().instructions == 400


@pytest.mark.parametrize("budgets", [[1] * 9, [3, 0, 5, 2], [7, 400, 1]])
def test_budgets_and_watchpoints(budgets: list[int], engine: EngineChoice) -> None:
    built, _ = looping(engine, LOOP.replace("wsa ac0, 0, a0", "wsa 0x80, 0, a0"))
    for budget in budgets:
        built.board.run(budget)
    assert built.board.stats().instructions == sum(budgets)
    built.board.watchpoints = {0x80: "write"}
    assert built.board.run().reason == "watchpoint"
    assert built.board.stats().instructions == built.board.cpu.cycles


def test_breakpoints(engine: EngineChoice) -> None:
    built, _ = looping(engine)
    built.board.breakpoints = {12}
    for _ in range(5):
        assert built.board.run().reason == "breakpoint"
        assert built.board.stats().instructions == built.board.cpu.cycles


def test_the_guest_resets_its_counter(engine: EngineChoice) -> None:
    """The counter begins again, the statistics do not."""
    built, _ = looping(engine, "inc a0\ninc a1\nreset 0xF")
    built.board.run(300)
    assert built.board.stats().instructions == 300
    assert built.board.cpu.cycles == 0


def test_stopped_within_translated_code() -> None:
    """The instruction after which a stop from elsewhere takes effect counts once."""
    options = TranslatorOptions(threshold=300, background=False, cache=False, tiers=("regions",))
    built, probe = looping(options, "next: inc a0\ninc a1\njp next")
    for budget in (300, 300, 2100):
        built.board.run(budget)
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.001):
            built.board.stop()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    for _ in range(5):
        assert built.board.run().reason == "stopped"
    over.set()
    thread.join()
    stats = built.board.stats()
    assert stats.instructions == built.board.cpu.cycles
    assert 0 < stats.translated <= stats.instructions
    assert probe.resets == 1
