"""The benchmark's programs with few rounds: each is over at once, and yet any clock sees it."""

from __future__ import annotations

from dataclasses import replace

from lrvm_jit.bench.suite import PROGRAMS

ROUNDS = {"loop": 0, "fib": 20, "dispatch": 500, "mmio": 10}
SMALL = tuple(replace(program, rounds=ROUNDS.get(program.name, 3)) for program in PROGRAMS)
BY_NAME = {program.name: program for program in SMALL}
NATIVE = tuple(program for program in SMALL if program.native is not None and not program.is_soft)
"""What the system's compiler has, too."""
