"""`python -m lrvm_jit.bench start`: how long it takes until a program runs at its full speed."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ..code_cache import CACHE_VARIABLE
from ..code_cache.sources import KIND as SOURCES
from ..jit.baseline.library import KIND as STENCILS
from ..kernel.build.compile import FOLDER as KERNELS
from .command import CommandParser
from .measure import measure_programs
from .native import NativePrograms, NativeUnavailableError, system_compiler
from .programs import LASM_PROGRAMS, Program, image
from .suite import BY_NAME

EPILOG: Final = """examples:
  python -m lrvm_jit.bench start                            the assembly programs
  python -m lrvm_jit.bench start sieve fib -n 9 --native    two of them, nine runs each, beside C
  python -m lrvm_jit.bench start --plot start.svg           with a picture of the first moments

cold: a new process that has only the machine's own code on disk. disk: a new process whose program
an earlier one has run. process: a new board in a process that knows the program. peak: the same
board again. All by the clock, from `run()` on. Whole/numpy is a process from its start to its end,
less the peak, against one that only imports numpy, measured in turns: by the clock, and in brackets
by the time that processors work for it, which other processes disturb less.
"""

WAYS: Final = ("cold", "disk", "process", "peak")
"""How well a program is known when its run begins."""
OWN_CODE: Final = (KERNELS, STENCILS, SOURCES)
"""The kinds of what a cache has whatever programs were run."""
WARMING: Final = 2
"""Processes that run a program before it counts as known on disk."""
IMPORT_NUMPY: Final = (sys.executable, "-c", "import numpy")


@dataclass(slots=True)
class Row:
    """What was measured of one program. Times are medians, in seconds."""

    program: str
    instructions: int
    seconds: dict[str, float]
    """By WAYS."""
    interpreter: float
    native: float | None
    whole: tuple[float, float] | None
    """The whole process with the program on disk, by the clock and by processors; None where it
    needs `lrvm_tools`."""
    numpy: tuple[float, float] | None
    """One that only imports numpy, measured in turns with it."""
    curves: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """By engine or way: seconds since `run()`, instructions done."""

    @property
    def whole_ratios(self) -> tuple[float, float] | None:
        """The whole process without the program's own time, as multiples of `import numpy`."""
        if self.whole is None or self.numpy is None:
            return None
        peak = self.seconds["peak"]
        return (self.whole[0] - peak) / self.numpy[0], (self.whole[1] - peak) / self.numpy[1]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "whole/numpy": self.whole_ratios}


