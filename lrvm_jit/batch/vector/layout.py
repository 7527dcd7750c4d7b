"""Data layout of the loop over groups of lanes (`groups`): fields of its context, an int64 array.

`*_AT` fields are addresses of arrays with one element for each lane of the batch, as in
`batch.lane_layout`.
"""

from __future__ import annotations

from typing import Final

from ...core.numbering import Numbering

_context = Numbering()
FUNCTION: Final = _context.field()
"""Address of the vector code,"""
FUNCTION_CONTEXT: Final = _context.field()
"""and of what it gets (`jit.vector.function`)."""
STATE: Final = _context.field()
"""Address of the slots of the group's lanes, uint32[slots][width],"""
GROUP: Final = _context.field()
"""and of their numbers, int64[width]."""
WIDTH: Final = _context.field()
REGS_AT: Final = _context.field()
REGS_STRIDE: Final = _context.field()
"""Bytes from a register of all lanes to the next register."""
FLAGS_AT: Final = _context.field()
CYCLES_AT: Final = _context.field()
LEFT_AT: Final = _context.field()
LAST_PC_AT: Final = _context.field()
REASON_AT: Final = _context.field()
HALTED_AT: Final = _context.field()
ROWS: Final = _context.field()
"""Address of the first lane's row of RAM,"""
ROW_STRIDE: Final = _context.field()
"""bytes from row to row,"""
CHUNKS: Final = _context.field()
"""and chunks of words of each; 0 if the vector code does not access RAM."""
SPARE_ROW: Final = _context.field()
"""Address of a row for the places of a group that no lane has."""
READS: Final = _context.field()
"""Address of the codes of the registers that are loaded, int64,"""
READ_COUNT: Final = _context.field()
WRITES: Final = _context.field()
"""and of those that are stored."""
WRITE_COUNT: Final = _context.field()
USES_FLAGS: Final = _context.field()
QUEUE: Final = _context.field()
"""Address of the numbers of lanes to run, ascending;"""
POSITION: Final = _context.field()
"""the next one;"""
QUEUE_END: Final = _context.field()
"""how many there are."""
DEFERRED: Final = _context.field()
"""Address of room for the numbers of lanes that are better off in other groups, and how many"""
DEFERRED_COUNT: Final = _context.field()
"""there are."""
CONTROL: Final = _context.field()
LEAST: Final = _context.field()
"""Lanes with less budget than this are the scalar path's."""
INSTRUCTIONS: Final = _context.field()
"""Executed so far."""
ROW_ADDRESSES: Final = _context.field()
"""Address of the addresses of the rows of the group's lanes, int64[width];"""
MARKS: Final = _context.field()
"""of the marks of the chunks of their RAM (`jit.vector.interleave`)."""
CONTEXT_WORDS: Final = _context.size

MOST_LEFT: Final = 1 << 22
"""Instructions that a lane executes at most before somebody looks whether the run is to end."""
