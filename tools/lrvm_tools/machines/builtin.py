"""The component types that need no installing: the ready-made components by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lrvm_components import (
    BasicDebug,
    BootRom,
    BufferedDisplay,
    CharDisplay,
    CharKeyboard,
    FileMemory,
    FlashMemory,
    Host,
    LineKeyboard,
    NumberDisplay,
    Ram,
    RealtimeClock,
)
from lrvm_jit.input_files import ADDRESS_SPACE, read_file

from .context import Context
from .types import Factory


def _rom(
    context: Context,
    program: Path | None = None,
    image: Path | None = None,
    size: int | None = None,
    hw_id: int | None = None,
) -> BootRom:
    """Read-only memory with a `program`, or with the bytes of any file as its `image`."""
    if program is not None and image is not None:
        raise ValueError("`program` and `image` exclude each other")
    if image is not None:
        return BootRom(_file_words(image, size), size, hw_id=hw_id)
    return BootRom(context.take_program(program).words, size, hw_id=hw_id)


def _ram(size: int, image: Path | None = None, hw_id: int | None = None) -> Ram:
    """Memory that a reset takes back to its image, or to zeros."""
    return Ram(size, _file_words(image, size), hw_id=hw_id)


def _flash(size: int, image: Path | None = None, hw_id: int | None = None) -> FlashMemory:
    """Memory that keeps its content on resets."""
    return FlashMemory(size, _file_words(image, size), hw_id=hw_id)


def _file_memory(
    path: Path, size: int | None = None, writable: bool = False, hw_id: int | None = None
) -> FileMemory:
    """A file's bytes, which outlive the machine."""
    # A machine that is only looked at, or cannot be built in the end, changes no file.
    return FileMemory(path, size, writable=writable, grow_late=True, hw_id=hw_id)


def _character_display(context: Context, hw_id: int | None = None) -> CharDisplay:
    """Shows one character at a time."""
    return CharDisplay(context.host.show, hw_id=hw_id)


def _buffered_display(context: Context, size: int, hw_id: int | None = None) -> BufferedDisplay:
    """Shows a buffer of text on command."""
    return BufferedDisplay(size, context.host.show, hw_id=hw_id)


def _number_display(context: Context, hw_id: int | None = None) -> NumberDisplay:
    """Shows numbers, hexadecimal or decimal."""
    return NumberDisplay(context.host.show, hw_id=hw_id)


def _character_keyboard(context: Context, hw_id: int | None = None) -> CharKeyboard:
    """Reads one character at a time."""
    return CharKeyboard(context.host.read_character, hw_id=hw_id)


def _line_keyboard(context: Context, size: int, hw_id: int | None = None) -> LineKeyboard:
    """Reads a line into a buffer."""
    return LineKeyboard(size, context.host.read_line, hw_id=hw_id)


def _clock(hw_id: int | None = None) -> RealtimeClock:
    """Tells the time of day and the time since the last reset."""
    return RealtimeClock(hw_id=hw_id)


def _debug(context: Context, hw_id: int | None = None) -> BasicDebug:
    """Reports words as numbers, booleans, characters or debug points."""
    return BasicDebug(context.host.report, hw_id=hw_id)


def _host(
    context: Context,
    folder: Path | None = None,
    writable: bool = False,
    hw_id: int | None = None,
) -> Host:
    """Exit status, arguments, streams of bytes, time, and files below a `folder`."""
    return context.host.component(folder, writable, hw_id)


def _file_words(path: Path | None, size: int | None) -> bytes:
    """A file's bytes, for memory of `size` bytes, filled up with zeros to a whole word."""
    limit = ADDRESS_SPACE if size is None else max(0, min(size, ADDRESS_SPACE))
    data = b"" if path is None else read_file(path, limit)
    return data + bytes(-len(data) % 4)


BUILTIN_TYPES: Final[dict[str, Factory]] = {
    "rom": _rom,
    "ram": _ram,
    "flash": _flash,
    "file": _file_memory,
    "character-display": _character_display,
    "buffered-display": _buffered_display,
    "number-display": _number_display,
    "character-keyboard": _character_keyboard,
    "line-keyboard": _line_keyboard,
    "clock": _clock,
    "debug": _debug,
    "host": _host,
}
