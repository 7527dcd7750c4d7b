"""The values that expressions have (section 3 of the specification).

An integer without a size is a plain `int`, one with a size a `Sized`: most values are small and
short-lived, so they are kept cheap. `None` is void, the value of `{}` and of assignments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from .builtins import BuiltIn
    from .statements import FunctionDefinition


class Sized(NamedTuple):
    """An integer with a size in bits; it may be negative."""

    value: int
    size: int


_CODECS: Final = {
    "utf8": "utf-8",
    "utf16be": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32be": "utf-32-be",
    "utf32le": "utf-32-le",
}


class Text(NamedTuple):
    """A string, the encoding in which it counts as an integer, and whether that has a sign."""

    text: str
    encoding: str = "utf8"
    signed: bool = True

    def data(self) -> bytes:
        """The encoded bytes."""
        if self.encoding == "ascii":
            return bytes(ord(char) if ord(char) < 0x100 else 0 for char in self.text)
        return self.text.encode(_CODECS[self.encoding])

    def sized(self) -> Sized:
        """The bytes, read as a big-endian number."""
        data = self.data()
        return Sized(int.from_bytes(data, "big", signed=self.signed), 8 * len(data))


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A value with named members (an extension: section 12)."""

    members: dict[str, Value]


Value: TypeAlias = "int | Sized | Text | bool | Struct | BuiltIn | FunctionDefinition | None"


def number_of(value: Value) -> int | None:
    """The number that a value counts as; None for one that counts as none."""
    kind = type(value)
    if kind is int:
        return value  # type: ignore[return-value]
    if kind is Sized:
        return value.value  # type: ignore[union-attr]
    if kind is Text:
        return value.sized().value  # type: ignore[union-attr]
    return None


def sized_of(value: Value) -> Sized | None:
    """The value as a number of definite size; None if it is none."""
    kind = type(value)
    if kind is Sized:
        return value  # type: ignore[return-value]
    if kind is Text:
        return value.sized()  # type: ignore[union-attr]
    return None


def size_of(value: Value) -> int | None:
    """The size in bits of a sized integer or a string; None for all else."""
    sized = sized_of(value)
    return None if sized is None else sized.size


def smallest_size(number: int) -> int:
    """The fewest bits that hold a number (section 3: 0 and 1 need 1 bit, -1 needs 1, -2 2)."""
    if number > 0:
        return number.bit_length()
    if number >= -1:
        return 1
    return (~number).bit_length() + 1


def unsigned(number: int, size: int) -> int:
    """The two's complement of a number in `size` bits."""
    return number & ((1 << size) - 1)


def same(one: Value, other: Value) -> bool:
    """Whether a value stays what it was; sizes do not count (section 7)."""
    if type(one) is bool or type(other) is bool:
        return one is other
    number, second = number_of(one), number_of(other)
    if number is not None and second is not None:
        return number == second
    if isinstance(one, Struct) and isinstance(other, Struct):
        return one.members.keys() == other.members.keys() and all(
            same(member, other.members[name]) for name, member in one.members.items()
        )
    return one is other
