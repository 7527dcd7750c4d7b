"""The handlers of the dispatch loop: what the first byte of a decoded op says.

`decode` explains the other fields. These are numpy scalars, as they are passed to functions
(`typed`).
"""

from __future__ import annotations

import numpy as np

from ..core import layout

(
    DECODE,
    SLOW,
    PRIVILEGED,
    CPY,
    ADD,
    SUB,
    MUL,
    AND,
    BOR,
    XOR,
    SHL,
    SHR,
    CMP,
    DIV,
    EX,
    JUMP,
    JUMP_REL,
    JUMP_REG,
    IF_ZERO_CARRY,
    IF_ANY,
    LSA,
    LEA,
    WSA,
    WEA,
    PUSH,
    POP,
    CALL,
    CALL_REG,
    RET,
    JUMP_LSA,
    # Superinstructions: one decoded op for several words.
    CONST,
    CMP_IF,
    CMP_IF_JUMP,
    CMP_IF_ANY_JUMP,
    IF_JUMP,
    IF_ANY_JUMP,
    INC_CONST,
    ENTER,
    ENTER_NATIVE,
    HALT,
    # Not in decoded ops: states of the dispatch loop.
    MISS_READ,
    MISS_WRITE,
    MISS_POP,
    MISS_FETCH,
    BOUNDARY,
    STEP,
) = map(np.int64, range(46))

assert int(ENTER) == layout.ENTER
assert int(ENTER_NATIVE) == layout.ENTER_NATIVE
