"""`python -m lrvm_jit.bench batch`: lanes and instructions a second of whole batches."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy

from ..batch import Batch, BatchResult, LaneReason
from ..isa.table import Reg
from .command import CommandParser
from .lanes import table
from .measure import Figures
from .programs import image

LANES: Final = (1, 100, 10_000, 1_000_000)
INSTRUCTIONS: Final = (20, 1_000, 100_000)

FIGURE_LANES = 1_000_000
FIGURE_INSTRUCTIONS: Final = 1_000
SHORT: Final = 20
"""Instructions of `batch_ram.lasm`."""
RAM: Final = 256
"""Bytes of RAM of each lane."""

WARM_UP = 5_000_000
"""Instructions of all lanes together after which the loop has been translated."""
PATIENCE = 20.0
"""Seconds after which a row gets no further repetition."""
ENOUGH = 0.2
"""Seconds for which short runs are repeated more often than asked for,"""
MOST_REPEATS: Final = 20
"""at most so many times as often."""

EPILOG = """examples:
  python -m lrvm_jit.bench batch                          the whole table, some minutes
  python -m lrvm_jit.bench batch --plot batch.png         and a picture of it
  python -m lrvm_jit.bench batch --lanes 5000 --threads 2 one row for each length
  python -m lrvm_jit.bench batch --vectors                lanes side by side against lanes alone
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One size of a batch, with one number of threads."""

    lanes: int
    instructions: int
    """Of each lane."""
    threads: int
    figures: Figures

    @property
    def lanes_a_second(self) -> float:
        return self.lanes / self.figures.median

    @property
    def mips(self) -> float:
        """Of all lanes together."""
        return self.lanes * self.instructions / self.figures.median / 1e6

    @property
    def spread(self) -> float:
        """(third quartile - first quartile) / median: one run among many that was disturbed says
        nothing."""
        first, median, third = numpy.quantile(self.figures.seconds, (0.25, 0.5, 0.75)).tolist()
        return float((third - first) / median)

    def as_json(self) -> dict[str, object]:
        return {
            "lanes": self.lanes,
            "instructions": self.instructions,
            "threads": self.threads,
            "lanes_a_second": self.lanes_a_second,
            "mips": self.mips,
            "median": self.figures.median,
            "spread": self.spread,
            "seconds": self.figures.seconds,
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that has a name."""

    name: str
    value: float
    unit: str


