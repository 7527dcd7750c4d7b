"""What a component writes to the CPU takes effect after the instruction that called it.

The measure is the same machine whose component writes nothing: after the instruction the host sets
there by hand what the component wrote here. So every pair of an instruction that may touch a
component and a piece of the CPU's state is tried, at each access that the instruction makes, with
each way in which the component may answer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy
import pytest
from numpy.typing import NDArray

from lrvm_jit import HardwareError, Motherboard, Stop
from lrvm_jit.isa.table import REGISTER_NAMES
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import ALL, DIRECTORY, HIGH, paged
from tests.machine.probes import Probe

LONG = bool(os.environ.get("LRVM_FUZZ"))
PROBE = 0x10000
TABLE = 0x4000
"""Offset of a page table in the probe, for the cases that have one."""
STEPS = 7
"""Instructions that a machine goes on for after the one under test."""

SURROUNDINGS = """
  inc a3
  {}
  inc a4
  push a4
  lsa a7, rr3, 4
  wsa rr3, 8, a7
  halt
under_way: inc a5
  pop a6
  halt
elsewhere: inc a6
  cpy a1, pc
  halt
"""
REGISTERS = {
    "a0": PROBE,
    "a1": 0x55,
    "a2": PROBE + 4,
    "avr": 0x66,
    "ssp": PROBE + 0x40,
    "ev": 28,
    "rr3": PROBE + 0x80,
    "af": 0x0E,
}

DATA = {
    "lsa": "lsa a1, a0, 4",
    "lea": "lea a0, 1, 4",
    "wsa": "wsa a0, 4, a1",
    "wea": "wea a0, 1, 4",
    "srm": "srm a0, 4, a1",
    "push": "push a1",
    "pop": "pop a1",
    "call": "call elsewhere",
    "ret": "pop pc",
    "load pc": "lsa pc, a0, 0x48",
    "load sp": "lsa ssp, a0, 4",
    "refused register": "lsa af, a0, 4",
    "reset": "reset 0x10",
    "reset all": "reset 0",
}
FETCHED = {
    "cpy": "cpy a1, 5",
    "ex": "ex a1, a2",
    "add": "add a1, a2",
    "division by zero": "div a1, 0",
    "shl": "shl a1, 3",
    "cmp": "cmp a1, 7",
    "jpr": "jpr 8",
    "jump": "jp a2",
    "lsm": "lsm 40",
    "itr": "itr 5",
    "if": "if ZF",
    "if2": "ifls",
    "hwd": "hwd a1, 1, 0",
    "cycles": "cycles a1",
    "halt": "halt",
    "unknown": "#d32 0xF0000000 | 0x07",
    "write mode": "cpy smt, 0",
}

Change = Callable[[Motherboard], object]


def setting(register: str, value: int) -> Change:
    return lambda board: setattr(board.cpu.regs, register, value)


def several(board: Motherboard) -> None:
    """Later writes win, whatever was written before."""
    cpu = board.cpu
    cpu.regs.a5 = 7
    cpu.halted = True
    cpu.reset()
    cpu.regs[2:5] = [1, PROBE, 3]
    cpu.regs.pc = 40
    cpu.regs.pc = 8
    cpu.halted = False


CHANGES: dict[str, Change] = {
    **{name: setting(name, 0x40 + 4 * number) for number, name in enumerate(REGISTER_NAMES)},
    "pc": setting("pc", 40),
    "pc unaligned": setting("pc", 42),
    "pc again": setting("pc", 4),
    "pc in component": setting("pc", PROBE + 0x100),
    "a0 elsewhere": setting("a0", 0x500),
    "ssp elsewhere": setting("ssp", 0x600),
    "af of no result": setting("af", 0x81),
    "af of a result": setting("af", 0x84),
    "userland": setting("smt", 0),
    "no mmu": setting("mtt", 0),
    "halt": lambda board: setattr(board.cpu, "halted", True),
    "go on": lambda board: setattr(board.cpu, "halted", False),
    "reset": lambda board: board.cpu.reset(),
    "several": several,
}
ALIKE = {f"{kind}{number}" for kind in ("a", "ac", "c", "rr", "r") for number in range(3, 10)}
"""Registers that nothing here tells from others."""
MOST = {name: change for name, change in CHANGES.items() if LONG or name not in ALIKE}
SOME = {
    name: change
    for name, change in CHANGES.items()
    if LONG or name in ("a1", "af of no result", "pc", "userland", "mtt", "halt", "several")
}
"""For what differs from other cases in where an access comes from."""


@dataclass
class Rig:
    """A machine that can be put back to its start as often as is wanted."""

    built: Machine
    probe: Probe
    words: dict[int, int]
    image: NDArray[numpy.uint32]
    registers: dict[str, int]

    @property
    def board(self) -> Motherboard:
        return self.built.board

    def restart(self) -> None:
        self.probe.on_access, self.probe.fail = None, {}
        self.board.reset()
        self.built.ram.words[:] = self.image
        for name, value in self.registers.items():
            self.board.cpu.regs[name] = value
        self.probe.words = dict(self.words)
        self.probe.accesses.clear()

    def at_access(self, number: int, act: Callable[[], object]) -> None:
        """Do something in the access of this number from now on."""
        count = iter(range(number + 1000))
        self.probe.on_access = lambda *_: act() if next(count) == number else None

    def to_the_instruction(self) -> None:
        if not self.registers.get("pc"):
            self.board.cpu.step()

    def seen(self) -> tuple[object, ...]:
        memory = self.built.ram.words.tobytes()
        return self.built.state, memory, self.probe.words, self.probe.log

    def go_on(self) -> tuple[object, ...]:
        return self.board.run(STEPS), self.seen()


def rig(where: str, source: str, engine: EngineChoice) -> Rig:
    """The instruction in plain memory or in a component, page tables in either."""
    probe = Probe(size=0x8000)
    placed = source if where in ("data", "walk") else "inc a2"
    make = paged if where == "walk" else machine
    built = make(SURROUNDINGS.format(placed), engine, [probe])
    probe.board = built.board
    words = {offset: offset + 8 for offset in range(0, 0x200, 4)}
    words |= {0x40: 12, 0x48: 40}
    registers = dict(REGISTERS)
    if where == "fetched":
        code = assemble(f"{source}\ninc a4\ncpy a7, a4\nhalt").tolist()
        words |= {0x100 + 4 * k: word for k, word in enumerate(code)}
        registers["pc"] = PROBE + 0x100
    if where == "walk":
        # The probe's page is reached through a table in the probe.
        built.ram.words[DIRECTORY // 4 + 1] = ALL | (PROBE + TABLE) // 16384
        words[TABLE] = ALL | PROBE >> 10
        registers |= {"pda": DIRECTORY, "mtt": 1, "a0": HIGH, "a2": HIGH + 4}
        registers |= {"ssp": HIGH + 0x40, "rr3": HIGH + 0x80}
    return Rig(built, probe, words, built.ram.words.copy(), registers)


def outcomes(made: Rig) -> Iterator[tuple[int, HardwareError | None]]:
    """The accesses of the instruction, each answered and refused."""
    made.restart()
    made.to_the_instruction()
    before = len(made.probe.accesses)
    made.board.cpu.step()
    accesses = made.probe.accesses[before:]
    assert accesses, "this instruction touches no component"
    for number, access in enumerate(accesses):
        yield number, None
        if access.kind != "reset":
            yield number, HardwareError(0x30, 5)


CASES = [
    *(("data", name, source) for name, source in DATA.items()),
    *(("walk", name, source) for name, source in DATA.items() if "reset" not in name),
    *(("fetched", name, source) for name, source in (FETCHED | DATA).items()),
]


@pytest.mark.parametrize(
    ("where", "source"), [case[::2] for case in CASES], ids=[f"{c[0]}: {c[1]}" for c in CASES]
)
def test_as_if_set_after_the_instruction(where: str, source: str, engine: EngineChoice) -> None:
    """Step by step and at one go, with an answer and with a refusal."""
    if "elsewhere" in source and where == "fetched":
        source = "call 40"
    made = rig(where, source, engine)
    for number, refusal in outcomes(made):

        def act(change: Change | None, refusal: HardwareError | None = refusal) -> None:
            if change is not None:
                change(made.board)
            if refusal is not None:
                raise refusal

        for name, change in (MOST if where == "data" else SOME).items():
            made.restart()
            made.to_the_instruction()
            made.at_access(number, partial(act, None))
            made.board.cpu.step()
            made.probe.on_access = None
            change(made.board)
            expected = made.seen(), *made.go_on()

            made.restart()
            made.to_the_instruction()
            made.at_access(number, partial(act, change))
            made.board.cpu.step()
            made.probe.on_access = None
            assert (made.seen(), *made.go_on()) == expected, f"{name}, access {number}, {refusal}"

            if where == "data":
                made.restart()
                made.at_access(number, partial(act, change))
                stop = made.board.run(STEPS + 2)
                assert (stop, made.seen()) == expected[1:], f"at one go: {name}, {number}"


@pytest.mark.parametrize("source", DATA.values(), ids=DATA)
def test_undone_with_the_instruction(source: str, engine: EngineChoice) -> None:
    """A component that writes and then fails has written nothing, and the next attempt is as if
    there had been no other."""
    made = rig("data", source, engine)
    made.restart()
    made.to_the_instruction()
    before = made.built.state
    made.board.cpu.step()
    after = made.seen()[0]
    count = len(made.probe.accesses)
    made.restart()
    made.to_the_instruction()
    first = len(made.probe.accesses)
    for number in range(count - first):
        for name, change in MOST.items():
            for single in (True, False):
                made.restart()
                if single:
                    made.to_the_instruction()

                def act(change: Change = change) -> None:
                    change(made.board)
                    raise KeyError("broken")

                made.at_access(number, act)
                with pytest.raises(KeyError, match="broken"):
                    made.board.run(1 if single else 9)
                assert made.built.state == before, f"{name}, access {number}"
                made.probe.on_access = None
                made.board.cpu.step()
                assert made.built.state == after, f"{name}, access {number}"


def test_reads_back_as_written(engine: EngineChoice) -> None:
    """Whoever looks during the same instruction finds what was written, in every form."""
    made = rig("data", "srm a0, 4, a1", engine)
    made.restart()
    cpu, found = made.board.cpu, []

    def act(kind: str, *_: object) -> None:
        if kind == "read":
            several(made.board)
            cpu.regs.af = 0x81
            cpu.regs.et = 0x01A03005
        found.append((list(cpu.regs), cpu.regs["pc"], cpu.regs[2:4], cpu.cycles, cpu.halted))
        assert cpu.exception is not None
        assert cpu.exception.word == 0x01A03005
        assert "a1 0x" in repr(cpu.regs)

    made.probe.on_access = act
    made.board.run(2)
    assert len(found) == 2
    assert found[0] == found[1]
    registers, pc, some, cycles, halted = found[0]
    assert (pc, some, cycles, halted) == (8, [1, PROBE], 0, False)
    assert made.built.state == (registers, 0, False)
    assert made.probe.log[-1] == ("write", 4, 0x55)


def test_the_last_word_on_halting(engine: EngineChoice) -> None:
    """A component that HALT was fetched from has the CPU go on."""
    made = rig("fetched", "halt", engine)
    made.restart()
    made.at_access(0, lambda: setattr(made.board.cpu, "halted", False))
    stop = made.board.run(2)
    assert (stop.reason, stop.cycles, made.built.a4) == ("budget", 2, 1)


@pytest.mark.parametrize("written", [0, 0x00A0_1111])
def test_the_exception_that_ended_the_run(written: int, engine: EngineChoice) -> None:
    """`Stop.exception` is the one that was raised, whatever the component wrote into `et`."""
    made = rig("data", "wsa a0, 4, a1", engine)
    made.restart()

    def act() -> None:
        made.board.cpu.regs.et = written
        raise HardwareError(0x30, 5)

    made.at_access(0, act)
    stop = made.board.run(halt_on_exception=True)
    assert stop.reason == "exception"
    assert stop.exception is not None
    assert stop.exception.word == 0x01A0_3005
    assert made.built.et == written


@pytest.mark.parametrize("halted", [False, True])
def test_with_a_stop(halted: bool, engine: EngineChoice) -> None:
    """The run ends after the instruction, with what the component wrote."""
    made = rig("data", "push a1", engine)
    made.restart()

    def act() -> None:
        made.board.cpu.regs.pc = 40
        made.board.cpu.halted = halted
        made.board.stop()

    made.at_access(0, act)
    stop = made.board.run()
    assert (stop.reason, stop.pc, stop.address) == ("halted" if halted else "stopped", 40, 4)


@pytest.mark.parametrize("written", [8, 40])
def test_jumping_to_a_breakpoint(written: int, engine: EngineChoice) -> None:
    """A breakpoint is found where the component has put pc."""
    made = rig("data", "pop a1", engine)
    made.restart()
    made.at_access(0, lambda: setattr(made.board.cpu.regs, "pc", written))
    made.board.breakpoints = {written}
    stop: Stop = made.board.run()
    assert (stop.reason, stop.pc, stop.cycles) == ("breakpoint", written, 2)


def test_memory_changes_at_once(engine: EngineChoice) -> None:
    """What the component stores in memory is there for the rest of the instruction, and stays if
    that is undone."""
    made = rig("walk", "srm a0, 4, a1", engine)
    made.restart()
    made.to_the_instruction()

    def act() -> None:
        made.board.memory.write(0x700, 7)
        assert made.board.memory.read(0x700) == 7
        raise KeyError("broken")

    made.at_access(0, act)
    with pytest.raises(KeyError):
        made.board.cpu.step()
    assert made.board.memory.read(0x700) == 7


def test_between_runs_at_once(engine: EngineChoice) -> None:
    """Also by a component that the host calls itself, and by its reset."""
    made = rig("data", "lsa a1, a0, 4", engine)
    made.restart()
    made.probe.on_access = lambda *_: setattr(made.board.cpu.regs, "a1", 9)
    made.board.memory.read(PROBE)
    assert made.built.a1 == 9
    made.board.reset()
    assert made.built.a1 == 9
    made.board.cpu.reset()
    assert (made.built.a1, made.built.smt, made.board.cpu.cycles) == (0, 1, 0)


def test_another_thread_is_refused(engine: EngineChoice) -> None:
    """While instructions are executed a write could be lost; at a component the CPU waits."""
    made = rig("data", "lsa a1, a0, 4", engine)
    made.restart()
    made.board.memory.load(0, assemble("loop: jp loop").tolist())
    running = threading.Thread(target=made.board.run)
    running.start()
    try:
        while running.is_alive() and made.board.cpu.cycles < 5:
            pass
        for name in ("a1", "halt", "reset"):
            with pytest.raises(RuntimeError, match="in another thread"):
                CHANGES[name](made.board)
    finally:
        made.board.stop()
        running.join()
    made.board.cpu.regs.a1 = 9
    assert made.built.a1 == 9
