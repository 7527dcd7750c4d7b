"""`python -m lrvm_jit.bench`: how fast the machine is here."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from typing import Any

from ..engines import ENGINES
from .measure import Row, measure_program, measure_round_trips, measure_start
from .programs import BY_NAME, PROGRAMS

EPILOG = """examples:
  python -m lrvm_jit.bench                         the whole table
  python -m lrvm_jit.bench loop sieve -n 9         two programs, nine runs each
  python -m lrvm_jit.bench --json > figures.json   for other programs
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the process's exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lrvm_jit.bench",
        description="Measure the machine: programs, bus round trips, start-up.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "programs",
        nargs="*",
        metavar="PROGRAM",
        help=f"of {', '.join(BY_NAME)}; without any, all of them, round trips and start-up",
    )
    parser.add_argument(
        "-e", "--engine", action="append", choices=ENGINES, help="default: reference and auto"
    )
    parser.add_argument("-n", "--repeats", type=int, default=5, help="runs of each, default 5")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.programs if name not in BY_NAME]
    if unknown:
        parser.error(f"unknown program {unknown[0]!r}; known are {', '.join(BY_NAME)}")
    if options.repeats < 1:
        parser.error(f"--repeats is {options.repeats}; it must be 1 or more")

    report = _Report(as_json=options.json)
    chosen = [BY_NAME[name] for name in options.programs] or list(PROGRAMS)
    for engine in options.engine or ["reference", "auto"]:
        for program in chosen:
            report.row(measure_program(program, engine, options.repeats))
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
    return 0


class _Report:
    """Prints lines as they come, or everything as JSON at the end."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._rows: list[dict[str, Any]] = []
        self._figures: list[dict[str, Any]] = []
        if not as_json:
            print(f"Python {platform.python_version()}, {platform.machine()}; medians")
            print(f"{'program':10} {'engine':12} {'cycles':>12} {'seconds':>9} {'MIPS':>9}  spread")

    def row(self, row: Row) -> None:
        self._rows.append(row.as_json())
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
        if self._as_json:
            print(json.dumps({"programs": self._rows, "figures": self._figures}, indent=2))


if __name__ == "__main__":
    sys.exit(main())
