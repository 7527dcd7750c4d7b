"""The ready-made components: memories, storage, displays, keyboards, a clock, a
debug port, and the host's streams and files.

Each is built from its size in bytes where it has one, and from a handler, a plain Python
callable, where it talks to the outside. Handlers default to the terminal.

>>> from lrvm_components import CharDisplay
>>> shown = []
>>> display = CharDisplay(shown.append)
>>> display.write(0, 0x41)
>>> shown
['A']
"""

from .clock import RealtimeClock
from .debug import BasicDebug, DebugKind, DebugMessage
from .displays import BufferedDisplay, CharDisplay, NumberDisplay, NumberFormat, NumberText
from .file_memory import FileMemory
from .host import Host
from .keyboards import CharKeyboard, LineKeyboard
from .memory import BootRom, FlashMemory, Ram
from .text import InvalidText

__all__ = [
    "BasicDebug",
    "BootRom",
    "BufferedDisplay",
    "CharDisplay",
    "CharKeyboard",
    "DebugKind",
    "DebugMessage",
    "FileMemory",
    "FlashMemory",
    "Host",
    "InvalidText",
    "LineKeyboard",
    "NumberDisplay",
    "NumberFormat",
    "NumberText",
    "Ram",
    "RealtimeClock",
]
