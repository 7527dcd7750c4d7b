"""Regions that go on in one another, and code that has the board's memory in it."""

from __future__ import annotations

from collections.abc import Sequence

from lrvm_components import Ram
from lrvm_jit import Component, Motherboard, TranslatorOptions
from lrvm_tools.lasm import assemble_program
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.translator.scenarios import HOT, Scenario, play

FILLER = "\n".join(["add a7, 1"] * 60)
TWO_FUNCTIONS = f"loop: call f\ncall g\njp loop\nf: {FILLER}\nret\ng: {FILLER}\nret"
"""Too large for one region, as calls are followed only into small functions."""


def test_calls_and_returns_between_regions() -> None:
    """Caller and callees are regions of their own; the kernel hears nothing of the calls."""
    options = TranslatorOptions(
        threshold=2000, background=False, cache=False, optimize=False, tiers=("regions",)
    )
    found, expected = (machine(TWO_FUNCTIONS, e, ssp=0x8000) for e in (options, "interpreter"))
    for _ in range(20):
        before = found.board.stats()
        found.run(20_000)
        expected.run(20_000)
        assert found.state == expected.state
    after = found.board.stats()
    assert after.regions > 2
    assert after.translated - before.translated > 19_000
    assert sum(after.exits.values()) - sum(before.exits.values()) < 20


def test_budgets_end_runs_in_a_chain_of_regions() -> None:
    quick = TranslatorOptions(
        threshold=300, background=False, cache=False, optimize=False, tiers=("regions",)
    )

    def script(scenario: Scenario) -> None:
        scenario.run(*[900] * 8)
        for budget in (1, 7, 121, 122, 123, 500):
            scenario.run(*[budget] * 5)

    play(TWO_FUNCTIONS, script, translators=(quick,), ssp=0x8000)


LOADS = "loop: lsa a1, a2, 0\nadd a0, a1\nwsa a2, 4, a0\nlsa a3, a2, 4\nadd a4, a3\njp loop"


def test_memory_that_somebody_comes_to_watch() -> None:
    """Its bounds stand in the code, which then is not entered."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.board.watchpoints = {0x8000: "read"}
        scenario.run(*[50] * 8)
        scenario.board.watchpoints = ()
        scenario.run(300, 300, 1000)

    play(LOADS, script, translators=(HOT,), a2=0x8000)


def test_memory_that_is_mapped_later() -> None:
    """Where nothing was there is memory now: loads that gave 0 give its words."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        scenario.board.map(0x2_0000, 1)
        scenario.run(300, 300)

    def make(
        source: str, engine: EngineChoice, components: Sequence[Component], **registers: int
    ) -> Machine:
        program = assemble_program(source)
        ram = Ram(0x10000, image=program.words)
        board = Motherboard([ram, Ram(0x1000, image=[7] * 64)], engine=engine)
        board.map(0, 0)
        board.reset()
        for name, value in registers.items():
            board.cpu.regs[name] = value
        return Machine(board, ram, program.symbols)

    play(LOADS, script, make=make, translators=(HOT,), a2=0x2_0000)


def test_translation_of_addresses_is_turned_on_under_a_loop() -> None:
    """Code that has physical bounds in it is not entered then."""

    def script(scenario: Scenario) -> None:
        scenario.warm_up()
        # Every entry passes through: all addresses mean what they meant.
        scenario.machine.ram.words[0x9000 // 4 : 0x9000 // 4 + 1024] = 0xC000_0000
        scenario.board.cpu.regs["pda"] = 0x9000
        scenario.board.cpu.regs["mtt"] = 1
        scenario.run(300, 300, 1000)
        scenario.board.cpu.regs["mtt"] = 0
        scenario.run(300, 300)

    play(LOADS, script, translators=(HOT,), a2=0x8000)
