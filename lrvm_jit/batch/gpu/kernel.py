"""What the GPU runs: a thread for each lane, and in it the kernel's exact step.

The instructions are those of `kernel.step`, made for the device by `kernel.retarget`. A thread
keeps the layout's `state` in memory of its own while it runs; a lane leaves only its registers
and counters. Windows and decoded ops stay away: they pay where one machine runs for long, and
would take kilobytes for each lane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from ...core.layout import (
    BUDGET,
    CYCLES,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    FLAGS_EXPLICIT,
    HALTED,
    LAST_PC,
    MAPPING_BASE,
    MAPPING_COUNT,
    MAPPING_FIELDS,
    MUTED,
    PREVIOUS_PC,
    REGISTER_SLOTS,
    STOP_ON_EXCEPTION,
)
from ...isa.table import REGISTER_COUNT, Reg
from ...kernel.alu import flags_of
from ...kernel.exceptions import after_exception
from ...kernel.retarget import retarget
from ...kernel.step import step
from ...kernel.typed import PENDING, RAISED
from ..lane_layout import (
    FLAGS_OVERFLOW_BIT,
    LANE_BUDGET,
    LANE_EXCEPTION,
    LANE_HALTED,
    LANE_NOT_RUN,
    LANE_PENDING,
)

COUNT, STEPS, STOPS, TABLE_ROWS, PARAMETERS = range(5)
"""Fields of the kernel's parameters: lanes, instructions of a launch, whether exceptions end a
lane, rows of the mapping table."""
OWN_FIELDS = 1
"""Behind a row of the mapping table: by how many words the memory of one lane lies behind that of
the lane before; 0 for what all lanes share."""
TABLE = MUTED
"""Where in `state` the mapping table begins here: the fields before it are all that is used of what
stands there otherwise, lists of exceptions and the window table. So `state` is 1 KB, not 12."""
AF = int(Reg.AF)
RESULT_MASK = np.int64((1 << 33) - 1)
ONE = np.int64(1)


def _no_window(regs, state, arena, marks, address, physical, at, access, base):
    """Instead of `fill_window`: nobody asks for windows here."""


def _no_mark(state, marks, index):
    """Instead of `mark_table_entry`, which is for windows."""


_STAND_INS = {"fill_window": _no_window, "mark_table_entry": _no_mark}


def device_functions(jit: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """`step`, `after_exception` and `flags_of` as functions of the device."""

    def on_device(function: Callable[..., Any]) -> Any:
        space = function.__globals__
        if "FIRST_REGION" in space:
            space["FIRST_REGION"] = np.int64(TABLE)
        return jit(device=True)(_STAND_INS.get(function.__name__, function))

    return tuple(retarget(function, on_device) for function in (step, after_exception, flags_of))


def lanes_function(table_rows: int) -> Callable[..., None]:
    """The function that the device is started with, for a machine with so many mapped ranges."""
    step_once, ended_by, flags_from = device_functions(cuda.jit)
    state_words = TABLE + table_rows * MAPPING_FIELDS

    def run_lanes(
        parameters,
        table,
        arena,
        ops,
        marks,
        rows,
        flags,
        cycles,
        left,
        last_pc,
        halted,
        reason,
    ):
        lane = cuda.grid(1)
        if lane >= parameters[COUNT]:
            return
        if reason[lane] != LANE_NOT_RUN:
            return
        regs = cuda.local.array(REGISTER_SLOTS, np.uint32)
        state = cuda.local.array(state_words, np.int64)
        for k in range(MUTED):
            state[k] = 0
        for row in range(parameters[TABLE_ROWS]):
            to = TABLE + row * MAPPING_FIELDS
            at = row * (MAPPING_FIELDS + OWN_FIELDS)
            for k in range(MAPPING_FIELDS):
                state[to + k] = table[at + k]
            state[to + MAPPING_BASE] += lane * table[at + MAPPING_FIELDS]
        state[MAPPING_COUNT] = parameters[TABLE_ROWS]
        state[STOP_ON_EXCEPTION] = parameters[STOPS]
        for k in range(REGISTER_COUNT):
            regs[k] = rows[k, lane]
        regs[REGISTER_COUNT] = 0
        result = flags[lane] & RESULT_MASK
        overflow = ((flags[lane] >> FLAGS_OVERFLOW_BIT) & 1) << 31
        state[FLAG_RESULT] = result
        state[FLAG_OVERFLOW] = overflow
        if np.int64(regs[AF]) != flags_from(result, overflow):
            state[FLAGS_EXPLICIT] = 1
        state[CYCLES] = cycles[lane]
        state[LAST_PC] = np.int64(last_pc[lane])
        state[HALTED] = np.int64(halted[lane])
        state[BUDGET] = left[lane]
        least = max(left[lane] - parameters[STEPS], np.int64(0))
        why = LANE_NOT_RUN
        if state[HALTED] != 0:
            why = LANE_HALTED
        while why == LANE_NOT_RUN and state[BUDGET] > least:
            outcome = step_once(regs, state, arena, ops, marks)
            if outcome == PENDING:
                # Nothing of the instruction has happened; the host goes on from here.
                state[LAST_PC] = state[PREVIOUS_PC]
                why = LANE_PENDING
            elif state[HALTED] != 0:
                why = LANE_HALTED
            elif outcome == RAISED and ended_by(regs, state) >= 0:
                why = LANE_EXCEPTION
        if why == LANE_NOT_RUN and state[BUDGET] <= 0:
            why = LANE_BUDGET
        if state[FLAGS_EXPLICIT] == 0:
            regs[AF] = np.uint32(flags_from(state[FLAG_RESULT], state[FLAG_OVERFLOW]))
        for k in range(REGISTER_COUNT):
            rows[k, lane] = regs[k]
        overflow = (state[FLAG_OVERFLOW] >> 31) & 1
        flags[lane] = (state[FLAG_RESULT] & RESULT_MASK) | overflow << FLAGS_OVERFLOW_BIT
        cycles[lane] = state[CYCLES]
        left[lane] = state[BUDGET]
        last_pc[lane] = np.uint32(state[LAST_PC])
        halted[lane] = np.uint8(state[HALTED])
        reason[lane] = np.uint8(why)

    return run_lanes
