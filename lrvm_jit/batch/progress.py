"""What a long run shows meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

ProgressCallback = Callable[[int, int, int], None]
"""Gets lanes done, lanes in all, instructions so far."""


class Progress:
    """Shows nothing. Subclasses show more."""

    interval: float | None = None
    """Seconds between two calls of `show`; None: only at the end."""

    def show(self, done: int, total: int, instructions: int) -> None:
        """How far the run is."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class CallbackProgress(Progress):
    """Calls a function."""

    interval = 0.1

    def __init__(self, callback: ProgressCallback) -> None:
        self._callback = callback

    def show(self, done: int, total: int, instructions: int) -> None:
        self._callback(done, total, instructions)


class BarProgress(Progress):
    """A bar in a terminal or notebook: lanes done, MIPS, time left."""

    interval = 0.1

    def __init__(self) -> None:
        try:
            from rich import get_console, progress
            from rich.console import Console
        except ImportError as error:
            raise ImportError(
                "a progress bar needs the package rich: pip install 'lrvm-jit[tools]'"
            ) from error
        # Standard output may be a file, and belongs to results; a notebook has its own place.
        console = get_console()
        self._bar: Any = progress.Progress(
            progress.TextColumn("{task.completed:,} of {task.fields[lanes]:,} lanes"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[mips]:,.0f} MIPS"),
            progress.TimeRemainingColumn(),
            console=console if console.is_jupyter else Console(stderr=True),
        )
        self._task: Any = self._bar.add_task("", total=None, lanes=0, mips=0.0)
        self._begin = 0.0

    def show(self, done: int, total: int, instructions: int) -> None:
        seconds = time.perf_counter() - self._begin
        mips = instructions / seconds / 1e6 if seconds else 0.0
        self._bar.update(self._task, completed=done, total=total, lanes=total, mips=mips)

    def __enter__(self) -> Progress:
        self._begin = time.perf_counter()
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()


def make_progress(wanted: bool | ProgressCallback) -> Progress:
    """What `Batch.run(progress=...)` asks for."""
    if wanted is True:
        return BarProgress()
    if wanted is False:
        return Progress()
    if callable(wanted):
        return CallbackProgress(wanted)
    raise TypeError(f"progress must be True, False or a function, not {wanted!r}")