class Measurement:
    """Measures programs in processes with cache folders of their own. Use it in a `with` block."""

    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self._stack = ExitStack()
        self._folder = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lrvm-start-"))
        )
        self._kernel = self._folder / "kernel"

    def __enter__(self) -> Measurement:
        # The kernel and what belongs to it is compiled here, once, and put into every folder.
        for _ in range(WARMING):
            self._child(LASM_PROGRAMS[0], "auto", self._kernel)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def measure(self, program: Program, native: Sequence[NativePrograms], curves: bool) -> Row:
        """All of one program."""
        rows = measure_programs([program], ["auto", "interpreter"], self._repeats, native)
        times = {row.engine: row.figures.median for row in rows}
        peak, interpreter, *others = rows
        warm = self._cache(f"{program.name}-warm")
        for _ in range(WARMING):
            self._child(program, "auto", warm)
        disk: list[float] = []
        whole, numpy = [], []
        for _ in range(self._repeats):
            numpy.append(_both_clocks(lambda: subprocess.run(IMPORT_NUMPY, check=True)))
            whole.append(
                _both_clocks(lambda: disk.append(self._child(program, "auto", warm)[0][0]))
            )
        seconds = {
            "cold": statistics.median(self._cold(program, k) for k in range(self._repeats)),
            "disk": statistics.median(disk),
            "process": statistics.median(_known(program) for _ in range(self._repeats)),
            "peak": peak.figures.median,
        }
        from_words = program.source is None
        row = Row(
            program.name,
            interpreter.cycles,
            seconds,
            interpreter.figures.median,
            next((times[one.engine] for one in others), None),
            _medians(whole) if from_words else None,
            _medians(numpy) if from_words else None,
        )
        if curves:
            cold = self._cache(f"{program.name}-curve")
            row.curves = {
                "interpreter": self._child(program, "interpreter", cold, "curve"),
                "cold": self._child(program, "auto", cold, "curve"),
                "disk": self._child(program, "auto", warm, "curve"),
            }
        return row

    def _cold(self, program: Program, number: int) -> float:
        folder = self._cache(f"{program.name}-{number}")
        return self._child(program, "auto", folder)[0][0]

    def _cache(self, name: str) -> Path:
        """A cache folder with nothing but the machine's own code."""
        folder = self._folder / name
        folder.mkdir()
        for kind in OWN_CODE:
            if (self._kernel / kind).exists():
                shutil.copytree(self._kernel / kind, folder / kind)
        return folder

    def _child(
        self, program: Program, engine: str, cache: Path, manner: str = "run"
    ) -> list[tuple[float, int]]:
        """Run a program in a new process: seconds and instructions, see `start_child`."""
        words = ""
        if program.source is None:
            words = str(self._folder / f"{program.name}.words")
            if not Path(words).exists():
                image(program.name).tofile(words)
        cache.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "lrvm_jit.bench.start_child"]
        done = subprocess.run(
            [*command, program.name, engine, words, manner],
            env={**os.environ, CACHE_VARIABLE: str(cache)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        pairs = (line.split() for line in done.stdout.splitlines())
        return [(float(seconds), int(cycles)) for seconds, cycles in pairs]


def _known(program: Program) -> float:
    """Seconds of the first run of a new board in this process, which has run the program."""
    with program.board("auto") as board:
        program.start(board)
        seconds = _clocked(board.run)
        program.check(board)
    return seconds


def _clocked(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _both_clocks(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a child process: by the clock, and by the processors that worked for it."""
    before = os.times()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    after = os.times()
    worked = after.children_user + after.children_system
    return seconds, worked - before.children_user - before.children_system


def _medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and plot; returns the process's exit status."""
    options = _options(arguments)
    if options.plot is not None:
        try:
            from .start_plot import save
        except ImportError as error:
            # Before anything is measured, which takes minutes.
            print(f"--plot: {error}", file=sys.stderr)
            return 2
    programs = [BY_NAME[name] for name in dict.fromkeys(options.programs)] or [
        # What `mmio` does is answered by Python.
        program
        for program in LASM_PROGRAMS
        if program.name != "mmio"
    ]
    rows = []
    with ExitStack() as stack:
        native = []
        if options.native:
            try:
                native.append(stack.enter_context(NativePrograms(compiler=system_compiler())))
            except NativeUnavailableError as error:
                print(f"native: {error}", file=sys.stderr)
        measurement = stack.enter_context(Measurement(options.repeats))
        if not options.json:
            print(f"Python {platform.python_version()}, {platform.machine()}; medians; ms")
            print(HEADER)
        for program in programs:
            rows.append(measurement.measure(program, native, options.plot is not None))
            if not options.json:
                print(_line(rows[-1]), flush=True)
    if options.json:
        print(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        print(_ratios(rows))
    if options.plot is not None:
        save(rows, options.plot)
    return 2 if options.native and not native else 0


HEADER: Final = (
    f"{'program':10} {'Minstr':>7} {'interp.':>8} {'native':>8} {'cold':>8} {'disk':>8} "
    f"{'process':>8} {'peak':>8}  {'disk-peak':>9} {'process-peak':>12} {'whole/numpy':>12}"
)


def _line(row: Row) -> str:
    cold, disk, process, peak = (row.seconds[way] for way in WAYS)
    native = "-" if row.native is None else f"{row.native * 1e3:.2f}"
    ratios = row.whole_ratios
    whole = "-" if ratios is None else f"{ratios[0]:.2f} ({ratios[1]:.2f})"
    return (
        f"{row.program:10} {row.instructions / 1e6:7.1f} {row.interpreter * 1e3:8.2f} {native:>8} "
        f"{cold * 1e3:8.2f} {disk * 1e3:8.2f} {process * 1e3:8.2f} {peak * 1e3:8.2f}  "
        f"{(disk - peak) * 1e3:9.2f} {(process - peak) * 1e3:12.2f} {whole:>12}"
    )


def _ratios(rows: Sequence[Row]) -> str:
    """The same times against the interpreter's and native code's, with geometric means and the
    largest of each."""
    titles = " ".join(f"{way:>8}" for way in WAYS)
    lines = ["", f"{'':10}  {'/ interpreter':^35}  {'/ native':^35}"]
    lines.append(f"{'program':10}  {titles}  {titles}")
    table = [
        [
            *(row.seconds[way] / row.interpreter for way in WAYS),
            *(row.seconds[way] / row.native if row.native else None for way in WAYS),
        ]
        for row in rows
    ]
    columns = [[one for one in column if one] for column in zip(*table, strict=True)]
    means = [math.exp(statistics.fmean(map(math.log, one))) if one else None for one in columns]
    largest = [max(one, default=None) for one in columns]
    names = [*(row.program for row in rows), "geom. mean", "largest"]
    for name, cells in zip(names, [*table, means, largest], strict=True):
        text = [f"{one:8.3f}" if one else f"{'-':>8}" for one in cells]
        lines.append(f"{name:10}  {' '.join(text[:4])}  {' '.join(text[4:])}")
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    description = "Measure how long it takes until programs run at their full speed."
    parser = CommandParser("start", description, EPILOG)
    parser.add_programs(list(BY_NAME), "without any, those in assembly but mmio")
    parser.add_argument("--native", action="store_true", help="beside the same work in C (-O2)")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="save a picture of instructions done over time: .png, .svg or .pdf",
    )
    return parser.parse(arguments)


if __name__ == "__main__":
    sys.exit(main())
