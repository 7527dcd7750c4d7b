"""The kernel's entry point: one integer in, one integer out.

Passing eight arrays through numba's dispatcher costs about 500 ns a call, more than a whole
round trip to a component may take. So the arrays' addresses stand in a context, and the
compiled entry point is called with the context's address.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from .dispatch import dispatch

ARRAYS = (
    ("regs", np.uint32),
    ("state", np.int64),
    ("arena", np.uint32),
    ("entries", np.int64),
    ("marks", np.uint8),
    ("snapshot", np.uint32),
    ("code_pages", np.int64),
    ("breakpoints", np.int64),
)
"""The kernel's arrays in the order of the context, which holds address and length of each."""


@intrinsic
def _pointer(typing_context: Any, address: Any, dtype: Any) -> Any:
    """Turn an address into a typed pointer."""
    pointer_type = types.CPointer(dtype.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer_type))

    return pointer_type(address, dtype), generate


def enter(context_address):
    """Run `dispatch` on the arrays of a context (int64[16]: address, length, ...)."""
    context = carray(_pointer(context_address, np.int64), (16,))
    regs = carray(_pointer(context[0], np.uint32), (context[1],))
    state = carray(_pointer(context[2], np.int64), (context[3],))
    arena = carray(_pointer(context[4], np.uint32), (context[5],))
    entries = carray(_pointer(context[6], np.int64), (context[7],))
    marks = carray(_pointer(context[8], np.uint8), (context[9],))
    snapshot = carray(_pointer(context[10], np.uint32), (context[11],))
    code_pages = carray(_pointer(context[12], np.int64), (context[13],))
    breakpoints = carray(_pointer(context[14], np.int64), (context[15],))
    return dispatch(regs, state, arena, entries, marks, snapshot, code_pages, breakpoints)
