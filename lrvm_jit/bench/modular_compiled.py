"""How fast compiled machines are: queries a second, and against the same parts in plain Python."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

from ..modular import Machine
from ..modular.compiled import DATA, FAIL, LOAD, Bus, CompiledPeripheral, CompiledProcessor, State

COMPILED_QUERIES: Final = 20_000_000
"""Queries of a run in a compiled machine."""

COMPILED_INSTRUCTIONS: Final = 5_000_000
PLAIN_INSTRUCTIONS: Final = 5_000

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"

CELLS: Final = 16

Parts = tuple[list[CompiledPeripheral], list[CompiledProcessor]]


def follow(state: State, bus: Bus) -> None:
    """One query: the value at an address is the next address."""
    _, state[0] = bus.load(0, state[0])


def cells(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """A memory that can be read only."""
    if query == LOAD and 0 <= address < state.size:
        return DATA, state[address]
    return FAIL, 1


def compiled_machine() -> float:
    """Seconds of COMPILED_QUERIES instructions with one query each, in a compiled machine.

    Every query's address is the answer to the one before.
    """
    memory = CompiledPeripheral([(cell + 1) % CELLS for cell in range(CELLS)], cells)
    processor = CompiledProcessor(1, follow)
    with Machine([memory], [processor]).run("cooperative") as handle:
        handle.step()
        start = time.perf_counter()
        handle.step(COMPILED_QUERIES)
        seconds = time.perf_counter() - start
    if processor.state[0] != (COMPILED_QUERIES + 1) % CELLS:
        raise RuntimeError(f"the queries led to address {processor.state[0]}")
    return seconds


@dataclass(frozen=True, slots=True)
class Speedup:
    """A processor compiled and in plain Python: medians of instructions a second."""

    name: str
    compiled: float
    plain: float

    @property
    def ratio(self) -> float:
        """How many times as fast the compiled one is."""
        return self.compiled / self.plain


def measure_speedups(repeats: int) -> list[Speedup]:
    """Of the example processors, each way in turns. Nothing without a checkout's examples."""
    if not EXAMPLES.is_dir():
        return []
    found = []
    for name, parts in (("accumulator", _accumulator), ("brainfuck_processor", _brainfuck)):
        _compare(name, parts)
        compiled, plain = [], []
        for _ in range(repeats):
            compiled.append(_speed(parts(), True, COMPILED_INSTRUCTIONS))
            plain.append(_speed(parts(), False, PLAIN_INSTRUCTIONS))
        found.append(Speedup(name, statistics.median(compiled), statistics.median(plain)))
    return found


COUNT_FOR_EVER: Final = """
    next:  lda low
           adi 1
           sta low
           jc carry
           jmp next
    carry: lda high
           adi 1
           sta high
           jmp next
    low:   data 0
    high:  data 0
"""

COUNT_LONG: Final = "-[>-[>-[-]<-]<-]"
"""Some 50 million instructions."""


def _accumulator() -> Parts:
    example = _example("accumulator")
    parts: Parts = example.parts(example.assemble(COUNT_FOR_EVER))
    return parts


def _brainfuck() -> Parts:
    parts: Parts = _example("brainfuck_processor").parts(COUNT_LONG)
    return parts


@cache
def _example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / name / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _speed(parts: Parts, compiled: bool, instructions: int) -> float:
    """Instructions a second. What compiling and booting take does not count."""
    with Machine(*parts).run("cooperative", compiled=compiled) as handle:
        handle.step()
        start = time.perf_counter()
        handle.step(instructions)
        return instructions / (time.perf_counter() - start)


def _compare(name: str, make_parts: Callable[[], Parts]) -> None:
    """RuntimeError unless both ways lead to the same states."""
    states = []
    for compiled in (True, False):
        parts = make_parts()
        _speed(parts, compiled, PLAIN_INSTRUCTIONS)
        states.append([[part.state.tolist() for part in kind] for kind in parts])
    if states[0] != states[1]:
        raise RuntimeError(f"{name} does not do the same when it is compiled")
