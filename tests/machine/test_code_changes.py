"""Code that changes after it has run: by the guest, by the host, by a component.

The compiled engine keeps decoded instructions; none of them may outlive its word.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest

from lrvm_components import BootRom, FlashMemory, Ram
from lrvm_jit import Component, Motherboard
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.probes import Probe

LOOP = "loop: add a0, 1\nadd a1, 1\ncmp a2, 1\nifnq\njp loop\nhalt"
NEW_WORD = encode("add", Reg.A0, 100)


def test_the_next_instruction(engine: EngineChoice) -> None:
    """A store into the next word is executed at once, though the old word had been decoded."""
    patching = machine(
        """
      lsa a1, patch
    loop:
      inc c0
      cmp c0, 3
      ifeq
      wsa target, a1
    target:
      add a0, 1
      cmp c0, 4
      ifnq
      jp loop
      halt
    patch: add a0, 100
    """,
        engine,
    )
    assert patching.run().reason == "halted"
    assert patching.a0 == 1 + 1 + 100 + 100


@pytest.mark.parametrize(
    "store",
    ["wsa a6, 0, a1", "wea a6, 0, 1", "srm a6, 0, a1", "push a1", "srm a7, 4, a1"],
)
def test_every_kind_of_store(store: str, engine: EngineChoice) -> None:
    """Each instruction that writes memory makes the new word valid."""
    patching = machine(
        f"""
    target:
      add a0, 1
      inc c0
      cmp c0, 2
      ifeq
      halt
      cmp c0, 9
      {store}
      jp target
    """,
        engine,
        a1=NEW_WORD,
        avr=NEW_WORD,
        a6=0,
        a7=0xFFFFFFFC,
        ssp=4,
    )
    patching.run()
    assert patching.a0 == 101


def test_call_that_overwrites_its_own_target(engine: EngineChoice) -> None:
    """The return address lands on the routine's first word, which is then what is executed."""
    calling = machine(
        """
      call target
      call target
      halt
    target:
      ret
    """,
        engine,
        ssp=0x100,
        ev=0x300,
    )
    calling.run(max_cycles=2)
    calling.board.cpu.regs.ssp = calling.labels["target"] + 4
    stop = calling.board.run(halt_on_exception=True)
    # The second call wrote 8 over the `ret`: opcode 0.
    assert (stop.address, calling.et) == (calling.labels["target"], 0x01010000)


def test_an_instruction_that_overwrites_itself(engine: EngineChoice) -> None:
    """The instruction in progress is the old one; the next time it is the new."""
    itself = machine(
        "loop: inc a0\nhere: wsa here, a1\ncmp a0, 3\nifls\njp loop\nhalt", engine, a1=NEW_WORD
    )
    itself.run()
    assert itself.a0 == 1 + 1 + 100
    assert itself.board.cpu.cycles == 5 + 5


def test_a_copied_routine(engine: EngineChoice) -> None:
    """Code copied over code that has run, again and again."""
    copying = machine(
        """
      cpy ssp, 0x2000
    loop:
      cpy a1, routine_a
      call copy
      cpy a1, routine_b
      call copy
      inc c1
      cmp c1, 5
      ifls
      jp loop
      halt
    copy:
      cpy c0, 0
    next:
      lsa avr, a1, c0
      wea a7, c0, 1
      add c0, 4
      cmp c0, 16
      ifls
      jp next
      jp a7
    routine_a:
      add a2, 1
      cpy a3, 5
      shl a3, 4
      ret
    routine_b:
      cmp a2, 0
      ifnq
      add a4, a3
      ret
    """,
        engine,
        a7=0x1000,
    )
    assert copying.run().reason == "halted"
    assert (copying.a2, copying.a3, copying.a4) == (5, 80, 400)


def running(engine: EngineChoice) -> tuple[Machine, Motherboard]:
    """A machine in the middle of LOOP, which has been decoded."""
    looping = machine(LOOP, engine)
    looping.run(max_cycles=50)
    assert (looping.a0, looping.pc) == (10, 0)
    return looping, looping.board


