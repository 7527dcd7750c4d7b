"""One translation: from guest words to loaded machine code. Runs on any thread."""

from __future__ import annotations

import time
from dataclasses import field

import numpy
from numpy.typing import NDArray

from ...code_cache import CodeCache
from ...locks import SharedLock
from ...records import dataclass
from ..analysis.profile import NOTHING_KNOWN, Profile
from ..analysis.region import PlainMemory, Region
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
    profile: Profile = NOTHING_KNOWN
    registers: tuple[int, ...] = ()
    """The CPU's when the job was made."""
    enter_at_start: bool = False
    taken: bytes = b""
    """For each word whether a region has it: 1, or 2 if that region is not to be made again."""
    plain: tuple[PlainMemory, ...] = ()
    program: str | None = None
    """Of which known program the region will be; None if it is not to be remembered."""
    programs: CodeCache = NOWHERE
    """Where that is remembered."""
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

        def owner(pc: int) -> int:
            inside = (pc - first) >> 2
            return self.taken[inside] if 0 <= inside < len(self.taken) else 0

        from ..analysis.discovery import Discovery

        discovery = Discovery(
            word_at,
            self.supervisor,
            self.limit,
            self.profile,
            self.enter_at_start,
            self.registers,
            lambda pc: owner(pc) > 0,
            lambda pc: owner(pc) > 1,
            self.plain,
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
        from .llvm_library import open_ahead

        open_ahead()
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
                known = known_region(region, job.start, job.delta, code)
                KNOWN.note(job.program, known, job.programs)
    except Exception as error:
        outcome.error = error
    outcome.seconds = time.perf_counter() - start
    return outcome
