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

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "BasicDebug": "debug",
    "BootRom": "memory",
    "BufferedDisplay": "displays",
    "CharDisplay": "displays",
    "CharKeyboard": "keyboards",
    "DebugKind": "debug",
    "DebugMessage": "debug",
    "FileMemory": "file_memory",
    "FlashMemory": "memory",
    "Host": "host",
    "InvalidText": "text",
    "LineKeyboard": "keyboards",
    "NumberDisplay": "displays",
    "NumberFormat": "displays",
    "NumberText": "displays",
    "Ram": "memory",
    "RealtimeClock": "clock",
}
"""In which module each of them is. They are imported when somebody asks for them: most programs use
two or three, and importing all of them takes longer than a short run."""


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
