"""The progress of a long run, shown while the guest has nothing to say.

The line stands on stderr, often the very terminal that the guest writes to. So it only appears
when the guest has been silent for a while, at the start of a line, and goes away before any
other output or input.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final

from lrvm_jit import Motherboard

from .report import console_of

_SILENCE: Final = 1.0
"""Seconds without output after which the line appears."""
_INTERVAL: Final = 0.25
"""Seconds between two looks at the machine."""


class Progress:
    """Shows cycles, MIPS and time of a board's run; used in a `with` block around it.

    `paused` makes room for other output; `has_room` tells whether the cursor is at the start of
    a line.
    """

    def __init__(
        self, board: Motherboard, cycle_limit: int | None, has_room: Callable[[], bool]
    ) -> None:
        from rich.progress import (
            BarColumn,
            ProgressColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.progress import Progress as Bar

        self._board = board
        self._has_room = has_room
        columns: list[ProgressColumn] = [SpinnerColumn()]
        if cycle_limit is not None:
            columns.append(BarColumn(bar_width=30))
        columns += [
            TextColumn("{task.completed:,} cycles"),
            TextColumn("{task.fields[mips]:,.0f} MIPS"),
            TimeElapsedColumn(),
        ]
        self._bar = Bar(
            *columns,
            console=console_of(sys.stderr),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=cycle_limit, mips=0.0)
        self._first = self._cycles()
        self._lock = Lock()
        self._over = Event()
        self._silent_since = time.monotonic()
        self._shown = False
        self._thread = Thread(target=self._watch, name="lrvm-progress", daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._hide()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hide the line while the block writes or waits for input."""
        with self._lock:
            self._hide()
            try:
                yield
            finally:
                self._silent_since = time.monotonic()

    def _watch(self) -> None:
        cycles, then = self._cycles(), time.monotonic()
        while not self._over.wait(_INTERVAL):
            last, before = cycles, then
            cycles, then = self._cycles(), time.monotonic()
            speed = (cycles - last) / (then - before) / 1e6
            with self._lock:
                self._bar.update(self._task, completed=cycles - self._first, mips=speed)
                if then - self._silent_since > _SILENCE and self._has_room():
                    self._shown = True
                    self._bar.start()

    def _cycles(self) -> int:
        """Instructions attempted: unlike the CPU's counter, the guest cannot put it back."""
        return self._board.stats().instructions

    def _hide(self) -> None:
        # Stopping what is not shown would not be free, and this is asked for every character.
        if self._shown:
            self._shown = False
            self._bar.stop()
