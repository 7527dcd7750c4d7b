"""`python -m lrvm_jit.bench`: how fast the machine is here."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from ..engines import ENGINES
from .command import CommandParser
from .measure import Row, measure_programs, measure_round_trips, measure_start, runs_whole
from .native import NativePrograms, NativeUnavailableError, front_end, system_compiler
from .programs import Program
from .ratios import engine_ratios, mmu_ratios
from .suite import BY_NAME, PROGRAMS

EPILOG = """examples:
  python -m lrvm_jit.bench                         the whole table
  python -m lrvm_jit.bench loop sieve -n 9         two programs, nine runs each
  python -m lrvm_jit.bench -e auto --native        beside the same algorithms in C
  python -m lrvm_jit.bench --json > figures.json   for other programs
  python -m lrvm_jit.bench modular                 queries a second of modular machines
  python -m lrvm_jit.bench batch                   lanes a second of batches
  python -m lrvm_jit.bench start                   the way to full speed, new and known programs
  python -m lrvm_jit.bench slices                  the slowest moments of awkward guests
  python -m lrvm_jit.bench windows                 new programs' first 400 million instructions
  python -m lrvm_jit.bench waits                   other Python threads beside a translation
"""

COMMANDS = ("modular", "batch", "start", "slices", "windows", "waits")
"""Benchmarks of their own, each a module with a `main`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the process's exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in COMMANDS:
        command = import_module(f".{arguments[0]}", __package__)
        status: int = command.main(arguments[1:])
        return status
    parser = CommandParser("", "Measure the machine: programs, bus round trips, start-up.", EPILOG)
    parser.add_programs(list(BY_NAME), "without any, all of them, round trips and start-up")
    parser.add_argument(
        "-e", "--engine", action="append", choices=ENGINES, help="default: reference and auto"
    )
    parser.add_argument(
        "--native",
        action="store_true",
        help="measure the same algorithms in C as well (-O2), and print how many times as long "
        "the engines take; needs a checkout and a C compiler: $CC, cc, gcc or clang. With the "
        "extra `cc`, programs that are in C themselves are measured by its clang as well",
    )
    options = parser.parse(arguments)
    engines = sorted(options.engine or ("reference", "auto"), key=ENGINES.index)
    if options.native and not any(map(runs_whole, engines)):
        parser.error("--native compares whole runs, which the engine reference is too slow for")

    chosen = [BY_NAME[name] for name in dict.fromkeys(options.programs)] or list(PROGRAMS)
    report = _Report(as_json=options.json)
    with ExitStack() as stack:
        native = _native(chosen, stack) if options.native else []
        for group in _groups(chosen):
            for row in measure_programs(group, engines, options.repeats, native):
                report.row(row)
    if not options.programs:
        for engine in options.engine or ["auto"]:
            for access, figures in measure_round_trips(engine, options.repeats).items():
                report.figure(
                    f"bus round trip, {access} ({engine})",
                    figures.median * 1e9,
                    "ns",
                    figures.spread,
                )
        for name, figures in measure_start(options.repeats).items():
            report.figure(name, figures.median, "s", figures.spread)
    report.finish()
    # What was asked for is not all there, though the rest is.
    return 2 if options.native and not native else 0


def _groups(programs: Sequence[Program]) -> list[list[Program]]:
    """Programs to be measured together: those that do the same work, such as the two sieves."""
    groups: dict[str, list[Program]] = {}
    for program in programs:
        groups.setdefault(program.native or program.name, []).append(program)
    return list(groups.values())


def _native(programs: Sequence[Program], stack: ExitStack) -> list[NativePrograms]:
    """The C programs by each compiler, all compiled and tried; a line on stderr for a compiler
    with which that cannot be."""
    found = []
    for find in (system_compiler, front_end):
        try:
            compiler = find()
            if compiler is None:
                continue
            native = stack.enter_context(NativePrograms(compiler=compiler))
            for program in programs:
                if native.has(program):
                    native.seconds(program, 1)
        except NativeUnavailableError as error:
            print(f"native: {error}", file=sys.stderr)
        else:
            found.append(native)
    return found


class _Report:
    """Prints lines as they come, or everything as JSON at the end."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._rows: list[Row] = []
        self._figures: list[dict[str, Any]] = []
        if not as_json:
            print(f"Python {platform.python_version()}, {platform.machine()}; medians")
            print(f"{'program':10} {'engine':12} {'cycles':>12} {'seconds':>9} {'MIPS':>9}  spread")

    def row(self, row: Row) -> None:
        self._rows.append(row)
        if not self._as_json:
            print(
                f"{row.program:10} {row.engine:12} {row.cycles:12,} {row.figures.median:9.4f} "
                f"{row.mips:9,.1f}  {row.figures.spread:5.0%}",
                flush=True,
            )

    def figure(self, name: str, value: float, unit: str, spread: float) -> None:
        self._figures.append({"name": name, "value": value, "unit": unit, "spread": spread})
        if not self._as_json:
            digits = 0 if unit == "ns" else 3
            print(f"{name:36} {value:9.{digits}f} {unit:2}  {spread:5.0%}", flush=True)

    def finish(self) -> None:
        ratios, mmu = engine_ratios(self._rows), mmu_ratios(self._rows)
        if self._as_json:
            report = {
                "programs": [row.as_json() for row in self._rows],
                "figures": self._figures,
                "ratios": [ratio.as_json() for ratio in ratios],
                "mmu_sieve/sieve": mmu,
            }
            print(json.dumps(report, indent=2))
            return
        if ratios:
            widths = [len(ratio.name) + 2 for ratio in ratios]
            lines = [("time of/of", [ratio.name for ratio in ratios])]
            lines += [
                (
                    name,
                    [f"{r.programs[name]:.2f}" if name in r.programs else "-" for r in ratios],
                )
                for name in dict.fromkeys(name for ratio in ratios for name in ratio.programs)
            ]
            lines.append(("geometric mean", [f"{ratio.geometric_mean:.2f}" for ratio in ratios]))
            lines.append(("largest", [f"{ratio.largest:.2f}" for ratio in ratios]))
            print()
            for name, cells in lines:
                print(f"{name:14}" + "".join(map(str.rjust, cells, widths)))
        for engine, ratio in mmu.items():
            print(f"mmu_sieve/sieve ({engine}) {ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
