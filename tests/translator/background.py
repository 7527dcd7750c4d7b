"""Machines whose code is translated beside them, and what the process keeps of that.

Nothing here depends on how long anything takes; FAR_AWAY only guards against a hang.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from lrvm_jit import TranslatorOptions
from lrvm_jit.jit.code.job import Job, perform
from lrvm_jit.jit.code.store import STORE
from lrvm_jit.jit.code.worker import Results
from tests.machine.guest import Machine, machine

FAR_AWAY = 600.0

BACKGROUND = TranslatorOptions(threshold=300, cache=False, optimize=False, tiers=("regions",))
WAITING = TranslatorOptions(
    threshold=300, cache=False, optimize=False, background=False, tiers=("regions",)
)

LOOP = "loop: add a0, 1\nxor a1, a0\njp loop"
_numbers = iter(range(10_000, 1 << 15))


def new_loop() -> str:
    """A loop that no other test has: nobody has its code yet."""
    return f"loop: add a0, {next(_numbers)}\nxor a1, a0\njp loop"


def large_loop(seed: int = 0) -> str:
    """A loop that takes LLVM a while."""
    lines = (
        f"lsa a2, a1, {k % 64 * 4}\nmul a2, {k * 7 + seed}\nxor a0, a2\nifge\nadd a3, {k + seed}"
        for k in range(60)
    )
    return "loop:\n" + "\n".join(lines) + "\njp loop"


def until(done: Callable[[], object], what: str) -> None:
    """Ask again and again."""
    deadline = time.monotonic() + FAR_AWAY
    while not done():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.001)


def run_until_translated(built: Machine) -> int:
    """Run on until translated code has been used; instructions run."""
    before = built.board.cpu.cycles

    def used() -> bool:
        built.run(400)
        return built.board.stats().translated > 0

    until(used, "translated code was used")
    return built.board.cpu.cycles - before


def in_use() -> set[str]:
    """Keys of the code that some board has, or that is on its way to one."""
    gc.collect()
    STORE.release_abandoned()
    return {key for key, code in STORE._codes.items() if code.users}


def forget_unused() -> None:
    """Take code that no board has out of this process, as if it were a new one."""
    in_use()
    with STORE._lock:
        for key, code in list(STORE._unused.items()):
            del STORE._unused[key], STORE._codes[key]
            STORE._unused_bytes -= code.native.size
            code.native.release()


class HeldWorker:
    """Keeps jobs until they are to be done: however long that takes LLVM."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, Results]] = []

    def submit(self, job: Job, results: Results) -> None:
        self.jobs.append((job, results))

    def deliver(self) -> None:
        for job, results in self.jobs:
            results.put(perform(job))
        self.jobs.clear()


def submitted(held: HeldWorker, source: str = LOOP, **registers: int) -> Machine:
    """A machine whose loop has been handed to the worker."""
    built = machine(source, BACKGROUND, (), **registers)
    built.run(401)
    assert len(held.jobs) == 1
    return built
