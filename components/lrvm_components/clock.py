"""The realtime clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from lrvm_jit import Category, MappedRegister, RegisterAccess
from lrvm_jit.arguments import whole_number

from .base import WORD_BYTES, StandardComponent

Nanoseconds: TypeAlias = Callable[[], int]


class RealtimeClock(StandardComponent):
    """Tells the time of day and the time since the last reset; 24 bytes.

    Words 0, 1 and 2 are the UNIX time: seconds (high word, low word) and the nanoseconds of the
    second. Words 3, 4 and 5 are the time since the last reset, or since creation before the
    first, in the same form. Writing raises hardware error 0x31.

    Each read looks at the clock, so a second may begin between the reads of two words: a guest
    that needs them to agree reads the seconds again after the nanoseconds.

    `clock` and `monotonic` answer nanoseconds; replace both to decide about time yourself. The
    elapsed time has its own source because the time of day may be set, even back.

    >>> from lrvm_components import RealtimeClock
    >>> clock = RealtimeClock(clock=lambda: 5 * 10**9 + 7)
    >>> clock.read(4), clock.read(8)
    (5, 7)
    """

    name = "Realtime Clock"
    category = Category.CLOCK
    type_code = 0x1
    registers = (
        MappedRegister(0, "SECONDS_HIGH", RegisterAccess.READ, "UNIX time: seconds, high word"),
        MappedRegister(4, "SECONDS_LOW", RegisterAccess.READ, "UNIX time: seconds, low word"),
        MappedRegister(8, "NANOSECONDS", RegisterAccess.READ, "nanoseconds of that second"),
        MappedRegister(
            12, "ELAPSED_HIGH", RegisterAccess.READ, "since the last reset: seconds, high word"
        ),
        MappedRegister(
            16, "ELAPSED_LOW", RegisterAccess.READ, "since the last reset: seconds, low word"
        ),
        MappedRegister(
            20, "ELAPSED_NANOSECONDS", RegisterAccess.READ, "nanoseconds of that second"
        ),
    )

    def __init__(
        self,
        clock: Nanoseconds = time.time_ns,
        monotonic: Nanoseconds = time.monotonic_ns,
        *,
        hw_id: int | None = None,
    ) -> None:
        super().__init__(6 * WORD_BYTES, hw_id)
        self._clock = clock
        self._monotonic = monotonic
        self.reset()

    def read(self, offset: int) -> int:
        part, word = divmod(offset // WORD_BYTES, 3)
        now = self._now(self._monotonic) - self._start if part else self._now(self._clock)
        seconds, nanoseconds = divmod(now, 10**9)
        return (seconds >> 32 & 0xFFFF_FFFF, seconds & 0xFFFF_FFFF, nanoseconds)[word]

    def save_state(self) -> dict[str, int]:
        """The time since the last reset, in nanoseconds."""
        return {"elapsed": self._monotonic() - self._start}

    def load_state(self, state: dict[str, int]) -> None:
        """Go on from a time since the last reset."""
        self._start = self._monotonic() - whole_number("elapsed", state["elapsed"])

    def reset(self) -> None:
        """Start measuring the elapsed time anew."""
        self._start = self._now(self._monotonic)

    @staticmethod
    def _now(clock: Nanoseconds) -> int:
        return whole_number("what a clock answers, nanoseconds,", clock())