class CountingLanes:
    """A batch of lanes that count for so many instructions, in registers only: the RAM that they
    have is never touched."""

    def __init__(self, lanes: int, instructions: int, threads: int) -> None:
        self.instructions = instructions
        self._batch = Batch(image("batch_loop"), lanes, ram_size=RAM, threads=threads)
        # However few and short the lanes are, their code is to be translated before they count.
        self._run(max(SHORT, WARM_UP // lanes // 4 * 4))

    def seconds(self) -> float:
        """One run. RuntimeError if the lanes have not done what they should."""
        return self._run(self.instructions)

    def _run(self, instructions: int) -> float:
        batch = self._batch
        batch.lanes.reset()  # not batch.reset(), which writes all RAM
        batch.regs[:, Reg.A1] = instructions // 4
        start = time.perf_counter()
        result = batch.run()
        seconds = time.perf_counter() - start
        _check(result, instructions)
        if (batch.regs[:, Reg.A0] != instructions // 4).any():
            raise RuntimeError("lanes have not counted to their ends")
        return seconds


class ShortLanes:
    """A batch of lanes of 20 instructions that read and write their RAM."""

    def __init__(self, lanes: int) -> None:
        self._batch = Batch(image("batch_ram"), lanes, ram_size=RAM, threads=1)
        for _ in range(max(1, min(WARM_UP // SHORT // lanes, 1_000))):
            self.seconds()

    def seconds(self) -> float:
        """One run. RuntimeError if the lanes have not done what they should."""
        batch = self._batch
        inputs = numpy.arange(batch.n, dtype=numpy.uint32)
        batch.lanes.reset()
        batch.regs[:, Reg.A0] = inputs
        start = time.perf_counter()
        result = batch.run()
        seconds = time.perf_counter() - start
        _check(result, SHORT)
        if (batch.ram[:, 0] != inputs * numpy.uint32(33**3)).any():
            raise RuntimeError("lanes have left wrong results in their RAM")
        return seconds


def _check(result: BatchResult, instructions: int) -> None:
    if (result.reason != LaneReason.HALTED).any() or (result.cycles != instructions).any():
        raise RuntimeError(f"lanes have not halted after {instructions:,} instructions: {result}")


def measure(
    lanes: Sequence[int], instructions: Sequence[int], threads: Sequence[int], repeats: int
) -> Iterator[Row]:
    """Rows of the table; numbers of threads are measured in turns."""
    for count in lanes:
        for length in instructions:
            seconds = _in_turns(count, length, threads, repeats)
            for number in threads:
                yield Row(count, length, number, Figures(tuple(seconds[number])))


def _in_turns(
    lanes: int, instructions: int, threads: Sequence[int], repeats: int
) -> dict[int, list[float]]:
    """Seconds of each run, by number of threads."""
    batches = {number: CountingLanes(lanes, instructions, number) for number in threads}
    seconds: dict[int, list[float]] = {number: [] for number in threads}
    begin = time.perf_counter()
    for turn in range(1, MOST_REPEATS * repeats + 1):
        for number, batch in batches.items():
            seconds[number].append(batch.seconds())
        elapsed = time.perf_counter() - begin
        if elapsed > PATIENCE or (turn >= repeats and elapsed > ENOUGH):
            break
    return seconds


def measure_figures(repeats: int) -> list[Figure]:
    """What batches must achieve, by name."""
    seconds = _in_turns(FIGURE_LANES, FIGURE_INSTRUCTIONS, (1, 2), repeats)
    short = ShortLanes(FIGURE_LANES)
    short_seconds = statistics.median(short.seconds() for _ in range(repeats))
    size = f"{FIGURE_LANES:,} lanes"
    length = f"{FIGURE_INSTRUCTIONS:,} instructions"
    return [
        Figure(f"{size} x {length}, 1 thread", statistics.median(seconds[1]), "s"),
        Figure(
            f"{size} x {SHORT} instructions, {RAM} bytes of RAM, 1 thread",
            short_seconds / FIGURE_LANES * 1e9,
            "ns a lane",
        ),
        Figure(
            f"{size} x {length}, 2 threads against 1",
            statistics.median(a / b for a, b in zip(seconds[1], seconds[2], strict=True)),
            "times",
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and plot; returns the process's exit status."""
    options = _options(arguments)
    if options.vectors:
        return _vectors(options)
    save: Callable[[Sequence[Row], Path], None] | None = None
    if options.plot is not None:
        try:
            from .batch_plot import save
        except ImportError as error:
            # Before anything is measured, which takes minutes.
            print(f"--plot: {error}", file=sys.stderr)
            return 2
    if not options.json:
        print(f"Python {platform.python_version()}, {platform.machine()}; medians")
        print(
            f"{'lanes':>12} {'instructions':>12} {'threads':>8} {'seconds':>11} {'lanes/s':>12} "
            f"{'MIPS':>9}  spread"
        )
    rows = []
    threads = list(dict.fromkeys(options.threads or (1, len(os.sched_getaffinity(0)))))
    sizes, lengths = options.lanes or LANES, options.instructions or INSTRUCTIONS
    for row in measure(sizes, lengths, threads, options.repeats):
        rows.append(row)
        if not options.json:
            print(
                f"{row.lanes:12,} {row.instructions:12,} {row.threads:8} "
                f"{row.figures.median:11.6f} {row.lanes_a_second:12,.0f} {row.mips:9,.1f}  "
                f"{row.spread:5.0%}",
                flush=True,
            )
    figures = []
    if not (options.lanes or options.instructions or options.threads):
        figures = measure_figures(options.repeats)
    if options.json:
        report = {
            "rows": [row.as_json() for row in rows],
            "figures": [asdict(figure) for figure in figures],
        }
        print(json.dumps(report, indent=2))
    for figure in figures if not options.json else ():
        print(f"{figure.name:62} {figure.value:8.2f} {figure.unit}")
    if save is not None:
        save(rows, options.plot)
    return 0


def _vectors(options: argparse.Namespace) -> int:
    """The table of `--vectors`."""
    most = max(options.lanes) if options.lanes else None
    found = []
    for line, comparison in table(options.repeats, most):
        if comparison is not None:
            found.append(comparison.as_json())
        if not options.json:
            print(line, flush=True)
    if options.json:
        print(json.dumps({"vectors": found}, indent=2))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser(
        "batch",
        "Measure batches: lanes and instructions a second. Sizes and numbers of threads may be "
        "chosen; the figures with names are measured only if none is.",
        EPILOG,
    )
    parser.add_argument("--lanes", type=int, nargs="+", metavar="N", help="numbers of lanes")
    parser.add_argument(
        "--instructions", type=int, nargs="+", metavar="N", help="of each lane; multiples of 4"
    )
    parser.add_argument(
        "--threads", type=int, nargs="+", metavar="N", help="default: 1, and one for each CPU"
    )
    parser.add_argument(
        "--vectors",
        action="store_true",
        help="guests whose lanes run side by side in vector registers, and the same one after "
        "the other; with --lanes at most so many",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="save a picture: .png, .svg or .pdf"
    )
    options = parser.parse(arguments)
    for name in ("lanes", "instructions", "threads"):
        for number in getattr(options, name) or ():
            parser.check_positive(name, number)
    for number in options.instructions or ():
        if number % 4:
            parser.error(f"--instructions is {number}; it must be a multiple of 4")
    if options.plot is not None and options.plot.suffix not in (".png", ".svg", ".pdf"):
        parser.error(f"--plot is {options.plot}; its name must end with .png, .svg or .pdf")
    if options.plot is not None and not options.plot.parent.is_dir():
        parser.error(f"--plot is {options.plot}; there is no such folder")
    return options
