"""Why and where a run stopped."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from ..exceptions import GuestException
from ..records import dataclass
from .unmapped import UnmappedAccess
from .watchpoints import WatchHit


class StopReason(StrEnum):
    """Why `Motherboard.run` returned.

    >>> from lrvm_jit import StopReason
    >>> StopReason.HALTED == "halted"
    True
    """

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
    UNHANDLED = "unhandled"
    """The same exception came again with nothing changed and no handler set: for ever, that is.
    Only in runs without a cycle limit (`lrvm_jit.core.unhandled`)."""
    UNMAPPED = "unmapped"
    """The last instruction has accessed an address where nothing is mapped, and the board's
    `unmapped` is "stop"."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The state in which a run stopped.

    `cycles` is the CPU's counter since its reset, `pc` the address of the next instruction,
    `address` the one of the last instruction attempted (HALT's own, the faulting one's; for a
    breakpoint, the one it stands on), `exception` what was raised if that is the reason, `watch`
    the first access of the last instruction to a watched word, `unmapped` the first one to an
    address where nothing is mapped. `attempted` counts the instructions of this run, whatever the
    guest did to the counter; `advice` says what to do about an unhandled exception or an unmapped
    address. Two stops are equal if they are the same place, however far the
    run was.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> with Motherboard([BootRom(assemble("div a0, 0"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     stop = board.run(halt_on_exception=True)
    >>> print(stop.reason, stop.cycles, stop.exception)
    exception 1 Division by zero
    """

    reason: StopReason
    cycles: int
    pc: int
    address: int
    exception: GuestException | None = None
    watch: WatchHit | None = None
    attempted: int = field(default=0, compare=False)
    advice: str = field(default="", compare=False)
    unmapped: UnmappedAccess | None = field(default=None, compare=False)
