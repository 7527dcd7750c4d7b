"""The threads of a batch's run: none is left when the run is over, whatever ends it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from numpy.typing import NDArray

_THREAD: Final = "the thread"
_NOBODY: Final = "nobody"


LONGEST_WAIT = 0.25
"""Seconds after which Python is let look for signals that were raised within the process."""


class LaneThreads:
    """Does one job in each of several threads.

    A job is begun by one atomic step that says who has it. So a thread that comes too late, after
    `end`, finds its job taken, and nobody has to know which threads had been started when an
    exception came. Threads are waited for by a queue, as an interrupted `Thread.join` of this
    Python may take a running thread for one that has ended.
    """

    def __init__(self, jobs: Sequence[Callable[[], None]], control: NDArray[Any]) -> None:
        """`control[0]` is set to have the jobs end soon."""
        self._jobs = jobs
        self._control = control
        self._taken: dict[int, str] = {}
        self._ended: list[int] = []
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"lrvm_jit batch {number}")
            for number in range(len(jobs))
        ]
        self._unstarted = list(self._threads)

    def _work(self, number: int) -> None:
        try:
            if self._taken.setdefault(number, _THREAD) is _THREAD:
                self._jobs[number]()
        except BaseException as error:
            self.fail(error)
        finally:
            self._ended.append(number)
            self._wake.put(None)

    def fail(self, error: BaseException) -> None:
        """An error ends the run."""
        self.errors.append(error)
        self._control[0] = 1

    def start(self) -> None:
        """Start the threads that have not been."""
        while self._unstarted:
            self._unstarted.pop().start()

    @property
    def are_running(self) -> bool:
        """Whether a job is not done."""
        return len(self._ended) < len(self._jobs)

    def wait(self, seconds: float | None) -> None:
        """Wait until a thread has ended or somebody calls `wake`, at most so long."""
        with suppress(queue.Empty):
            # Not for ever: `_thread.interrupt_main` and its kind wake nobody.
            self._wake.get(timeout=LONGEST_WAIT if seconds is None else min(seconds, LONGEST_WAIT))

    def wake(self) -> None:
        """Have `wait` return. May be called in a signal handler."""
        self._wake.put(None)

    def end(self) -> None:
        """Have all jobs end, and wait until they have. May be called again."""
        if self.are_running:
            self._control[0] = 1
        mine = [n for n in range(len(self._jobs)) if self._taken.setdefault(n, _NOBODY) is _NOBODY]
        theirs = len(self._jobs) - len(mine)
        while sum(number not in mine for number in list(self._ended)) < theirs:
            self._wake.get()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
