"""What a machine that was started is held by."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..arguments import number_within
from .contexts import PartStatus
from .scheduler import Scheduler


class MachineHandle:
    """A running machine. Whoever has started it joins it, or uses the handle in a `with`.

    Under the scheduler `cooperative` the machine runs inside these methods only.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.processors: tuple[PartStatus, ...] = scheduler.processors
        """Name, code and errors of each processor; of a `NodeMachine`, of each node."""
        self.peripherals: tuple[PartStatus, ...] = scheduler.peripherals

    @property
    def failures(self) -> tuple[PartStatus, ...]:
        """The parts that have ended with another code than 0."""
        return tuple(part for part in (*self.processors, *self.peripherals) if part.code)

    def join(self, timeout: float | None = None, *, raise_errors: bool = False) -> None:
        """Wait until all processors have ended; then end the peripherals. No thread is left.

        After `timeout` seconds TimeoutError, and the machine goes on. With `raise_errors`, the
        exceptions of the parts that have failed are raised, as an ExceptionGroup. Ctrl-C ends
        all parts; KeyboardInterrupt comes out when they have halted.
        """
        scheduler = self._scheduler
        self._wait(timeout, scheduler.join_processors, scheduler.join_peripherals)
        if raise_errors:
            self._raise(self.failures)

    def join_processors(self, timeout: float | None = None, *, raise_errors: bool = False) -> None:
        """Wait until all processors have ended. The peripherals go on."""
        self._wait(timeout, self._scheduler.join_processors)
        if raise_errors:
            self._raise([part for part in self.processors if part.code])

    def join_peripherals(self, timeout: float | None = None, *, raise_errors: bool = False) -> None:
        """End the peripherals, also if processors still need them, and wait for that."""
        self._wait(timeout, self._scheduler.join_peripherals)
        if raise_errors:
            self._raise([part for part in self.peripherals if part.code])

    def step(self, rounds: int = 1) -> bool:
        """Give every part so many turns; for the scheduler `cooperative`.

        Returns whether there are processors that have not ended.
        """
        return self._scheduler.step(number_within("rounds", rounds, 1))

    def stop(self) -> None:
        """Ask the processors to end after their instruction, with code 0. `join` waits for it."""
        self._scheduler.stop()

    def __enter__(self) -> MachineHandle:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the machine and join it."""
        self.stop()
        self.join()

    def _wait(self, timeout: float | None, *waits: Callable[[float | None], None]) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            for wait in waits:
                wait(deadline)
        except KeyboardInterrupt:
            self._scheduler.stop()
            self._scheduler.join_processors(None)
            self._scheduler.join_peripherals(None)
            raise

    def _raise(self, parts: Sequence[PartStatus]) -> None:
        errors = [error for part in parts for error in part.errors]
        if errors:
            codes = ", ".join(f"{part.name} with code {part.code}" for part in parts)
            raise BaseExceptionGroup(f"parts of the machine failed: {codes}", errors)

    def __repr__(self) -> str:
        parts = ", ".join(map(repr, (*self.processors, *self.peripherals)))
        return f"<MachineHandle, {self._scheduler.name}: {parts}>"
