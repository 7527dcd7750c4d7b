"""What came from outside into a machine, and the states from which its run can be repeated."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from ..core.snapshot import Snapshot

_KIND_SHIFT: Final = 60
_COMPONENT_SHIFT: Final = 32
_OFFSET_MASK: Final = 0xFFFF_FFFF
_ACCESS_BYTES: Final = 24
_EFFECTS_BYTES: Final = 300
"""What an access, and an unusual one besides, take in memory, about."""


class Kind(IntEnum):
    """What the guest asked of a component."""

    READ = 0
    WRITE = 1
    SWAP = 2
    RESET = 3


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """Words of a component's window that a component has written."""

    component: int
    window: int
    first: int
    words: bytes
    """As words of the host."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a component did during an access besides answering it."""

    memory: tuple[MemoryChange, ...] = ()
    registers: tuple[tuple[int, int], ...] = ()
    halted: bool | None = None
    resets: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """An access of the guest to a component. `answer` is the word that was read, 0 for a write,
    or -1 minus the hardware error's word."""

    position: int
    kind: Kind
    component: int
    offset: int
    answer: int
    effects: Effects | None


class AccessLog:
    """The accesses of a run in order, in three columns."""

    def __init__(self) -> None:
        self.positions = array("q")
        self.asked = array("Q")
        self.answers = array("q")
        self.effects: dict[int, Effects] = {}
        self.dropped = 0
        """Accesses that were forgotten at the front."""

    def __len__(self) -> int:
        """The number of the next access; those forgotten are counted."""
        return self.dropped + len(self.positions)

    @property
    def bytes(self) -> int:
        """The memory that it takes, about."""
        return _ACCESS_BYTES * len(self.positions) + _EFFECTS_BYTES * len(self.effects)

    def append(
        self,
        position: int,
        kind: Kind,
        component: int,
        offset: int,
        answer: int,
        effects: Effects | None,
    ) -> None:
        """Note an access by the instruction that comes to this position."""
        if effects is not None:
            self.effects[len(self)] = effects
        self.positions.append(position)
        self.asked.append(kind << _KIND_SHIFT | component << _COMPONENT_SHIFT | offset)
        self.answers.append(answer)

    def __getitem__(self, number: int) -> Access:
        index = number - self.dropped
        if index < 0:
            raise IndexError(f"access {number} has been forgotten")
        asked = self.asked[index]
        return Access(
            self.positions[index],
            Kind(asked >> _KIND_SHIFT),
            asked >> _COMPONENT_SHIFT & 0xFFFF,
            asked & _OFFSET_MASK,
            self.answers[index],
            self.effects.get(number),
        )

    def after(self, position: int) -> int:
        """The number of the first access by an instruction after a position."""
        return self.dropped + bisect_right(self.positions, position)

    def truncate(self, position: int) -> None:
        """Forget what came after a position."""
        count = self.after(position) - self.dropped
        for number in range(self.dropped + count, len(self)):
            self.effects.pop(number, None)
        del self.positions[count:], self.asked[count:], self.answers[count:]

    def forget_before(self, position: int) -> None:
        """Forget what came up to a position."""
        count = self.after(position) - self.dropped
        for number in range(self.dropped, self.dropped + count):
            self.effects.pop(number, None)
        del self.positions[:count], self.asked[:count], self.answers[:count]
        self.dropped += count


@dataclass(order=True, slots=True)
class Checkpoint:
    """A state of the machine to start a replay from.

    `fixed`: the host has changed something here, so a replay cannot come to it from before.
    """

    position: int
    snapshot: Snapshot = field(compare=False)
    fixed: bool = field(default=False, compare=False)


class Recording:
    """A run: where it began, what came from outside, how far it went.

    Positions count instructions attempted since the recording began, whatever the guest does to
    its cycle counter.
    """

    def __init__(self, first: Snapshot) -> None:
        self.log = AccessLog()
        self.checkpoints: list[Checkpoint] = [Checkpoint(0, first, fixed=True)]
        self.end = 0

    @property
    def start(self) -> int:
        """The first position that can still be reached."""
        return self.checkpoints[0].position

    def before(self, position: int) -> Checkpoint:
        """The last checkpoint at or before a position. LookupError if there is none left."""
        index = bisect_right(self.checkpoints, position, key=lambda point: point.position) - 1
        if index < 0:
            raise LookupError(f"nothing before position {self.start} is remembered")
        return self.checkpoints[index]

    def add(self, position: int, snapshot: Snapshot, *, fixed: bool = False) -> None:
        """Keep a state, instead of one that was kept for this position."""
        index = bisect_left(self.checkpoints, position, key=lambda point: point.position)
        if index < len(self.checkpoints) and self.checkpoints[index].position == position:
            self.checkpoints[index].snapshot = snapshot
            self.checkpoints[index].fixed |= fixed
        else:
            insort(self.checkpoints, Checkpoint(position, snapshot, fixed))
        self.end = max(self.end, position)

    def truncate(self, position: int) -> None:
        """Forget what came after a position."""
        self.log.truncate(position)
        self.checkpoints = [one for one in self.checkpoints if one.position <= position]
        self.end = position

    @property
    def bytes(self) -> int:
        """The memory that it takes, about."""
        pages: dict[int, int] = {}
        for checkpoint in self.checkpoints:
            for page in checkpoint.snapshot.memory:
                pages[id(page)] = len(page)
        tables = sum(8 * len(one.snapshot.memory) + 400 for one in self.checkpoints)
        return sum(pages.values()) + tables + self.log.bytes
