"""Debugging, recording, tracing and profiling, on the public interface of the machine.

>>> from lrvm_components import BootRom
>>> from lrvm_jit import Motherboard
>>> from lrvm_jit.debug import Debugger
>>> from lrvm_tools.lasm import assemble_program
>>> program = assemble_program("loop: inc a0\\njp loop")
>>> with Motherboard([BootRom(program.words)]) as board:
...     _ = board.map_contiguous(0)
...     board.reset()
...     with Debugger(board, program) as debugger:
...         _ = debugger.break_at("loop", condition="a0 == 5")
...         _ = debugger.run()
...         _ = debugger.rstep(4)
...         print(debugger.evaluate("a0"))
3
"""

from .debugger import Debugger
from .expressions import ExpressionError
from .history import History
from .inspection import DebugError
from .points import (
    Breakpoint,
    Change,
    Event,
    EventKind,
    RegisterWatch,
    WatchKind,
    Watchpoint,
)
from .program import Place, ProgramInfo
from .recorder import Recorder, ReplayError
from .recording import Recording
from .recording_file import RecordingError, load_recording
from .stack import Frame

__all__ = [
    "Breakpoint",
    "Change",
    "DebugError",
    "Debugger",
    "Event",
    "EventKind",
    "ExpressionError",
    "Frame",
    "History",
    "Place",
    "ProgramInfo",
    "Recorder",
    "Recording",
    "RecordingError",
    "RegisterWatch",
    "ReplayError",
    "WatchKind",
    "Watchpoint",
    "load_recording",
]
