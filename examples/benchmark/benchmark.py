"""Measures how many instructions a second each engine runs. For figures that can be compared,
use `lrvm bench`; this shows how little it takes to time a program of one's own.
"""

from __future__ import annotations

import time
from pathlib import Path

from lrvm_tools.images import load_program
from lrvm_tools.machines import default_machine

ROUNDS = {"reference": 1, "interpreter": 2000}
"""The reference engine reads like the specification, and is a thousand times slower."""


def measure(engine: str, rounds: int) -> float:
    """Run the sieve and return million instructions per second."""
    program = load_program(Path(__file__).with_name("benchmark.lasm"))
    with default_machine(program, engine=engine) as machine:
        # Registers are the simplest way to hand a parameter to a guest.
        machine.board.cpu.regs.a0 = rounds
        began = time.perf_counter()
        stop = machine.board.run()
        return stop.cycles / (time.perf_counter() - began) / 1e6


def main() -> None:
    for engine, rounds in ROUNDS.items():
        print(f"{engine:12} {measure(engine, rounds):8.1f} MIPS")


if __name__ == "__main__":
    main()
