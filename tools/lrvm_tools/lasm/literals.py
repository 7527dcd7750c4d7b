"""Numbers and strings as the source writes them."""

from __future__ import annotations

import re
from typing import Final

from ..customasm.source import Span
from .errors import SourceError
from .limits import INTEGER_BITS, INTEGER_MAX
from .values import Integer

_RADIXES: Final = {"0b": 2, "0o": 8, "0x": 16}
_BITS: Final = {2: 1, 8: 3, 16: 4}
_RADIX_NAMES: Final = {2: "binary", 8: "octal", 10: "decimal", 16: "hexadecimal"}
_DIGITS: Final = {
    2: re.compile("[01]+"),
    8: re.compile("[0-7]+"),
    10: re.compile("[0-9]+"),
    16: re.compile("[0-9a-fA-F]+"),
}
_DECIMAL_CHUNK: Final = 4000
"""Below the number of digits that Python converts at once."""

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES: Final = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "\\": "\\",
    '"': '"',
    "'": "'",
}


def parse_number(text: str, span: Span) -> Integer:
    """The value of `10`, `0x10`, `0b1010`, `0o17`."""
    radix = _RADIXES.get(text[:2], 10)
    return parse_digits(text if radix == 10 else text[2:], radix, span)


def parse_digits(text: str, radix: int, span: Span) -> Integer:
    """The value of digits, which may have `_` between them; digits of radix 2, 8 and 16 also give
    it a size."""
    digits = text.replace("_", "")
    valid = _DIGITS[radix].match(digits)
    if valid is None or valid.end() != len(digits):
        wrong = digits[valid.end() if valid else 0 :][:1]
        name = _RADIX_NAMES[radix]
        message = f"`{wrong}` is no {name} digit" if wrong else f"expected {name} digits"
        raise SourceError(span, f"malformed number: {message}")
    bits = _BITS.get(radix)
    size = bits and bits * len(digits)
    # A decimal digit is worth more than three bits: too long a number is not even converted.
    if (size or 3 * len(digits)) > INTEGER_BITS:
        raise _too_large(span)
    value = int(digits, radix) if bits else _decimal(digits)
    if value > INTEGER_MAX:
        raise _too_large(span)
    return Integer(value, size)


def _decimal(digits: str) -> int:
    value = 0
    for start in range(0, len(digits), _DECIMAL_CHUNK):
        chunk = digits[start : start + _DECIMAL_CHUNK]
        value = value * 10 ** len(chunk) + int(chunk)
    return value


def _too_large(span: Span) -> SourceError:
    return SourceError(span, f"the number is too large: integers go up to 2^{INTEGER_BITS}")


def parse_string(text: str, span: Span) -> str:
    """The contents of a string token: quotes off, escapes replaced."""
    contents = text[1:-1]
    if "\\" in contents:
        contents = _ESCAPE.sub(lambda match: _unescape(match, span), contents)
    half = _SURROGATE.search(contents)
    if half:
        start = span.start + text.index(half.group())
        where = Span(span.source, start, start + 1)
        raise SourceError(where, f"U+{ord(half.group()):04X} is half a character, not one")
    return contents


def _unescape(match: re.Match[str], span: Span) -> str:
    byte, code_point, character = match.groups()
    if byte is not None and int(byte, 16) < 0x80:
        return chr(int(byte, 16))
    if code_point is not None:
        value = int(code_point, 16)
        if value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF:
            return chr(value)
    if character in _ESCAPES:
        return _ESCAPES[character]
    start = span.start + 1 + match.start()
    where = Span(span.source, start, start + len(match.group()))
    raise SourceError(
        where,
        f"invalid escape `{match.group()}`",
        r"the escapes are \n \r \t \0 \\ \" \' \xNN (up to 7F) and \u{N}",
    )
