"""Which way of running lanes is the quicker one, by what both have taken so far."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_PATIENCE = 4
"""Blocks after which the slower way is tried again; twice as many after every try,"""
LONGEST_PATIENCE = 64
"""at most so many."""
TRIED_ALONE = 512
"""Lanes that are tried alone: that may be many times slower. In groups a block is tried."""
REMEMBERED = 0.02
"""Seconds of measurements after which older ones begin to count less."""


@dataclass(slots=True)
class Rate:
    """Seconds for instructions, of late. Short measurements count little."""

    seconds: float = 0.0
    instructions: float = 0.0

    def note(self, seconds: float, instructions: int) -> None:
        if self.seconds > REMEMBERED:
            self.seconds /= 2
            self.instructions /= 2
        self.seconds += seconds
        self.instructions += instructions

    @property
    def each(self) -> float | None:
        """Seconds an instruction; None if nothing has been measured."""
        return self.seconds / self.instructions if self.instructions >= 1 else None


@dataclass(frozen=True, slots=True)
class Turn:
    """How the next lanes are to be run, and how many of them."""

    in_groups: bool
    lanes: int | None = None
    """At most; None for all that there are."""


@dataclass(slots=True)
class Pace:
    """What a worker has measured of lanes alone and of lanes in groups."""

    alone: Rate = field(default_factory=Rate)
    together: Rate = field(default_factory=Rate)
    _patience: int = FIRST_PATIENCE
    _turns: int = 0
    _in_groups: bool = True

    def next_turn(self) -> Turn:
        """How the next block is to be run."""
        alone, together = self.alone.each, self.together.each
        if together is None:
            return Turn(True)
        if alone is None:
            return Turn(False, TRIED_ALONE)
        in_groups = together <= alone
        if in_groups is not self._in_groups:
            self._in_groups, self._patience, self._turns = in_groups, FIRST_PATIENCE, 0
        self._turns += 1
        if self._turns <= self._patience:
            return Turn(in_groups)
        # Code is translated meanwhile, and other lanes behave differently.
        self._turns, self._patience = 0, min(2 * self._patience, LONGEST_PATIENCE)
        if in_groups:
            self.alone = Rate()
            return Turn(False, TRIED_ALONE)
        self.together = Rate()
        return Turn(True)
