"""The benchmark's programs under pytest-benchmark, so that two commits can be compared.

`make bench-compare` runs these and compares all runs that were saved; see CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from lrvm_jit import Motherboard
from lrvm_jit.bench.programs import Program
from lrvm_jit.bench.suite import PROGRAMS

ENGINES = ("interpreter", "translator")


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.name)
def program(request: pytest.FixtureRequest) -> Program:
    found: Program = request.param
    return found


@pytest.fixture(params=ENGINES)
def board(request: pytest.FixtureRequest, program: Program) -> Iterator[Motherboard]:
    with program.board(request.param) as made:
        yield made


def test_program(benchmark: BenchmarkFixture, program: Program, board: Motherboard) -> None:
    """Seconds of a whole run; the result is checked."""
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        board.run, setup=lambda: program.start(board), rounds=7, warmup_rounds=1
    )
    program.check(board)
    benchmark.extra_info["cycles"] = board.cpu.cycles
