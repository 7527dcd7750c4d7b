"""Running: one run at a time, its budget, its end."""

from __future__ import annotations

from collections.abc import Iterable

from ..engines import Engine
from ..exceptions import GuestException
from ..isa.table import Reg
from ..kernel import layout
from .core import Core
from .running import RightToRun
from .statistics import Statistics
from .stop import Stop, StopReason

UNLIMITED = (1 << 63) - 1


class Runner:
    """Runs a core on an engine. `Motherboard` and `Cpu` document what users see of it."""

    def __init__(self, core: Core, engine: Engine) -> None:
        self._core = core
        self._engine = engine
        self._right = RightToRun(
            "the board is already running; use board.stop() to end that run",
            signals=core.signals,
            tidy=core.forget_requests,
        )
        self._breakpoints: frozenset[int] = frozenset()
        self.closed = False

    @property
    def engine_name(self) -> str:
        return self._engine.name

    def run(self, max_cycles: int | None, halt_on_exception: bool) -> Stop:
        """See `Motherboard.run`."""
        if max_cycles is None:
            max_cycles = UNLIMITED
        elif max_cycles < 0:
            raise ValueError(f"max_cycles is {max_cycles}; it must be 0 or more")
        if self.closed:
            raise RuntimeError("the board is closed")
        return self._right.exclusively(self._run, min(max_cycles, UNLIMITED), halt_on_exception)

    def _run(self, budget: int, halt_on_exception: bool) -> Stop:
        # The host may have changed anything since the last run.
        self._core.state.host_changed()
        self._core.watchpoints.hit = None
        return self._stop(self._engine.run(budget, halt_on_exception))

    def _stop(self, reason: StopReason) -> Stop:
        state = self._core.state
        watch = self._core.watchpoints.hit
        if watch is not None and reason in (StopReason.STOPPED, StopReason.BUDGET):
            reason = StopReason.WATCHPOINT
        pc = int(state.regs[Reg.PC])
        address = int(state.state[layout.LAST_PC])
        exception = None
        if reason is StopReason.BREAKPOINT:
            address = pc
        elif reason is StopReason.EXCEPTION:
            exception = GuestException.from_word(int(state.regs[Reg.ET]))
        return Stop(reason, int(state.state[layout.CYCLES]), pc, address, exception, watch)

    def statistics(self) -> Statistics:
        """See `Motherboard.stats`."""
        return self._engine.statistics()

    def stop(self) -> None:
        """See `Motherboard.stop`."""
        if self._right.is_held:
            self._core.request_stop()

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
        self._engine.set_breakpoints(sorted(chosen))

    def refuse_while_running(self, action: str) -> None:
        """RuntimeError during a run."""
        if self._right.is_held:
            raise RuntimeError(f"cannot {action} a board that is running")
