"""The background thread that translates for all boards of the process."""

from __future__ import annotations

import atexit
import queue
import threading
from collections import deque
from contextlib import suppress

from ...locks import SharedLock, in_forked_child
from .job import Job, Outcome, perform
from .store import STORE


class Results(queue.SimpleQueue[Outcome]):
    """What comes of the jobs of one board, which may be gone by then."""

    def __init__(self) -> None:
        super().__init__()
        self._abandoned = False

    def put(self, outcome: Outcome, block: bool = True, timeout: float | None = None) -> None:
        super().put(outcome)
        if self._abandoned:
            self._drop()

    def abandon(self) -> None:
        """Nobody asks any more. For finalizers: see `CodeStore.abandon`."""
        self._abandoned = True
        self._drop()

    def _drop(self) -> None:
        with suppress(queue.Empty):
            while True:
                outcome = self.get_nowait()
                if outcome.delivery is not None:
                    STORE.abandon({0: outcome.delivery.code})


class Worker:
    """Performs jobs in the order in which they come."""

    def __init__(self) -> None:
        self._lock = SharedLock()
        self._thread: threading.Thread | None = None
        self._jobs: queue.SimpleQueue[tuple[Job, Results] | None] = queue.SimpleQueue()
        self._unfinished: deque[tuple[Job, Results]] = deque()

    def submit(self, job: Job, results: Results) -> None:
        """Have a job done; its outcome goes to `results`."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(
                    target=self._work, name="lrvm_jit translator", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError as error:
                    # The system has no more threads, or Python is about to end.
                    results.put(Outcome(job, error=error))
                    return
                self._thread = thread
        self._unfinished.append((job, results))
        self._jobs.put((job, results))

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, results = item
            results.put(perform(job))
            self._unfinished.popleft()

    def finish(self) -> None:
        """Wait for the job in progress and forget the rest: LLVM must not run while the process
        takes itself apart."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        with suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put(None)
        thread.join()
        self._unfinished.clear()

    def after_fork(self) -> None:
        """The child of a fork has no thread, and the queue's lock may be in any state. Nothing
        comes of the jobs that were under way."""
        unfinished = list(self._unfinished)
        self._thread = None
        self._jobs = queue.SimpleQueue()
        self._unfinished = deque()
        for job, results in unfinished:
            results.put(Outcome(job))


WORKER = Worker()
atexit.register(WORKER.finish)
in_forked_child(WORKER.after_fork)
