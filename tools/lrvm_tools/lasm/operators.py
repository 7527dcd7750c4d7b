"""What operators, slices and concatenation do to values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from ..customasm.source import Span
from .errors import SourceError
from .limits import INTEGER_BITS, INTEGER_MAX
from .values import Integer, Value, as_integer, describe, large, minimum_bits

_ARITHMETIC: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_COMPARISONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ON_BOOLEANS: Final = {name: _ARITHMETIC[name] for name in "&|^"} | {
    name: _COMPARISONS[name] for name in ("==", "!=")
}


def prefix(symbol: str, value: Value, span: Span) -> Value:
    """The value of `-x` or `!x`."""
    if isinstance(value, bool):
        if symbol == "!":
            return not value
    else:
        number = as_integer(value)
        if number is not None:
            inner = _bounded(number.value, span)
            return Integer(-inner if symbol == "-" else ~inner)
    raise SourceError(span, f"`{symbol}` needs an integer, not {describe(value)}")


def binary(symbol: str, left: Value, right: Value, span: Span) -> Value:
    """The value of a binary operator other than `&&` and `||`, which do not always need both."""
    if isinstance(left, bool) and isinstance(right, bool) and symbol in _ON_BOOLEANS:
        return bool(_ON_BOOLEANS[symbol](left, right))
    left_number, right_number = as_integer(left), as_integer(right)
    if left_number is None or right_number is None:
        pair = f"{describe(left)} and {describe(right)}"
        raise SourceError(span, f"`{symbol}` cannot be applied to {pair}")
    if symbol in _COMPARISONS:
        return _COMPARISONS[symbol](left_number.value, right_number.value)
    if symbol == "@":
        return _concatenate(left_number, right_number, span)
    return Integer(_compute(symbol, left_number.value, right_number.value, span))


def work(symbol: str, left: Value, right: Value = False) -> int:
    """What an operation on these values counts as, in units of `limits.WORK`; small values cost
    nothing. Multiplying and dividing take as long as the product of the operands' lengths."""
    one, other = large(left), large(right)
    if symbol in ("*", "/", "%"):
        return one * other >> 20
    return (one + other) >> 13


def _compute(symbol: str, left: int, right: int, span: Span) -> int:
    _bounded(left, span)
    _bounded(right, span)
    if symbol == "*" and left.bit_length() + right.bit_length() > INTEGER_BITS + 2:
        raise _out_of_bounds(span)  # which computing it would only find out later
    if symbol in _ARITHMETIC:
        return _bounded(_ARITHMETIC[symbol](left, right), span)
    if symbol in ("/", "%"):
        return _divide(symbol, left, right, span)
    if right < 0:
        raise SourceError(span, f"`{symbol}` by a negative number of bits")
    if symbol == ">>":
        return left >> min(right, left.bit_length())
    if left == 0:
        return 0
    if right > INTEGER_BITS:
        raise _out_of_bounds(span)
    return _bounded(left << right, span)


def _divide(symbol: str, left: int, right: int, span: Span) -> int:
    """Division that truncates toward zero, or the remainder that belongs to it."""
    if right == 0:
        raise SourceError(span, "division by zero")
    quotient, remainder = divmod(abs(left), abs(right))
    if symbol == "%":
        return -remainder if left < 0 else remainder
    return -quotient if (left < 0) != (right < 0) else quotient


def _concatenate(left: Integer, right: Integer, span: Span) -> Integer:
    for side, number in (("left", left), ("right", right)):
        if number.size is None:
            raise SourceError(
                span,
                f"the {side} side of `@` has no definite size",
                "give it one with a slice, as in x`8",
            )
    assert left.size is not None
    assert right.size is not None
    size = left.size + right.size
    if size > INTEGER_BITS:
        raise _out_of_bounds(span)
    return Integer(left.value << right.size | right.value, size)


def bit_slice(value: Value, low: int, count: int, span: Span) -> Integer:
    """The `count` bits from bit `low` on; of a negative number those of its two's complement."""
    number = as_integer(value)
    if number is None:
        raise SourceError(span, f"only an integer can be sliced, not {describe(value)}")
    if count > max(INTEGER_BITS, number.size or 0):
        raise _out_of_bounds(span)
    # Bits above the value are all alike; a huge `low` need not be shifted by.
    shifted = number.value >> min(low, minimum_bits(number.value))
    return Integer(shifted & ((1 << count) - 1), count)


def _bounded(value: int, span: Span) -> int:
    if value.bit_length() > INTEGER_BITS and abs(value) != INTEGER_MAX:
        raise _out_of_bounds(span)
    return value


def _out_of_bounds(span: Span) -> SourceError:
    return SourceError(span, f"the value is too large: integers go up to 2^{INTEGER_BITS}")
