"""The basic debug interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from lrvm_jit import Category, MappedRegister, RegisterAccess

from .base import WORD_BYTES, StandardComponent
from .text import InvalidText, decode_scalar


class DebugKind(IntEnum):
    """How a word is meant, by the index of the word it was written to.

    >>> from lrvm_components import DebugKind
    >>> DebugKind(6).name
    'DECIMAL_U8'
    """

    HEX_U8 = 0
    HEX_U16 = 1
    HEX_U32 = 2
    HEX_I8 = 3
    HEX_I16 = 4
    HEX_I32 = 5
    DECIMAL_U8 = 6
    DECIMAL_U16 = 7
    DECIMAL_U32 = 8
    DECIMAL_I8 = 9
    DECIMAL_I16 = 10
    DECIMAL_I32 = 11
    BOOLEAN = 12
    UNICODE_CHARACTER = 13
    RAW_CHARACTER = 14
    DEBUG_POINT = 15


_MEANINGS: Final = {
    DebugKind.HEX_U8: "hexadecimal, its low 8 bits",
    DebugKind.HEX_U16: "hexadecimal, its low 16 bits",
    DebugKind.HEX_U32: "hexadecimal",
    DebugKind.HEX_I8: "hexadecimal with a sign, its low 8 bits",
    DebugKind.HEX_I16: "hexadecimal with a sign, its low 16 bits",
    DebugKind.HEX_I32: "hexadecimal with a sign",
    DebugKind.DECIMAL_U8: "decimal, its low 8 bits",
    DebugKind.DECIMAL_U16: "decimal, its low 16 bits",
    DebugKind.DECIMAL_U32: "decimal",
    DebugKind.DECIMAL_I8: "decimal with a sign, its low 8 bits",
    DebugKind.DECIMAL_I16: "decimal with a sign, its low 16 bits",
    DebugKind.DECIMAL_I32: "decimal with a sign",
    DebugKind.BOOLEAN: "false for 0, else true",
    DebugKind.UNICODE_CHARACTER: "the character with this scalar value",
    DebugKind.RAW_CHARACTER: "a character's number in an encoding of yours",
    DebugKind.DEBUG_POINT: "a place that the program has come to",
}


@dataclass(frozen=True, slots=True)
class DebugMessage:
    """What the guest reported: `word` as it was written, and how it is meant.

    >>> from lrvm_components import DebugKind, DebugMessage
    >>> print(DebugMessage(DebugKind.DECIMAL_I8, 0xFE))
    -2
    """

    kind: DebugKind
    word: int

    @property
    def text(self) -> str:
        """The value as text; for what is no Unicode character, an `InvalidText` that says so."""
        match self.kind:
            case DebugKind.BOOLEAN:
                return "true" if self.word else "false"
            case DebugKind.UNICODE_CHARACTER:
                character = decode_scalar(self.word)
                if isinstance(character, InvalidText):
                    return InvalidText(f"invalid character 0x{self.word:08X}", character.error)
                return character
            case DebugKind.RAW_CHARACTER:
                return str(self.word)
            case DebugKind.DEBUG_POINT:
                return f"debug point 0x{self.word:X}"
            case _:
                return self._number()

    def _number(self) -> str:
        # The numeric kinds come in groups of three widths: hex and decimal, each u then i.
        group, width = divmod(self.kind, 3)
        bits = (8, 16, 32)[width]
        value = self.word & (1 << bits) - 1
        if group % 2 and value >> bits - 1:
            value -= 1 << bits
        if group >= 2:
            return str(value)
        return f"{'-' if value < 0 else ''}0x{abs(value):0{bits // 4}X}"

    def __str__(self) -> str:
        return self.text


DebugHandler: TypeAlias = Callable[[DebugMessage], object]


def _print_message(message: DebugMessage) -> None:
    print(message, flush=True)


class BasicDebug(StandardComponent):
    """Reports each word that is written to it in the format of its offset; 64 bytes.

    Words 0-2 are hexadecimal u8, u16 and u32, 3-5 hexadecimal i8, i16 and i32, 6-8 decimal
    unsigned and 9-11 decimal signed in the same widths; of wider words the low bits count.
    12 is a boolean (0 is false), 13 a Unicode character, 14 a character as its number, 15 a
    debug point. Reading raises hardware error 0x21.

    The handler gets a `DebugMessage`, whose `str()` is its text. By default each is printed on
    a line of its own. An exception that a handler raises passes through.

    >>> from lrvm_components import BasicDebug
    >>> BasicDebug().write(8, 42)
    0x0000002A
    """

    name = "Basic Debug Interface"
    category = Category.DEBUG
    type_code = 0x100
    registers = tuple(
        MappedRegister(
            WORD_BYTES * kind, kind.name, RegisterAccess.WRITE, f"reports the word: {meaning}"
        )
        for kind, meaning in _MEANINGS.items()
    )

    def __init__(self, handler: DebugHandler | None = None, *, hw_id: int | None = None) -> None:
        super().__init__(len(DebugKind) * WORD_BYTES, hw_id)
        self._handler = _print_message if handler is None else handler

    def write(self, offset: int, word: int) -> None:
        self._handler(DebugMessage(DebugKind(offset // WORD_BYTES), word))
