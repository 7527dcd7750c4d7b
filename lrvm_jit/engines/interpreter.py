"""The interpreter engine: the compiled kernel, and Python serving what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from ..exceptions import HardwareError
from ..isa.table import WORD_MASK, Reg
from ..kernel import layout
from ..kernel.compile import load_kernel
from ..machine.bus import GuestError
from ..machine.component import Component
from ..machine.error_notes import access_text, add_note_once
from ..machine.statistics import Statistics
from ..machine.stop import StopReason
from ..machine.swap import coming_store_of_request
from ..machine.watchpoints import Watch

if TYPE_CHECKING:
    from ..machine.core import Core
    from ..machine.instrument import Instrument

SLICE = 1 << 18
"""Instructions between two looks at signals and stop requests: 0.2 ms in the fast loop, and
less than 100 ms if every one of them takes the slowest path (page walks, about 200 ns)."""

BREAKPOINTS_ARRAY = 7

_REASONS = {
    layout.STOP_HALTED: StopReason.HALTED,
    layout.STOP_EXCEPTION: StopReason.EXCEPTION,
    layout.STOP_BREAKPOINT: StopReason.BREAKPOINT,
    layout.STOP_UNHANDLED: StopReason.UNHANDLED,
}


class InterpreterEngine:
    """Runs the kernel in slices and answers its requests."""

    name = "interpreter"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pending = core.pending
        self._enter = load_kernel()
        self._instrument: Instrument | None = None
        words = len(core.arena)
        pages = -(-words // layout.PAGE_WORDS)
        self._breakpoints = numpy.zeros(1, numpy.int64)
        self._breakpoints_set: frozenset[int] = frozenset()
        self._translations = numpy.zeros(
            self._translation_rows() * layout.TRANSLATION_FIELDS, numpy.int64
        )
        self._arrays: list[NDArray[Any]] = [
            core.state.regs,
            core.state.state,
            core.arena,
            numpy.zeros(words, numpy.int64),
            numpy.zeros(words, numpy.uint8),
            numpy.zeros(words, numpy.uint32),
            numpy.zeros(2 * pages, numpy.int64),
            self._breakpoints,
            self._translations,
        ]
        core.state.state[layout.ARENA_ADDRESS] = core.arena.ctypes.data
        core.state.state[layout.CLEAN_LOW] = 1 << 62
        self._context = numpy.zeros(2 * len(self._arrays), numpy.int64)
        self._point_to_arrays()
        self._state = core.state.state_view
        self._instructions = 0
        self._granted = 0
        """The budget with which the slice in progress began; 0 between slices."""

    def _point_to_arrays(self) -> None:
        self._context[0::2] = [array.ctypes.data for array in self._arrays]
        self._context[1::2] = [len(array) for array in self._arrays]

    def statistics(self) -> Statistics:
        return Statistics(self.name, self._executed)

    @property
    def _executed(self) -> int:
        """Instructions since the engine was made; within a slice, those that are complete."""
        return self._instructions + (self._used() if self._granted else 0)

    def _used(self) -> int:
        """Instructions of the slice in progress."""
        state = self._state
        left: int = state[layout.BUDGET] + state[layout.BONUS]
        return self._granted - left - self._pending.withdrawn

    def instrument_with(self, instrument: Instrument | None) -> None:
        self._instrument = instrument

    def look_at(self, breakpoints: list[int], watched: list[int]) -> None:
        # The kernel takes apart what it has decoded across these words as it comes there.
        self._breakpoints_set = frozenset(breakpoints)
        self._breakpoints = numpy.array(breakpoints or [0], numpy.int64)
        self._arrays[BREAKPOINTS_ARRAY] = self._breakpoints
        self._point_to_arrays()
        self._state[layout.BREAKPOINT_COUNT] = len(breakpoints)
        self._state[layout.VERIFY] |= layout.VERIFY_CHANGES

    def run(self, budget: int, stop_on_exception: bool) -> StopReason:
        core = self._core
        state = self._state
        state[layout.STOP_ON_EXCEPTION] = stop_on_exception
        components = list(enumerate(core.components))
        reads = [self._noting(item, self._reading(number)) for number, item in components]
        writes = [self._noting(item, core.bus.writer(number)) for number, item in components]
        if core.watchpoints:
            self._watch(reads, writes)
        try:
            while budget > 0:
                piece = min(budget, SLICE)
                extra = self._extra_budget(budget - piece)
                state[layout.SOFT_BUDGET] = piece + extra < budget
                used, reason = self._slice(piece, extra, reads, writes)
                if reason is not None:
                    return reason
                budget -= used
                if core.stop_requested:
                    return self._stop_here(reads, writes)
                self._between_slices()
        except BaseException as error:
            self._abandon(error)
            raise
        return StopReason.HALTED if state[layout.HALTED] else StopReason.BUDGET

    def _slice(
        self,
        budget: int,
        bonus: int,
        reads: list[Callable[[int], int]],
        writes: list[Callable[[int, int], None]],
    ) -> tuple[int, StopReason | None]:
        """Run a slice of the run; the instructions that it used, and why the run ends with it."""
        state, pending = self._state, self._pending
        state[layout.BUDGET] = budget
        state[layout.BONUS] = bonus
        pending.withdrawn = 0
        self._granted = budget + bonus
        try:
            stop = self._run_slice(reads, writes)
        finally:
            used = self._used()
            self._granted = 0
            if self._instrument is not None:
                self._instrument.slice_ended()
            self._instructions += used
        reason = _REASONS.get(stop)
        if pending.waiting:
            pending.complete(reason is StopReason.EXCEPTION)
            # The host has the last word on whether the CPU is halted.
            if reason is not StopReason.EXCEPTION:
                reason = StopReason.HALTED if state[layout.HALTED] else None
        return used, reason

    # --- for batches, which run the kernel from a compiled loop of their own ------------------

    look_after: int = 1 << 62
    """Interpreted instructions after which `look` is of use."""

    @property
    def context_address(self) -> int:
        """Where the kernel's context lies; it does not move while no breakpoints are set."""
        return int(self._context.ctypes.data)

    def serve(self, stop: int) -> None:
        """Deal with a stop of the kernel that is neither an end nor an access to a component."""
        self._state[layout.ANSWER] = self._serve_rare(stop)

    def look(self, start: int | None = None) -> None:
        """See what is worth translating: at pc, or what a program does from `start` on."""

    def take_up(self) -> None:
        """Take up what has been translated meanwhile."""

    # --- what other engines change ---------------------------------------------------------------

    def _translation_rows(self) -> int:
        """How many translated regions the kernel must have room for."""
        return 1

    def _extra_budget(self, left: int) -> int:
        """How much of the budget translated regions may use besides the slice's own."""
        return 0

    def _between_slices(self) -> None:
        """What an engine does while the kernel is not running."""

    def _stop_here(
        self, reads: list[Callable[[int], int]], writes: list[Callable[[int, int], None]]
    ) -> StopReason:
        """Somebody asked for a stop. A slice that left budget over ended within a translated
        region, which does not say which instruction was its last: the next one will."""
        state = self._state
        if state[layout.BUDGET]:
            state[layout.SOFT_BUDGET] = 0
            _, reason = self._slice(1, 0, reads, writes)
            if reason is not None:
                return reason
        return StopReason.STOPPED

    def _run_slice(
        self, reads: list[Callable[[int], int]], writes: list[Callable[[int, int], None]]
    ) -> int:
        """Run until something other than a request stops the kernel."""
        core = self._core
        state = self._state
        enter, context = self._enter, self._context.ctypes.data
        if self._instrument is not None:
            enter, context = self._instrument.begin(context)
        # Local names: the look-ups of globals would be a tenth of the round trip's overhead.
        component, offset, value, answer = (
            layout.REQUEST_COMPONENT,
            layout.REQUEST_OFFSET,
            layout.REQUEST_VALUE,
            layout.ANSWER,
        )
        read, write = layout.REQUEST_READ, layout.REQUEST_WRITE
        while True:
            stop = enter(context)
            if stop == write:
                try:
                    writes[state[component]](state[offset], state[value])
                except HardwareError as error:
                    state[answer] = -1 - error.word
            elif stop == read:
                try:
                    word = reads[state[component]](state[offset])
                    if word.__class__ is not int or not 0 <= word <= WORD_MASK:
                        word = core.bus.word(state[component], state[offset], word)
                    state[answer] = word
                except HardwareError as error:
                    state[answer] = -1 - error.word
            elif stop == layout.REQUEST_HWD or stop == layout.REQUEST_RESET:
                state[answer] = self._serve_rare(stop)
            else:
                return stop
            if core.stop_requested:
                # The instruction in progress is completed, and no other.
                self._pending.end_slice()

    def _serve_rare(self, request: int) -> int:
        """Answer HWD and RESET; an exception for the guest is -1 - (code << 16 | data)."""
        state = self._state
        first, second = state[layout.REQUEST_COMPONENT], state[layout.REQUEST_OFFSET]
        try:
            if request == layout.REQUEST_HWD:
                return self._core.bus.hardware_information(first, second)
            self._core.bus.reset(first, second)
            state[layout.VERIFY] |= layout.VERIFY_CHANGES
            return 0
        except GuestError as fault:
            return -1 - (fault.code << 16 | fault.data)

    def _abandon(self, error: BaseException) -> None:
        """A component failed: the instruction in progress has not happened."""
        state = self._state
        if state[layout.RESUME] != layout.RESUME_NONE:
            add_note_once(error, access_text(self._core))
            state[layout.RESUME] = layout.RESUME_NONE
            state[layout.LOG_COUNT] = 0
            state[layout.CYCLES] -= 1
            state[layout.LAST_PC] = state[layout.PREVIOUS_PC]
            self._pending.undo()
            # A breakpoint that stands here has been reported.
            if int(self._core.state.regs[Reg.PC]) in self._breakpoints_set:
                state[layout.SKIP_BREAKPOINT] = 1
        elif self._pending.waiting:
            # The instruction was complete already.
            self._pending.complete(raised=False)

    def _reading(self, component: int) -> Callable[[int], int]:
        """READ of a component. If that swaps, the load of an SRM completes its store as well."""
        core, state = self._core, self._state
        swap, read = core.bus.swapper(component), core.bus.reader(component)
        if swap is None:
            return read
        resume, step = layout.RESUME, layout.RESUME_STEP

        def read_or_swap(offset: int) -> int:
            # A simple load is no step; it is what has to be quick here.
            store = coming_store_of_request(core) if state[resume] == step else None
            if store is None:
                return read(offset)
            answer = swap(offset, store.value)
            number = state[layout.REQUEST_COMPONENT]
            word = core.bus.word(number, offset, answer)
            if core.watchpoints:
                core.note(number, offset, Watch.READ, word)
                core.note(number, offset, Watch.WRITE, store.value)
            # The log gets what is left to read; the answer is the one to the store.
            for entry in (word, *store.entries):
                state[layout.LOG + state[layout.LOG_COUNT]] = entry
                state[layout.LOG_COUNT] += 1
            return 0

        return read_or_swap

    def _watch(
        self, reads: list[Callable[[int], int]], writes: list[Callable[[int, int], None]]
    ) -> None:
        """Have accesses to watched words noted."""
        core = self._core

        def watching(number: int, read: Callable[[int], int]) -> Callable[[int], int]:
            def watched(offset: int) -> int:
                word = read(offset)
                core.note(number, offset, Watch.READ, word)
                return word

            return watched

        def watching_write(
            number: int, write: Callable[[int, int], None]
        ) -> Callable[[int, int], None]:
            def watched(offset: int, word: int) -> None:
                write(offset, word)
                core.note(number, offset, Watch.WRITE, word)

            return watched

        for number in range(len(core.components)):
            if core.watchpoints.offsets(number):
                reads[number] = watching(number, reads[number])
                writes[number] = watching_write(number, writes[number])

    def _noting(self, component: Component, access: Callable[..., Any]) -> Callable[..., Any]:
        """An access of a component; if that has windows, noting that they may have changed."""
        if not component.windows:
            return access
        state = self._state

        def noting(*arguments: int) -> Any:
            try:
                return access(*arguments)
            finally:
                state[layout.VERIFY] |= layout.VERIFY_CHANGES

        return noting
