"""Expressions: precedence and meaning of operators, against Python's integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_tools.lasm import AssemblyError, assemble_program
from lrvm_tools.text_files import end_lines

integers = st.one_of(
    st.integers(-20, 20), st.integers(-(1 << 70), 1 << 70), st.integers(0, 1 << 200)
)


def value(expression: str, **constants: int) -> int:
    definitions = "".join(f"{name} = {number}\n" for name, number in constants.items())
    return assemble_program(f"{definitions}v = {expression}").symbols["v"]


def refusal(expression: str) -> str:
    with pytest.raises(AssemblyError) as caught:
        value(expression)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.message


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 == 2 ? 1 : 1 == 1 ? 2 : 3", 2),
        ("1 == 1 ? 1 == 2 ? 4 : 5 : 6", 5),
        ("1 == 2 || 1 == 1 && 1 == 2 ? 1 : 2", 2),
        ("1 == 1 || 1 == 1 && 1 == 2 ? 1 : 2", 1),
        ("0x1 @ 0x2`4 | 0x4`4 == 0x1 ? 1 : 2", None),
        ("(0x1 @ 0b1) * 2", 6),
        ("1 | 2 == 3 ? 1 : 2", 1),
        ("1 | 6 ^ 2 & 3", 5),
        ("1 & 1 << 1", 0),
        ("1 << 1 + 1", 4),
        ("2 + 3 * 4", 14),
        ("20 - 5 - 3", 12),
        ("2 * 3 % 4", 2),
        ("-1`8", 255),
        ("!1`4", 14),
        ("-0x12[7:4]", 14),
        ("2 * 0x13`4", 6),
        ("0xabcd[15:8]`4", 0xB),
        ("0xabcd`12[11:4]", 0xBC),
        ("--3", 3),
        ("-!3", 4),
        ("!!(1 == 1) ? 1 : 2", 1),
        ("1 < 2 == (3 < 4) ? 1 : 0", 1),
        ("5`(1 + 1)", 1),
        ("0xff[2 + 1:1 - 1]", 15),
        ("x`8 + 1", 6),
    ],
)
def test_precedence(expression: str, expected: int | None) -> None:
    if expected is None:
        # `@` is looser than `==`: its right side is a boolean here.
        assert "cannot be applied" in refusal(expression)
    else:
        assert value(expression, x=5) == expected


@pytest.mark.parametrize(
    ("left", "right"), [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (0, 5), (1, 7)]
)
def test_division_truncates_and_the_remainder_has_the_dividends_sign(left: int, right: int) -> None:
    quotient, remainder = value("a / b", a=left, b=right), value("a % b", a=left, b=right)
    assert quotient == int(left / right)
    assert quotient * right + remainder == left
    assert remainder == 0 or (remainder < 0) == (left < 0)


@given(integers, integers)
def test_division_law(left: int, right: int) -> None:
    if right == 0:
        with pytest.raises(AssemblyError, match="division by zero"):
            value("a / b", a=left, b=right)
        return
    quotient, remainder = value("a / b", a=left, b=right), value("a % b", a=left, b=right)
    assert quotient * right + remainder == left
    assert abs(remainder) < abs(right)
    assert remainder == 0 or (remainder < 0) == (left < 0)


@st.composite
def flat_expressions(draw: st.DrawFn) -> str:
    """Numbers and operators without parentheses.

    Python gives these operators the same order of precedence, so `eval` tells whether the parser
    groups them right. So few and small numbers cannot be shifted beyond the limit of integers.
    """
    operators = st.sampled_from(["+", "-", "*", "&", "|", "^", "<<", ">>"])
    numbers = st.integers(-9, 9).map(str)
    parts = [draw(numbers)]
    for _ in range(draw(st.integers(0, 5))):
        parts += [draw(operators), draw(numbers)]
    return " ".join(parts)


@given(flat_expressions())
def test_grouping_agrees_with_python(expression: str) -> None:
    try:
        expected = eval(expression)
    except ValueError:
        assert "negative number of bits" in refusal(expression)
    else:
        assert value(expression) == expected


@given(integers, integers)
def test_arithmetic_on_big_integers(a: int, b: int) -> None:
    assert value("a + b", a=a, b=b) == a + b
    assert value("a - b", a=a, b=b) == a - b
    assert value("a * b", a=a, b=b) == a * b
    assert value("a & b", a=a, b=b) == a & b
    assert value("a | b", a=a, b=b) == a | b
    assert value("a ^ b", a=a, b=b) == a ^ b
    assert value("-a", a=a) == -a
    assert value("!a", a=a) == ~a


@given(integers, st.integers(0, 300))
def test_shifts(a: int, count: int) -> None:
    assert value("a << n", a=a, n=count) == a << count
    assert value("a >> n", a=a, n=count) == a >> count


@given(integers, integers)
def test_comparisons(a: int, b: int) -> None:
    source = "".join(
        f"v{number} = a {operator} b\n"
        for number, operator in enumerate(("==", "!=", "<", "<=", ">", ">="))
    )
    symbols = assemble_program(f"a = {a}\nb = {b}\n{source}").symbols
    results = [bool(symbols[f"v{number}"]) for number in range(6)]
    assert results == [a == b, a != b, a < b, a <= b, a > b, a >= b]


@given(integers, st.integers(0, 100), st.integers(0, 100))
def test_slices_take_bits_of_the_twos_complement(a: int, one: int, other: int) -> None:
    high, low = max(one, other), min(one, other)
    mask = (1 << (high - low + 1)) - 1
    assert value(f"a[{high}:{low}]", a=a) == a >> low & mask
    assert value(f"sizeof(a[{high}:{low}])", a=a) == high - low + 1
    assert value(f"a`{one}", a=a) == a & ((1 << one) - 1)


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(1, 40)), min_size=1, max_size=6))
def test_concatenation_puts_bits_side_by_side(parts: list[tuple[int, int]]) -> None:
    expression = " @ ".join(f"{number}`{bits}" for number, bits in parts)
    expected = "".join(f"{number & ((1 << bits) - 1):0{bits}b}" for number, bits in parts)
    assert value(expression) == int(expected, 2)
    assert value(f"sizeof({expression})") == len(expected)


@given(st.text(st.characters(codec="utf-8", exclude_characters='"\\'), max_size=20))
def test_any_text_is_a_string(text: str) -> None:
    # A line end or a quote further on must not change what the string is.
    assembly = assemble_program(f'#d "{text}", "end"')
    assert assembly.bytes == end_lines(text).encode() + b"end"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 % 0", "division by zero"),
        ("1 << -1", "negative number of bits"),
        ("1 >> -1", "negative number of bits"),
        ("1 && 1 == 1", "expected a boolean, found an integer"),
        ("1 == 1 && 1", "expected a boolean, found an integer"),
        ("1 ? 2 : 3", "expected a boolean, found an integer"),
        ("(1 == 1) + 1", "`+` cannot be applied to the boolean `true` and an integer"),
        ("-(1 == 1)", "`-` needs an integer, not the boolean `true`"),
        ("1 @ 0x1", "the left side of `@` has no definite size"),
        ("0x1 @ 1", "the right side of `@` has no definite size"),
        ("5[1:2]", "the slice ends at bit 1, below bit 2"),
        ("(1 == 1)`8", "only an integer can be sliced"),
        ("5`(-1)", "not negative, not -1"),
        ("le(0x123)", "`le` needs whole bytes, not 12 bits"),
        ("le(5)", "expected a value of definite size"),
        ("strlen(5)", "expected a string, not an integer"),
        ("le()", "`le` takes 1 argument, 0 given"),
        ("assert(1 == 1) + 1", "`+` cannot be applied to no value and an integer"),
        ("1 << 70000", "too large"),
        ("0 @ 0", "no definite size"),
    ],
)
def test_what_operators_refuse(expression: str, message: str) -> None:
    assert message in refusal(expression)


def test_only_the_side_that_is_needed_is_evaluated() -> None:
    assert value("1 == 1 || 1 / 0 == 1 ? 5 : 1 / 0") == 5
    assert value("1 == 2 && 1 / 0 == 1 ? 1 / 0 : 6") == 6


def test_booleans_have_operators_of_their_own() -> None:
    assert value("((1 == 1) & (1 == 2)) | true ^ false ? 1 : 2") == 1
    assert value("true != false ? 1 : 2") == 1
