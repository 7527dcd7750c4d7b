"""The translator engine: the interpreter, and native code for what is hot.

Now and then a slice of a run begins with a sample of what the guest does. What is interpreted most
is translated on the background thread and handed to the kernel when it is ready.
"""

from __future__ import annotations

import queue
import time
import warnings
import weakref
from collections import Counter
from typing import TYPE_CHECKING

import numpy

from ..core import layout
from ..core.statistics import Statistics
from ..core.stop import StopReason
from ..isa.table import Reg
from ..jit.code.installation import ROWS, Installed
from ..jit.code.job import Job, Outcome, perform
from ..jit.code.known import KNOWN, START_WORDS, KnownRegion, program_key
from ..jit.code.store import STORE, Origin
from ..jit.code.worker import WORKER, Results
from ..jit.native_context import new_context
from ..jit.options import FIRST_LIMIT, TranslatorOptions
from .interpreter import SLICE
from .looking import LONGEST_INTERVAL, NATIVE_GAP, LookingEngine

if TYPE_CHECKING:
    from ..core.core import Core

SMALLEST_BONUS, LARGEST_BONUS = 1 << 20, 1 << 25
WANTED_SLICE = 0.01
"""Seconds between two looks at signals and results while translated code runs,"""
WANTED_WAITING = 0.003
"""and while a translation is awaited."""
ENLARGE_AFTER = 16
"""Samples after the last one that led to a translation."""
TRANSLATED_WEIGHT = 16
"""So many translated instructions are as good a reason for a sample as an interpreted one."""
SAMPLE_ROWS = -(-layout.MOST_SAMPLES * layout.SAMPLE_FIELDS // layout.TRANSLATION_FIELDS)
"""Rows of `translations` that notes take the place of."""


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


class TranslatorEngine(LookingEngine):
    """Runs the kernel with translated regions in it."""

    name = "translator"

    def __init__(self, core: Core, options: TranslatorOptions | None = None) -> None:
        super().__init__(core, options or TranslatorOptions())
        self._results = Results()
        weakref.finalize(self, STORE.abandon, self._installation.codes)
        weakref.finalize(self, self._results.abandon)
        self._start: tuple[int, bool, bytes] | None = None
        """Where a run has started last, in which mode, and the words there."""
        self._awaited: list[KnownRegion] = []
        """Known regions whose words do not stand in memory yet: code that will be copied there."""
        self._slices = 0
        """Since the run started."""
        self._bonus = SMALLEST_BONUS
        self.look_after = self._options.threshold
        if not self._has_regions:
            self.look_after = 1 << 62
        self._native = new_context()
        """Until the baseline has one of its own."""
        self._state[layout.NATIVE_CONTEXT] = self._native.ctypes.data
        self._state[layout.EAGER] = self._is_eager
        self._state[layout.EAGER_PASSED] = -1
        self._state[layout.NO_SUPERINSTRUCTIONS] = self._is_eager
        self._state[layout.OPS_ADDRESS] = self._arrays.ops.ctypes.data
        self._state[layout.TRANSLATIONS_ADDRESS] = self._arrays.translations.ctypes.data
        self.origins: Counter[Origin] = Counter()
        self.seconds = 0.0
        self.failures = 0

    def _translation_rows(self) -> int:
        return ROWS + SAMPLE_ROWS

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
        self._baseline.forget(is_looked_at=bool(breakpoints or watched))
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
        starts = self._start is None or not self._state[layout.CYCLES]
        if starts or budget != 1:
            self._baseline.prepare()
        if starts:
            self._recognise()
        return super().run(budget, stop_on_exception)

    def _recognise(self) -> None:
        """See whether the program that starts here is known, and install its regions."""
        if not self._options.cache or self._is_eager or not self._has_regions:
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
        for number in range(state[layout.MAPPING_COUNT]):
            at = layout.MAPPINGS + number * layout.MAPPING_FIELDS
            first, end = state[at + layout.MAPPING_FIRST], state[at + layout.MAPPING_END]
            if first <= pc < end and state[at + layout.MAPPING_READ] == layout.PLAIN:
                index = state[at + layout.MAPPING_BASE] + ((pc - first) >> 2)
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
            number = self._layout_of(known.region)
            if number is None:
                # Made for a board with other memory.
                continue
            if not self._installation.stands(known.region, known.delta):
                awaited.append(known)
                continue
            delivery = STORE.known(known.code, self._cache)
            if delivery is None:
                continue
            self.seconds += delivery.seconds
            self.origins[delivery.origin] += 1
            self._installation.add(known.region, delivery.code, known.start, known.delta, number)
            # What runs is known: what is new will show as interpreted.
            self._unsampled, self._interval = 0, LONGEST_INTERVAL
        self._awaited = awaited

    # --- slices ------------------------------------------------------------------------------

    def _longest_slice(self) -> int:
        return min(SLICE, self._interval * self._piece) if self._wants_samples else SLICE

    @property
    def _wants_samples(self) -> bool:
        return self._has_regions and (self._learning or not self._counts)

    def _extra_budget(self, left: int) -> int:
        return min(left, self._bonus)

    def _run_single(self) -> int:
        return self._run_slice() if self._is_eager else super()._run_single()

    def _run_slice(self) -> int:
        state = self._state
        if state[layout.PLAIN_LAYOUT] < 0:
            self._number_layout()
        gap = self._interval * self._piece * (NATIVE_GAP if self._counts else 1)
        sampling = self._wants_samples and self._unsampled >= gap
        if sampling and not self._is_eager:
            state[layout.SAMPLES_LEFT] = self._sample_size
        start = time.perf_counter()
        bonus = state[layout.BONUS]
        translated = state[layout.TRANSLATED]
        while True:
            stop = super()._run_slice()
            if stop == layout.STOP_STALE:
                self._invalidate()
            elif stop == layout.STOP_TRANSLATE:
                self._translate_here()
            else:
                break
        translated = state[layout.TRANSLATED] - translated
        interpreted = self._used() - translated
        # While there is something to learn, a look shall also see that there is nothing any more.
        self._interpreted += interpreted + (translated if self._counts and self._learning else 0)
        self._unsampled += interpreted + translated // TRANSLATED_WEIGHT
        if sampling:
            self._take_sample()
        if bonus and not state[layout.BONUS] and not self._pending.withdrawn:
            self._adapt_bonus(time.perf_counter() - start)
        return stop

    def _translate_here(self) -> None:
        if not self._baseline.translate_here():
            self._translate_eagerly()

    def _adapt_bonus(self, seconds: float) -> None:
        wanted = WANTED_WAITING if self._waiting else WANTED_SLICE
        if seconds < wanted / 2:
            self._bonus = min(2 * self._bonus, LARGEST_BONUS)
        elif seconds > 2 * wanted:
            self._bonus = max(self._bonus // 2, SMALLEST_BONUS)

    def _between_slices(self) -> None:
        if self._state[layout.REFUSED]:
            self._installation.give_up_refused()
        self._baseline.between_slices(self._executed)
        if self._awaited:
            self._slices += 1
            # After ever more slices: what has not come by then may never come.
            if not self._slices & (self._slices - 1):
                self._install_awaited()
        if self._waiting:
            self._take_results()
        if (
            self._interpreted >= self._options.threshold * self._baseline.looks_apart
            and self._has_regions
            and not self._is_eager
        ):
            self._look()
        elif self._interval >= ENLARGE_AFTER and not self._waiting and not self._counts:
            self._enlarge()

    # --- for batches -------------------------------------------------------------------------

    def serve(self, stop: int) -> None:
        if stop == layout.STOP_STALE:
            self._invalidate()
        elif stop == layout.STOP_TRANSLATE:
            self._translate_here()
        else:
            super().serve(stop)

    def look(self, start: int | None = None) -> None:
        if self._is_eager:
            return
        if self._state[layout.REFUSED]:
            self._installation.give_up_refused()
        if self._state[layout.PLAIN_LAYOUT] < 0:
            self._number_layout()
        if self._sampling:
            self._take_sample()
        # Lanes that run from here on show what they do.
        self._sampling = True
        self._state[layout.SAMPLES_LEFT] = self._sample_size
        if self._waiting:
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

    # --- results -----------------------------------------------------------------------------

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
        if outcome.region is None or outcome.delivery is None:
            return None
        job = outcome.job
        number = self._layout_of(outcome.region)
        if job.breakpoints != self._looked_at[0] or number is None:
            # It may execute one that has been set meanwhile, or relies on memory that is gone.
            STORE.release(outcome.delivery.code)
            return None
        self.origins[outcome.delivery.origin] += 1
        installed = self._installation.add(
            outcome.region, outcome.delivery.code, job.start, job.delta, number
        )
        if installed is not None:
            installed.is_enlarged = job.limit > FIRST_LIMIT
            self._baseline.begin_anew(installed)
        return installed

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

    def _translate_eagerly(self) -> None:
        state = self._state
        self._invalidate()
        pc = self._regs[Reg.PC]
        delta = self._delta(pc)
        state[layout.EAGER_PASSED] = pc
        if delta is None or not self._installation.may_translate((pc >> 2) + delta):
            return
        installed = self._install(perform(self._job(pc, delta, enter_at_start=True)))
        if installed is not None and (pc >> 2) + delta in installed.entries:
            state[layout.EAGER_PASSED] = -1
