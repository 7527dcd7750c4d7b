"""The interpreter engine: the compiled kernel, and Python serving what it asks for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy

from ..core import layout
from ..core.bus import GuestError, refusal_before
from ..core.component import Component
from ..core.error_notes import access_text, add_note_once
from ..core.kernel_arrays import kernel_arrays
from ..core.statistics import Statistics
from ..core.stop import StopReason
from ..core.watchpoints import Watch
from ..exceptions import HardwareError
from ..isa.table import WORD_MASK, Reg
from ..kernel.build.compile import load_kernel

if TYPE_CHECKING:
    from ..core.core import Core
    from ..core.instrument import Instrument

SLICE = 1 << 18
"""Instructions between two looks at signals and stop requests: 0.2 ms in the fast loop, and
less than 100 ms if every one of them takes the slowest path (page walks, about 200 ns)."""

_REASONS = {
    layout.STOP_HALTED: StopReason.HALTED,
    layout.STOP_EXCEPTION: StopReason.EXCEPTION,
    layout.STOP_BREAKPOINT: StopReason.BREAKPOINT,
    layout.STOP_UNHANDLED: StopReason.UNHANDLED,
    layout.STOP_NOTICE: StopReason.STOPPED,
}

_Read: TypeAlias = Callable[[int], int]
_Write: TypeAlias = Callable[[int, int], None]
_Swap: TypeAlias = Callable[[int, int], int]
_Access: TypeAlias = tuple[Component, _Read | None, _Write | None, _Swap | None]
_Calls: TypeAlias = tuple[list[_Read], list[_Write], list[_Swap | None]]

_REQUESTS = frozenset((*layout.ACCESSES, layout.REQUEST_HWD, layout.REQUEST_RESET))

_READS = (layout.REQUEST_READ, layout.REQUEST_SWAP)

_NOTHING = object()
"""What stands for an answer that has not been given yet."""


class InterpreterEngine:
    """Runs the kernel in slices and answers its requests."""

    name = "interpreter"
    defers_signals = True

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pending = core.pending
        self._enter = load_kernel()
        self._instrument: Instrument | None = None
        self._breakpoints_set: frozenset[int] = frozenset()
        self._arrays = kernel_arrays(
            core.state.regs, core.state.state, core.arena, self._translation_rows()
        )
        core.state.state[layout.ARENA_ADDRESS] = core.arena.ctypes.data
        core.state.state[layout.CLEAN_LOW] = 1 << 62
        core.state.state[layout.SWAPS_WANTED] = any(
            component.swap is not None for component in core.components
        )
        self._context = numpy.zeros(layout.CONTEXT_WORDS, numpy.int64)
        self._context_address = int(self._context.ctypes.data)
        self._arrays.point(self._context)
        self._state = core.state.state_view
        self._instructions = 0
        self._granted = 0
        """The budget with which the slice in progress began; 0 between slices."""
        self._tap = core.bus.tap
        self._accesses: list[_Access] | None = None
        """The components, and what is called in the place of their `read` and `write`. Made at the
        first run, when the windows have their places."""
        self._calls: _Calls | None = None
        """These calls, for the run in progress; made when the first component is asked."""
        self._answered = False
        """When an exception ends a slice: whether a component has answered the request that the
        kernel has not taken up again."""

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
        self._arrays = self._arrays._replace(
            breakpoints=numpy.array(breakpoints or [0], numpy.int64)
        )
        self._arrays.point(self._context)
        self._state[layout.BREAKPOINT_COUNT] = len(breakpoints)
        self._state[layout.VERIFY] |= layout.VERIFY_CHANGES

    def run(self, budget: int, stop_on_exception: bool) -> StopReason:
        core = self._core
        state = self._state
        state[layout.STOP_ON_EXCEPTION] = stop_on_exception
        self._calls = None
        self._answered = False
        try:
            if budget == 1:
                state[layout.SOFT_BUDGET] = 0
                _, reason = self._slice(1, 0, self._run_single)
                if reason is None and core.stop_requested and core.ends_here():
                    reason = StopReason.STOPPED
                if reason is not None:
                    return reason
                budget = 0
            while budget > 0:
                piece = min(budget, self._longest_slice())
                extra = self._extra_budget(budget - piece)
                state[layout.SOFT_BUDGET] = piece + extra < budget
                used, reason = self._slice(piece, extra)
                if reason is not None:
                    return reason
                budget -= used
                if core.stop_requested and core.ends_here():
                    return self._stop_here()
                self._between_slices()
        except BaseException as error:
            self._leave(error)
            raise
        return StopReason.HALTED if state[layout.HALTED] else StopReason.BUDGET

    def _slice(
        self,
        budget: int,
        bonus: int,
        run_slice: Callable[[], int] | None = None,
    ) -> tuple[int, StopReason | None]:
        """Run a slice of the run; the instructions that it used, and why the run ends with it.

        `run_slice` is called instead of the engine's own, if it is given.
        """
        state, pending = self._state, self._pending
        state[layout.BUDGET] = budget
        state[layout.BONUS] = bonus
        pending.withdrawn = 0
        self._granted = budget + bonus
        try:
            stop = (run_slice or self._run_slice)()
        finally:
            used = self._used()
            self._granted = 0
            if self._instrument is not None:
                self._instrument.slice_ended()
            self._instructions += used
        reason = _REASONS.get(stop)
        if pending.waiting:
            raised = reason in (StopReason.EXCEPTION, StopReason.UNHANDLED)
            pending.complete(raised)
            # The host has the last word on whether the CPU is halted.
            if not raised:
                noticed = StopReason.STOPPED if state[layout.NOTICED] else None
                reason = StopReason.HALTED if state[layout.HALTED] else noticed
        return used, reason

    # --- for batches, which run the kernel from a compiled loop of their own ------------------

    look_after: int = 1 << 62
    """Interpreted instructions after which `look` is of use."""

    @property
    def context_address(self) -> int:
        """Where the kernel's context lies; it does not move while no breakpoints are set."""
        return self._context_address

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

    def _longest_slice(self) -> int:
        """The most instructions that may be interpreted until the engine is asked again."""
        return SLICE

    def _extra_budget(self, left: int) -> int:
        """How much of the budget translated regions may use besides the slice's own."""
        return 0

    def _between_slices(self) -> None:
        """What an engine does while the kernel is not running."""

    def _stop_here(self) -> StopReason:
        """Somebody asked for a stop. A slice that left budget over ended within a translated
        region, which does not say which instruction was its last: the next one will."""
        state = self._state
        if state[layout.BUDGET]:
            state[layout.SOFT_BUDGET] = 0
            _, reason = self._slice(1, 0)
            if reason is not None:
                return reason
        return StopReason.STOPPED

    def _run_slice(self) -> int:
        """Run until something other than a request stops the kernel."""
        enter, context = self._enter, self._context_address
        if self._instrument is not None:
            enter, context = self._instrument.begin(context)
        # An exception that comes here finds no component asked, or a request that nobody has
        # answered, which is undone.
        stop = enter(context)
        if stop not in _REQUESTS:
            return stop
        return self._serve_requests(stop, enter, context)

    def _run_single(self) -> int:
        """Run a slice of one instruction, which no translated code can execute."""
        return InterpreterEngine._run_slice(self)

    def _serve_requests(self, stop: int, enter: Callable[[int], int], context: int) -> int:
        """Answer a request, and those that follow, until something else stops the kernel.

        An exception may come from elsewhere after any line. Each access is a single one that ends
        with `answered` set, and Python looks for exceptions of other threads, as for signals,
        neither between a function's return and the assignments of that line nor in the head of
        the loop: there is no moment at which an answer could be lost.
        """
        core = self._core
        if not core.signals.is_active:
            core.signals.begin()
        state = self._state
        reads, writes, swaps = self._calls or self._prepare_calls()
        # Local names: the look-ups of globals would be a tenth of the round trip's overhead.
        component, offset, value, answer = (
            layout.REQUEST_COMPONENT,
            layout.REQUEST_OFFSET,
            layout.REQUEST_VALUE,
            layout.ANSWER,
        )
        read, write = layout.REQUEST_READ, layout.REQUEST_WRITE
        watched = bool(core.watchpoints)
        stops = chain((stop,), map(enter, repeat(context)))
        entries = zip(stops, repeat(_NOTHING), strict=False)
        answered: Any = _NOTHING
        try:
            while True:
                try:
                    for stop, answered in entries:
                        if stop == write:
                            answered = writes[state[component]](state[offset], state[value]) is None
                        elif stop == read:
                            answered = state[answer] = reads[state[component]](state[offset])
                            if answered.__class__ is not int or not 0 <= answered <= WORD_MASK:
                                core.bus.word(state[component], state[offset], answered)
                        elif stop == layout.REQUEST_SWAP:
                            swap = swaps[state[component]]
                            if swap is None:
                                answered = state[answer] = reads[state[component]](state[offset])
                            else:
                                state[layout.SWAPPED] = 1
                                answered = state[answer] = swap(state[offset], state[value])
                            if answered.__class__ is not int or not 0 <= answered <= WORD_MASK:
                                core.bus.word(state[component], state[offset], answered)
                        elif stop == layout.REQUEST_HWD or stop == layout.REQUEST_RESET:
                            answered = state[answer] = self._serve_rare(stop)
                        else:
                            return stop
                        if watched:
                            self._note_access(stop)
                        if core.stop_requested:
                            self._pending.end_slice()
                except HardwareError as error:
                    if stop not in layout.ACCESSES:
                        raise
                    state[answer] = -1 - error.word
                    # On the way back to the loop there is a moment that no `try` covers.
                    answered = self._answered = True
                    if core.stop_requested:
                        self._pending.end_slice()
        except BaseException:
            self._answered = answered is not _NOTHING
            if stop in _READS and self._answered and not _is_word(answered):
                self._answered = False
                self._complain(answered)
            raise

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

    def _leave(self, error: BaseException) -> None:
        """An exception ends the run. The instruction in progress is completed if a component has
        answered it, else undone: that component may be what failed, or was interrupted."""
        state = self._state
        if state[layout.RESUME] == layout.RESUME_NONE:
            if self._pending.waiting:
                # The instruction was complete already.
                self._pending.complete(raised=False)
            return
        if not self._answered:
            refusal = refusal_before(error, InterpreterEngine._serve_requests)
            if refusal is not None:
                state[layout.ANSWER] = -1 - refusal.word
                self._answered = True
        if not self._answered:
            self.abandon(error)
            return
        self._answered = False
        try:
            # Without what other engines do between slices: nothing but this one instruction.
            self._slice(1, 0, partial(InterpreterEngine._run_slice, self))
        except BaseException as another:
            self._leave(another)
            raise

    def abandon(self, error: BaseException) -> None:
        """A component failed: the instruction in progress has not happened. `error` gets a note
        that says which component that was, and where the guest stood."""
        state = self._state
        if state[layout.RESUME] == layout.RESUME_NONE:
            return
        add_note_once(error, access_text(self._core))
        state[layout.RESUME] = layout.RESUME_NONE
        state[layout.LOG_COUNT] = 0
        state[layout.NOTICED] = 0
        state[layout.CYCLES] -= 1
        state[layout.LAST_PC] = state[layout.PREVIOUS_PC]
        self._pending.undo()
        # A breakpoint that stands here has been reported.
        if int(self._core.state.regs[Reg.PC]) in self._breakpoints_set:
            state[layout.SKIP_BREAKPOINT] = 1

    def _prepare_calls(self) -> _Calls:
        """What is called for READ, WRITE and SWAP of each component, for the rest of this run."""
        accesses = self._accesses
        if accesses is None or self._core.bus.tap is not self._tap:
            self._tap = self._core.bus.tap
            accesses = self._accesses = self._prepare_accesses()
        reads = [prepared or component.read for component, prepared, *_ in accesses]
        writes = [prepared or component.write for component, _, prepared, _ in accesses]
        self._calls = reads, writes, [swap for *_, swap in accesses]
        return self._calls

    def _prepare_accesses(self) -> list[_Access]:
        return [
            (component, self._reading(number), self._writing(number), self._swapping(number))
            for number, component in enumerate(self._core.components)
        ]

    def _derivation(self, component: Component) -> Callable[[], bool]:
        """Tells whether something was derived from words of the component's windows: code, or a
        translation of addresses.

        Only then has an access, which may change them, to be followed by a check: that looks at
        every word of code that was ever decoded.
        """
        if not component.windows:
            return lambda: False
        state = self._state
        code_pages = memoryview(self._arrays.code_pages)  # type: ignore[arg-type]
        pages = len(code_pages) // 2
        base = min(window.base for window in component.windows)
        end = max(window.base + len(window.words) for window in component.windows)
        counted = code_pages[
            pages + base // layout.PAGE_WORDS : pages + (end - 1) // layout.PAGE_WORDS + 1
        ]
        none = bytes(counted.nbytes)
        low, high = layout.TABLES_LOW, layout.TABLES_HIGH
        return lambda: counted.tobytes() != none or (base < state[high] and end > state[low])

    def _reading(self, number: int) -> Callable[[int], int] | None:
        """READ of a component that is more than a call of its `read`: that may change its windows,
        go through a tap, or wait although a signal has come just before."""
        component, tap = self._core.components[number], self._tap
        if not (component.windows or _may_wait(component) or tap):
            return None
        state, signals = self._state, self._core.signals
        is_derived_from = self._derivation(component)

        def prepared(offset: int) -> int:
            # Before the call: nothing may come between its answer and the kernel.
            if is_derived_from():
                state[layout.VERIFY] |= layout.VERIFY_CHANGES
            if signals.waiting and component.interruptible:
                signals.deliver()
            if tap is not None:
                return tap.read(number, offset, component.read)
            return component.read(offset)

        return prepared

    def _writing(self, number: int) -> Callable[[int, int], None] | None:
        """The same for WRITE."""
        component, tap = self._core.components[number], self._tap
        if not (component.windows or _may_wait(component) or tap):
            return None
        state, signals = self._state, self._core.signals
        is_derived_from = self._derivation(component)

        def prepared(offset: int, word: int) -> None:
            if is_derived_from():
                state[layout.VERIFY] |= layout.VERIFY_CHANGES
            if signals.waiting and component.interruptible:
                signals.deliver()
            if tap is None:
                component.write(offset, word)
            else:
                tap.write(number, offset, word, component.write)

        return prepared

    def _swapping(self, number: int) -> _Swap | None:
        """SRM of a component that exchanges words by itself: its load and its store in one call."""
        component, swap = self._core.components[number], self._core.bus.swapper(number)
        if swap is None or not (_may_wait(component) or self._tap):
            return swap
        signals = self._core.signals

        def prepared(offset: int, word: int) -> int:
            if signals.waiting and component.interruptible:
                signals.deliver()
            return swap(offset, word)

        return prepared

    def _complain(self, word: object) -> None:
        """Raise what is to be said about an answer to the READ in progress that is no word."""
        state = self._state
        bus, component = self._core.bus, state[layout.REQUEST_COMPONENT]
        try:
            bus.word(component, state[layout.REQUEST_OFFSET], word)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise error from None

    def _note_access(self, request: int) -> None:
        """Have an access noted that may be one to a watched word."""
        state = self._state
        access, word = Watch.READ, state[layout.ANSWER]
        if request == layout.REQUEST_WRITE:
            access, word = Watch.WRITE, state[layout.REQUEST_VALUE]
        elif request not in _READS:
            return
        component, offset = state[layout.REQUEST_COMPONENT], state[layout.REQUEST_OFFSET]
        self._core.note(component, offset, access, word)
        if request == layout.REQUEST_SWAP and state[layout.SWAPPED]:
            self._core.note(component, offset, Watch.WRITE, state[layout.REQUEST_VALUE])


def _may_wait(component: Component) -> bool:
    """Whether a component is interruptible, or may become so: if that is a property, say."""
    return type(component).interruptible is not False or component.interruptible


def _is_word(answer: object) -> bool:
    try:
        return 0 <= operator.index(answer) <= WORD_MASK  # type: ignore[arg-type]
    except TypeError:
        return False
