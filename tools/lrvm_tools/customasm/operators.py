"""What operators, slices and concatenation do to values (section 3 of the specification).

Functions raise OperandError; whoever knows the place makes a `Problem` of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from .limits import INTEGER_BITS, PRODUCT_WORK
from .values import Sized, Value, number_of, sized_of

OUT_OF_RANGE: Final = "value is out of supported range"


class OperandError(Exception):
    """An operand that an operator cannot take: the left one, the right one, or both (`side`)."""

    def __init__(self, text: str, side: str = "both") -> None:
        super().__init__(text, side)
        self.text = text
        self.side = side

    def __str__(self) -> str:
        return self.text


def negate(value: Value) -> Value:
    """`-x`."""
    kind = type(value)
    if kind is int:
        return -value  # type: ignore[operator]
    if kind is Sized:
        return -value.value  # type: ignore[union-attr]
    raise OperandError("invalid argument type to operator", "right")


def invert(value: Value) -> Value:
    """`!x`."""
    kind = type(value)
    if kind is bool:
        return not value
    if kind is int:
        return ~value  # type: ignore[operator]
    if kind is Sized:
        return ~value.value  # type: ignore[union-attr]
    raise OperandError("invalid argument type to operator", "right")


def _numbers(left: Value, right: Value) -> tuple[int, int]:
    one, other = number_of(left), number_of(right)
    if one is None or other is None:
        raise OperandError("invalid argument types to operator")
    return one, other


def _bounded(value: int) -> int:
    if value.bit_length() > INTEGER_BITS:
        raise OperandError(OUT_OF_RANGE)
    return value


def _sum(compute: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    def apply(left: Value, right: Value) -> Value:
        return _bounded(compute(*_numbers(left, right)))

    return apply


def _multiply(left: Value, right: Value) -> Value:
    one, other = _numbers(left, right)
    if one.bit_length() * other.bit_length() > PRODUCT_WORK:
        raise OperandError(OUT_OF_RANGE)
    return _bounded(one * other)


def _divide(zero: str, remainder: bool) -> Callable[[Value, Value], Value]:
    """Division that truncates toward zero, or the remainder that belongs to it."""

    def apply(left: Value, right: Value) -> Value:
        one, other = _numbers(left, right)
        if other == 0:
            raise OperandError(zero)
        bits = other.bit_length()
        if bits * max(one.bit_length() - bits, 0) > PRODUCT_WORK:
            raise OperandError(OUT_OF_RANGE)
        quotient, rest = divmod(abs(one), abs(other))
        if remainder:
            return -rest if one < 0 else rest
        return -quotient if (one < 0) != (other < 0) else quotient

    return apply


def _shift_left(left: Value, right: Value) -> Value:
    one, other = _numbers(left, right)
    if other < 0 or other > INTEGER_BITS or one.bit_length() + other > INTEGER_BITS:
        if one == 0 and 0 <= other <= INTEGER_BITS:
            return 0
        raise OperandError(OUT_OF_RANGE)
    return one << other


def _shift_right(left: Value, right: Value) -> Value:
    one, other = _numbers(left, right)
    if other < 0 or other.bit_length() > 64:
        raise OperandError(OUT_OF_RANGE)
    return one >> min(other, one.bit_length())


def _bitwise(compute: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    def apply(left: Value, right: Value) -> Value:
        if type(left) is bool and type(right) is bool:
            return bool(compute(left, right))
        return compute(*_numbers(left, right))

    return apply


def _compare(compute: Callable[[int, int], bool], booleans: bool) -> Callable[[Value, Value], bool]:
    def apply(left: Value, right: Value) -> bool:
        if booleans and type(left) is bool and type(right) is bool:
            return compute(left, right)
        return compute(*_numbers(left, right))

    return apply


def concatenate(left: Value, right: Value) -> Value:
    """`a @ b`."""
    one, other = sized_of(left), sized_of(right)
    if one is None or other is None:
        for value, side in ((left, "left"), (right, "right")):
            if number_of(value) is None:
                raise OperandError("invalid argument types to operator")
            if sized_of(value) is None:
                raise OperandError("argument to concatenation with indefinite size", side)
    assert one is not None
    assert other is not None
    size = one[1] + other[1]
    if size > INTEGER_BITS:
        raise OperandError(OUT_OF_RANGE)
    low = other[0] & ((1 << other[1]) - 1)
    return Sized((one[0] & ((1 << one[1]) - 1)) << other[1] | low, size)


BINARY: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "+": _sum(operator.add),
    "-": _sum(operator.sub),
    "*": _multiply,
    "/": _divide("division by zero", False),
    "%": _divide("modulo by zero", True),
    "<<": _shift_left,
    ">>": _shift_right,
    "&": _bitwise(operator.and_),
    "|": _bitwise(operator.or_),
    "^": _bitwise(operator.xor),
    "==": _compare(operator.eq, True),
    "!=": _compare(operator.ne, True),
    "<": _compare(operator.lt, False),
    "<=": _compare(operator.le, False),
    ">": _compare(operator.gt, False),
    ">=": _compare(operator.ge, False),
    "@": concatenate,
}
"""All but `&&` and `||`, which do not always need both operands."""


def bits(value: Value, low: int, size: int) -> Sized:
    """The `size` bits of a value from bit `low` on; of a negative one those of its two's
    complement."""
    number = number_of(value)
    if number is None:
        raise OperandError("invalid argument type to slice", "left")
    if size > INTEGER_BITS:
        raise OperandError(OUT_OF_RANGE)
    if low:
        number >>= min(low, number.bit_length() + 1)
    return Sized(number & ((1 << size) - 1), size)
