"""What becomes of a run when the guest has taken an exception.

A guest that never set `ev` goes to address 0 with its first exception, and often meets it there
again, for ever. `lrvm_jit.core.unhandled` has the rule by which that is noticed; here it is
for the kernel. That no store has taken place costs the stores nothing: after an exception with
`ev` at 0 every window is forgotten and none is made for stores, so the first one comes to the
slow step, which notes it.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    MUTED,
    MUTED_COUNT,
    SNAPSHOT_COUNT,
    SNAPSHOT_ROWS,
    SNAPSHOT_WORDS,
    SNAPSHOTS,
    STOP_ON_EXCEPTION,
    UNHANDLED_WANTED,
    UNTOUCHED,
)
from ..isa.table import Reg
from .alu import current_flags
from .build.hints import stay_apart
from .build.jit import kernel_function
from .memory import flush_windows
from .typed import NONE, STOP_EXCEPTION, STOP_UNHANDLED, ZERO, I, U

AF = int(Reg.AF)
EV = int(Reg.EV)
ET = int(Reg.ET)
ERA = int(Reg.ERA)

ROWS = np.int64(SNAPSHOT_ROWS)


@kernel_function
def after_exception(regs, state):
    """An instruction has raised an exception and is complete: STOP_* if the run ends, else -1."""
    stay_apart()
    if state[UNHANDLED_WANTED] != 0 and regs[EV] == 0 and _is_unhandled(regs, state):
        return STOP_UNHANDLED
    if state[STOP_ON_EXCEPTION] == 0:
        return NONE
    key = I(regs[ET]) << 32 | I(regs[ERA])
    for k in range(state[MUTED_COUNT]):
        if state[U(MUTED + k)] == key:
            return NONE
    return STOP_EXCEPTION


@kernel_function
def _is_unhandled(regs, state):
    """Whether the registers are as after an earlier exception, and nothing else has changed."""
    flags = current_flags(regs, state)
    count = state[SNAPSHOT_COUNT]
    if state[UNTOUCHED] != 0:
        for k in range(min(count, ROWS)):
            if _is_snapshot(regs, state, flags, SNAPSHOTS + k * SNAPSHOT_WORDS):
                return True
    else:
        count = ZERO
        state[UNTOUCHED] = 1
        flush_windows(regs, state)
    row = SNAPSHOTS + (count % ROWS) * SNAPSHOT_WORDS
    for code in range(SNAPSHOT_WORDS):
        state[U(row + code)] = flags if code == AF else I(regs[U(code)])
    state[SNAPSHOT_COUNT] = count + 1
    return False


@kernel_function
def _is_snapshot(regs, state, flags, row):
    for code in range(SNAPSHOT_WORDS):
        word = flags if code == AF else I(regs[U(code)])
        if state[U(row + code)] != word:
            return False
    return True