CHANGES: dict[str, Callable[[Machine], object]] = {
    "words": lambda m: m.ram.words.__setitem__(0, NEW_WORD),
    "memory.write": lambda m: m.board.memory.write(0, NEW_WORD),
    "memory.load": lambda m: m.board.memory.load(0, [NEW_WORD]),
    "component.write": lambda m: m.ram.write(0, NEW_WORD),
    "array view": lambda m: numpy.copyto(m.ram.words[:1], numpy.uint32(NEW_WORD)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_host_changes_code_between_runs(
    change: Callable[[Machine], object], engine: EngineChoice
) -> None:
    """By whatever way the host writes the word, the next run executes it."""
    looping, board = running(engine)
    change(looping)
    board.run(max_cycles=5)
    assert looping.a0 == 110
    looping.ram.words[0] = encode("add", Reg.A0, 1)
    board.run(max_cycles=5)
    assert looping.a0 == 111


def test_the_host_changes_the_middle_of_a_sequence(engine: EngineChoice) -> None:
    """A word that the compiled engine had taken together with the one before it."""
    looping, board = running(engine)
    looping.ram.words[3] = encode("if", 0)  # ifnq -> ifeq
    stop = board.run()
    assert (stop.reason, looping.a0) == ("halted", 11)


def test_the_host_changes_code_after_breakpoints_were_set(engine: EngineChoice) -> None:
    """Setting breakpoints makes the compiled engine decode anew; changes are seen after it, too."""
    looping, board = running(engine)
    board.breakpoints = {0x100}
    board.run(max_cycles=50)
    board.breakpoints = ()
    board.run(max_cycles=50)
    assert looping.a0 == 30
    looping.ram.words[0] = NEW_WORD
    board.run(max_cycles=5)
    assert looping.a0 == 130


def test_the_host_changes_registers_between_runs(engine: EngineChoice) -> None:
    """pc, flags and mode as the host sets them are what the next instruction finds."""
    looping, board = running(engine)
    board.cpu.regs.pc = 12
    board.cpu.regs.af = 0x80
    assert board.run().reason == "halted"
    assert (looping.a0, looping.a1) == (10, 10)


def test_the_host_resets_and_loads_another_program(engine: EngineChoice) -> None:
    """A machine can be used for one program after the other."""
    looping, board = running(engine)
    for k in range(1, 4):
        board.reset()
        board.memory.load(0, assemble(f"cpy a0, {k}\nshl a0, 4\nadd a0, {k}\nhalt"))
        assert board.run().reason == "halted"
        assert looping.a0 == k * 17


def test_mapping_a_component_later(engine: EngineChoice) -> None:
    """Code that ran off into the void finds the component that has been mapped there since."""
    ram, rom = Ram(0x400, image=assemble("jp a0")), BootRom(assemble("inc a1\nhalt"))
    board = Motherboard([ram, rom], engine=engine)
    board.map(0, 0)
    board.reset()
    board.cpu.regs.a0 = 0x400
    assert board.run(halt_on_exception=True).address == 0x400
    board.map(0x400, 1)
    board.cpu.regs.pc = 0
    assert board.run().reason == "halted"
    assert board.cpu.regs.a1 == 1


class Loader(Probe):
    """A device that writes a new instruction to the start of memory when it is written to."""

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        assert self.board is not None
        self.board.memory.write(0, word)


def test_a_component_changes_code_through_the_boards_memory(engine: EngineChoice) -> None:
    """What a device stores (as DMA does) is the code of the next round."""
    device = Loader()
    looping = machine(
        """
    loop:
      add a0, 1
      inc c0
      cmp c0, 2
      ifeq
      wsa a6, 0, a1
      cmp c0, 4
      ifls
      jp loop
      halt
    """,
        engine,
        [device],
        a6=0x10000,
        a1=NEW_WORD,
    )
    device.board = looping.board
    assert looping.run().reason == "halted"
    assert looping.a0 == 1 + 1 + 100 + 100


def test_a_component_changes_the_very_next_instruction(engine: EngineChoice) -> None:
    """The fetch after the device's WRITE finds what it left."""
    device = Loader()
    patched = machine(
        "loop: cpy c1, 1\nadd a0, 1\ninc c0\ncmp c0, 3\nifls\njp loop\nwsa a6, 0, a1\njp loop",
        engine,
        [device],
        a6=0x10000,
        a1=encode("halt"),
    )
    device.board = patched.board
    assert patched.run().reason == "halted"
    assert (patched.a0, patched.pc) == (3, 4)


def test_code_runs_from_every_kind_of_memory(engine: EngineChoice) -> None:
    """RAM, ROM and flash execute alike, and jumps lead from one to the other."""
    components: list[Component] = [
        BootRom(assemble("inc a0\ncpy pc, a5")),
        FlashMemory(0x100, image=assemble("inc a1\ncpy pc, a6")),
        Ram(0x100, image=assemble("inc a2\ncmp a2, 3\nifeq\nhalt\njp a4")),
    ]
    board = Motherboard(components, engine=engine)
    for k, address in enumerate((0x10000, 0x20000, 0x30000)):
        board.map(address, k)
    board.reset()
    board.cpu.regs[4:7] = [0x10000, 0x20000, 0x30000]
    board.cpu.regs.pc = 0x10000
    assert board.run().reason == "halted"
    assert board.cpu.regs[0:3] == [3, 3, 3]
