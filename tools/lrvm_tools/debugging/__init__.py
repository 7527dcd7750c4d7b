"""The debugger's front ends."""

from .commands import COMMANDS, CommandError, Commands, Quit
from .terminal import Terminal

__all__ = ["COMMANDS", "CommandError", "Commands", "Quit", "Terminal"]
