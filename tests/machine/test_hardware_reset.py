"""RESET: which components it reaches, in which order, and what the CPU does with the outcome."""

from __future__ import annotations

import pytest

from lrvm_components import FlashMemory
from tests.engines import EngineChoice
from tests.machine.guest import machine
from tests.machine.probes import Probe

SELECTIONS = {
    # mode: components reset (ids 1, 2, 3 are the probes) with avr = 2
    0: [1, 2, 3],
    1: [2],
    2: [1, 3],
    3: [1, 2],
    4: [2, 3],
    5: [],
    0xF: [],
}


def probes() -> tuple[list[Probe], list[int]]:
    order: list[int] = []
    made = [Probe(name=f"P{k}") for k in range(1, 4)]
    for k, probe in enumerate(made, 1):
        probe.on_access = lambda kind, *_, k=k: order.append(k)
    return made, order


@pytest.mark.parametrize(("mode", "expected"), SELECTIONS.items())
@pytest.mark.parametrize("high", [0x10, 0x80, 0xF0])
def test_selection(mode: int, expected: list[int], high: int, engine: EngineChoice) -> None:
    """Each mode resets its components once, in id order; 3 and 4 include avr (divergence 8)."""
    components, order = probes()
    resetting = machine(f"reset {high | mode}\nhalt", engine, components, avr=2)
    order.clear()
    assert resetting.run().reason == "halted"
    assert order == expected
    assert (resetting.board.cpu.cycles, resetting.avr) == (2, 2)


@pytest.mark.parametrize("mode", SELECTIONS)
def test_with_the_cpu(mode: int, engine: EngineChoice) -> None:
    """With bits 7-4 clear the CPU follows the components: registers, flags, pc and counter."""
    components, order = probes()
    resetting = machine(
        f"ifnq\nhalt\nreset {mode}", engine, components, avr=2, af=0x80, a0=5, ev=8, smt=9, c1=1
    )
    order.clear()
    stop = resetting.run()
    assert (stop.reason, stop.cycles, stop.pc) == ("halted", 2, 8)
    assert order == SELECTIONS[mode]
    registers = list(resetting.board.cpu.regs)
    registers[0x16] = 0
    assert registers == [0] * 31 + [1]


@pytest.mark.parametrize(("mode", "expected"), [(1, []), (2, [1, 2, 3]), (3, [1, 2, 3]), (4, [])])
def test_an_unknown_id(mode: int, expected: list[int], engine: EngineChoice) -> None:
    """Only mode 1 needs the component: exception 0x10, nothing reset, the CPU neither."""
    components, order = probes()
    resetting = machine(
        f"cpy ev, handler\nreset {mode | 0x10}\nhandler: halt", engine, components, avr=0x12345678
    )
    order.clear()
    resetting.run()
    assert order == expected
    assert resetting.et == (0x01105678 if mode == 1 else 0)


def test_an_unknown_id_keeps_the_cpu(engine: EngineChoice) -> None:
    """The same with a mode that would reset the CPU."""
    components, _ = probes()
    resetting = machine(
        "cpy ev, handler\nreset 1\nhalt\nhandler: inc a0\nhalt", engine, components, avr=4
    )
    resetting.run()
    assert (resetting.et, resetting.a0, resetting.board.cpu.cycles) == (0x01100004, 1, 4)


def test_the_reset_instruction_as_its_components_see_it(engine: EngineChoice) -> None:
    """Counter and pc are those of the RESET, which has not yet touched the CPU."""
    components, _ = probes()
    resetting = machine("inc a0\nif ZF\nhalt\nifnq\nreset 0", engine, components, a0=3)
    for probe in components:
        probe.board = resetting.board
        probe.accesses.clear()
    seen = []
    components[0].on_access = lambda *_: seen.append(resetting.a0)
    resetting.run(max_cycles=4)
    assert [(access.cycles, access.pc) for access in components[0].accesses] == [(4, 16)]
    assert seen == [4]


def test_memory_components(engine: EngineChoice) -> None:
    """RAM goes back to its image, flash keeps what the guest wrote."""
    flash = FlashMemory(0x100)
    resetting = machine(
        """
      wsa a0, 0, 5
      wsa variable, 6
      reset 0x10
      lsa a1, a0
      lsa a2, variable
      halt
    variable: #d32 7
    """,
        engine,
        [flash],
        a0=0x10000,
    )
    resetting.run()
    assert (resetting.a1, resetting.a2) == (5, 7)


def test_a_reset_that_zeroes_the_running_code(engine: EngineChoice) -> None:
    """The next instruction comes from memory as the reset left it: zeros, so exception 0x01."""
    from lrvm_components import Ram
    from lrvm_jit import Motherboard
    from lrvm_tools.lasm import assemble

    ram = Ram(0x400)
    board = Motherboard([ram], engine=engine)
    board.map(0, 0)
    board.reset()
    program = assemble("loop: inc a0\ncmp a0, 3\nifls\njp loop\nreset 0x10\ninc a0\nhalt")
    board.memory.load(0, program)
    stop = board.run(halt_on_exception=True)
    assert (stop.address, board.cpu.regs.et, board.cpu.regs.a0) == (20, 0x01010000, 3)


def test_a_reset_that_zeroes_the_page_tables(engine: EngineChoice) -> None:
    """With translation on, the very next fetch walks the zeroed tables: exception 0x08."""
    from lrvm_components import BootRom, Ram
    from lrvm_jit import Motherboard
    from lrvm_tools.lasm import assemble

    rom = BootRom(assemble("cpy mtt, 1\nloop: inc a0\ncmp a0, 3\nifls\njp loop\nreset 0x10\nhalt"))
    ram = Ram(0x10000)
    board = Motherboard([rom, ram], engine=engine)
    board.map(0, 0)
    board.map(0x10000, 1)
    board.reset()
    board.memory.write(0x10000, 1 << 31)
    board.cpu.regs.pda = 0x10000
    stop = board.run(halt_on_exception=True)
    assert (stop.address, board.cpu.regs.et, board.cpu.regs.a0) == (24, 0x01080018, 3)
