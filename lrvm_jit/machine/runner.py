"""Running: one run at a time, its budget, its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from threading import get_ident

from ..core import layout
from ..core.core import Core
from ..core.instrument import Instrument
from ..core.observer import RunObserver
from ..core.running import RightToRun
from ..core.statistics import Statistics
from ..core.stop import Stop, StopReason
from ..core.unhandled import advice
from ..core.unmapped import Unmapped, noticed_access
from ..core.unmapped import advice as unmapped_advice
from ..engines import Engine
from ..exceptions import GuestException
from ..isa.table import Reg
from .hooks import Hooks
from .pieces import RunInPieces

UNLIMITED = (1 << 63) - 1
# Looking an enumeration's member up takes longer than all else that is done about it here.
_QUIET_ENDS = (StopReason.BUDGET, StopReason.HALTED)


class Runner:
    """Runs a core on an engine. `Motherboard` and `Cpu` document what users see of it."""

    def __init__(self, core: Core, engine: Engine, hooks: Hooks) -> None:
        self._core = core
        self.hooks = hooks
        self.unmapped = Unmapped.IGNORE
        self._engine = engine
        self._right = RightToRun(
            "the board is already running; use board.stop() to end that run",
            signals=core.signals,
            tidy=core.forget_requests,
            begins=False,
        )
        self._breakpoints: frozenset[int] = frozenset()
        self.stops_on_unhandled = True
        self.closed = False
        self.instrument: Instrument | None = None

    @property
    def engine(self) -> Engine:
        return self._engine

    def run(
        self,
        max_cycles: int | None,
        halt_on_exception: bool,
        observer: RunObserver | None = None,
        *,
        past_breakpoint: bool = False,
    ) -> Stop:
        """See `Motherboard.run`. `past_breakpoint`: whether the first instruction is attempted
        even if a breakpoint stands there."""
        if max_cycles is not None and max_cycles < 0:
            raise ValueError(f"max_cycles is {max_cycles}; it must be 0 or more")
        if self.closed:
            raise RuntimeError("the board is closed")
        arguments = (
            UNLIMITED if max_cycles is None else min(max_cycles, UNLIMITED),
            halt_on_exception,
            observer,
            self._looks_for_unhandled(max_cycles),
            past_breakpoint,
        )
        tap = self._core.bus.tap
        if tap is None:
            return self._right.exclusively(self._run, *arguments)
        self.refuse_while_running("run")
        tap.run_starts()
        try:
            return self._right.exclusively(self._run, *arguments)
        finally:
            tap.run_ended()

    def _run(
        self,
        budget: int,
        halt_on_exception: bool,
        observer: RunObserver | None,
        unhandled: bool,
        past_breakpoint: bool,
    ) -> Stop:
        core = self._core
        hooks = self.hooks
        in_pieces = observer is not None or hooks.wanted or self.unmapped is not Unmapped.IGNORE
        # Taking the signals' places costs more than a single instruction. Where that asks no
        # component, nothing is lost by an exception; the engine sees to it where it does.
        if budget != 1 or in_pieces or not self._engine.defers_signals:
            core.signals.begin()
        # The host may have changed anything since the last run.
        core.state.host_changed()
        pending = core.pending
        pending.thread = get_ident()
        pending.exception = None
        core.watchpoints.hit = None
        state = core.state.state_view
        state[layout.UNHANDLED_WANTED] = unhandled
        state[layout.UNTOUCHED] = state[layout.MUTED_COUNT] = 0
        state[layout.NOTICES_WANTED] = state[layout.NOTICED] = 0
        began = state[layout.CYCLES_BEFORE] + state[layout.CYCLES]
        hooks.error = None
        if hooks.forget_removed():
            self.look()
        try:
            if not in_pieces:
                if past_breakpoint:
                    state[layout.SKIP_BREAKPOINT] = 1
                reason = self._engine.run(budget, halt_on_exception)
            else:
                pieces = RunInPieces(
                    core,
                    self._engine,
                    hooks,
                    breakpoints=self._breakpoints,
                    look=self.look,
                    describe=self._stop,
                )
                reason = pieces.run(
                    budget,
                    halt_on_exception,
                    observer,
                    self.unmapped,
                    past_breakpoint=past_breakpoint,
                )
        except BaseException as error:
            if hooks.error is not None:
                raise hooks.error from error
            raise
        if hooks.error is not None:
            raise hooks.error
        return self._stop(reason, began)

    def _looks_for_unhandled(self, max_cycles: int | None) -> bool:
        """Whether a run ends if it would come back to an exception for ever; runs with a limit are
        exact to their last instruction."""
        return self.stops_on_unhandled and max_cycles is None

    def _stop(self, reason: StopReason, began: int) -> Stop:
        state = self._core.state
        fields = state.state_view
        watch = self._core.watchpoints.hit
        if watch is None and reason in _QUIET_ENDS:
            cycles = fields[layout.CYCLES]
            attempted = fields[layout.CYCLES_BEFORE] + cycles - began
            pc, address = state.regs_view[Reg.PC], fields[layout.LAST_PC]
            return Stop(reason, cycles, pc, address, attempted=attempted)
        if watch is not None and reason in (StopReason.STOPPED, StopReason.BUDGET):
            reason = StopReason.WATCHPOINT
        pc = state.regs_view[Reg.PC]
        address = fields[layout.LAST_PC]
        exception = None
        hint = ""
        if reason is StopReason.BREAKPOINT:
            address = pc
            # It has been reported: the next run goes on past it, and one that attempts nothing
            # stops here as well. Not every engine knows what was attempted last.
            state.state[layout.SKIP_BREAKPOINT] = 1
            state.state[layout.LAST_PC] = pc
        elif reason in (StopReason.EXCEPTION, StopReason.UNHANDLED):
            word = self._core.pending.exception
            exception = GuestException.from_word(int(state.regs[Reg.ET]) if word is None else word)
            if reason is StopReason.UNHANDLED:
                paged = bool(state.regs[Reg.MTT])
                hint = advice(exception, address, self._core.mappings, paged)
        cycles = fields[layout.CYCLES]
        attempted = state.attempted - began
        unmapped = None
        if state.state[layout.NOTICED] & layout.NOTICE_UNMAPPED:
            unmapped = noticed_access(state.state_view)
            if reason is StopReason.UNMAPPED:
                hint = unmapped_advice(unmapped, self._core.mappings)
        return Stop(reason, cycles, pc, address, exception, watch, attempted, hint, unmapped)

    def statistics(self) -> Statistics:
        """See `Motherboard.stats`."""
        state = self._core.state.state_view
        return replace(
            self._engine.statistics(),
            exceptions=state[layout.EXCEPTIONS],
            unmapped_reads=state[layout.UNMAPPED + layout.READ],
            unmapped_writes=state[layout.UNMAPPED + layout.WRITE],
        )

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress."""
        return self._right.is_held

    def stop(self) -> None:
        """See `Motherboard.stop`."""
        if self._right.is_held:
            self._core.request_stop()

    def instrument_with(self, instrument: Instrument | None) -> None:
        """See `Motherboard.instrument`."""
        self.refuse_while_running("instrument")
        self._engine.instrument_with(instrument)
        self.instrument = instrument

    @property
    def breakpoints(self) -> frozenset[int]:
        return self._breakpoints

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        """See `Motherboard.breakpoints`."""
        self.refuse_while_running("change breakpoints of")
        chosen = frozenset(addresses)
        for address in chosen:
            if not 0 <= address <= 0xFFFF_FFFF or address % 4:
                raise ValueError(
                    f"breakpoint {address:#x} must be a multiple of 4 within 0..0xFFFFFFFF"
                )
        self._breakpoints = chosen
        self.look()

    def look(self) -> None:
        """Tell the engine which words are looked at, after a change of either kind of points."""
        addresses = self._breakpoints | self.hooks.breakpoints
        self._engine.look_at(sorted(addresses), self._core.watched_words())

    def refuse_while_running(self, action: str) -> None:
        """RuntimeError during a run."""
        if self.is_running:
            raise RuntimeError(f"cannot {action} a board that is running")
