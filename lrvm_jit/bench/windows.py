"""`python -m lrvm_jit.bench windows`: how fast new programs run in their first hundred millions of
instructions, while the tiers take over from each other."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from ..jit.options import TranslatorOptions
from .command import CommandParser
from .programs import Program
from .suite import BY_NAME

EPILOG: Final = """examples:
  python -m lrvm_jit.bench windows                    all programs but mmio
  python -m lrvm_jit.bench windows lists lisp -n 3    two of them, three processes each

Each program runs in a new process: first with the interpreter, then on a new board with both tiers
of native code, nothing of it on disk, then with the baseline tier alone. Millions of instructions
a second by the CPU time of the thread that runs the guest; what is compiled on another thread does
not count, but how late its code comes does. The programs get more rounds than they can finish.
"""

ENDS: Final = (3, 30, 100, 300, 400)
"""Where the windows end, in millions of instructions."""
ENGINES: Final = ("interpreter", "auto", "baseline")
ROUNDS: Final = 1 << 24
"""More than any program finishes."""
UNIT: Final = 1_000_000
"""Instructions in which windows are told."""


@dataclass(slots=True)
class Row:
    """What was measured of one program: by engine the MIPS of each window that it reached."""

    program: str
    mips: dict[str, list[float]]

    def ratios(self, engine: str) -> list[float]:
        """How much faster than the interpreter an engine is in each window."""
        pairs = zip(self.mips[engine], self.mips["interpreter"], strict=False)
        return [fast / slow for fast, slow in pairs]

    def first(self, engine: str, end: int) -> float | None:
        """The same for all windows up to one together; None if the program ends before."""
        if ENDS.index(end) >= len(self.mips[engine]):
            return None
        times = []
        for name in (engine, "interpreter"):
            sizes = (high - low for low, high in zip((0, *ENDS), ENDS, strict=False))
            until = ENDS.index(end) + 1
            times.append(
                sum(
                    size / mips
                    for size, mips in list(zip(sizes, self.mips[name], strict=False))[:until]
                )
            )
        return times[1] / times[0]


def run_windows(program: Program, engine: str | TranslatorOptions) -> list[float]:
    """MIPS of each window on a new board."""
    endless = replace(program, rounds=ROUNDS)
    found = []
    with endless.board(engine) as board:
        endless.start(board)
        done = 0
        for end in ENDS:
            start, began = time.thread_time(), done
            while done < end * UNIT and not board.cpu.halted:
                board.run(min(UNIT * 1000, end * UNIT - done))
                done = board.stats().instructions
            if done < end * UNIT:
                break
            found.append((done - began) / (time.thread_time() - start) / 1e6)
    return found


def measure(name: str) -> Row:
    """All of one program, in this process."""
    program = BY_NAME[name]
    both = TranslatorOptions(cache=False)
    # Kernel and stencils are loaded, or made, before anything counts.
    first = BY_NAME["loop"]
    with first.board(replace(both, tiers=("baseline",))) as board:
        first.start(board)
        board.run(1000)
    engines: tuple[str | TranslatorOptions, ...] = (
        "interpreter",
        both,
        replace(both, tiers=("baseline",)),
    )
    return Row(
        name,
        {
            title: run_windows(program, engine)
            for title, engine in zip(ENGINES, engines, strict=True)
        },
    )


def _child(name: str) -> Row:
    command = [sys.executable, "-m", "lrvm_jit.bench.windows", "--json", "--here", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Row(**json.loads(done.stdout)[0])


def _median(rows: Sequence[Row]) -> Row:
    """Of each window the median over several processes."""
    mips = {
        engine: [
            statistics.median(values)
            for values in zip(*(row.mips[engine] for row in rows), strict=False)
        ]
        for engine in ENGINES
    }
    return Row(rows[0].program, mips)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the process's exit status."""
    options = _options(arguments)
    names = list(dict.fromkeys(options.programs)) or [name for name in BY_NAME if name != "mmio"]
    rows = []
    if not options.json:
        windows = " ".join(f"{'-' + str(end):>6}" for end in ENDS)
        print("times the interpreter, by windows that end at so many million instructions")
        print(f"{'program':10} {'engine':10} {windows}  {'first 100':>9}")
    for name in names:
        if options.here:
            rows.append(measure(name))
        else:
            rows.append(_median([_child(name) for _ in range(options.repeats)]))
        if not options.json:
            for engine in ENGINES[1:]:
                print(_line(rows[-1], engine), flush=True)
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        for engine in ENGINES[1:]:
            print(_summary(rows, engine))
    return 0


def _line(row: Row, engine: str) -> str:
    cells = " ".join(f"{ratio:6.2f}" for ratio in row.ratios(engine))
    first = row.first(engine, 100)
    whole = "-" if first is None else f"{first:.2f}"
    padding = " " * (7 * len(ENDS) - 1 - len(cells))
    return f"{row.program:10} {engine:10} {cells}{padding}  {whole:>9}"


def _summary(rows: Sequence[Row], engine: str) -> str:
    """Geometric means over the programs."""
    cells = []
    for position in range(len(ENDS)):
        ratios = [
            row.ratios(engine)[position] for row in rows if len(row.ratios(engine)) > position
        ]
        cells.append(f"{_mean(ratios):6.2f}" if ratios else f"{'-':>6}")
    firsts = [first for row in rows if (first := row.first(engine, 100)) is not None]
    whole = f"{_mean(firsts):.2f}" if firsts else "-"
    return f"{'geometric':10} {engine:10} {' '.join(cells)}  {whole:>9}"


def _mean(ratios: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    description = "Measure how fast new programs run in their first moments."
    parser = CommandParser("windows", description, EPILOG, repeats=1, of="processes")
    parser.add_programs(list(BY_NAME), "without any, all but mmio")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse(arguments)


if __name__ == "__main__":
    sys.exit(main())
