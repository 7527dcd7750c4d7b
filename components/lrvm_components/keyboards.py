"""Keyboards. A handler takes no argument, waits for the user and answers a string.

The empty string means the end of the input. An exception that a handler raises passes through,
and leaves the keyboard as it was.
"""

from __future__ import annotations

import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeAlias

import numpy

from lrvm_jit import (
    Category,
    DeviceCommand,
    HardwareCode,
    HardwareError,
    MappedRegister,
    RegisterAccess,
)

from .base import WORD_BYTES, CommandBuffer

InputHandler: TypeAlias = Callable[[], str]


def _character_from_terminal() -> str:
    return sys.stdin.read(1)


def _line_from_terminal() -> str:
    return sys.stdin.readline()


def _text(answer: object, wanted: str) -> str:
    """A handler's answer. TypeError if it is no string."""
    if isinstance(answer, str):
        return answer
    hint = "; decode() makes a string of bytes" if isinstance(answer, bytes | bytearray) else ""
    raise TypeError(
        f"a keyboard's handler answered {answer!r}; it must answer a string, {wanted}, and an "
        f"empty one at the end of the input{hint}"
    )


class _Keyboard(CommandBuffer, ABC):
    """What both keyboards do: waiting for the user, which Ctrl-C may end.

    What has been typed is kept until the guest has it, so that an access which is interrupted
    just then finds it when it is made again.
    """

    category = Category.KEYBOARD
    interruptible = True
    wanted: ClassVar[str]
    """What a handler answers besides an empty string."""

    def __init__(self, size: int, handler: InputHandler, hw_id: int | None) -> None:
        super().__init__(size, hw_id, write_error=HardwareError(HardwareCode.NOT_WRITABLE))
        self._handler = handler
        self._typed: str | None = None

    def wait(self) -> None:
        """Have the user type something, and put it into the buffer."""
        if self._typed is None:
            self._typed = _text(self._handler(), self.wanted)
        try:
            self.store(self._typed)
        except Exception:
            self._typed = None
            raise
        # The last step: after it nothing can interrupt the access any more.
        self._typed = None

    @abstractmethod
    def store(self, typed: str) -> None:
        """Put it into the buffer."""


class CharKeyboard(_Keyboard):
    """Reads one character at a time; 8 bytes.

    Word 0 is the last character read, a Unicode scalar value; writing it raises hardware error
    0x31. Word 1 takes the commands: 0x01 waits for a character, 0x02 clears word 0, another
    raises 0x10 with its low 8 bits. Reading word 1 raises 0x21.

    The handler answers one character, or an empty string at the end of the input, which the
    guest sees as 0. A longer answer is a ValueError, since the rest of it would be lost; a lone
    surrogate is a UnicodeEncodeError. By default a character of `sys.stdin` is read; a terminal
    hands those over line by line.

    >>> from lrvm_components import CharKeyboard
    >>> keyboard = CharKeyboard(lambda: "A")
    >>> keyboard.write(4, 0x01)
    >>> chr(keyboard.read(0))
    'A'
    """

    name = "Synchronous Character Keyboard"
    wanted = "one character"
    type_code = 0x100
    registers = (
        MappedRegister(
            0, "CHARACTER", RegisterAccess.READ, "the last character; 0 at the end of the input"
        ),
        MappedRegister(4, "COMMAND", RegisterAccess.WRITE, "does one of the commands"),
    )
    commands = (
        DeviceCommand(0x01, "READ", "waits for a character and puts it into CHARACTER"),
        DeviceCommand(0x02, "CLEAR", "sets CHARACTER to 0"),
    )

    def __init__(self, handler: InputHandler | None = None, *, hw_id: int | None = None) -> None:
        super().__init__(2 * WORD_BYTES, handler or _character_from_terminal, hw_id)

    def store(self, typed: str) -> None:
        if len(typed) > 1:
            raise ValueError(f"a keyboard handler must answer one character, not {typed!r}")
        self.words[0] = int.from_bytes(typed.encode("utf-32-be"), "big")

    def command(self, word: int) -> None:
        match word:
            case 0x01:
                self.wait()
            case 0x02:
                self.reset()
            case _:
                super().command(word)


class LineKeyboard(_Keyboard):
    """Reads a line into a buffer, as UTF-8 in big-endian words with zeros after it.

    `size` is in bytes, at least 8, and includes the last word, which reads 0 and takes the
    commands: 0xAA waits for a line, 0xFF clears the buffer, another raises hardware error 0x10
    with its low 8 bits. Writing the buffer raises 0x31.

    The handler answers the line, stored as it is, with its newline if it has one; an empty
    string at the end of the input leaves an empty buffer. A line that does not fit is cut after
    the last character that does, never inside one, and reported as a warning. A lone surrogate
    is a UnicodeEncodeError. By default a line of `sys.stdin` is read.

    >>> from lrvm_components import LineKeyboard
    >>> keyboard = LineKeyboard(16, lambda: "Hey!\\n")
    >>> keyboard.write(12, 0xAA)
    >>> f"{keyboard.read(0):08X} {keyboard.read(4):08X}"
    '48657921 0A000000'
    """

    name = "Synchronous Line Keyboard"
    wanted = "a line"
    type_code = 0x1000
    registers = (
        MappedRegister(
            0, "BUFFER", RegisterAccess.READ, "the line, four bytes of UTF-8 a word", words=0
        ),
        MappedRegister(
            -4, "COMMAND", RegisterAccess.READ_WRITE, "does one of the commands; reads 0"
        ),
    )
    commands = (
        DeviceCommand(0xAA, "READ", "waits for a line and puts it into BUFFER"),
        DeviceCommand(0xFF, "CLEAR", "fills BUFFER with zeros"),
    )

    def __init__(
        self, size: int, handler: InputHandler | None = None, *, hw_id: int | None = None
    ) -> None:
        super().__init__(size, handler or _line_from_terminal, hw_id)

    def read(self, offset: int) -> int:
        return 0 if offset == self.capacity else super().read(offset)

    def command(self, word: int) -> None:
        match word:
            case 0xAA:
                self.wait()
            case 0xFF:
                self.reset()
            case _:
                super().command(word)

    def store(self, typed: str) -> None:
        line = typed.encode()
        if len(line) > self.capacity:
            warnings.warn(
                f"a line of {len(line)} bytes was cut to fit the keyboard's {self.capacity}",
                stacklevel=2,
            )
            line = line[: self.capacity].decode(errors="ignore").encode()
        self.words[:] = numpy.frombuffer(line.ljust(self.capacity, b"\0"), ">u4")
