"""Numbers that users give: every whole number of the public interface comes through here.

A whole number is what `operator.index` takes: an int of Python (and so a bool, which is 0 or 1),
of numpy, of whatever else has `__index__`. It becomes an int of Python at once, as numpy's wrap
around, and compiled code and memoryviews take no others. Floats are none, not even 1e6.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable


def whole_number(name: str, value: object) -> int:
    """`value` as an int. TypeError, with the parameter's `name`, for what is no whole number."""
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise not_a_number(name, value) from None


def not_a_number(name: str, value: object) -> TypeError:
    """The error for what is no whole number, with a hint if there is one."""
    return TypeError(f"{name} must be a whole number, not {value!r}{_hint(value)}")


def number_within(name: str, value: object, low: int, high: int | None = None) -> int:
    """`value` as an int from `low` to `high`, both included. TypeError for what is no whole
    number, ValueError for what is outside."""
    number = whole_number(name, value)
    if high is None:
        if number < low:
            raise ValueError(f"{name} is {number}; it must be {low} or more")
    elif not low <= number <= high:
        raise ValueError(f"{name} is {number}; it must be within {low}..{high}")
    return number


def optional_number(name: str, value: object, low: int, high: int | None = None) -> int | None:
    """The same for a parameter that may be None."""
    return None if value is None else number_within(name, value, low, high)


def whole_numbers(name: str, each: str, values: object) -> list[int]:
    """The whole numbers of an iterable. TypeError for what is none, which `each` names.

    A single number or a string is no iterable of numbers.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        hint = f": [{values!r}]" if hasattr(values, "__index__") else ""
        raise TypeError(f"{name} must be a sequence of whole numbers{hint}, not {values!r}")
    return [whole_number(each, value) for value in values]


def _hint(value: object) -> str:
    """What to write instead, if that can be told."""
    if isinstance(value, str):
        try:
            int(value, 0)
        except ValueError:
            return ", a string"
        return f", a string: write {value} without quotes"
    # The floats of Python and of numpy have it, and no integers that come here.
    is_whole = getattr(value, "is_integer", None)
    if is_whole is None:
        return ""
    if not is_whole():
        return ", a float"
    number, zeros = int(value), 0  # type: ignore[call-overload]
    while number and number % 10 == 0:
        number, zeros = number // 10, zeros + 1
    if zeros < 4:
        return f", a float: write {int(value)}"  # type: ignore[call-overload]
    factor = "" if number == 1 else f"{number} * "
    return f", a float: write {factor}10**{zeros}"
