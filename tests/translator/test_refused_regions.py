"""Where a region stands no other native code does. One that cannot be entered any more, as the
memory, the translation of addresses or the mode is another one now, must not leave its code to the
interpreter for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.jit.baseline.code import is_supported
from tests.engines import EngineChoice
from tests.machine.guest import Machine
from tests.machine.paging import paged, set_page

SOURCE = """
loop:
    lsa a1, ac0, 0
    add a0, a1
    wsa ac0, 4, a0
    add a2, 3
    xor a3, a2
    jp loop
"""
DATA, FAR = 0x2000, 0x3000
ENGINE = TranslatorOptions(threshold=2000, background=False, cache=False)


def watch(built: Machine) -> None:
    built.board.watchpoints = {FAR: "any"}


def turn_pages_on(built: Machine) -> None:
    built.board.cpu.regs.mtt = 1


def go_to_userland(built: Machine) -> None:
    built.board.cpu.regs.smt = 0


def run_at_another_address(built: Machine) -> None:
    # Page 40 is page 0 again.
    built.board.cpu.regs.mtt = 1
    set_page(built, 40 * 1024, 0)
    built.board.cpu.regs.pc = 40 * 1024


CHANGES: dict[str, Callable[[Machine], None]] = {
    "memory": watch,
    "pages": turn_pages_on,
    "mode": go_to_userland,
    "place": run_at_another_address,
}


def warm(engine: EngineChoice) -> Machine:
    # With translation off, but tables ready.
    built = paged(SOURCE, engine, ac0=DATA)
    built.board.cpu.regs.mtt = 0
    for _ in range(10):
        built.run(10_000)
    return built


def natively(board: Motherboard) -> int:
    stats = board.stats()
    return stats.translated + stats.baseline


@pytest.mark.skipif(not is_supported(), reason="no baseline tier on this system")
@pytest.mark.parametrize("change", CHANGES)
def test_code_goes_on_natively(change: str) -> None:
    built = warm(ENGINE)
    assert built.board.stats().regions == 1
    CHANGES[change](built)
    built.run(100_000)
    before = natively(built.board)
    built.run(1_000_000)
    assert natively(built.board) - before > 900_000


@pytest.mark.parametrize("change", CHANGES)
def test_results_are_those_of_the_reference(change: str) -> None:
    states = []
    for engine in ("reference", ENGINE):
        built = paged(SOURCE, engine, ac0=DATA)
        built.board.cpu.regs.mtt = 0
        for budget in (4000, 3000, 2000):
            built.run(budget)
        CHANGES[change](built)
        for budget in (700, 999, 1300, 1):
            built.run(budget)
        states.append((built.state, built.ram.words.tolist()))
    assert states[0] == states[1]
