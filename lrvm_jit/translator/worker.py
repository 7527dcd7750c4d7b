"""The background thread that translates for all boards of the process."""

from __future__ import annotations

import atexit
import os
import queue
import threading

from .job import Job, Outcome, perform

Results = queue.SimpleQueue[Outcome]


class Worker:
    """Performs jobs in the order in which they come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._jobs: queue.SimpleQueue[tuple[Job, Results] | None] = queue.SimpleQueue()

    def submit(self, job: Job, results: Results) -> None:
        """Have a job done; its outcome goes to `results`."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="lrvm_jit translator", daemon=True
                )
                self._thread.start()
        self._jobs.put((job, results))

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, results = item
            results.put(perform(job))

    def finish(self) -> None:
        """Wait for the job in progress and forget the rest: LLVM must not run while the process
        takes itself apart."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        try:
            while True:
                self._jobs.get_nowait()
        except queue.Empty:
            pass
        self._jobs.put(None)
        thread.join()

    def after_fork(self) -> None:
        """The child of a fork has no thread, and its locks may be in any state."""
        self.__init__()  # type: ignore[misc]


WORKER = Worker()
atexit.register(WORKER.finish)
os.register_at_fork(after_in_child=WORKER.after_fork)
