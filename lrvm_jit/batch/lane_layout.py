"""Data layout of a batch's workers: see `lrvm_jit.batch.lanes`.

A worker's context is an int64 array with the fields below. `*_AT` fields are addresses of arrays
with one element, or row, for each lane of the batch.
"""

from __future__ import annotations

from typing import Final

from ..core.layout import LOG, LOG_SIZE

ENTER_AT: Final = 0
"""Address of the compiled dispatch loop."""
WORKER: Final = 1
"""Address of the worker machine's own context (`kernel.entry`)."""
REGS_AT: Final = 2
"""uint32: the lane's first register; the next one stands REGS_STRIDE bytes further."""
FLAGS_AT: Final = 3
"""int64: the last result in bits 0-32, OF in bit 33. `af` in the registers is derived from it."""
FLAGS_OVERFLOW_BIT: Final = 33
CYCLES_AT: Final = 4
"""int64."""
LEFT_AT: Final = 5
"""int64: the budget left in this run."""
LAST_PC_AT: Final = 6
"""uint32."""
REASON_AT: Final = 7
"""uint8: `LANE_*`."""
HALTED_AT: Final = 8
"""uint8."""
SEGMENTS: Final = 9
"""Address of the table of memory that each lane has for itself."""
SEGMENT_COUNT: Final = 10
QUEUE: Final = 11
"""Address of the numbers of the lanes to run, int64;"""
POSITION: Final = 12
"""the next of them,"""
QUEUE_END: Final = 13
"""and how many they are."""
FIRST_LANE: Final = 14
SAVED: Final = 15
"""Address of a row of SAVED_FIELDS int64 for each lane from FIRST_LANE on: its request."""
CONTROL: Final = 16
"""Address of an int64 that is not 0 when all workers are to stop."""
LOADED: Final = 17
"""1 while the lane at POSITION is in the worker's arrays."""
RESUMING: Final = 18
"""1 if the lanes of the queue go on after a request."""
STOP_ON_RAISE: Final = 19
PAGED: Final = 20
"""1 if the lane before used address translation."""
INTERPRETED: Final = 21
"""Instructions interpreted since the last look, which follows after"""
THRESHOLD: Final = 22
SEED: Final = 23
LAST_LENGTH: Final = 24
"""Instructions of the lane before."""
INSTRUCTIONS: Final = 25
"""Executed so far."""
PAUSE_AFTER: Final = 26
"""Instructions after which the worker returns to Python in any case."""
REGS_STRIDE: Final = 27
MARGIN: Final = 28
"""Instructions that a lane executes even if all workers are to stop: see `vector.backend`."""
YIELD_AFTER: Final = 29
"""Instructions after which a lane goes back to where it came from, as LANE_YIELDED."""
LANE_CONTEXT_WORDS: Final = 32

SEGMENT_FIRST: Final = 0
"""Arena index,"""
SEGMENT_WORDS: Final = 1
"""length,"""
SEGMENT_ROWS: Final = 2
"""address of the first lane's row,"""
SEGMENT_STRIDE: Final = 3
"""bytes from row to row,"""
SEGMENT_WRITABLE: Final = 4
"""and 1 if the guest can change it."""
SEGMENT_FIELDS: Final = 5

SAVED_FIRST: Final = 17
"""State fields from here to the end of the log, and NEXT_PC, are what a request consists of."""
SAVED_FIELDS: Final = LOG + LOG_SIZE - SAVED_FIRST + 1

LANE_NOT_RUN: Final = 0
LANE_HALTED: Final = 1
LANE_BUDGET: Final = 2
LANE_EXCEPTION: Final = 3
LANE_STOPPED: Final = 4
LANE_YIELDED: Final = 254
"""Another backend may go on with it."""
LANE_PENDING: Final = 255

LANES_DONE: Final = 32
"""All lanes of the queue have ended, or ask a component."""
LANES_LOOK: Final = 33
"""A lane has been stopped somewhere for a look at what to translate."""
LANES_PAUSE: Final = 34
LANES_STOPPED: Final = 35

LANE_SLICE: Final = 1 << 18
LANE_BONUS: Final = 1 << 24
