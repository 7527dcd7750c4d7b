"""What became of the lanes of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number
from ..exceptions import GuestException
from . import lane_layout
from .programs import Sources

_LINE = 64
"""Bytes of a cache line."""


def copies(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Copies of one-dimensional arrays, in one piece of memory: the host hands out a large one
    by the megabyte, several of middling size page by page."""
    ends, end = [], 0
    for array in arrays:
        end += -(-array.nbytes // _LINE) * _LINE
        ends.append(end)
    room = numpy.empty(end + _LINE, numpy.uint8)
    room = room[-room.ctypes.data % _LINE :]
    found = []
    for array, first in zip(arrays, [0, *ends], strict=False):
        copy = room[first : first + array.nbytes].view(array.dtype)
        copy[:] = array
        found.append(copy)
    return found


class LaneReason(IntEnum):
    """Why a lane stopped: `lrvm_jit.StopReason` as a number, and two that only batches know."""

    NOT_RUN = lane_layout.LANE_NOT_RUN
    """The run was interrupted before the lane's turn."""
    HALTED = lane_layout.LANE_HALTED
    BUDGET = lane_layout.LANE_BUDGET
    EXCEPTION = lane_layout.LANE_EXCEPTION
    STOPPED = lane_layout.LANE_STOPPED
    """The run was interrupted while the lane was running: it stands between two instructions."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The state in which a batch stopped: arrays with one element for each lane.

    - `reason`: uint8, a `LaneReason`.
    - `cycles`: int64, the lane's counter since its reset.
    - `pc`: uint32, address of the next instruction; `address`: uint32, of the last one attempted.
    - `exception`: uint32, `et` of lanes that stopped on an exception, 0 for the others.
    - `interrupted`: whether Ctrl-C, or `Batch.stop`, ended the run before all lanes had ended.
    - `seconds`, `instructions`: of this run.
    - `sources`: where the programs come from, if they know it; `paged`: lanes whose addresses the
      MMU translates, if there are sources.
    """

    reason: NDArray[numpy.uint8]
    cycles: NDArray[numpy.int64]
    pc: NDArray[numpy.uint32]
    address: NDArray[numpy.uint32]
    exception: NDArray[numpy.uint32]
    interrupted: bool
    seconds: float
    instructions: int
    sources: Sources | None = None
    paged: NDArray[numpy.bool_] | None = None

    def __len__(self) -> int:
        return len(self.reason)

    @property
    def counts(self) -> dict[LaneReason, int]:
        """How many lanes stopped for each reason."""
        found = numpy.bincount(self.reason, minlength=1 + max(LaneReason)).tolist()
        return {reason: found[reason] for reason in LaneReason if found[reason]}

    def exception_of(self, lane: int) -> GuestException | None:
        """What a lane stopped on, decoded; None if it was no exception."""
        lane = whole_number("lane", lane)
        if self.reason[lane] != LaneReason.EXCEPTION:
            return None
        return GuestException.from_word(int(self.exception[lane]))

    def where(self, lane: int) -> Any:
        """The path and line in the source of the instruction that a lane attempted last.

        None where that is not known: for programs that are only words, addresses that no line of
        the program stands for, and lanes that use address translation. IndexError if there is no
        such lane.
        """
        lane = whole_number("lane", lane)
        address = int(self.address[lane])
        if self.sources is None or (self.paged is not None and self.paged[lane]):
            return None
        return self.sources.locate(lane % len(self), address)

    def __str__(self) -> str:
        ends = ", ".join(
            f"{count:,} {reason.name.lower()}" for reason, count in self.counts.items()
        )
        return (
            f"{len(self):,} lanes ({ends}), {self.instructions:,} instructions "
            f"in {self.seconds:.3g} s"
        )
