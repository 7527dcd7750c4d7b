"""Guest programs as tests: machines made from assembly text, and expectations beside it.

A script is LASM whose comments say how it starts and what must have come of it:

    ; with: ssp = 0x1000             a register before the first instruction
    ; budget: 100                    attempt at most so many instructions (default 100000)
    ; stop on exception              end the run at the first exception
    ; expect: a0 = 5                 a register afterwards
    ; expect flags a1: ZF EF         a copy of `af` in a register, by the flags' names
    ; expect word result: 7          a word of memory
    ; expect stop: halted            the reason (halted unless given)
    ; expect cycles: 12              the cycle counter
    ; expect exception: 0x0A 0       code and data of the last exception
    ; expect exception: none

Values may be labels or constants of the program. The machine is RAM (64 KiB, id 0) at 0 with the
program as its image, a ROM (16 bytes, id 1) at 0x10000, and a buffered display (64 bytes, id 2)
that is not mapped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lrvm_components import BootRom, BufferedDisplay, Ram
from lrvm_jit import Component, Motherboard, Stop
from lrvm_jit.isa.table import REGISTER_NAMES, Flag
from lrvm_tools.lasm import Assembly, assemble_program
from tests.engines import EngineChoice

RAM_SIZE = 0x10000
ROM_WORDS = (0x11111111, 0x22222222, 0x33333333, 0x44444444)
DEFAULT_BUDGET = 100_000
_DIRECTIVE = re.compile(r"^;\s*(with|budget|stop on exception|expect)\b([^:]*)(?::(.*))?$")


class ScriptError(Exception):
    """A script whose directives make no sense, or that checks nothing."""


@dataclass
class Machine:
    """A board with the program at address 0 of its RAM, reset and ready to run."""

    board: Motherboard
    ram: Ram
    labels: dict[str, int]

    def run(self, max_cycles: int = DEFAULT_BUDGET) -> Stop:
        return self.board.run(max_cycles=max_cycles)

    @property
    def state(self) -> tuple[list[int], int, bool]:
        """All that the CPU consists of."""
        cpu = self.board.cpu
        return list(cpu.regs), cpu.cycles, cpu.halted

    def __getattr__(self, name: str) -> int:
        """A register's value."""
        if name not in REGISTER_NAMES:
            raise AttributeError(name)
        return int(self.board.cpu.regs[name])


@lru_cache(maxsize=64)
def assembled(source: str) -> Assembly:
    """Assembling is most of what making a machine takes, and many tests make one again and again
    or on every engine."""
    return assemble_program(source)


def machine(
    source: str,
    engine: EngineChoice,
    components: Sequence[Component] = (),
    size: int = RAM_SIZE,
    **registers: int,
) -> Machine:
    """A machine with RAM at 0 holding the program, and `components` mapped right after it."""
    program = assembled(source)
    ram = Ram(size, image=program.words)
    board = Motherboard([ram, *components], engine=engine)
    assert all(outcome.ok for outcome in board.map_contiguous(0))
    board.reset()
    for name, value in registers.items():
        board.cpu.regs[name] = value
    return Machine(board, ram, dict(program.symbols))


def flags(af: int) -> str:
    """The names of the flags that are set, in order of their numbers."""
    return " ".join(flag.name for flag in Flag if af & flag.mask)


def check_script(path: Path, engine: EngineChoice) -> None:
    """Run a script and assert all that it expects."""
    mistakes = script_mistakes(path.read_text(), engine)
    assert not mistakes, f"{path.name} on {engine}:\n" + "\n".join(mistakes)


def script_mistakes(source: str, engine: EngineChoice) -> list[str]:
    """Run a script; a line for each expectation that does not hold. ScriptError if it has none."""
    program = assembled(source)
    ram = Ram(RAM_SIZE, image=program.words)
    rom = BootRom(ROM_WORDS, hw_id=1)
    display = BufferedDisplay(64, lambda text: None, hw_id=0x1234_5678_9ABC_DEF0)
    board = Motherboard([ram, rom, display], engine=engine)
    board.map(0, 0)
    board.map(RAM_SIZE, 1)
    board.reset()

    def value(text: str) -> int:
        return program.symbols[text] if text in program.symbols else int(text, 0)

    budget, stop_on_exception = DEFAULT_BUDGET, False
    expectations: list[tuple[str, str]] = []
    for line in source.splitlines():
        if not re.match(r"\s*;\s*(with|budget|stop|expect)\b", line):
            continue
        match = _DIRECTIVE.match(line.strip())
        if match is None:
            raise ScriptError(f"what does this line want? {line}")
        kind, qualifier, rest = match[1], match[2].strip(), (match[3] or "").strip()
        if kind == "with":
            name, _, number = rest.partition("=")
            board.cpu.regs[name.strip()] = value(number.strip())
        elif kind == "budget":
            budget = value(rest)
        elif kind == "stop on exception":
            stop_on_exception = True
        else:
            expectations.append((qualifier, rest))
    if not expectations:
        raise ScriptError("a script without expectations tests nothing")
    if not any(qualifier == "stop" for qualifier, _ in expectations):
        expectations.append(("stop", "halted"))

    stop = board.run(max_cycles=budget, halt_on_exception=stop_on_exception)
    regs = board.cpu.regs
    mistakes = []

    def compare(what: str, found: str, wanted: str) -> None:
        if found != wanted:
            mistakes.append(f"  {what} is {found}, expected {wanted}")

    for qualifier, rest in expectations:
        subject, _, argument = qualifier.partition(" ")
        if not subject:
            name, _, number = (part.strip() for part in rest.partition("="))
            compare(name, hex(regs[name]), hex(value(number)))
        elif subject == "flags":
            compare(f"flags in {argument}", flags(regs[argument]), rest)
        elif subject == "word":
            compare(
                f"word at {argument}", hex(board.memory.read(value(argument))), hex(value(rest))
            )
        elif subject == "stop":
            compare("stop reason", stop.reason, rest)
        elif subject == "cycles":
            compare("cycle counter", str(stop.cycles), str(value(rest)))
        elif subject == "exception":
            last = board.cpu.exception
            wanted = rest if rest == "none" else " ".join(hex(value(t)) for t in rest.split())
            found = "none" if last is None else f"{last.code:#x} {last.data:#x}"
            compare("exception", found, wanted)
        else:
            raise ScriptError(f"unknown expectation {qualifier!r}")
    return mistakes
