"""The values that expressions have: integers with or without a size, strings, booleans."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple, TypeAlias


class Integer(NamedTuple):
    """An integer; `size` is its width in bits where the source fixes one, as in `0x0010`."""

    value: int
    size: int | None = None


_CODECS: Final = {
    "utf8": "utf-8",
    "utf16be": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32be": "utf-32-be",
    "utf32le": "utf-32-le",
}
"""Python's names for the encodings but `ascii`, which is no codec of Python's."""


_BEYOND_A_BYTE: Final = re.compile("[^\0-\xff]")


class Text(NamedTuple):
    """A string and the encoding that it becomes bytes in."""

    text: str
    encoding: str = "utf8"

    def to_bytes(self) -> bytes:
        if self.encoding == "ascii":
            # As in the original: one byte a character, zero where there is none.
            return _BEYOND_A_BYTE.sub("\0", self.text).encode("latin-1")
        return self.text.encode(_CODECS[self.encoding])

    def to_integer(self) -> Integer:
        data = self.to_bytes()
        return Integer(int.from_bytes(data, "big"), 8 * len(data))


class Nothing(Enum):
    """The value of `assert(...)`."""

    NOTHING = "nothing"


NOTHING = Nothing.NOTHING

Value: TypeAlias = Integer | Text | bool | Nothing


def as_integer(value: Value) -> Integer | None:
    """The integer that a value counts as; None for one that counts as none."""
    if isinstance(value, Integer):
        return value
    if isinstance(value, Text):
        return value.to_integer()
    return None


def large(value: Value) -> int:
    """About how many bits a value has, in memory; 0 for a small one."""
    if isinstance(value, Integer):
        bits = value.value.bit_length()
    elif isinstance(value, Text):
        bits = 32 * len(value.text)
    else:
        return 0
    return bits if bits > 1024 else 0


def minimum_bits(value: int) -> int:
    """The fewest bits that hold `value`, in two's complement if it is negative."""
    if value >= 0:
        return value.bit_length() or 1
    return (value + 1).bit_length() + 1


def describe(value: Value) -> str:
    """What a value is, for messages."""
    if isinstance(value, bool):
        return f"the boolean `{str(value).lower()}`"
    if isinstance(value, Text):
        return "a string"
    if isinstance(value, Integer):
        return "an integer"
    return "no value"


def show_integer(value: int) -> str:
    """An integer for messages; a huge one by its size."""
    bits = value.bit_length()
    return str(value) if bits <= 128 else f"an integer of {bits} bits"
