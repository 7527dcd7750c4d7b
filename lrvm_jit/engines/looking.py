"""What the translator engine knows of its guest, and which code it has translated next.

The baseline's counters say what is hot (`jit.analysis.heat`), samples how it runs; where there is
no baseline samples say both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ..code_cache import CodeCache
from ..core import layout
from ..isa.table import Reg
from ..jit.analysis.profile import NOTHING_KNOWN, Profile
from ..jit.analysis.region import PlainMemory, Region
from ..jit.analysis.samples import Samples
from ..jit.code.cache import PROGRAMS, default_cache
from ..jit.code.installation import ROWS, Installation
from ..jit.code.job import Job
from ..jit.options import FIRST_LIMIT, TranslatorOptions
from .baseline_tier import BaselineTier
from .interpreter import SLICE, InterpreterEngine

if TYPE_CHECKING:
    from ..core.core import Core

COPIED_WORDS = 8192
"""Guest words to either side of a look that a region may consist of."""
LONGEST_SAMPLE = 256
"""Instructions of a sample: 20 us, and three times as much until they are counted."""
SAMPLES_BEFORE_LOOK = 8
"""Samples while the threshold's instructions are interpreted, at first: then they become rarer,"""
LONGEST_INTERVAL = 64
"""by this factor at most."""
NATIVE_GAP = 64
"""So many times as many instructions lie between two samples where they are the baseline's."""
FUNCTION_WORDS = 128
"""A function's size: code so near by is taken for one."""
MOST_LAYOUTS = 8
"""If the board's memory changes more often, its bounds are no longer made a part of the code."""
MOST_ATTEMPTS = 2
"""How often the code around an instruction is translated, at most."""


