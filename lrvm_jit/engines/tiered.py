"""The translator engine: the interpreter, and native code for what is hot.

Between slices of a run it looks where the interpreter is. What such a look finds is translated
on the background thread and handed to the kernel when it is ready.
"""

from __future__ import annotations

import queue
import time
import warnings
import weakref
from collections import Counter
from typing import TYPE_CHECKING

import numpy

from ..code_cache import CodeCache
from ..core import layout
from ..core.statistics import Statistics
from ..core.stop import StopReason
from ..isa.table import Reg
from ..jit.analysis.exits import (
    EXITS_TO_JUDGE,
    FIRST_MANNER,
    Exits,
    Manner,
    better_manner,
    is_useless,
)
from ..jit.analysis.instructions import Flow
from ..jit.code.cache import PROGRAMS, default_cache
from ..jit.code.installation import ROWS, Installation, Installed
from ..jit.code.job import Job, Outcome, perform
from ..jit.code.known import KNOWN, START_WORDS, KnownRegion, program_key
from ..jit.code.store import STORE, Origin
from ..jit.code.worker import WORKER, Results
from ..jit.options import TranslatorOptions
from .baseline_tier import BaselineTier
from .interpreter import InterpreterEngine

if TYPE_CHECKING:
    from ..core.core import Core

COPIED_WORDS = 8192
"""Guest words to either side of a look that a region may consist of."""
SMALLEST_BONUS, LARGEST_BONUS = 1 << 20, 1 << 25
WANTED_SLICE = 0.01
"""Seconds between two looks at signals and results while translated code runs."""
MOST_LARGE_LOSSES = 2
"""Large regions lost to changes of their code, after which there are no more."""

_has_warned = False
"""Whether this process has heard of a failed translation."""

EXIT_NAMES = {
    layout.EXIT_JUMP: "jump outside",
    layout.EXIT_BUDGET: "budget",
    layout.EXIT_DYNAMIC: "unexpected target",
    layout.EXIT_INTERPRET: "instruction for the interpreter",
    layout.EXIT_READ: "load outside its window",
    layout.EXIT_WRITE: "store outside its window",
    layout.EXIT_STACK: "stack outside its window",
}


