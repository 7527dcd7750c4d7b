"""Ratios of times measured in one run: how many times as long one thing takes as another."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from .measure import Row, runs_whole
from .native import CLANG, NATIVE
from .suite import BY_NAME


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median time of the engine `of` over that of the engine `to`, for each program."""

    of: str
    to: str
    programs: dict[str, float]

    @property
    def name(self) -> str:
        return f"{self.of}/{self.to}"

    @property
    def geometric_mean(self) -> float:
        return statistics.geometric_mean(self.programs.values())

    @property
    def largest(self) -> float:
        return max(self.programs.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "of": self.of,
            "to": self.to,
            "programs": self.programs,
            "geometric_mean": self.geometric_mean,
            "largest": self.largest,
        }


def engine_ratios(rows: Sequence[Row]) -> list[Ratio]:
    """Each engine over native and over clang, then over the engines after it, in `rows`' order.

    Only programs that exist in C count: the others wait for Python more than they compute. A ratio
    has the programs that were measured on both.
    """
    medians: dict[str, dict[str, float]] = {}
    for row in rows:
        if runs_whole(row.engine) and BY_NAME[row.program].native is not None:
            medians.setdefault(row.engine, {})[row.program] = row.figures.median
    compilers = [name for name in (NATIVE, CLANG) if name in medians]
    engines = [engine for engine in medians if engine not in compilers]
    pairs = [(engine, compiler) for compiler in compilers for engine in engines]
    pairs += combinations(engines, 2)
    return [
        Ratio(
            of,
            to,
            {
                name: medians[of][name] / medians[to][name]
                for name in medians[of]
                if name in medians[to]
            },
        )
        for of, to in pairs
    ]


def mmu_ratios(rows: Sequence[Row]) -> dict[str, float]:
    """What the MMU costs on each engine: the time of mmu_sieve over that of sieve."""
    guests = [row for row in rows if runs_whole(row.engine) and row.engine not in (NATIVE, CLANG)]
    medians = {(row.engine, row.program): row.figures.median for row in guests}
    return {
        engine: seconds / medians[engine, "sieve"]
        for (engine, program), seconds in medians.items()
        if program == "mmu_sieve" and (engine, "sieve") in medians
    }