class LookingEngine(InterpreterEngine):
    """An engine that sees what is hot, and makes jobs of it for `_submit`."""

    def __init__(self, core: Core, options: TranslatorOptions) -> None:
        super().__init__(core)
        self._options = options
        self._cache = default_cache() if self._options.cache else CodeCache(None)
        self._programs = default_cache(PROGRAMS) if self._options.cache else CodeCache(None)
        self._installation = Installation(self._arrays, self._options.max_bytes)
        self._regs = core.state.regs_view
        self._waiting = False
        self._attempts: Counter[int] = Counter()
        self._samples = Samples()
        notes = ROWS * layout.TRANSLATION_FIELDS
        size = layout.MOST_SAMPLES * layout.SAMPLE_FIELDS
        self._notes = self._arrays.translations[notes : notes + size].reshape(-1, 2)
        self._piece = max(1, min(SLICE, self._options.threshold // SAMPLES_BEFORE_LOOK))
        """Instructions between two samples, at least,"""
        self._interval = 1
        """times this."""
        self._sample_size = max(8, min(LONGEST_SAMPLE, self._piece // 4))
        self._learning = True
        """Whether there is hot code of which samples are wanted."""
        self._sampling = False
        """Whether lanes of a batch may have left notes."""
        self._unsampled = self._piece * NATIVE_GAP
        """Instructions since the last sample, translated ones for less."""
        self._plain: tuple[PlainMemory, ...] = ()
        self._layouts: dict[tuple[PlainMemory, ...], int] = {}
        """Numbers of the plain memories that the board has had."""
        self._interpreted = 0
        """Instructions interpreted since the last look."""
        self._looked_at: tuple[set[int], set[int]] = (set(), set())
        """Breakpoints, and arena indices of watched words."""
        self._program: str | None = None
        """The key of the program that runs; None if its regions are neither looked up nor
        remembered."""
        self._is_eager = self._options.threshold == 1
        self._has_regions = "regions" in self._options.tiers
        self._baseline = BaselineTier(
            core,
            self._arrays,
            self.context_address,
            self._options.max_bytes,
            self._installation,
            wanted="baseline" in self._options.tiers and not self._is_eager,
        )
        if self._baseline.heat is not None:
            # The first sample comes before the first look, but not at the start: the baseline finds
            # code in the order in which it runs, from the program's beginning, and not from
            # wherever a sample ends. That code is a third faster.
            self._unsampled -= self._piece * (SAMPLES_BEFORE_LOOK // 2)
        self._state[layout.SAMPLES_AT] = notes
        self._state[layout.PLAIN_LAYOUT] = -1
        self.invalidations = 0

    def _submit(self, job: Job) -> None:
        """Have a job done."""
        raise NotImplementedError

    # --- samples and the memory map -------------------------------------------------------------

    def _take_sample(self) -> None:
        left = self._state[layout.SAMPLES_LEFT]
        self._state[layout.SAMPLES_LEFT] = 0
        self._unsampled = 0
        # The kernel fills them from the end.
        self._interval = min(self._interval + 1, LONGEST_INTERVAL)
        notes = self._notes[left : self._sample_size][::-1]
        self._samples.take(notes[:, 0].tolist(), notes[:, 1].tolist(), self._plain)

    def _number_layout(self) -> None:
        """The memory map has changed, or somebody looks at other words: see which memory is
        plain."""
        state = self._state
        plain = []
        for number in range(state[layout.MAPPING_COUNT]):
            at = layout.MAPPINGS + number * layout.MAPPING_FIELDS
            first, end = state[at + layout.MAPPING_FIRST], state[at + layout.MAPPING_END]
            if state[at + layout.MAPPING_READ] == layout.PLAIN and end - first >= 4:
                base = state[at + layout.MAPPING_BASE]
                plain.append(PlainMemory(first, (end - first) >> 2, base))
        self._plain = tuple(plain)
        if self._plain not in self._layouts and len(self._layouts) >= MOST_LAYOUTS:
            self._plain = ()
        number = self._layouts.setdefault(self._plain, len(self._layouts))
        state[layout.PLAIN_LAYOUT] = number
        self._installation.fit(self._plain, number)

    def _layout_of(self, region: Region) -> int | None:
        """The number of the plain memory that a region relies on, -1 if of none; None if the board
        has other memory now."""
        memories = region.relied_on
        if not memories:
            return -1
        if self._state[layout.PLAIN_LAYOUT] < 0:
            self._number_layout()
        fits = memories <= frozenset(self._plain)
        return self._state[layout.PLAIN_LAYOUT] if fits else None

    def _invalidate(self) -> None:
        """Invalidate the regions whose words have been changed."""
        if not self._state[layout.STALE_HIGH]:
            return
        for lost in self._installation.invalidate():
            self.invalidations += 1
            indices = lost.indices.tolist()
            for index in indices:
                # What stands there now has not been attempted.
                self._attempts.pop(index, None)
            self._samples.forget(indices)
            if self._baseline.heat is not None:
                self._baseline.heat.forget(indices)

    # --- looks -----------------------------------------------------------------------------------

    @property
    def _counts(self) -> bool:
        """Whether counters tell what is hot: then samples only tell how it runs."""
        return self._baseline.code is not None

    def _look(self) -> None:
        """Have translated what is hottest."""
        if self._waiting:
            return
        self._interpreted = 0
        self._invalidate()
        if self._counts:
            self._look_at_counts()
        else:
            self._look_at_samples()

    def _look_at_counts(self) -> None:
        heat = self._baseline.heat
        assert heat is not None
        self._baseline.count(self._executed)
        blocks = [
            block
            for block in heat.hottest(self._installation.is_taken)
            if self._attempts[block.index] < MOST_ATTEMPTS
        ]
        if not self._learning:
            # There is something new: first see how it runs.
            self._learning = bool(blocks)
            self._interval = 1
            return
        for block in blocks:
            delta = block.index - (block.pc >> 2)
            if self._bounds(block.pc, delta) is not None and self._may_attempt(block.index):
                again = block.is_taken or self._attempts[block.index] > 1
                self._interval = 1
                job = self._job(block.pc, delta, enter_at_start=again, profiled=True)
                job = replace(job, supervisor=block.supervisor)
                self._submit(replace(job, taken=b"") if block.is_taken else job)
                return
        self._learning = False
        self._enlarge()

    def _look_at_samples(self) -> None:
        marks = self._installation.marks
        samples = self._samples
        candidates = [
            (count, index)
            for index, count in samples.recent.items()
            if not marks[index] & layout.MARK_TRANSLATED and self._attempts[index] < MOST_ATTEMPTS
        ]
        # The hottest function first, as far as that can be told without looking at the code.
        around: Counter[int] = Counter()
        for count, index in candidates:
            around[index // FUNCTION_WORDS] += count
        candidates.sort(key=lambda one: (-around[one[1] // FUNCTION_WORDS], -one[0], one[1]))
        for _, index in candidates:
            pc = samples.addresses[index]
            delta = index - (pc >> 2)
            if self._bounds(pc, delta) is not None and self._may_attempt(index):
                again = self._attempts[index] > 1
                self._begin_learning()
                self._submit(self._job(pc, delta, enter_at_start=again, profiled=True))
                return
        pc = self._regs[Reg.PC]
        there = self._delta(pc)
        if there is None:
            return
        index = (pc >> 2) + there
        if index not in samples.heat:
            # What is interpreted has not been met yet.
            self._begin_learning()
        elif self._installation.entered_at(index) is None and self._may_attempt(index):
            # All that was met is translated, but something is not entered where it is needed.
            self._begin_learning()
            job = self._job(pc, there, enter_at_start=True, profiled=True)
            self._submit(replace(job, taken=b""))

    def _begin_learning(self) -> None:
        """Take samples more often again."""
        self._samples.forget_recent()
        self._interval = 1

    def _enlarge(self) -> None:
        """Nothing is left to translate: have a region in which much of the time is spent made again
        with more instructions."""
        recent = self._samples.recent
        total = sum(recent.values())
        if self._counts:
            total = sum(installed.recent for installed in self._installation)
        for installed in self._installation:
            if not installed.region.is_cut or installed.is_enlarged:
                continue
            time = installed.recent
            if not self._counts:
                time = sum(recent[index] for index in installed.indices.tolist())
            # The parts of a loop that dispatches need each other more than others do.
            share = 8 if installed.region.dispatches else 2
            if share * time > total:
                installed.is_enlarged = True
                delta = self._installation.delta(installed)
                most = self._options.max_instructions
                job = self._job(installed.start, delta, profiled=True, limit=most)
                self._submit(replace(job, taken=b""))
                return

    def _may_attempt(self, index: int) -> bool:
        """Whether code at an arena index is worth a try; that is counted then."""
        if self._attempts[index] >= MOST_ATTEMPTS or not self._installation.may_translate(index):
            return False
        self._attempts[index] += 1
        return True

    def _bounds(self, pc: int, delta: int) -> tuple[int, int] | None:
        """The virtual addresses in words, first and past the last, around pc where code is as far
        from its place in the arena; None if that is not known."""
        state = self._state
        word = pc >> 2
        low, words = state[layout.REACH_LOW], state[layout.REACH_WORDS]
        there = state[layout.FETCH_BASE] - state[layout.FETCH_LOW]
        if low <= word < low + words and there == delta:
            return low, low + words
        if self._regs[Reg.MTT]:
            return None
        for memory in self._plain:
            if memory.holds(pc) and memory.base - (memory.address >> 2) == delta:
                return memory.address >> 2, (memory.address >> 2) + memory.words
        return None

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
        *,
        enter_at_start: bool = False,
        profiled: bool = False,
        limit: int = FIRST_LIMIT,
    ) -> Job:
        low, high = self._bounds(pc, delta) or (pc >> 2, (pc >> 2) + 1)
        first = max(low, (pc >> 2) - COPIED_WORDS)
        last = min(high, (pc >> 2) + COPIED_WORDS)
        begin, end = first + delta, last + delta
        plain = () if self._regs[Reg.MTT] else self._plain
        return Job(
            start=pc,
            words=self._core.arena[begin:end].copy(),
            breakpoints=frozenset(self._looked_at[0]),
            first=4 * first,
            delta=delta,
            supervisor=bool(self._state[layout.WINDOW_KEY] >> 32 & 1),
            limit=min(limit, self._options.max_instructions),
            optimize=self._options.optimize,
            cache=self._cache,
            profile=self._profile(begin, end, delta, plain) if profiled else NOTHING_KNOWN,
            registers=tuple(self._regs),
            enter_at_start=enter_at_start,
            taken=self._installation.taken(begin, end),
            plain=plain,
            program=None if any(self._looked_at) else self._program,
            programs=self._programs,
        )

    def _profile(self, begin: int, end: int, delta: int, plain: tuple[PlainMemory, ...]) -> Profile:
        counts = None
        if self._counts and self._baseline.heat is not None:
            counts = self._baseline.heat.between(begin, end, delta)
        return self._samples.profile(begin, end, delta, plain, counts)
