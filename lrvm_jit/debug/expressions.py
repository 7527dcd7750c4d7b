"""Expressions of the debugger: over registers, flags, symbols, counters and memory.

Numbers are decimal, or 0x hexadecimal, 0b binary, or a character in quotes. Operators are those
of Python and C, with C's order: `||  &&  |  ^  &  == !=  < <= > >=  << >>  + -  * / %`, then
`- ~ !` before a value. Values are whole numbers of any size; a comparison with a negative number
means the word that it would be. `[address]` is the word there, as the guest would read it. A name
is a register, else a symbol of the program, else a flag (`zf cf of sf ef zuf zlf`) or `cycles`,
`position`, `mode`; `sp` is the stack pointer of the mode.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

WORD: Final = 0xFFFF_FFFF
_LONGEST: Final = 10_000
_DEEPEST: Final = 100


class ExpressionError(ValueError):
    """What is no expression, or has no value here; the message says where and why."""


class Scope(Protocol):
    """Where names and memory get their values."""

    def knows(self, name: str) -> bool:
        """Whether there is such a name at all."""

    def value(self, name: str) -> int:
        """The value of a name."""

    def word(self, address: int) -> int:
        """The word at a virtual address. ExpressionError if it cannot be looked at."""


Value = Callable[[Scope], int]


class Expression(NamedTuple):
    """A parsed expression: its text, and what computes it."""

    text: str
    compute: Value

    def __call__(self, scope: Scope) -> int:
        """Its value. ExpressionError if it has none."""
        return self.compute(scope)


_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*)"
    r"|(?P<char>'(?:[^'\\]|\\.)'|\"(?:[^\"\\]|\\.)\")"
    r"|\$?(?P<name>[A-Za-z_.][A-Za-z0-9_.]*)"
    r"|(?P<operator>\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>()\[\]]))"
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def _divide(a: int, b: int) -> int:
    if b == 0:
        raise ExpressionError("division by zero")
    return a // b


def _remainder(a: int, b: int) -> int:
    if b == 0:
        raise ExpressionError("division by zero")
    return a % b


def _shift(a: int, b: int, left: bool) -> int:
    if not 0 <= b <= 4096:
        raise ExpressionError(f"a shift by {b} bits")
    return a << b if left else a >> b


def _compare(test: Callable[[int, int], bool]) -> Callable[[int, int], int]:
    def compare(a: int, b: int) -> int:
        if a < 0 or b < 0:
            a, b = a & WORD, b & WORD
        return int(test(a, b))

    return compare


_BINARY: Final[tuple[dict[str, Callable[[int, int], int]], ...]] = (
    {"|": lambda a, b: a | b},
    {"^": lambda a, b: a ^ b},
    {"&": lambda a, b: a & b},
    {"==": _compare(lambda a, b: a == b), "!=": _compare(lambda a, b: a != b)},
    {
        "<": _compare(lambda a, b: a < b),
        "<=": _compare(lambda a, b: a <= b),
        ">": _compare(lambda a, b: a > b),
        ">=": _compare(lambda a, b: a >= b),
    },
    {"<<": lambda a, b: _shift(a, b, True), ">>": lambda a, b: _shift(a, b, False)},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": _divide, "%": _remainder},
)
"""Operators by rank, the weakest first; `||` and `&&` come before these."""


def parse(text: str, scope: Scope) -> Expression:
    """The expression of a text. ExpressionError for one that is none, or has unknown names."""
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters is too long")
    parser = _Parser(text, scope)
    value = parser.either()
    parser.end()
    return Expression(text.strip(), value)


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._at = 0
        self._depth = 0
        self._kind = self._token = ""
        self._next()

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at :].strip()
            if rest:
                raise ExpressionError(f"{rest[:20]!r} is not understood in {self._text.strip()!r}")
            self._kind = self._token = ""
            return
        self._at = match.end()
        self._kind = match.lastgroup or ""
        self._token = match[self._kind]

    def end(self) -> None:
        if self._kind:
            raise ExpressionError(f"{self._token!r} is left over in {self._text.strip()!r}")

    def _take(self, *operators: str) -> str | None:
        if self._kind == "operator" and self._token in operators:
            token = self._token
            self._next()
            return token
        return None

    def _need(self, operator: str) -> None:
        if self._take(operator) is None:
            found = repr(self._token) if self._kind else "the end"
            raise ExpressionError(
                f"{operator!r} is missing before {found} in {self._text.strip()!r}"
            )

    def either(self) -> Value:
        left = self._both()
        while self._take("||"):
            right = self._both()
            left = _or(left, right)
        return left

    def _both(self) -> Value:
        left = self._ranked(0)
        while self._take("&&"):
            right = self._ranked(0)
            left = _and(left, right)
        return left

    def _ranked(self, rank: int) -> Value:
        if rank == len(_BINARY):
            return self._unary()
        left = self._ranked(rank + 1)
        operators = _BINARY[rank]
        while (token := self._take(*operators)) is not None:
            left = _apply(operators[token], left, self._ranked(rank + 1))
        return left

    def _unary(self) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError(f"{self._text[:40]!r}... is nested too deeply")
        try:
            match self._take("-", "~", "!", "+", "(", "["):
                case "-":
                    value = self._unary()
                    return lambda scope: -value(scope)
                case "~":
                    value = self._unary()
                    return lambda scope: ~value(scope) & WORD
                case "!":
                    value = self._unary()
                    return lambda scope: int(not value(scope))
                case "+":
                    return self._unary()
                case "(":
                    value = self.either()
                    self._need(")")
                    return value
                case "[":
                    value = self.either()
                    self._need("]")
                    return lambda scope: scope.word(value(scope) & WORD)
            return self._atom()
        finally:
            self._depth -= 1

    def _atom(self) -> Value:
        kind, token = self._kind, self._token
        if kind == "number":
            try:
                number = int(token, 0 if token[:2].lower() in ("0x", "0b") else 10)
            except ValueError:
                raise ExpressionError(f"{token!r} is no number") from None
            self._next()
            return lambda scope: number
        if kind == "char":
            character = token[1:-1]
            if character.startswith("\\"):
                character = _ESCAPES.get(character[1], character[1])
            self._next()
            return lambda scope: ord(character)
        if kind == "name":
            if not self._scope.knows(token):
                raise ExpressionError(f"there is no register, symbol or flag {token!r}")
            self._next()
            return lambda scope: scope.value(token)
        found = repr(token) if kind else "the end"
        raise ExpressionError(f"a value is missing before {found} in {self._text.strip()!r}")


def _apply(operator: Callable[[int, int], int], left: Value, right: Value) -> Value:
    return lambda scope: operator(left(scope), right(scope))


def _or(left: Value, right: Value) -> Value:
    return lambda scope: int(bool(left(scope)) or bool(right(scope)))


def _and(left: Value, right: Value) -> Value:
    return lambda scope: int(bool(left(scope)) and bool(right(scope)))
