"""Where the main thread is, for tests that interrupt it."""

from __future__ import annotations

import sys
import threading

from lrvm_jit.modular.cooperative import Cooperative
from lrvm_jit.modular.threads import Threads


def joining() -> bool:
    """Whether the main thread is where Ctrl-C ends the machine: inside `join` or `step`."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    inside = {Threads._join.__code__, Cooperative._run.__code__}
    while frame.f_back is not None and frame.f_code not in inside:
        frame = frame.f_back
    return frame.f_code in inside
