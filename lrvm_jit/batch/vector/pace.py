"""Which way of running lanes is the quicker one, by what both have taken so far."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_PATIENCE = 4
"""Blocks after which the slower way is tried again; twice as many after every try."""


@dataclass(slots=True)
class Rate:
    """Seconds for instructions, of late: what was measured before counts half with every block."""

    seconds: float = 0.0
    instructions: float = 0.0

    def note(self, seconds: float, instructions: int) -> None:
        self.seconds = self.seconds / 2 + seconds
        self.instructions = self.instructions / 2 + instructions

    @property
    def each(self) -> float | None:
        """Seconds an instruction; None if nothing has been measured."""
        return self.seconds / self.instructions if self.instructions >= 1 else None


@dataclass(slots=True)
class Pace:
    """What a worker has measured of lanes alone and of lanes in groups."""

    alone: Rate = field(default_factory=Rate)
    together: Rate = field(default_factory=Rate)
    _patience: int = FIRST_PATIENCE
    _skipped: int = 0

    def prefers_groups(self) -> bool:
        """Whether the next block is to be run in groups."""
        alone, together = self.alone.each, self.together.each
        if alone is None or together is None or together <= alone:
            self._patience = FIRST_PATIENCE
            return True
        self._skipped += 1
        if self._skipped > self._patience:
            self._skipped, self._patience = 0, 2 * self._patience
            self.together = Rate()
            return True
        return False
