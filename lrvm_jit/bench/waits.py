"""`python -m lrvm_jit.bench waits`: how long another Python thread waits for the GIL while programs
are translated."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from ..jit.options import TranslatorOptions
from .command import CommandParser
from .suite import BY_NAME

if TYPE_CHECKING:
    from ..machine.motherboard import Motherboard

EPILOG: Final = """examples:
  python -m lrvm_jit.bench waits                     the C programs, and 600 functions in a row
  python -m lrvm_jit.bench waits lisp functions -n 9

A second thread counts, with sys.setswitchinterval(1e-4), while a new process runs each program for
its first 300 million instructions with nothing of it on disk. A wait is the time between two of its
counts; told is the longest in each process, as the least and the median of all processes: what
Python does for the machine comes in each of them, and what the system does to threads does not.
The interpreter beside it translates nothing.
"""

FUNCTIONS: Final = "functions"
"""The name of a generated program: `FUNCTION_COUNT` functions, called in a row for ever."""
FUNCTION_COUNT: Final = 600
FUNCTION_LENGTH: Final = 22
INSTRUCTIONS: Final = 300_000_000
SLICE: Final = 3_000_000
LONGEST_SECONDS: Final = 10.0
ENGINES: Final = ("auto", "interpreter")


@dataclass(frozen=True, slots=True)
class Row:
    """The longest wait in each process, in seconds, by engine."""

    program: str
    longest: dict[str, list[float]]


def functions_board(engine: TranslatorOptions | str) -> Motherboard:
    """A machine that runs the generated program."""
    from lrvm_components import Ram
    from lrvm_tools.lasm import assemble

    from ..machine.motherboard import Motherboard

    lines = ["main:"]
    lines += [f"call f{number}" for number in range(FUNCTION_COUNT)]
    lines += ["inc a7", "jp main"]
    for number in range(FUNCTION_COUNT):
        lines.append(f"f{number}:")
        for step in range(FUNCTION_LENGTH - 1):
            op = ("add", "xor", "sub")[(number + step) % 3]
            lines.append(f"{op} a{step % 6}, a{(number + step * 5) % 7}")
        lines.append("ret")
    board = Motherboard([Ram(0x100000)], engine)
    board.map_contiguous(0)
    board.reset()
    board.memory.load(0, assemble("\n".join(lines)))
    board.cpu.regs["ssp"] = 0x100000
    return board


class Counter(threading.Thread):
    """Counts, and keeps the longest time between two counts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._ends = False

    def run(self) -> None:
        clock = time.perf_counter
        last = clock()
        while not self._ends:
            now = clock()
            if now - last > self.longest:
                self.longest = now - last
            last = now

    def end(self) -> float:
        """Stop counting; the longest wait in seconds."""
        self._ends = True
        self.join()
        return self.longest


def longest_wait(name: str, engine: str) -> float:
    """Run a program in this process, beside a counting thread."""
    choice = TranslatorOptions(cache=False) if engine == "auto" else engine
    if name == FUNCTIONS:
        board = functions_board(choice)
    else:
        board = BY_NAME[name].board(choice)
        BY_NAME[name].start(board)
    sys.setswitchinterval(1e-4)
    counter = Counter()
    counter.start()
    until = time.perf_counter() + LONGEST_SECONDS
    while not board.cpu.halted and board.cpu.cycles < INSTRUCTIONS and time.perf_counter() < until:
        board.run(max_cycles=SLICE)
    return counter.end()


def measure(name: str, repeats: int) -> Row:
    """In processes of their own, the engines in turns."""
    longest: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for _ in range(repeats):
        for engine in ENGINES:
            command = [sys.executable, "-m", "lrvm_jit.bench", "waits", name, "--once", engine]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            longest[engine].append(float(done.stdout))
    return Row(name, longest)


HEADER: Final = (
    f"{'program':10} {'auto: least':>12} {'median':>7}  {'interpreter: least':>18} {'median':>7}"
)


def line(row: Row) -> str:
    """A row of the table, in milliseconds."""
    least = [1e3 * min(row.longest[engine]) for engine in ENGINES]
    median = [1e3 * statistics.median(row.longest[engine]) for engine in ENGINES]
    return f"{row.program:10} {least[0]:12.2f} {median[0]:7.2f}  {least[1]:18.2f} {median[1]:7.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the process's exit status."""
    options = _options(arguments)
    if options.once:
        print(longest_wait(options.programs[0], options.once))
        return 0
    names = options.programs or [
        *(name for name, program in BY_NAME.items() if program.source is not None),
        FUNCTIONS,
    ]
    rows = []
    if not options.json:
        print("the longest wait of another Python thread in a process; ms")
        print(HEADER)
    for name in dict.fromkeys(names):
        rows.append(measure(name, options.repeats))
        if not options.json:
            print(line(rows[-1]), flush=True)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    description = "Measure how long another Python thread waits while programs are translated."
    parser = CommandParser("waits", description, EPILOG, of="processes")
    parser.add_programs([*BY_NAME, FUNCTIONS], "see below")
    parser.add_argument("--once", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse(arguments)
    if options.once and len(options.programs) != 1:
        parser.error("--once takes one program")
    return options
