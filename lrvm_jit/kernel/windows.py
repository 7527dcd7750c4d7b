"""What the dispatch loop does when an address is outside the windows it used last.

Windows are made by `memory.fill_window` and kept in a table; here they are looked up, opened
for fetching between breakpoints, or, where they lead to a component, turned into a request.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    ANSWER,
    BREAKPOINT_COUNT,
    BUDGET,
    CYCLES,
    FETCH_BASE,
    FETCH_LOW,
    FETCH_WORDS,
    FLAGS_EXPLICIT,
    LAST_PC,
    LOG,
    LOG_COUNT,
    NEXT_PC,
    PREVIOUS_PC,
    REACH_LOW,
    REACH_WORDS,
    REQUEST_COMPONENT,
    REQUEST_KIND,
    REQUEST_OFFSET,
    REQUEST_VALUE,
    RESUME,
    RESUME_NONE,
    RESUME_READ,
    RESUME_REGISTER,
    RESUME_STEP,
    RESUME_WRITE,
    SKIP_BREAKPOINT,
    UNTOUCHED,
    WINDOW_BASE,
    WINDOW_BYTES,
    WINDOW_KEY,
    WINDOW_LOW,
    WINDOW_OFFSET,
    WORD,
)
from . import handlers
from .build.hints import stay_apart
from .build.jit import kernel_function
from .decode import keep_within
from .memory import HARDWARE, raise_exception, refill, window_slot
from .step import AVR, PC
from .typed import EXECUTE, NONE, REQUEST_READ, REQUEST_WRITE, WRITE, ZERO, I, U, W

WINDOW_OPEN, STEP_ONCE, AT_BREAKPOINT = map(np.int64, range(3))

ADDRESS_SPACE = np.int64(1 << 32)


@kernel_function
def find_window(regs, state, arena, marks, address, access):
    """Slot of a window that holds the address, or -1."""
    stay_apart()
    if access == WRITE and state[UNTOUCHED]:
        # The slow step is to note this store.
        return NONE
    slot = window_slot(address, access)
    inside = state[WINDOW_KEY] + address - state[U(slot + WINDOW_LOW)]
    if U(inside) < U(state[U(slot + WINDOW_BYTES)]):
        return slot
    refill(regs, state, arena, marks, address, access)
    inside = state[WINDOW_KEY] + address - state[U(slot + WINDOW_LOW)]
    return slot if U(inside) < U(state[U(slot + WINDOW_BYTES)]) else NONE


@kernel_function
def open_fetch_window(regs, state, arena, ops, marks, breakpoints, pc):
    """Make the fetch window that holds `pc`: WINDOW_OPEN, with the FETCH_* fields set.

    It ends before the next word that somebody looks at, and begins after the last one: a
    breakpoint, or a watched word, which is no plain memory. So straight-line code and jumps both
    leave it to come here. Translated regions know the breakpoints and may reach across them, up
    to REACH_*. What was decoded before the word was looked at may reach beyond the
    end, and is taken apart. STEP_ONCE where only the slow step can go on.
    """
    stay_apart()
    skipped = state[SKIP_BREAKPOINT]
    state[SKIP_BREAKPOINT] = 0
    low = ZERO
    high = ADDRESS_SPACE
    for k in range(state[BREAKPOINT_COUNT]):
        at = breakpoints[U(k)]
        if at > pc:
            high = at
            break
        if at == pc and not skipped:
            return AT_BREAKPOINT
        low = at + 4
    if pc & 3 or low > pc or state[FLAGS_EXPLICIT]:
        return STEP_ONCE
    slot = find_window(regs, state, arena, marks, pc, EXECUTE)
    if slot < 0:
        return STEP_ONCE
    first = state[U(slot + WINDOW_LOW)] - state[WINDOW_KEY]
    state[REACH_LOW] = first >> 2
    state[REACH_WORDS] = state[U(slot + WINDOW_BYTES)] >> 2
    low = max(low, first)
    high = min(high, first + state[U(slot + WINDOW_BYTES)])
    state[FETCH_LOW] = low >> 2
    state[FETCH_WORDS] = (high - low) >> 2
    state[FETCH_BASE] = state[U(slot + WINDOW_BASE)] + ((low - first) >> 2)
    # No sequence reaches beyond its page.
    if high & 0x3FF:
        keep_within(ops, state[FETCH_BASE], state[FETCH_WORDS])
    return WINDOW_OPEN


@kernel_function
def request_directly(regs, state, op, slot, address, pc):
    """Ask the component of a window for the one access of an op; False if it is another kind.

    Instructions whose access is their only one and the last thing they do need no repetition
    through the slow step: the answer completes them (`finish_request`).
    """
    stay_apart()
    kind = op & 0xFF
    if kind == handlers.PRIVILEGED:
        kind = (op >> 56) & 0xFF
    if kind == handlers.LSA or kind == handlers.LEA:
        state[RESUME] = RESUME_READ
        state[RESUME_REGISTER] = (op >> 8) & 0xFF if kind == handlers.LSA else AVR
        state[REQUEST_KIND] = REQUEST_READ
    elif kind == handlers.WSA or kind == handlers.WEA:
        state[RESUME] = RESUME_WRITE
        value = I(regs[U((op >> 24) & 0xFF)]) + ((op >> 48) & 0xFF)
        state[REQUEST_VALUE] = value & WORD if kind == handlers.WSA else I(regs[AVR])
        state[REQUEST_KIND] = REQUEST_WRITE
    else:
        return False
    state[UNTOUCHED] = 0
    state[REQUEST_COMPONENT] = -1 - state[U(slot + WINDOW_BASE)]
    low = state[U(slot + WINDOW_LOW)] - state[WINDOW_KEY]
    state[REQUEST_OFFSET] = state[U(slot + WINDOW_OFFSET)] + address - low
    state[PREVIOUS_PC] = state[LAST_PC]
    state[LAST_PC] = pc
    # What Python leaves alone if a write succeeds.
    state[ANSWER] = 0
    return True


@kernel_function
def take_answer(regs, state):
    """Go on after a request; True if that raised an exception for the guest.

    A step in progress gets the answer into its log and is repeated by the dispatch loop; a
    direct request is completed here.
    """
    stay_apart()
    # While the request was pending the counter included the instruction in progress.
    state[CYCLES] -= 1
    answer = state[ANSWER]
    if state[RESUME] == RESUME_STEP:
        state[U(LOG + state[LOG_COUNT])] = answer
        state[LOG_COUNT] += 1
        return False
    raised = answer < 0
    if raised:
        raise_exception(regs, state, HARDWARE, -1 - answer)
    else:
        if state[RESUME] == RESUME_READ:
            regs[U(state[RESUME_REGISTER])] = W(answer)
        state[NEXT_PC] = (I(regs[PC]) + 4) & WORD
    state[RESUME] = RESUME_NONE
    state[CYCLES] += 1
    state[BUDGET] -= 1
    regs[PC] = W(state[NEXT_PC])
    return raised
