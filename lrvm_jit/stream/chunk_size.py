"""How many lanes a chunk has: as many as take about half a second, by what chunks have taken."""

from __future__ import annotations

from typing import Final

FIRST_LANES: Final = 1 << 12
"""Lanes of the first chunk, of which nobody knows how long they take."""
WANTED_SECONDS: Final = 0.5
"""Enough for what each chunk costs besides not to matter; Ctrl-C loses no more."""
MOST_GROWTH: Final = 4
"""A chunk has at most so many times the lanes of the one before: code is translated meanwhile, and
lanes differ."""


class ChunkSize:
    """The size of the next chunk. Not more than `most` lanes, which is for memory."""

    def __init__(self, most: int, first: int = FIRST_LANES) -> None:
        self.most = most
        self._lanes = min(first, most)

    def __call__(self) -> int:
        """How many lanes the next chunk may have."""
        return self._lanes

    def note(self, lanes: int, seconds: float) -> None:
        """A chunk of so many lanes has taken so long."""
        if lanes < 1:
            return
        if lanes < self._lanes and seconds < WANTED_SECONDS:
            # The end of the inputs, or of a part of them: says nothing about larger ones.
            return
        wanted = self.most if seconds <= 0 else int(lanes * WANTED_SECONDS / seconds)
        self._lanes = max(1, min(wanted, MOST_GROWTH * lanes, self.most))


class FixedSize(ChunkSize):
    """A size that was asked for, or that must be the same when a stream goes on."""

    def __init__(self, lanes: int) -> None:
        super().__init__(lanes, lanes)

    def note(self, lanes: int, seconds: float) -> None:
        """Changes nothing."""
