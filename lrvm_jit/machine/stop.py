"""Why and where a run stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..exceptions import GuestException
from .watchpoints import WatchHit


class StopReason(StrEnum):
    """Why `Motherboard.run` returned."""

    HALTED = "halted"
    """The CPU has executed HALT, or was halted already."""
    BUDGET = "budget"
    """`max_cycles` instructions have been attempted."""
    EXCEPTION = "exception"
    """An exception or interruption was raised, and the caller asked to stop on one."""
    BREAKPOINT = "breakpoint"
    """The next instruction has a breakpoint."""
    WATCHPOINT = "watchpoint"
    """The last instruction has accessed a watched word."""
    STOPPED = "stopped"
    """`Motherboard.stop` was called."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The state in which a run stopped.

    `cycles` is the CPU's counter since its reset, `pc` the address of the next instruction,
    `address` the one of the last instruction attempted (HALT's own, the faulting one's; for a
    breakpoint, the one it stands on), `exception` what was raised if that is the reason, `watch`
    the first access of the last instruction to a watched word.
    """

    reason: StopReason
    cycles: int
    pc: int
    address: int
    exception: GuestException | None = None
    watch: WatchHit | None = None
