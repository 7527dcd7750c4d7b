"""`python -m lrvm_jit.bench modular`: how many queries a second modular machines answer.

Thread switches take as long as the operating system likes at the moment, so what is compared
with each other is measured in turns, many times, in short runs.
"""

from __future__ import annotations

import json
import platform
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from typing import Final

from ..modular import (
    Channels,
    Data,
    Fail,
    Good,
    Load,
    Machine,
    Peripheral,
    Processor,
    Query,
    Response,
    Save,
    Terminate,
    TwoWayChannel,
)
from .command import CommandParser
from .modular_compiled import COMPILED_QUERIES, compiled_machine, measure_speedups

THREAD_QUERIES: Final = 2_000
"""Queries of a run that switches threads for each."""

DIRECT_QUERIES: Final = 20_000
"""Queries of a run that does not."""

BARE: Final = "bare pair of queues, 2 threads"


class Memory(Peripheral):
    """What is queried: a few cells."""

    def __init__(self) -> None:
        self.cells = [0] * 16

    def handle(self, query: Query) -> Response:
        if type(query) is Load:
            return Data(self.cells[query.address])
        if type(query) is Save:
            self.cells[query.address] = query.value
            return Good()
        return Fail(1)


class Loader(Processor):
    """Whose instructions are one query each."""

    def __init__(self) -> None:
        self.seen = 0

    def exe_ins(self, channels: Channels) -> None:
        self.seen = channels[0].query(Load(3)).value  # type: ignore[union-attr]


class CountedLoader(Loader):
    """The same, and it ends after so many."""

    def __init__(self, queries: int) -> None:
        super().__init__()
        self.left = queries

    def exe_ins(self, channels: Channels) -> None:
        super().exe_ins(channels)
        self.left -= 1
        if not self.left:
            raise Terminate(0)


def bare_queues() -> float:
    """Seconds of THREAD_QUERIES exchanges between two threads over two queues, and nothing else."""
    there: SimpleQueue[int] = SimpleQueue()
    back: SimpleQueue[int] = SimpleQueue()

    def answer() -> None:
        for _ in range(THREAD_QUERIES):
            back.put(there.get())

    def ask() -> None:
        for number in range(THREAD_QUERIES):
            there.put(number)
            back.get()

    return _beside(answer, ask)


def channel() -> float:
    """The same over a channel."""
    front, back = TwoWayChannel[int, int].pair()

    def answer() -> None:
        for _ in range(THREAD_QUERIES):
            back.send(back.recv())

    def ask() -> None:
        for number in range(THREAD_QUERIES):
            front.query(number)

    return _beside(answer, ask)


def threads_machine() -> float:
    """As many queries of a processor to a peripheral under the scheduler `threads`."""
    handle = Machine([Memory()], [CountedLoader(THREAD_QUERIES)]).run("threads")
    start = time.perf_counter()
    handle.join(raise_errors=True)
    return time.perf_counter() - start


def cooperative_machine() -> float:
    """Seconds of DIRECT_QUERIES instructions with one query each, under `cooperative`."""
    handle = Machine([Memory()], [Loader()]).run("cooperative")
    with handle:
        handle.step()  # boots
        start = time.perf_counter()
        handle.step(DIRECT_QUERIES)
        return time.perf_counter() - start


def _beside(answer: Callable[[], None], ask: Callable[[], None]) -> float:
    other = threading.Thread(target=answer)
    other.start()
    start = time.perf_counter()
    ask()
    seconds = time.perf_counter() - start
    other.join()
    return seconds


MEASURED: Final[dict[str, tuple[Callable[[], float], int]]] = {
    BARE: (bare_queues, THREAD_QUERIES),
    "channel, 2 threads": (channel, THREAD_QUERIES),
    "machine, threads": (threads_machine, THREAD_QUERIES),
    "machine, cooperative": (cooperative_machine, DIRECT_QUERIES),
    "machine, compiled": (compiled_machine, COMPILED_QUERIES),
}
"""What is measured: a run that returns its seconds, and how many queries it makes."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Queries a second of one thing: the median over all runs, and that of the best one."""

    name: str
    median: float
    best: float
    times_bare: float
    """Times the rate of the bare queues: the median over runs that were made in turn."""


def measure(repeats: int) -> list[Rate]:
    """All rates, measured in turns."""
    runs: dict[str, list[float]] = {name: [] for name in MEASURED}
    for _ in range(repeats):
        for name, (run, queries) in MEASURED.items():
            runs[name].append(queries / run())
    return [
        Rate(
            name,
            statistics.median(rates),
            max(rates),
            statistics.median(r / bare for r, bare in zip(rates, runs[BARE], strict=True)),
        )
        for name, rates in runs.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the process's exit status."""
    description = "Measure modular machines: queries a second, one peripheral."
    parser = CommandParser("modular", description, repeats=15)
    options = parser.parse(arguments)
    rates = measure(options.repeats)
    speedups = measure_speedups(options.repeats)
    if options.json:
        report = {
            "queries": [asdict(rate) for rate in rates],
            "compiled": [asdict(speedup) | {"ratio": speedup.ratio} for speedup in speedups],
        }
        print(json.dumps(report, indent=2))
        return 0
    print(f"Python {platform.python_version()}, {platform.machine()}; queries a second")
    print(f"{'':32} {'median':>12} {'best':>12} {'times bare':>11}")
    for rate in rates:
        print(f"{rate.name:32} {rate.median:12,.0f} {rate.best:12,.0f} {rate.times_bare:11.2f}")
    if speedups:
        print(f"\n{'instructions a second':32} {'compiled':>12} {'plain Python':>12} {'times':>11}")
    for speedup in speedups:
        print(
            f"{speedup.name:32} {speedup.compiled:12,.0f} {speedup.plain:12,.0f} "
            f"{speedup.ratio:11,.0f}"
        )
    return 0
