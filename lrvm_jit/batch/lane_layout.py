"""Data layout of a batch's workers: see `lrvm_jit.batch.lanes`.

A worker's context is an int64 array with the fields below. `*_AT` fields are addresses of arrays
with one element, or row, for each lane of the batch.
"""

from __future__ import annotations

from typing import Final

from ..core.layout import REQUEST_FIELDS, REQUEST_FIRST
from ..core.numbering import Numbering

_context = Numbering()
ENTER_AT: Final = _context.field()
"""Address of the compiled dispatch loop."""
WORKER: Final = _context.field()
"""Address of the worker machine's own context (`kernel.entry`)."""
REGS_AT: Final = _context.field()
"""uint32: the lane's first register; the next one stands REGS_STRIDE bytes further."""
REGS_STRIDE: Final = _context.field()
FLAGS_AT: Final = _context.field()
"""int64: the last result in bits 0-32, OF in bit 33. `af` in the registers is derived from it."""
FLAGS_OVERFLOW_BIT: Final = 33
CYCLES_AT: Final = _context.field()
"""int64."""
LEFT_AT: Final = _context.field()
"""int64: the budget left in this run."""
LAST_PC_AT: Final = _context.field()
"""uint32."""
REASON_AT: Final = _context.field()
"""uint8: `LANE_*`."""
HALTED_AT: Final = _context.field()
"""uint8."""
SEGMENTS: Final = _context.field()
"""Address of the table of memory that each lane has for itself."""
SEGMENT_COUNT: Final = _context.field()
QUEUE: Final = _context.field()
"""Address of the numbers of the lanes to run, int64;"""
POSITION: Final = _context.field()
"""the next of them,"""
QUEUE_END: Final = _context.field()
"""and how many they are."""
FIRST_LANE: Final = _context.field()
SAVED: Final = _context.field()
"""Address of a row of SAVED_FIELDS int64 for each lane from FIRST_LANE on: its request."""
CONTROL: Final = _context.field()
"""Address of an int64 that is not 0 when all workers are to stop."""
LOADED: Final = _context.field()
"""1 while the lane at POSITION is in the worker's arrays."""
RESUMING: Final = _context.field()
"""1 if the lanes of the queue go on after a request."""
STOP_ON_RAISE: Final = _context.field()
PAGED: Final = _context.field()
"""1 if the lane before used address translation."""
INTERPRETED: Final = _context.field()
"""Instructions interpreted since the last look, which follows after"""
THRESHOLD: Final = _context.field()
SEED: Final = _context.field()
LAST_LENGTH: Final = _context.field()
"""Instructions of the lane before."""
INSTRUCTIONS: Final = _context.field()
"""Executed so far."""
PAUSE_AFTER: Final = _context.field()
"""Instructions after which the worker returns to Python in any case."""
MARGIN: Final = _context.field()
"""Instructions that a lane executes even if all workers are to stop: see `vector.backend`."""
YIELD_AFTER: Final = _context.field()
"""Instructions after which a lane goes back to where it came from, as LANE_YIELDED."""
ASKING: Final = _context.field()
"""What becomes of a lane that asks a component: `ASK_*`."""
LANE_CONTEXT_WORDS: Final = _context.size

_segment = Numbering()
SEGMENT_FIRST: Final = _segment.field()
"""Arena index,"""
SEGMENT_WORDS: Final = _segment.field()
"""length,"""
SEGMENT_ROWS: Final = _segment.field()
"""address of the first lane's row,"""
SEGMENT_STRIDE: Final = _segment.field()
"""bytes from row to row,"""
SEGMENT_WRITABLE: Final = _segment.field()
"""and 1 if the guest can change it."""
SEGMENT_FIELDS: Final = _segment.size

SAVED_FIRST: Final = REQUEST_FIRST
"""State fields from here on are what a request consists of."""
SAVED_FIELDS: Final = REQUEST_FIELDS

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
LANES_ASK: Final = 36
"""The lane that is loaded asks a component."""

ASK_LATER: Final = 0
"""It is put aside, and the next one runs."""
ASK_AT_ONCE: Final = 1
"""It stays where it is, and Python asks for it alone."""
ASK_NO_MORE: Final = 2
"""The component has failed: the lane is put aside, and nobody asks for it."""

LANE_SLICE: Final = 1 << 18
LANE_BONUS: Final = 1 << 24
