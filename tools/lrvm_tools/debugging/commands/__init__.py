"""The commands of the debugger: one line each."""

# The order of these imports is that of `help`.
from .running import RunningCommands  # isort: skip
from .points import PointCommands  # isort: skip
from .looking import LookingCommands  # isort: skip
from .interpreter import Commands  # isort: skip
from .registry import COMMANDS, Command, CommandError, Quit, find_command  # isort: skip

__all__ = [
    "COMMANDS",
    "Command",
    "CommandError",
    "Commands",
    "LookingCommands",
    "PointCommands",
    "Quit",
    "RunningCommands",
    "find_command",
]
