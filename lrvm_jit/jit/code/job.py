"""One translation: from guest words to loaded machine code. Runs on any thread."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray

from ...code_cache import CodeCache
from ...locks import SharedLock
from ..analysis.exits import FIRST_MANNER, Manner
from ..analysis.region import Region
from .known import KNOWN, known_region
from .store import STORE, Delivery

_importing = SharedLock()
NOWHERE = CodeCache(None)


@dataclass(frozen=True, slots=True)
class Job:
    """What to translate. The words are a copy: the guest may change its own meanwhile."""

    start: int
    """Virtual address around which the region is."""
    words: NDArray[numpy.uint32]
    first: int
    """Virtual address of the first word."""
    delta: int
    """Arena index minus virtual address in words."""
    supervisor: bool
    limit: int
    optimize: bool
    cache: CodeCache
    manner: Manner = FIRST_MANNER
    registers: tuple[int, ...] = ()
    """The CPU's when the job was made."""
    left_alone: frozenset[int] = frozenset()
    """Addresses of jumps that are not worth translating."""
    enter_at_start: bool = False
    program: str | None = None
    """Of which known program the region will be; None if it is not to be remembered."""
    programs: CodeCache = NOWHERE
    """Where that is remembered."""
    replaces: int | None = None
    """Row number of the region that is translated again."""
    breakpoints: frozenset[int] = frozenset()
    """Virtual addresses at which the region is left, before they are executed."""

    def region(self) -> Region | None:
        """The region that is there."""
        words, first, breakpoints = self.words, self.first, self.breakpoints
        size = 4 * len(words)

        def word_at(pc: int) -> int | None:
            if pc in breakpoints:
                return None
            inside = pc - first
            return int(words[inside >> 2]) if 0 <= inside < size else None

        from ..analysis.discovery import Discovery

        discovery = Discovery(
            word_at,
            self.supervisor,
            self.limit,
            self.manner.targets,
            self.enter_at_start,
            self.registers,
            self.manner.tables,
            self.left_alone,
        )
        return discovery.region(self.start)


@dataclass(slots=True)
class Outcome:
    """What came of a job: nothing, if there was no code worth translating there."""

    job: Job
    region: Region | None = None
    delivery: Delivery | None = None
    error: BaseException | None = None
    seconds: float = field(default=0.0)


def perform(job: Job) -> Outcome:
    """Translate. An error is part of the outcome: the guest can go on without translation."""
    # Imported here, as most short runs translate nothing. A fork in the middle of it would leave
    # the child with half a module, and Python's lock of it held.
    with _importing:
        from ..analysis.discovery import Discovery  # noqa: F401 - for `region`
        from ..emit.function import generate
        from .compiler import choose_pipeline

    start = time.perf_counter()
    outcome = Outcome(job)
    try:
        region = job.region()
        # Lets a thread that waits for Python go on: the guest may be asking a component.
        time.sleep(0)
        if region is not None:
            generated = generate(region)
            time.sleep(0)
            pipeline = choose_pipeline(job.optimize, generated.has_loops)
            outcome.delivery = STORE.get(generated.text, pipeline, job.cache)
            outcome.region = region
            if job.program is not None:
                code = outcome.delivery.code.key
                known = known_region(region, job.start, job.delta, job.manner, code)
                KNOWN.note(job.program, known, job.programs)
    except Exception as error:
        outcome.error = error
    outcome.seconds = time.perf_counter() - start
    return outcome
