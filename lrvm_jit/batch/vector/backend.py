"""A worker's groups: lanes go through vector code side by side, as far as that takes them.

What comes back has halted or used up its budget, or is for the scalar path: an exception, a
component, an instruction that vector code has not, the last instructions of a budget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ...jit.vector.interleave import PRESENT, chunks_of
from ...jit.vector.text import SLOTS
from ...kernel.build.compile import SOURCES, EntryPointSource, load
from .. import lane_layout
from ..lane_arrays import LaneArrays
from . import layout
from .code import VectorCode

GROUP_LOOP = EntryPointSource(
    "lrvm_jit.batch.vector.groups",
    "run_groups",
    "the loop over groups of lanes",
    (
        *SOURCES,
        "batch/vector/groups.py",
        "batch/vector/layout.py",
        "batch/lane_layout.py",
        "jit/vector/text.py",
        "jit/vector/target.py",
        "jit/vector/interleave.py",
    ),
)

Lanes = NDArray[numpy.int64]


@dataclass(frozen=True, slots=True)
class Leftover:
    """Lanes for the scalar path."""

    some: Lanes
    """They may come back when it has done what vector code cannot;"""
    rest: Lanes
    """they may not: too few of them, or the end of a budget."""

    @property
    def is_empty(self) -> bool:
        return not (len(self.some) or len(self.rest))


def _aligned(words: int) -> NDArray[numpy.uint32]:
    """Zeros that begin on a cache line."""
    room = numpy.zeros(words + 16, numpy.uint32)
    first = -room.ctypes.data % 64 // 4
    return room[first : first + words]


class VectorLanes:
    """Runs lanes in groups. One thread at a time."""

    def __init__(self, code: VectorCode, arrays: LaneArrays, control: NDArray[numpy.int64]) -> None:
        self._code = code
        self._arrays = arrays
        self._control = control
        width = code.shape.width
        self._run, _ = load(GROUP_LOOP)
        ram = code.machine.ram if code.accesses else None
        memory = code.machine.memory
        words = memory.ram_words if ram is not None else 0
        chunks = chunks_of(memory) if ram is not None else 0
        self._state = _aligned(SLOTS * width)
        self._ram = _aligned((words + 1) * width)
        self._spare_row = _aligned(words)
        self._group = numpy.zeros(width, numpy.int64)
        self._reads = numpy.array(code.reads, numpy.int64)
        self._writes = numpy.array(code.writes, numpy.int64)
        self._rows = numpy.zeros(width, numpy.int64)
        self._marks = numpy.zeros(PRESENT + 2 * chunks, numpy.uint8)
        parts = (self._state, self._ram, code.machine.rom, self._rows, self._marks)
        self._function_context = numpy.array([part.ctypes.data for part in parts], numpy.int64)
        regs = arrays.regs
        context = numpy.zeros(layout.CONTEXT_WORDS, numpy.int64)
        for field, value in (
            (layout.FUNCTION, code.address),
            (layout.FUNCTION_CONTEXT, self._function_context.ctypes.data),
            (layout.STATE, self._state.ctypes.data),
            (layout.GROUP, self._group.ctypes.data),
            (layout.WIDTH, width),
            (layout.REGS_AT, regs.ctypes.data),
            (layout.REGS_STRIDE, regs.strides[1]),
            (layout.FLAGS_AT, arrays.flags.ctypes.data),
            (layout.CYCLES_AT, arrays.cycles.ctypes.data),
            (layout.LEFT_AT, arrays.left.ctypes.data),
            (layout.LAST_PC_AT, arrays.last_pc.ctypes.data),
            (layout.REASON_AT, arrays.reason.ctypes.data),
            (layout.HALTED_AT, arrays.halted.ctypes.data),
            (layout.ROWS, ram.rows.ctypes.data if ram is not None else 0),
            (layout.ROW_STRIDE, ram.rows.strides[0] if ram is not None else 0),
            (layout.CHUNKS, chunks),
            (layout.SPARE_ROW, self._spare_row.ctypes.data),
            (layout.ROW_ADDRESSES, self._rows.ctypes.data),
            (layout.MARKS, self._marks.ctypes.data),
            (layout.READS, self._reads.ctypes.data),
            (layout.READ_COUNT, len(self._reads)),
            (layout.WRITES, self._writes.ctypes.data),
            (layout.WRITE_COUNT, len(self._writes)),
            (layout.USES_FLAGS, int(code.uses_flags)),
            (layout.CONTROL, control.ctypes.data),
            (layout.LEAST, code.least),
        ):
            context[field] = value
        self._array = context
        self._context = memoryview(context)  # type: ignore[arg-type]

    @property
    def margin(self) -> int:
        """Instructions that lanes which have left must execute before anybody looks at them."""
        return self._code.margin

    @property
    def instructions(self) -> int:
        """Executed since this was made."""
        return self._context[layout.INSTRUCTIONS]

    def run(self, lanes: Lanes) -> Leftover:
        """Run lanes, ascending, as far as they go together. If the run is to end they are given
        back soon, and those that never began stay as they are."""
        none = numpy.zeros(0, numpy.int64)
        given = lanes
        while len(lanes) and not self._control[0]:
            deferred = self._pass(lanes)
            if len(deferred) < self._code.shape.width // 4:
                rest = numpy.sort(deferred)
                break
            lanes = numpy.sort(deferred)
        else:
            rest = none
        reasons = self._arrays.reason[given[0] : given[-1] + 1]
        if not len(rest) and not (reasons == lane_layout.LANE_YIELDED).any():
            return Leftover(none, none)
        reasons = self._arrays.reason[given]
        waiting = given[reasons == lane_layout.LANE_YIELDED]
        if len(rest):
            waiting = numpy.setdiff1d(waiting, rest, assume_unique=True)
        short = self._arrays.left[waiting] < 2 * self._code.least
        return Leftover(waiting[~short], numpy.sort(numpy.concatenate([rest, waiting[short]])))

    def _pass(self, lanes: Lanes) -> Lanes:
        """Run lanes, each until it has ended or left. Returns those that want other groups."""
        context = self._context
        deferred = numpy.empty(len(lanes), numpy.int64)
        context[layout.QUEUE] = lanes.ctypes.data
        context[layout.POSITION] = 0
        context[layout.QUEUE_END] = len(lanes)
        context[layout.DEFERRED] = deferred.ctypes.data
        context[layout.DEFERRED_COUNT] = 0
        self._run(int(self._array.ctypes.data))
        return deferred[: context[layout.DEFERRED_COUNT]]
