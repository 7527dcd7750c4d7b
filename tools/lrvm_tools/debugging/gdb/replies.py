"""What a stop of the program, or an error, is in GDB's remote serial protocol."""

from __future__ import annotations

from typing import Final

from lrvm_jit.debug import Event, EventKind
from lrvm_jit.exceptions import ExceptionCode

from .points import ClientPoints

_INTERRUPT, _ILLEGAL, _TRAP, _ABORT, _ARITHMETIC, _MEMORY = 2, 4, 5, 6, 8, 11
"""Signals, by the numbers that the protocol gives them."""
_SIGNALS: Final = {
    EventKind.INTERRUPTED: _INTERRUPT,
    EventKind.UNMAPPED: _MEMORY,
    EventKind.ERROR: _ABORT,
}
_EXCEPTIONS: Final = {
    ExceptionCode.UNKNOWN_OPCODE: _ILLEGAL,
    ExceptionCode.UNKNOWN_REGISTER: _ILLEGAL,
    ExceptionCode.REGISTER_NOT_READABLE: _ILLEGAL,
    ExceptionCode.REGISTER_NOT_WRITABLE: _ILLEGAL,
    ExceptionCode.SUPERVISOR_ONLY: _ILLEGAL,
    ExceptionCode.BAD_FLAG: _ILLEGAL,
    ExceptionCode.BAD_CONDITION: _ILLEGAL,
    ExceptionCode.UNALIGNED_ADDRESS: _MEMORY,
    ExceptionCode.MMU_REFUSED_READ: _MEMORY,
    ExceptionCode.MMU_REFUSED_WRITE: _MEMORY,
    ExceptionCode.MMU_REFUSED_EXECUTE: _MEMORY,
    ExceptionCode.DIVISION_BY_ZERO: _ARITHMETIC,
    ExceptionCode.OVERFLOWING_DIVISION: _ARITHMETIC,
}


class Refused(Exception):  # noqa: N818
    """A packet that cannot be answered but by an error."""

    def __init__(self, text: str, number: int = 1) -> None:
        super().__init__(text)
        self.number = number
        """For clients that take no texts, as `errno` has them."""


def signal_of(event: Event) -> int:
    """The signal that a client shows for an event."""
    if event.exception is not None:
        return _EXCEPTIONS.get(ExceptionCode(event.exception.code), _TRAP)
    return _SIGNALS.get(event.kind, _TRAP)


def reason_of(event: Event, points: ClientPoints, takes_breakpoints: bool) -> bytes:
    """What a stop reply says besides the signal."""
    match event.kind:
        case EventKind.START:
            return b"replaylog:begin;"
        case EventKind.END:
            return b"replaylog:end;"
        case EventKind.WATCHPOINT:
            return points.reason_of(event)
        case EventKind.BREAKPOINT if takes_breakpoints:
            return b"swbreak:;"
    return b""
