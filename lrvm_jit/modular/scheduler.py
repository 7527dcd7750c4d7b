"""What every scheduler can do. A machine's handle passes on to these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from .contexts import PartContext, PartStatus

S = TypeVar("S", bound=PartContext)


class Scheduler(ABC):
    """Runs the parts of one machine."""

    name: str

    def __init__(self, processors: Sequence[PartStatus], peripherals: Sequence[PartStatus]) -> None:
        self.processors = tuple(processors)
        """Of a `NodeMachine`, the nodes."""
        self.peripherals = tuple(peripherals)

    def compile(self) -> None:  # noqa: B027 - most have nothing to compile
        """Compile the machine, if its parts and the scheduler are made for it."""

    @abstractmethod
    def start(self) -> None:
        """Start the machine, as far as the scheduler does that by itself."""

    @abstractmethod
    def join_processors(self, deadline: float | None) -> None:
        """Return when all processors have ended. TimeoutError at a time of `time.monotonic`."""

    @abstractmethod
    def join_peripherals(self, deadline: float | None) -> None:
        """Ask all peripherals to end, return when they have."""

    @abstractmethod
    def stop(self) -> None:
        """Ask all parts to end, without waiting for it."""

    @abstractmethod
    def step(self, rounds: int) -> bool:
        """Give every part so many turns. Returns whether a processor still runs."""


def running(parts: Sequence[PartStatus]) -> str:
    """The names of the parts that have not ended, for messages."""
    return ", ".join(part.name for part in parts if part.code is None) or "halts of ended parts"
