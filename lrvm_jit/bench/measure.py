"""Measuring: programs on engines and in C, start-up of whole processes, the bus round trip."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from ..core.component import Component
from ..core.metadata import Category, Metadata
from ..machine.motherboard import Motherboard
from .native import NativePrograms
from .programs import RAM_BASE, Program

REFERENCE_CYCLES = 50_000
"""The reference engine is measured on a program's beginning only."""

RUNS_IN_A_TURN = 9
"""How often a program that needs only milliseconds runs in its turn, in C or as a guest: a core
that has just been given other work needs some of them to reach its speed."""
SHORT_TURN = 0.25
"""Seconds after which a guest's turn ends in any case."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Repeated measurements of one thing: seconds of each run."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """(longest - shortest) / median."""
        return (max(self.seconds) - min(self.seconds)) / self.median


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    program: str
    engine: str
    cycles: int
    figures: Figures

    @property
    def mips(self) -> float:
        """Million instructions a second, of the median run."""
        return self.cycles / self.figures.median / 1e6

    def as_json(self) -> dict[str, Any]:
        return {
            "program": self.program,
            "engine": self.engine,
            "cycles": self.cycles,
            "mips": self.mips,
            "median": self.figures.median,
            "spread": self.figures.spread,
            **asdict(self.figures),
        }


def runs_whole(engine: str) -> bool:
    """Whether measured runs on this engine are whole, so that their times can be compared."""
    return engine != "reference"


def measure_programs(
    programs: Sequence[Program],
    engines: Sequence[str],
    repeats: int,
    native: Sequence[NativePrograms] = (),
) -> list[Row]:
    """Run programs on engines, and in C, `repeats` times after one run that is not counted.

    They take turns: one run of each, another run of each; C programs and quick guests, which need
    milliseconds, run RUNS_IN_A_TURN times in a turn, of which the median counts. Whatever else
    keeps the host busy, or changes its clock for a while, then falls on all of them, and hardly
    on the ratios of their medians. Programs that are to be compared go into one call.
    """
    runners: list[_GuestRunner | _NativeRunner] = []
    with ExitStack() as stack:
        for program in programs:
            boards = [stack.enter_context(program.board(engine)) for engine in engines]
            # An engine that was asked for twice, as "auto" and by its name, is measured once.
            guests = [
                _GuestRunner(program, board)
                for board in {board.engine: board for board in boards}.values()
            ]
            runners += guests
            whole = [guest for guest in guests if runs_whole(guest.engine)]
            runners += [
                _NativeRunner(program, compiled, whole[0])
                for compiled in native
                if whole and compiled.has(program)
            ]
        seconds: list[list[float]] = [[] for _ in runners]
        for number in range(repeats + 1):
            for runner, times in zip(runners, seconds, strict=True):
                time_needed = runner.run()
                if number:
                    times.append(time_needed)
    return [
        Row(runner.program.name, runner.engine, runner.cycles, Figures(tuple(times)))
        for runner, times in zip(runners, seconds, strict=True)
    ]


class _GuestRunner:
    """Runs a program on a board of its own, and says the seconds."""

    def __init__(self, program: Program, board: Motherboard) -> None:
        self.program = program
        self.engine = board.engine
        self.cycles = 0
        self._board = board

    def run(self) -> float:
        times = [self._run_once()]
        while len(times) < RUNS_IN_A_TURN and sum(times) < SHORT_TURN and runs_whole(self.engine):
            times.append(self._run_once())
        return statistics.median(times)

    def _run_once(self) -> float:
        whole = runs_whole(self.engine)
        self.program.start(self._board)
        start = time.perf_counter()
        stop = self._board.run(max_cycles=None if whole else REFERENCE_CYCLES)
        seconds = time.perf_counter() - start
        if whole:
            self.program.check(self._board)
        self.cycles = stop.cycles
        return seconds


class _NativeRunner:
    """Runs the C program, and says the seconds: the median of some runs in one process.

    Its cycles are those of a guest that did the same work, so that MIPS can be compared.
    """

    def __init__(self, program: Program, native: NativePrograms, guest: _GuestRunner) -> None:
        self.program = program
        self.engine = native.name
        self._native = native
        self._guest = guest

    @property
    def cycles(self) -> int:
        return self._guest.cycles

    def run(self) -> float:
        return statistics.median(self._native.seconds(self.program, RUNS_IN_A_TURN))


class OneWord(Component):
    """The smallest component there is: what a round trip costs beside it is the machine's."""

    name = "OneWord"

    def __init__(self) -> None:
        self.word = 0

    def metadata(self) -> Metadata:
        return Metadata(0, 4, Category.UNCATEGORIZED, 0)

    def read(self, offset: int) -> int:
        return self.word

    def write(self, offset: int, word: int) -> None:
        self.word = word


ROUND_TRIPS = 200_000


def measure_round_trips(engine: str, repeats: int) -> dict[str, Figures]:
    """Seconds per access of a loop that does nothing but read or write a component."""
    from lrvm_components import BootRom
    from lrvm_tools.lasm import assemble

    results = {}
    for access in ("lsa a1, ac0, 0", "wsa ac0, 0, a1"):
        source = f"cpy ac0, 1\nshl ac0, 16\nloop:\n{access}\ndec rr0\nifnq\njp loop\nhalt"
        board = Motherboard([BootRom(assemble(source), RAM_BASE), OneWord()], engine=engine)
        board.map_contiguous(0)
        seconds = []
        for _ in range(repeats + 1):
            board.reset()
            board.cpu.regs["rr0"] = ROUND_TRIPS
            start = time.perf_counter()
            board.run()
            seconds.append((time.perf_counter() - start) / ROUND_TRIPS)
        results["read" if access.startswith("lsa") else "write"] = Figures(tuple(seconds[1:]))
    return results


_HELLO = (
    "from lrvm_jit import Motherboard; from lrvm_components import BootRom, CharDisplay; "
    "board = Motherboard([BootRom({words}, 0x10000), CharDisplay()]); "
    "board.map_contiguous(0); board.reset(); board.run()"
)
_IMPORT = (
    "import time; start = time.perf_counter(); import lrvm_jit; print(time.perf_counter() - start)"
)


def measure_start(repeats: int) -> dict[str, Figures]:
    """Whole processes: hello world from a cold and a warm kernel cache, and the bare import."""
    from .programs import image

    hello = _HELLO.format(words=image("hello").tolist())
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LRVM_JIT_CACHE_DIR": folder}
        results["hello world, cold"] = Figures((_process(hello, environment),))
        results["hello world, warm"] = Figures(
            tuple(_process(hello, environment) for _ in range(repeats))
        )
    results["import lrvm_jit"] = Figures(
        tuple(float(_output(_IMPORT, dict(os.environ))) for _ in range(repeats))
    )
    return results


def _process(code: str, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    output = _output(code, environment)
    seconds = time.perf_counter() - start
    if output != "Hello!\n":
        raise RuntimeError(f"hello world printed {output!r}")
    return seconds


def _output(code: str, environment: dict[str, str]) -> str:
    command: Sequence[str] = (sys.executable, "-c", code)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout
