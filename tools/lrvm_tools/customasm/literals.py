"""Numbers and strings as the source writes them (section 1 of the specification)."""

from __future__ import annotations

import re
from typing import Final

from .limits import DECIMAL_DIGITS
from .values import Sized

_RADIXES: Final = {"0b": 2, "0o": 8, "0x": 16}
_BITS: Final = {2: 1, 8: 3, 16: 4}
_DIGITS: Final = {
    2: re.compile("[01]*"),
    8: re.compile("[0-7]*"),
    10: re.compile("[0-9]*"),
    16: re.compile("[0-9a-fA-F]*"),
}
_DECIMAL_CHUNK: Final = 4000
"""Below the number of digits that Python converts at once."""

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{0,6})\}|([^xu]))", re.DOTALL)
_ESCAPES: Final = {
    "0": "\0",
    "t": "\t",
    "r": "\r",
    "n": "\n",
    "'": "'",
    '"': '"',
    "\\": "\\",
}


class LiteralError(ValueError):
    """A number or a string that is none; the message says why."""


def number(text: str) -> int | Sized:
    """The value of a number token. Raises LiteralError."""
    first = text[0]
    if first == "$":
        radix, digits = 16, text[1:]
    elif first == "%":
        radix, digits = 2, text[1:]
    else:
        radix = _RADIXES.get(text[:2], 10)
        digits = text if radix == 10 else text[2:]
    if "_" in digits:
        digits = digits.replace("_", "")
    if _DIGITS[radix].fullmatch(digits) is None:
        raise LiteralError("invalid digits")
    if not digits:
        raise LiteralError("invalid value")
    if radix == 10:
        return int(digits) if len(digits) < _DECIMAL_CHUNK else _long_decimal(digits)
    return Sized(int(digits, radix), _BITS[radix] * len(digits))


def _long_decimal(digits: str) -> int:
    if len(digits) > DECIMAL_DIGITS:
        raise LiteralError("value is out of supported range")
    value = 0
    for start in range(0, len(digits), _DECIMAL_CHUNK):
        chunk = digits[start : start + _DECIMAL_CHUNK]
        value = value * 10 ** len(chunk) + int(chunk)
    return value


def string(text: str) -> str:
    """The contents of a string token: quotes off, escapes replaced. Raises LiteralError."""
    contents = text[1:-1]
    if "\\" not in contents:
        return contents
    parts = []
    position = 0
    while True:
        start = contents.find("\\", position)
        if start < 0:
            parts.append(contents[position:])
            return "".join(parts)
        parts.append(contents[position:start])
        match = _ESCAPE.match(contents, start)
        if match is None:
            raise LiteralError("invalid escape sequence")
        parts.append(_unescape(match))
        position = match.end()


def _unescape(match: re.Match[str]) -> str:
    byte, code_point, character = match.groups()
    if byte is not None and int(byte, 16) < 0x80:
        return chr(int(byte, 16))
    if code_point is not None:
        value = int(code_point or "0", 16)
        if value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF:
            return chr(value)
    if character in _ESCAPES:
        return _ESCAPES[character]
    raise LiteralError("invalid escape sequence")
