"""Constants that travel between kernel functions, as int64.

numba compiles a function again for every literal integer it is called with; a numpy scalar has
one type. So whatever is passed as an argument or returned stands here, while constants that
only index or mask stay plain integers.
"""

from __future__ import annotations

import numpy as np

from ..core import layout

I = np.int64  # noqa: E741
U = np.uint64
W = np.uint32

ZERO = np.int64(0)
ONE = np.int64(1)
NONE = np.int64(-1)

READ = np.int64(layout.READ)
WRITE = np.int64(layout.WRITE)
EXECUTE = np.int64(layout.EXECUTE)

PENDING = np.int64(layout.PENDING)
RAISED = np.int64(layout.RAISED)
DONE = np.int64(layout.DONE)
HALT = np.int64(layout.HALT)
RESTART = np.int64(layout.RESTART)

STOP_BUDGET = np.int64(layout.STOP_BUDGET)
STOP_HALTED = np.int64(layout.STOP_HALTED)
STOP_EXCEPTION = np.int64(layout.STOP_EXCEPTION)
STOP_BREAKPOINT = np.int64(layout.STOP_BREAKPOINT)
STOP_STALE = np.int64(layout.STOP_STALE)
STOP_TRANSLATE = np.int64(layout.STOP_TRANSLATE)
STOP_UNHANDLED = np.int64(layout.STOP_UNHANDLED)
STOP_NOTICE = np.int64(layout.STOP_NOTICE)

REQUEST_READ = np.int64(layout.REQUEST_READ)
REQUEST_WRITE = np.int64(layout.REQUEST_WRITE)
REQUEST_SWAP = np.int64(layout.REQUEST_SWAP)
REQUEST_HWD = np.int64(layout.REQUEST_HWD)
REQUEST_RESET = np.int64(layout.REQUEST_RESET)