class TranslatorEngine(InterpreterEngine):
    """Runs the kernel with translated regions in it."""

    name = "translator"

    def __init__(self, core: Core, options: TranslatorOptions | None = None) -> None:
        super().__init__(core)
        self._options = options or TranslatorOptions()
        self._cache = default_cache() if self._options.cache else CodeCache(None)
        self._programs = default_cache(PROGRAMS) if self._options.cache else CodeCache(None)
        self._array_of_state = core.state.state
        self._installation = Installation(self._arrays, self._options.max_bytes)
        self._results = Results()
        weakref.finalize(self, STORE.abandon, self._installation.codes)
        weakref.finalize(self, self._results.abandon)
        self._regs = core.state.regs_view
        self._waiting = False
        self._attempts: Counter[int] = Counter()
        self._retranslations: Counter[int] = Counter()
        self._left_alone: dict[int, int] = {}
        """Arena indices of indirect jumps with too many targets, and their words."""
        self._large_ones_lost = 0
        self._interpreted = 0
        """Instructions interpreted since the last look."""
        self._looked_at: tuple[set[int], set[int]] = (set(), set())
        """Breakpoints, and arena indices of watched words."""
        self._start: tuple[int, bool, bytes] | None = None
        """Where a run has started last, in which mode, and the words there."""
        self._program: str | None = None
        """The key of that program; None if its regions are neither looked up nor remembered."""
        self._awaited: list[KnownRegion] = []
        """Known regions whose words do not stand in memory yet: code that will be copied there."""
        self._slices = 0
        """Since the run started."""
        self._bonus = SMALLEST_BONUS
        self._first_sight = self._options.threshold == 1
        self.look_after = self._options.threshold
        self._has_regions = "regions" in self._options.tiers
        if not self._has_regions:
            self.look_after = 1 << 62
        self._baseline = BaselineTier(
            core,
            self._arrays,
            self.context_address,
            self._options.max_bytes,
            wanted="baseline" in self._options.tiers and not self._first_sight,
        )
        self._state[layout.FIRST_SIGHT] = self._first_sight
        self._state[layout.FIRST_SIGHT_PASSED] = -1
        self._state[layout.NO_FUSION] = self._first_sight
        self.origins: Counter[Origin] = Counter()
        self.seconds = 0.0
        self.invalidations = 0
        self.failures = 0

    def _translation_rows(self) -> int:
        return ROWS

    def statistics(self) -> Statistics:
        state = self._state
        exits = {name: state[layout.EXITS + code] for code, name in EXIT_NAMES.items()}
        baseline = self._baseline.code
        return Statistics(
            self.name,
            self._executed,
            baseline=baseline.executed if baseline else 0,
            blocks=baseline.blocks if baseline else 0,
            block_bytes=baseline.bytes if baseline else 0,
            block_memory=baseline.memory if baseline else 0,
            translated=state[layout.TRANSLATED],
            regions=len(self._installation),
            code_bytes=self._installation.bytes,
            compiled=self.origins[Origin.COMPILER],
            loaded=self.origins[Origin.DISK],
            shared=self.origins[Origin.PROCESS],
            translation_seconds=self.seconds,
            invalidations=self.invalidations,
            failures=self.failures,
            exits={name: count for name, count in exits.items() if count},
        )

    def look_at(self, breakpoints: list[int], watched: list[int]) -> None:
        self._baseline.forget()
        # A region that contains such a word must not be entered any more, and one that leaves it
        # out is smaller than it could be: both are made anew.
        looked_at = set(breakpoints), set(watched)
        addresses, indices = (
            numpy.array(sorted(now ^ before), numpy.int64)
            for now, before in zip(looked_at, self._looked_at, strict=True)
        )
        self._looked_at = looked_at
        self._installation.remove_around(addresses >> 2, indices)
        self._attempts.clear()
        super().look_at(breakpoints, watched)

    # --- known programs ------------------------------------------------------------------------

    def run(self, budget: int, stop_on_exception: bool) -> StopReason:
        # A run goes on where the last one ended, or a program starts here.
        if self._start is None or not self._state[layout.CYCLES]:
            self._recognise()
        self._baseline.prepare()
        return super().run(budget, stop_on_exception)

    def _recognise(self) -> None:
        """See whether the program that starts here is known, and install its regions."""
        if not self._options.cache or self._first_sight or not self._has_regions:
            return
        pc = self._regs[Reg.PC]
        words = self._words_at(pc)
        start = pc, bool(self._regs[Reg.SMT]), words
        if not words or start == self._start:
            return
        self._start = start
        settings = (self._options.optimize, self._options.max_instructions)
        self._program = program_key(*start, settings)
        self._awaited = KNOWN.find(self._program, self._programs)
        self._slices = 0
        self._install_awaited()

    def _words_at(self, pc: int) -> bytes:
        """The words from pc on, without asking a component; empty if that is not plain memory."""
        state = self._state
        if self._regs[Reg.MTT] or pc & 3:
            return b""
        for number in range(state[layout.REGION_COUNT]):
            at = layout.REGIONS + number * layout.REGION_FIELDS
            first, end = state[at + layout.REGION_FIRST], state[at + layout.REGION_END]
            if first <= pc < end and state[at + layout.REGION_READ] == layout.PLAIN:
                index = state[at + layout.REGION_BASE] + ((pc - first) >> 2)
                last = min(index + START_WORDS, index + ((end - pc) >> 2))
                return bytes(self._core.arena[index:last].tobytes())
        return b""

    def _install_awaited(self) -> None:
        """Install the known regions whose words stand in memory now."""
        if any(self._looked_at):
            # They may reach across these words.
            self._awaited = []
        awaited = []
        for known in self._awaited:
            if not self._installation.stands(known.region, known.delta):
                awaited.append(known)
                continue
            delivery = STORE.known(known.code, self._cache)
            if delivery is None:
                continue
            self.seconds += delivery.seconds
            self.origins[delivery.origin] += 1
            self._baseline.leave_at((pc >> 2) + known.delta for pc in known.region.entries)
            self._installation.add(
                known.region, delivery.code, known.start, known.delta, known.manner
            )
        self._awaited = awaited

    # --- slices ------------------------------------------------------------------------------

    def _extra_budget(self, left: int) -> int:
        return min(left, self._bonus)

    def _run_slice(self) -> int:
        state = self._state
        start = time.perf_counter()
        bonus = state[layout.BONUS]
        translated = state[layout.TRANSLATED]
        while True:
            stop = super()._run_slice()
            if stop == layout.STOP_STALE:
                self._settle()
            elif stop == layout.STOP_TRANSLATE:
                self._translate_here()
            else:
                break
        self._interpreted += self._used() - (state[layout.TRANSLATED] - translated)
        if bonus and not state[layout.BONUS] and not self._pending.withdrawn:
            self._adapt_bonus(time.perf_counter() - start)
        return stop

    def _translate_here(self) -> None:
        if not self._baseline.translate_here():
            self._translate_at_first_sight()

    def _settle(self) -> None:
        """Give up the regions whose words have been changed."""
        if not self._state[layout.STALE_HIGH]:
            return
        for lost in self._installation.settle():
            self.invalidations += 1
            self._large_ones_lost += lost.manner.large
            for index in lost.indices.tolist():
                # What stands there now has not been attempted.
                self._attempts.pop(index, None)

    def _adapt_bonus(self, seconds: float) -> None:
        if seconds < WANTED_SLICE / 2:
            limit = SMALLEST_BONUS if self._waiting else LARGEST_BONUS
            self._bonus = min(2 * self._bonus, limit)
        elif seconds > 2 * WANTED_SLICE:
            self._bonus = max(self._bonus // 2, SMALLEST_BONUS)

    def _between_slices(self) -> None:
        if self._awaited:
            self._slices += 1
            # After ever more slices: what has not come by then may never come.
            if not self._slices & (self._slices - 1):
                self._install_awaited()
        if self._waiting:
            self._take_results()
        if self._state[layout.TARGETS_NOTED]:
            self._state[layout.TARGETS_NOTED] = 0
            self._translate_again()
        if (
            self._interpreted >= self._options.threshold
            and self._has_regions
            and not self._first_sight
        ):
            self._interpreted = 0
            self._look()

    # --- for batches -------------------------------------------------------------------------

    def serve(self, stop: int) -> None:
        if stop == layout.STOP_STALE:
            self._settle()
        elif stop == layout.STOP_TRANSLATE:
            self._translate_here()
        else:
            super().serve(stop)

    def look(self, start: int | None = None) -> None:
        if self._waiting or self._first_sight:
            return
        if start is None:
            self._look()
            return
        delta = self._delta(start)
        if delta is not None and self._installation.entered_at((start >> 2) + delta) is None:
            self._submit(self._job(start, delta, enter_at_start=True))

    def take_up(self) -> None:
        if self._waiting:
            self._take_results()
        if self._state[layout.TARGETS_NOTED]:
            self._state[layout.TARGETS_NOTED] = 0
            self._translate_again()

    # --- looking -----------------------------------------------------------------------------

    def _look(self) -> None:
        """Have the code at pc translated, if it is not."""
        self._settle()
        pc = self._regs[Reg.PC]
        delta = self._delta(pc)
        if self._waiting or delta is None:
            return
        index = (pc >> 2) + delta
        attempts = self._attempts[index]
        if (
            attempts > 1
            or self._installation.entered_at(index) is not None
            or not self._installation.may_translate(index)
        ):
            return
        self._attempts[index] += 1
        # If time is still spent here although the region around is translated, it lacks an entry.
        # Where two regions could not hold what belongs together, a third one would not either.
        cut = [one for one in self._installation if one.region.is_cut and not one.manner.large]
        manner = Manner(large=len(cut) > 1 and self._may_be_large)
        self._submit(self._job(pc, delta, manner, enter_at_start=attempts == 1))

    @property
    def _may_be_large(self) -> bool:
        """Whether the code changes so seldom that a large region is worth its compilation."""
        return self._large_ones_lost < MOST_LARGE_LOSSES

    def _translate_again(self) -> None:
        """Do something about regions that are left all the time."""
        if self._waiting:
            return
        for installed in self._installation:
            self._installation.take_exits(installed)
            exits = installed.exits
            if exits.count < layout.TARGETS_INTERVAL:
                continue
            tries = self._retranslations[installed.start]
            manner = better_manner(
                installed.region, installed.manner, exits, tries, self._may_be_large
            )
            if manner is not None:
                if manner.large == installed.manner.large:
                    self._retranslations[installed.start] += 1
                delta = int(self._installation.row(installed.row)[layout.TRANSLATION_DELTA])
                self._submit(self._job(installed.start, delta, manner, replaces=installed))
                return
            if is_useless(exits) and not self._first_sight:
                self._give_up(installed)
                return
            if exits.count >= EXITS_TO_JUDGE:
                installed.exits = Exits()

    def _give_up(self, useless: Installed) -> None:
        """Leave a region to the interpreter, and its indirect jumps in all regions."""
        if self._program is not None:
            KNOWN.forget(self._program, useless.start, self._programs)
        jumps = self._indirect_jumps(useless)
        self._left_alone |= jumps
        for installed in self._installation:
            if installed is useless:
                self._installation.give_up(installed)
            elif not jumps.keys().isdisjoint(self._indirect_jumps(installed)):
                self._installation.remove(installed)

    def _indirect_jumps(self, installed: Installed) -> dict[int, int]:
        """Arena indices of a region's indirect jumps, and their words."""
        delta = int(self._installation.row(installed.row)[layout.TRANSLATION_DELTA])
        lasts = [block.last for block in installed.region.blocks.values()]
        return {(last.pc >> 2) + delta: last.word
                for last in lasts if last is not None and last.flow is Flow.DYNAMIC}  # fmt: skip

    def _delta(self, pc: int) -> int | None:
        """Arena index minus virtual address in words at pc; None if that is no plain memory."""
        state = self._state
        inside = (pc >> 2) - state[layout.FETCH_LOW]
        if pc & 3 or not 0 <= inside < state[layout.FETCH_WORDS]:
            return None
        return state[layout.FETCH_BASE] - state[layout.FETCH_LOW]

    def _job(
        self,
        pc: int,
        delta: int,
        manner: Manner = FIRST_MANNER,
        *,
        enter_at_start: bool = False,
        replaces: Installed | None = None,
    ) -> Job:
        state = self._state
        low, words = state[layout.REACH_LOW], state[layout.REACH_WORDS]
        if not low <= pc >> 2 < low + words:
            low, words = pc >> 2, 1
        first = max(low, (pc >> 2) - COPIED_WORDS)
        last = min(low + words, (pc >> 2) + COPIED_WORDS)
        return Job(
            start=pc,
            words=self._core.arena[first + delta : last + delta].copy(),
            breakpoints=frozenset(self._looked_at[0]),
            first=4 * first,
            delta=delta,
            supervisor=bool(state[layout.WINDOW_KEY] >> 32 & 1),
            limit=self._options.limit(manner.large),
            optimize=self._options.optimize,
            cache=self._cache,
            manner=manner,
            registers=tuple(self._regs),
            left_alone=frozenset(
                4 * (index - delta)
                for index, word in self._left_alone.items()
                if self._core.arena[index] == word
            ),
            enter_at_start=enter_at_start,
            program=None if any(self._looked_at) else self._program,
            programs=self._programs,
            replaces=None if replaces is None else replaces.row,
        )

    def _submit(self, job: Job) -> None:
        if self._options.background:
            self._waiting = True
            WORKER.submit(job, self._results)
        else:
            self._install(perform(job))

    def _take_results(self) -> None:
        try:
            outcome = self._results.get_nowait()
        except queue.Empty:
            return
        self._waiting = False
        # What was interpreted meanwhile does not say that the new code falls short.
        self._interpreted = 0
        self._install(outcome)

    def _install(self, outcome: Outcome) -> Installed | None:
        """Hand a translation to the kernel."""
        self.seconds += outcome.seconds
        if outcome.error is not None:
            self._note_failure(outcome.error)
            return None
        job = outcome.job
        old = None if job.replaces is None else self._installation.get(job.replaces)
        if old is not None and old.start == job.start:
            self._installation.remove(old)
        if outcome.region is None or outcome.delivery is None:
            return None
        if job.breakpoints != self._looked_at[0]:
            # It may execute one that has been set meanwhile.
            STORE.release(outcome.delivery.code)
            return None
        self.origins[outcome.delivery.origin] += 1
        if job.manner.large:
            self._installation.remove_within(outcome.region, job.delta)
        self._baseline.leave_at((pc >> 2) + job.delta for pc in outcome.region.entries)
        return self._installation.add(
            outcome.region, outcome.delivery.code, job.start, job.delta, job.manner
        )

    def _note_failure(self, error: BaseException) -> None:
        """The guest goes on without this translation, unless its runs must be reproducible."""
        global _has_warned
        self.failures += 1
        if not self._options.background:
            raise error
        if not _has_warned:
            _has_warned = True
            warnings.warn(
                f"a translation failed, the interpreter goes on: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _translate_at_first_sight(self) -> None:
        state = self._state
        self._settle()
        pc = self._regs[Reg.PC]
        delta = self._delta(pc)
        state[layout.FIRST_SIGHT_PASSED] = pc
        if delta is None or not self._installation.may_translate((pc >> 2) + delta):
            return
        installed = self._install(perform(self._job(pc, delta, enter_at_start=True)))
        if installed is not None and (pc >> 2) + delta in installed.entries:
            state[layout.FIRST_SIGHT_PASSED] = -1
