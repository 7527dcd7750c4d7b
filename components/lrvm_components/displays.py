"""Displays. Every handler is called with one string: the text to show.

Where the guest wrote no valid text the string is an `InvalidText`, which carries the error and
the raw bytes and still shows as U+FFFD. So `list.append`, `io.StringIO().write` and the like
are complete handlers, and no guest can break one that does not care. An exception that a
handler raises passes through, and leaves the display as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeAlias

from lrvm_jit import (
    Category,
    DeviceCommand,
    HardwareCode,
    HardwareError,
    MappedRegister,
    RegisterAccess,
)

from .base import WORD_BYTES, CommandBuffer, StandardComponent
from .text import decode, decode_scalar, show_on_terminal

FIRST_SURROGATE: Final = 0xD800

TextHandler: TypeAlias = Callable[[str], object]


class CharDisplay(StandardComponent):
    """Shows each Unicode scalar value that is written to its single word.

    The handler gets the character, or an `InvalidText` for a surrogate or a number above
    0x10FFFF. Reading raises hardware error 0x21.

    >>> from lrvm_components import CharDisplay
    >>> shown = []
    >>> CharDisplay(shown.append).write(0, 0xE9)
    >>> shown
    ['é']
    """

    name = "Character Display"
    category = Category.DISPLAY
    type_code = 0x10
    registers = (
        MappedRegister(
            0, "CHARACTER", RegisterAccess.WRITE, "shows the Unicode scalar value that is written"
        ),
    )

    def __init__(self, handler: TextHandler | None = None, *, hw_id: int | None = None) -> None:
        super().__init__(WORD_BYTES, hw_id)
        self._handler = show_on_terminal if handler is None else handler

    def write(self, offset: int, word: int) -> None:
        # Nearly every character; the general way takes five times as long.
        self._handler(chr(word) if word < FIRST_SURROGATE else decode_scalar(word))


class NumberFormat(IntEnum):
    """How a number is shown, by the offset modulo 16 that it was written to.

    >>> from lrvm_components import NumberFormat
    >>> NumberFormat(8).name
    'DECIMAL'
    """

    HEX = 0
    HEX_LONG = 4
    DECIMAL = 8
    DECIMAL_LONG = 12


class NumberText(str):
    """A number as text, and what it was made of, for handlers that show numbers their own way.

    >>> from lrvm_components import NumberDisplay
    >>> shown = []
    >>> NumberDisplay(shown.append).write(0x18, 42)
    >>> shown[0], shown[0].number, shown[0].newline
    ('42', 42, False)
    """

    number: int
    """The word."""
    number_format: NumberFormat
    newline: bool
    """Whether the text ends with one."""


_NUMBER_FORMATS: Final = {
    NumberFormat.HEX: "0x{:X}",
    NumberFormat.HEX_LONG: "0x{:08X}",
    NumberFormat.DECIMAL: "{}",
    NumberFormat.DECIMAL_LONG: "{:010}",
}


def _number_registers(start: int, suffix: str, ending: str) -> tuple[MappedRegister, ...]:
    meanings = {
        NumberFormat.HEX: "hexadecimal",
        NumberFormat.HEX_LONG: "8 hexadecimal digits",
        NumberFormat.DECIMAL: "decimal",
        NumberFormat.DECIMAL_LONG: "10 decimal digits",
    }
    return tuple(
        MappedRegister(
            start + style,
            f"{style.name}{suffix}",
            RegisterAccess.WRITE,
            f"shows the number, {meaning}, {ending}",
        )
        for style, meaning in meanings.items()
    )


class NumberDisplay(StandardComponent):
    """Shows the words that are written to it as numbers; 64 bytes.

    The offset modulo 16 selects the format: 0 hexadecimal, 4 the same padded to 8 digits,
    8 decimal, 12 the same padded to 10 digits. The first 16 bytes add a newline. The handler
    gets the finished text, a `NumberText`, which has `number`, `number_format` and `newline`
    as well. Reading raises hardware error 0x21.

    >>> from lrvm_components import NumberDisplay
    >>> NumberDisplay().write(0x04, 42)
    0x0000002A
    """

    name = "Number Display"
    category = Category.DISPLAY
    type_code = 0x1
    registers = (
        *_number_registers(0, "_LINE", "on a line of its own"),
        *_number_registers(16, "", "without a newline"),
        MappedRegister(32, "AGAIN", RegisterAccess.WRITE, "as 0x10 to 0x1C, twice more", words=8),
    )

    def __init__(self, handler: TextHandler | None = None, *, hw_id: int | None = None) -> None:
        super().__init__(64, hw_id)
        self._handler = show_on_terminal if handler is None else handler

    def write(self, offset: int, word: int) -> None:
        style = NumberFormat(offset % 16)
        newline = offset < 16
        text = NumberText(_NUMBER_FORMATS[style].format(word) + ("\n" if newline else ""))
        text.number, text.number_format, text.newline = word, style, newline
        self._handler(text)


class BufferedDisplay(CommandBuffer):
    """Collects UTF-8 text in its words, big-endian, and shows it on command.

    `size` is in bytes, at least 8, and includes the last word, which takes the commands: 0xAA
    shows the text and clears it, 0xBB does so with U+FFFD for all that is invalid, 0xFF clears.
    Another command raises hardware error 0x10 with its low 8 bits, reading raises 0x21.

    The handler gets the text without its trailing zero bytes; after 0xAA, text that is not
    UTF-8 comes as an `InvalidText`.

    >>> from lrvm_components import BufferedDisplay
    >>> shown = []
    >>> display = BufferedDisplay(16, shown.append)
    >>> display.write(0, int.from_bytes(b"Hey!", "big"))
    >>> display.write(12, 0xAA)
    >>> shown
    ['Hey!']
    """

    name = "Buffered Display"
    category = Category.DISPLAY
    type_code = 0x100
    registers = (
        MappedRegister(
            0, "BUFFER", RegisterAccess.WRITE, "the text, four bytes of UTF-8 a word", words=0
        ),
        MappedRegister(-4, "COMMAND", RegisterAccess.WRITE, "does one of the commands"),
    )
    commands = (
        DeviceCommand(0xAA, "SHOW", "shows the text, and clears the buffer"),
        DeviceCommand(0xBB, "SHOW_LOSSY", "the same, with U+FFFD in place of what is no UTF-8"),
        DeviceCommand(0xFF, "CLEAR", "clears the buffer"),
    )

    def __init__(
        self, size: int, handler: TextHandler | None = None, *, hw_id: int | None = None
    ) -> None:
        super().__init__(size, hw_id, read_error=HardwareError(HardwareCode.NOT_READABLE))
        self._handler = show_on_terminal if handler is None else handler

    def command(self, word: int) -> None:
        match word:
            case 0xAA:
                self._handler(decode(self._raw(), "utf-8"))
            case 0xBB:
                self._handler(self._raw().decode(errors="replace"))
            case 0xFF:
                pass
            case _:
                super().command(word)
        self.reset()  # only now: a handler that raised finds the text again

    def _raw(self) -> bytes:
        return self.words.astype(">u4").tobytes().rstrip(b"\0")
