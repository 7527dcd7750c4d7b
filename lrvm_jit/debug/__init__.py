"""Debugging, recording, tracing and profiling, on the public interface of the machine."""

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
