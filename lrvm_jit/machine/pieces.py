"""A run in pieces, between which hooks and observers are called.

The engine runs up to what somebody wants to hear of, and then goes on: what the caller of the run
sees is one run, whose limit counts on. The order in which things are told at one place is that of
`lrvm_jit.core.hooks`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Final

from ..core import layout
from ..core.core import Core
from ..core.hooks import Hook, HookKind
from ..core.observer import Interest, RunObserver
from ..core.stop import Stop, StopReason
from ..core.unmapped import Unmapped, UnmappedWarning, advice, noticed_access
from ..engines import Engine
from ..exceptions import GuestException
from ..isa.table import Reg
from .hooks import Hooks

_FRAMES: Final = 8
"""Calls between `warnings.warn` here and the caller of `Motherboard.run`."""


class RunInPieces:
    """One run of a core on an engine, for those who listen.

    `breakpoints` are those that end the run, `look` tells the engine of changed points, and
    `describe` makes the `Stop` that a run would end with here.
    """

    def __init__(
        self,
        core: Core,
        engine: Engine,
        hooks: Hooks,
        *,
        breakpoints: frozenset[int],
        look: Callable[[], None],
        describe: Callable[[StopReason, int], Stop],
    ) -> None:
        self._core = core
        self._state = core.state.state_view
        self._regs = core.state.regs_view
        self._engine = engine
        self._hooks = hooks
        self._breakpoints = breakpoints
        self._look = look
        self._describe = describe
        self._began = core.state.attempted

    def run(
        self,
        budget: int,
        halt_on_exception: bool,
        observer: RunObserver | None,
        unmapped: Unmapped,
        *,
        past_breakpoint: bool,
    ) -> StopReason:
        """Run, and answer why it ended."""
        core, state, hooks = self._core, self._state, self._hooks
        self._unmapped = unmapped
        self._observer = observer
        self._hears = observer is not None and observer.watches_exceptions
        self._halts = halt_on_exception
        last = self._began + budget
        stepping = observer is not None and observer.watches_instructions
        if past_breakpoint and not hooks.breakpoints:
            state[layout.SKIP_BREAKPOINT] = 1
        while True:
            left = last - core.state.attempted
            if state[layout.HALTED]:
                return StopReason.HALTED
            # Asked for between two pieces, or by a watchpoint of the one before.
            if core.stop_requested and core.ends_here():
                return StopReason.STOPPED
            if stepping and left:
                assert observer is not None
                if not self._is_at_breakpoint():
                    observer.instruction()
                    if core.stop_requested and core.ends_here():
                        return StopReason.STOPPED
                left = 1
            self._want(hooks)
            hears = self._hears or halt_on_exception or bool(hooks.of(HookKind.EXCEPTION))
            reason = self._engine.run(left, hears)
            if hooks.error is not None:
                return StopReason.STOPPED
            ended = self._after(reason)
            if ended is None and reason is StopReason.BREAKPOINT:
                passes = past_breakpoint and core.state.attempted == self._began
                ended = self._arrived(passes)
            if ended is not None:
                return ended
            if core.state.attempted == last and not state[layout.HALTED]:
                stopped = core.stop_requested and core.ends_here()
                return StopReason.STOPPED if stopped else StopReason.BUDGET

    def _want(self, hooks: Hooks) -> None:
        """Tell the engine after which instructions to stop."""
        wanted = layout.NOTICE_MODE if hooks.of(HookKind.MODE) else 0
        if self._unmapped is not Unmapped.IGNORE:
            wanted |= layout.NOTICE_UNMAPPED
        self._state[layout.NOTICES_WANTED] = wanted
        self._state[layout.NOTICED] = 0

    def _is_at_breakpoint(self) -> bool:
        """Whether a run ends here before its first instruction."""
        at = self._regs[Reg.PC] in self._breakpoints
        return at and not self._state[layout.SKIP_BREAKPOINT]

    # --- after an instruction --------------------------------------------------------------------

    def _after(self, reason: StopReason) -> StopReason | None:
        """What the last instruction of a piece leads to; None if the run goes on."""
        state = self._state
        noticed = state[layout.NOTICED]
        if reason in (StopReason.EXCEPTION, StopReason.UNHANDLED):
            ended = self._raised(reason)
            if ended is not None:
                return ended
        modes = self._hooks.of(HookKind.MODE)
        if noticed & layout.NOTICE_MODE and modes:
            self._call(modes, HookKind.MODE, state[layout.LAST_PC])
        if noticed & layout.NOTICE_UNMAPPED:
            if self._unmapped is Unmapped.STOP:
                return StopReason.UNMAPPED
            self._warn()
        if reason is StopReason.HALTED and state[layout.HALTED]:
            return reason
        if reason is StopReason.STOPPED and not noticed:
            return reason
        return None

    def _raised(self, reason: StopReason) -> StopReason | None:
        """The CPU has taken an exception."""
        stop = self._describe(reason, self._began)
        exception = stop.exception
        assert exception is not None
        hooks = [
            hook
            for hook in self._hooks.of(HookKind.EXCEPTION)
            if hook.code is None or hook.code == exception.code
        ]
        before = self._regs.tolist()
        if hooks:
            self._call(hooks, HookKind.EXCEPTION, stop.address, exception)
        if reason is StopReason.UNHANDLED:
            # Unless a hook has changed something, it would come again for ever.
            changed = hooks and (self._hooks.changed_memory or before != self._regs.tolist())
            return None if changed else reason
        if self._halts:
            return reason
        if self._hears and self._observer is not None:
            interest = self._observer.exception(stop)
            if interest is Interest.NONE or (interest is Interest.NOT_THIS and not self._mute()):
                self._hears = False
        return None

    def _mute(self) -> bool:
        """Have the engine run through the last exception from now on; False if there is no room
        to remember it. Hooks still want to hear of it: then the observer hears it, too."""
        state = self._state
        if self._hooks.of(HookKind.EXCEPTION):
            return True
        count = state[layout.MUTED_COUNT]
        if count == layout.MOST_MUTED:
            return False
        state[layout.MUTED + count] = self._regs[Reg.ET] << 32 | self._regs[Reg.ERA]
        state[layout.MUTED_COUNT] = count + 1
        return True

    def _warn(self) -> None:
        """Say that an address is not mapped, once in this run."""
        self._unmapped = Unmapped.IGNORE
        access = noticed_access(self._state)
        address = self._state[layout.LAST_PC]
        warnings.warn(
            f"the instruction at 0x{address:08X}: {access}. "
            f"{advice(access, self._core.mappings)}. Other accesses of this run like it are only "
            "counted, in board.stats()",
            UnmappedWarning,
            stacklevel=_FRAMES,
        )

    # --- before an instruction -------------------------------------------------------------------

    def _arrived(self, passes: bool) -> StopReason | None:
        """There is a breakpoint, or a hook's, before the next instruction."""
        state, core = self._state, self._core
        pc = self._regs[Reg.PC]
        # It is being reported: nobody hears of it again before the CPU has left.
        state[layout.SKIP_BREAKPOINT] = 1
        hooks = [hook for hook in self._hooks.of(HookKind.BREAKPOINT) if hook.address == pc]
        if hooks:
            # As at a breakpoint that ends the run: not every engine knows what was attempted last.
            state[layout.LAST_PC] = pc
            self._call(hooks, HookKind.BREAKPOINT, pc)
            if self._regs[Reg.PC] != pc:
                return None
            state[layout.SKIP_BREAKPOINT] = 1
            if core.stop_requested and core.ends_here():
                return StopReason.STOPPED
            if state[layout.HALTED]:
                return StopReason.HALTED
        return StopReason.BREAKPOINT if pc in self._breakpoints and not passes else None

    def _call(
        self, hooks: list[Hook], kind: HookKind, pc: int, exception: GuestException | None = None
    ) -> None:
        with self._hooks.between() as called:
            if called:
                event = self._hooks.event(kind, pc)
                event.exception = exception
                self._hooks.call(hooks, event)
        if self._hooks.forget_removed():
            self._look()
