"""How the command's processes end. Scripts rely on these numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from lrvm_jit import StopReason


class ExitCode(IntEnum):
    """The exit codes of `lrvm`."""

    SUCCESS = 0
    INTERNAL_ERROR = 1
    BAD_INPUT = 2
    GUEST_EXCEPTION = 3
    CYCLE_LIMIT = 4
    UNHANDLED_EXCEPTION = 5
    DIFFERENT = 6
    UNMAPPED = 7
    INTERRUPTED = 130
    BROKEN_PIPE = 141


EXIT_CODES_HELP: Final = """\b
Exit codes:
    0  success; `run`: the guest halted
    1  internal error, or a component failed
    2  bad input: the command line, a program, a machine file; output that cannot be written
    3  `run`: a guest exception ended the run (--halt-on-exception)
    4  `run`: the cycle limit was reached (--max-cycles)
    5  `run`: an exception without a handler would have come again for ever
    6  `trace diff`: the traces differ
    7  `run`: an address where nothing is mapped was accessed (--unmapped stop)
  130  interrupted (Ctrl-C)
  141  the reader of the output has gone
"""

OF_REASON: Final = {
    StopReason.HALTED: ExitCode.SUCCESS,
    # A component that ends the run is the machine's power switch.
    StopReason.STOPPED: ExitCode.SUCCESS,
    StopReason.EXCEPTION: ExitCode.GUEST_EXCEPTION,
    StopReason.BUDGET: ExitCode.CYCLE_LIMIT,
    StopReason.UNHANDLED: ExitCode.UNHANDLED_EXCEPTION,
    StopReason.UNMAPPED: ExitCode.UNMAPPED,
    # No option of the command sets these, but a component may.
    StopReason.BREAKPOINT: ExitCode.SUCCESS,
    StopReason.WATCHPOINT: ExitCode.SUCCESS,
}
