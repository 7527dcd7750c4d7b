"""What a guest has been seen to do: which instructions ran, where jumps went, what was accessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ...records import dataclass

MOST_TARGETS = 256
"""Targets of one jump that code is generated for."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Of a part of the memory, by virtual addresses. Empty: nothing is known, so everything that
    can be reached may run."""

    heat: Mapping[int, int] = field(default_factory=dict)
    """How often each instruction was met in samples."""
    targets: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Where the jumps at these addresses went, the most frequent target first."""
    accesses: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Numbers of the plain memories that loads and stores used."""
    anywhere: tuple[int, ...] = ()
    """Where any computed jump may go."""

    def targets_of(self, pc: int) -> tuple[int, ...]:
        """Where the computed jump or call at an address is expected to go."""
        return (*self.targets.get(pc, ()), *self.anywhere)[:MOST_TARGETS]

    def ran(self, pc: int) -> bool:
        return not self.heat or pc in self.heat


NOTHING_KNOWN = Profile()
