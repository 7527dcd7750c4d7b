"""Signals during a run: Python's handlers wait until the machine stands between two instructions.

Python calls a signal's handler between any two steps of its own in the main thread, and most
handlers raise an exception there: Ctrl-C's raises KeyboardInterrupt. In the middle of a
component's access that would lose a word which the component has given away already, or have the
access made twice. So during a run another handler stands in their place. It notes the signal,
asks the engine to stop between two instructions, and what stood there before is called then.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident, main_thread
from types import FrameType
from typing import Any, Final

NUMBERS: Final = tuple(
    int(getattr(signal, name))
    for name in (
        "SIGINT",
        "SIGTERM",
        "SIGHUP",
        "SIGQUIT",
        "SIGBREAK",
        "SIGALRM",
        "SIGVTALRM",
        "SIGUSR1",
        "SIGUSR2",
    )
    if hasattr(signal, name)
)
"""The signals that programs give handlers to in order to be interrupted. Profilers want to know
where SIGPROF comes, and nobody raises an exception in a handler of SIGCHLD or SIGWINCH."""

PATIENCE: Final = 2.0
"""Seconds after which a second Ctrl-C does not wait for a component that has not answered since
the first."""

# The functions behind those of `signal`, which make enumerations of all they take and give: that
# costs 3 us a call, more than a short run may take.
_module: Any = sys.modules.get("_signal", signal)
_get: Callable[[int], Any] = _module.getsignal
_set: Callable[[int, Any], Any] = _module.signal


class DeferredSignals:
    """Stands in for the Python signal handlers of the main thread from `begin` to `end`.

    `ask` is called when a signal has come, in the middle of anything, and has to lead to a call
    of `deliver` soon. `at_once` says whether the handler may be called right there all the same.

    Outside the main thread, where Python calls no handlers, and for signals without a Python
    handler (ignored ones, say) it does nothing. `begin` and `end` may be interrupted, by an
    exception from elsewhere, at any point: calling `end` again completes it.
    """

    def __init__(self, ask: Callable[[], object], at_once: Callable[[], bool]) -> None:
        self._ask = ask
        self._at_once = at_once
        self._known: list[Any] = []
        """All handlers as they were found last,"""
        self._numbers: tuple[int, ...] = ()
        """and the signals that had one in Python."""
        self._before: dict[int, Any] = {}
        """Handlers whose place has been taken. Kept, as somebody may put this one back later."""
        self._active = False
        self.waiting: list[tuple[int, FrameType | None, float]] = []
        """Signals that have come, with the frame and the time, and not been dealt with."""

    def begin(self) -> None:
        """Take the handlers' places."""
        if get_ident() != main_thread().ident:
            return
        handlers = list(map(_get, NUMBERS))
        if handlers != self._known:
            self._look_at(handlers)
        self._active = True
        try:
            for number in self._numbers:
                _set(number, self)
        except ValueError:
            # A Python within a program that does not let this interpreter have the signals.
            self._numbers = ()

    @property
    def is_active(self) -> bool:
        """Whether it stands in for handlers now."""
        return self._active

    def replaced(self, number: int) -> Any:
        """The handler of a signal in whose place it stands, or stood last; None for none."""
        return self._before.get(number)

    def _look_at(self, handlers: list[Any]) -> None:
        numbers = []
        for number, handler in zip(NUMBERS, handlers, strict=True):
            # One that some component has put back after its run was over only passes signals on.
            while isinstance(handler, DeferredSignals) and not handler.is_active:
                handler = handler.replaced(number)
            if callable(handler):
                self._before[number] = handler
                numbers.append(number)
        self._known, self._numbers = handlers, tuple(numbers)

    def end(self) -> None:
        """Give the places back, except where somebody has meanwhile put another handler, and have
        the handlers deal with what still waits. What they raise comes out."""
        if self._active:
            for number in self._numbers:
                if _get(number) is self:
                    _set(number, self._before[number])
            self._active = False
        if self.waiting:
            self.deliver()

    def deliver(self) -> None:
        """Between two instructions: have the handlers deal with what waits. They may raise."""
        try:
            while self.waiting:
                number, frame, _ = self.waiting[0]
                # Not `pop`, after which an exception from elsewhere would lose it.
                del self.waiting[0]
                self._before[number](number, frame)
        finally:
            if self.waiting:
                self.deliver()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler."""
        now = time.monotonic()
        if self._active and not self._at_once():
            waited = [now - since for other, _, since in self.waiting if other == number]
            if not waited or max(waited) < PATIENCE:
                self.waiting.append((number, frame, now))
                self._ask()
                return
            # This call is the answer to all of them.
            self.waiting[:] = [one for one in self.waiting if one[0] != number]
        handler = self._before.get(number)
        if callable(handler):
            handler(number, frame)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals wait for the end of the block, which must be short."""
    signals = DeferredSignals(ask=lambda: None, at_once=lambda: False)
    try:
        try:
            signals.begin()
            yield
        finally:
            signals.end()
    finally:
        signals.end()
