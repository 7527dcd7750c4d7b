"""The built-in functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..customasm.source import Span
from ..text_files import BYTE_ORDER_MARK
from .errors import SourceError
from .values import NOTHING, Integer, Text, Value, as_integer, describe, show_integer


@dataclass(frozen=True, slots=True)
class Argument:
    """A function argument and where it is written."""

    value: Value
    span: Span

    def text(self) -> str:
        """The argument as a string. Raises SourceError."""
        if not isinstance(self.value, Text):
            raise SourceError(self.span, f"expected a string, not {describe(self.value)}")
        return self.value.text

    def count(self) -> int:
        """The argument as a number of things. Raises SourceError."""
        number = as_integer(self.value)
        if number is None or number.value < 0:
            found = describe(self.value) if number is None else show_integer(number.value)
            raise SourceError(self.span, f"expected an integer that is not negative, not {found}")
        return number.value

    def sized(self) -> tuple[int, int]:
        """The argument as an integer and its size in bits. Raises SourceError."""
        number = as_integer(self.value)
        if number is None or number.size is None:
            raise SourceError(
                self.span,
                f"expected a value of definite size, not {describe(self.value)}",
                "give it one with a slice, as in x`8",
            )
        return number.value, number.size


ReadFile: TypeAlias = Callable[[str, Span], bytes]
"""Reads a file named at a place in the source."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A built-in function and how many arguments it takes."""

    compute: Callable[[Sequence[Argument], Span, ReadFile], Value]
    minimum: int = 1
    maximum: int = 1


def _encoded(encoding: str) -> BuiltIn:
    def compute(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
        return Text(arguments[0].text(), encoding)

    return BuiltIn(compute)


def _little_endian(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
    value, size = arguments[0].sized()
    if size % 8:
        raise SourceError(arguments[0].span, f"`le` needs whole bytes, not {size} bits")
    return Integer(int.from_bytes(value.to_bytes(size // 8, "little"), "big"), size)


def _strlen(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
    return Integer(len(arguments[0].text().encode()))


def _sizeof(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
    return Integer(arguments[0].sized()[1])


def _assert(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
    condition = arguments[0].value
    if not isinstance(condition, bool):
        raise SourceError(arguments[0].span, f"expected a boolean, not {describe(condition)}")
    if not condition:
        reason = f": {arguments[1].text()}" if len(arguments) > 1 else ""
        raise SourceError(span, f"assertion failed{reason}")
    return NOTHING


def _incbin(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
    data = read(arguments[0].text(), arguments[0].span)
    part = data[_range(arguments, len(data), "bytes")]
    return Integer(int.from_bytes(part, "big"), 8 * len(part))


def _digits_of_file(radix: int, bits: int) -> BuiltIn:
    """A function for a file of digits, each worth `bits` bits."""

    def compute(arguments: Sequence[Argument], span: Span, read: ReadFile) -> Value:
        data = read(arguments[0].text(), arguments[0].span)
        data = data.removeprefix(BYTE_ORDER_MARK)
        digits = b"".join(data.replace(b"_", b"").split())
        part = digits[_range(arguments, len(digits), "digits")]
        if not part:
            return Integer(0, 0)
        try:
            # Signs and prefixes, which int() would take, are refused as well.
            value = int(part, radix) if part.isalnum() else None
        except ValueError:
            value = None
        if value is None:
            name = "hexadecimal" if radix == 16 else "binary"
            raise SourceError(arguments[0].span, f"the file has more in it than {name} digits")
        return Integer(value, bits * len(part))

    return BuiltIn(compute, 1, 3)


def _range(arguments: Sequence[Argument], length: int, what: str) -> slice:
    """The part of a file that the arguments (name, start, size) ask for."""
    start = arguments[1].count() if len(arguments) > 1 else 0
    if start > length:
        place = arguments[1].span
        message = f"the file has {length} {what}; {show_integer(start)} is past its end"
        raise SourceError(place, message)
    size = arguments[2].count() if len(arguments) > 2 else length - start
    if start + size > length:
        raise SourceError(
            arguments[2].span,
            f"the file has {length} {what}; {show_integer(size)} from {start} on are too many",
        )
    return slice(start, start + size)


BUILT_INS: Final[dict[str, BuiltIn]] = {
    "ascii": _encoded("ascii"),
    "assert": BuiltIn(_assert, 1, 2),
    "incbin": BuiltIn(_incbin, 1, 3),
    "incbinstr": _digits_of_file(2, 1),
    "inchexstr": _digits_of_file(16, 4),
    "le": BuiltIn(_little_endian),
    "sizeof": BuiltIn(_sizeof),
    "strlen": BuiltIn(_strlen),
    "utf8": _encoded("utf8"),
    "utf16be": _encoded("utf16be"),
    "utf16le": _encoded("utf16le"),
    "utf32be": _encoded("utf32be"),
    "utf32le": _encoded("utf32le"),
}
