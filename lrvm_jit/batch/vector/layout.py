"""Data layout of the loop over groups of lanes (`groups`): fields of its context, an int64 array.

`*_AT` fields are addresses of arrays with one element for each lane of the batch, as in
`batch.lane_layout`.
"""

from __future__ import annotations

from typing import Final

FUNCTION: Final = 0
"""Address of the vector code,"""
FUNCTION_CONTEXT: Final = 1
"""and of what it gets (`jit.vector.function`)."""
STATE: Final = 2
"""Address of the slots of the group's lanes, uint32[slots][width];"""
RAM: Final = 3
"""of their RAM, uint32[words + 1][width];"""
GROUP: Final = 4
"""and of their numbers, int64[width]."""
WIDTH: Final = 5
REGS_AT: Final = 6
REGS_STRIDE: Final = 7
"""Bytes from a register of all lanes to the next register."""
FLAGS_AT: Final = 8
CYCLES_AT: Final = 9
LEFT_AT: Final = 10
LAST_PC_AT: Final = 11
REASON_AT: Final = 12
HALTED_AT: Final = 13
ROWS: Final = 14
"""Address of the first lane's row of RAM,"""
ROW_STRIDE: Final = 15
"""bytes from row to row,"""
CHUNKS: Final = 16
"""and chunks of words of each; 0 if the vector code does not access RAM."""
LAST_CHUNK: Final = 17
"""Words of the last chunk."""
READS: Final = 18
"""Address of the codes of the registers that are loaded, int64,"""
READ_COUNT: Final = 19
WRITES: Final = 20
"""and of those that are stored."""
WRITE_COUNT: Final = 21
USES_FLAGS: Final = 22
QUEUE: Final = 23
"""Address of the numbers of lanes to run, ascending;"""
POSITION: Final = 24
"""the next one;"""
QUEUE_END: Final = 25
"""how many there are."""
DEFERRED: Final = 26
"""Address of room for the numbers of lanes that are better off in other groups, and how many"""
DEFERRED_COUNT: Final = 27
"""there are."""
CONTROL: Final = 28
LEAST: Final = 29
"""Lanes with less budget than this are the scalar path's."""
INSTRUCTIONS: Final = 30
"""Executed so far."""
ROW_ADDRESSES: Final = 31
"""Address of the addresses of the rows of the group's lanes, int64[width];"""
MARKS: Final = 32
"""of the marks of the chunks of their RAM (`jit.vector.memory`)."""
CONTEXT_WORDS: Final = 36

MOST_LEFT: Final = 1 << 22
"""Instructions that a lane executes at most before somebody looks whether the run is to end."""
