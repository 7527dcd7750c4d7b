"""Single lanes and single machines: states that go from the one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy
from numpy.typing import NDArray

from ..core.registers import result_for
from ..core.snapshot import Snapshot, check_images, plain_images
from ..core.snapshot_values import SnapshotError
from ..isa.table import REGISTER_COUNT, Reg
from ..machine.motherboard import Motherboard
from . import lane_layout
from .lane_arrays import LaneArrays

Lanes = int | slice | Sequence[int] | NDArray[Any]


def chosen_lanes(lanes: Lanes, n: int) -> NDArray[numpy.int64]:
    """The numbers of some lanes: of one, a slice, a sequence, or an array of truth values for all.

    IndexError for a lane that there is none of, TypeError for what is no lanes.
    """
    everybody = numpy.arange(n, dtype=numpy.int64)
    if isinstance(lanes, slice):
        return everybody[lanes]
    asked = numpy.asarray(lanes)
    if asked.size and asked.dtype.kind not in "iub":
        raise TypeError(f"lanes are chosen by whole numbers, not by {asked.dtype}")
    if asked.dtype.kind == "b" and asked.shape != (n,):
        raise IndexError(f"{asked.size} truth values do not choose among {n} lanes")
    return numpy.atleast_1d(everybody[asked if asked.size else []])


def put_snapshot(
    snapshot: Snapshot, lanes: NDArray[numpy.int64], arrays: LaneArrays, template: Motherboard
) -> None:
    """Make lanes what a snapshot says. SnapshotError, with nothing changed, if it is of another
    kind of machine than the template."""
    check_images(plain_images(template.components), snapshot.components)
    memory = numpy.frombuffer(b"".join(snapshot.memory), numpy.uint32)
    sizes = [len(w.words) for component in template.components for w in component.windows]
    if len(memory) != max(1, sum(sizes)):
        raise SnapshotError(
            f"the snapshot has {4 * len(memory)} bytes of memory, a lane {4 * sum(sizes)}"
        )
    if tuple(snapshot.mappings) != tuple(template.mappings):
        raise SnapshotError("the snapshot has another memory map than the lanes")
    cycles, halted, last_pc = snapshot.cpu
    registers = numpy.frombuffer(snapshot.registers, numpy.uint32)
    arrays.regs[lanes] = registers
    arrays.cycles[lanes], arrays.halted[lanes], arrays.last_pc[lanes] = cycles, halted, last_pc
    arrays.reason[lanes] = 0
    # Flags that no result has are those that do not belong to this one.
    result, overflow = result_for(int(registers[Reg.AF])) or (0, 0)
    arrays.flags[lanes] = result | (overflow >> 31 & 1) << lane_layout.FLAGS_OVERFLOW_BIT
    for part in arrays.memories:
        if part.writable:
            base = template.components[part.component].windows[0].base + part.first_word
            part.rows[lanes] = memory[base : base + part.rows.shape[1]]


def put_lane(lane: int, arrays: LaneArrays, board: Motherboard) -> None:
    """Make a board, which is like the template, what a lane is."""
    for part in arrays.memories:
        words = board.components[part.component].windows[0].words
        words[part.first_word : part.first_word + part.rows.shape[1]] = part.rows[lane]
    registers = arrays.regs[lane, :REGISTER_COUNT].tobytes()
    cpu = int(arrays.cycles[lane]), int(arrays.halted[lane]), int(arrays.last_pc[lane])
    board.restore(replace(board.snapshot(), registers=registers, cpu=cpu))
