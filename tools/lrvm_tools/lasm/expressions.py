"""The expression parser: precedence climbing over a token stream."""

from __future__ import annotations

from typing import Final

from ..customasm.source import Span
from .errors import SourceError, WholeLanguageError
from .limits import NESTING
from .literals import parse_digits, parse_number, parse_string
from .stream import TokenStream
from .syntax import (
    Binary,
    Call,
    Choice,
    Expression,
    Here,
    Literal,
    Name,
    Sequenced,
    Slice,
    Sliced,
    Unary,
)
from .tokens import IDENTIFIER, NUMBER, STRING
from .values import Text

_OPERATORS: Final = (
    ("@",),
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
"""Binary operators from loosest to tightest. `?:` is looser than all, slices are tighter, prefix
operators tightest."""

_PRECEDENCE: Final = {
    operator: level for level, row in enumerate(_OPERATORS, start=1) for operator in row
}
_PREFIXES: Final = frozenset("-!")
_BOOLEANS: Final = {"true": True, "false": False}
_RESERVED: Final = frozenset(("asm", "true", "false"))


class ExpressionParser:
    """Parses expressions from a stream; `parse` raises SourceError where there is none."""

    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream
        self._depth = 0

    def parse(self) -> Expression:
        """Parse one expression."""
        self._depth = 0
        return self._expression()

    def name(self) -> Name:
        """Parse a name: dots, then identifiers with dots between them."""
        stream = self._stream
        start = stream.token.start
        level = 0
        while stream.kind == ".":
            stream.advance()
            level += 1
        path = [self._identifier()]
        while stream.kind == ".":
            stream.advance()
            path.append(self._identifier())
        return Name(stream.span(start, stream.previous_end), level, tuple(path))

    def _identifier(self) -> str:
        token = self._stream.expect(IDENTIFIER, "a name")
        if token.text in _RESERVED:
            if token.text == "asm" and self._stream.kind == "{":
                raise WholeLanguageError
            span = self._stream.span_of(token)
            raise SourceError(span, f"`{token.text}` is a reserved word, not a name")
        return token.text

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > NESTING:
            span = self._stream.span_of(self._stream.token)
            raise SourceError(span, "the expression is nested too deeply", "name parts of it")

    def _expression(self) -> Expression:
        stream = self._stream
        self._enter()
        start = stream.token.start
        value = self._binary(1)
        cases = []
        while stream.kind == "?":
            stream.advance()
            stream.skip_line_ends()
            chosen = self._expression()
            stream.expect(":", "`:` and what holds otherwise")
            stream.skip_line_ends()
            cases.append((value, chosen))
            value = self._binary(1)
        self._depth -= 1
        if not cases:
            return value
        return Choice(stream.span(start, stream.previous_end), tuple(cases), value)

    def _binary(self, loosest: int) -> Expression:
        """Parse operators of precedence `loosest` and tighter."""
        value = self._sliced()
        stream = self._stream
        level = _PRECEDENCE.get(stream.kind, 0)
        if level < loosest:
            return value
        self._enter()
        start = value.span.start
        while level >= loosest:
            rest = []
            while _PRECEDENCE.get(stream.kind) == level:
                operator = stream.advance().kind
                stream.skip_line_ends()
                rest.append((operator, self._binary(level + 1)))
            value = Binary(stream.span(start, stream.previous_end), value, tuple(rest))
            level = _PRECEDENCE.get(stream.kind, 0)
        self._depth -= 1
        return value

    def _sliced(self) -> Expression:
        operand = self._prefixed()
        stream = self._stream
        if stream.kind != "`" and stream.kind != "[":
            return operand
        slices = []
        while stream.kind in ("`", "["):
            opening = stream.token
            if opening.kind == "`":
                stream.advance()
                high, low = self._primary(), None
            else:
                stream.open_bracket()
                high = self._expression()
                stream.expect(":", "`:` and the lowest bit of the slice")
                low = self._expression()
                stream.close_bracket(opening, "]")
            slices.append(Slice(stream.span(opening.start, stream.previous_end), high, low))
        span = stream.span(operand.span.start, stream.previous_end)
        return Sliced(span, operand, tuple(slices))

    def _prefixed(self) -> Expression:
        stream = self._stream
        if stream.kind not in _PREFIXES:
            return self._primary()
        start = stream.token.start
        operators = []
        while stream.kind in _PREFIXES:
            operators.append(stream.advance().kind)
        operand = self._primary()
        return Unary(stream.span(start, stream.previous_end), tuple(operators), operand)

    def _primary(self) -> Expression:
        stream = self._stream
        token = stream.token
        kind = token.kind
        if kind == NUMBER:
            stream.advance()
            span = stream.span_of(token)
            return Literal(span, parse_number(token.text, span))
        if kind == IDENTIFIER and token.text in _BOOLEANS:
            stream.advance()
            return Literal(stream.span_of(token), _BOOLEANS[token.text])
        if kind in (IDENTIFIER, "."):
            name = self.name()
            return self._call(name) if stream.kind == "(" else name
        if kind == STRING:
            stream.advance()
            span = stream.span_of(token)
            return Literal(span, Text(parse_string(token.text, span)))
        if kind == "$":
            return self._dollar()
        if kind == "%":
            return self._binary_number()
        if kind == "(":
            stream.open_bracket()
            value = self._expression()
            stream.close_bracket(token, ")")
            return value
        if kind == "{":
            return self._sequence()
        hint = "comments start with `;`" if kind == "/" else ""
        raise stream.unexpected("an expression", hint)

    def _dollar(self) -> Expression:
        """`$1F`, or `$` alone for the current address."""
        stream = self._stream
        dollar = stream.advance()
        if stream.kind not in (NUMBER, IDENTIFIER) or not stream.adjacent(dollar):
            return Here(stream.span_of(dollar))
        return self._prefixed_number(dollar.start, 16)

    def _binary_number(self) -> Expression:
        """`%1010`."""
        stream = self._stream
        percent = stream.token
        if stream.peek().kind != NUMBER or stream.peek().start != percent.end:
            raise stream.unexpected(
                "an expression", "a binary number has its digits right after `%`"
            )
        stream.advance()
        return self._prefixed_number(percent.start, 2)

    def _prefixed_number(self, start: int, radix: int) -> Expression:
        token = self._stream.advance()
        span = self._stream.span(start, token.end)
        return Literal(span, parse_digits(token.text, radix, span))

    def _call(self, function: Name) -> Expression:
        stream = self._stream
        opening = stream.open_bracket()
        arguments = []
        while stream.kind != ")":
            arguments.append(self._expression())
            if not stream.accept(","):
                break
        stream.close_bracket(opening, ")")
        span = Span(stream.source, function.span.start, stream.previous_end)
        return Call(span, function, tuple(arguments))

    def _sequence(self) -> Expression:
        """`{ a, b }`; line ends separate as commas do."""
        stream = self._stream
        self._enter()
        opening = stream.token
        outer, stream.brackets = stream.brackets, 0
        stream.advance()
        parts = []
        stream.skip_line_ends()
        while stream.kind != "}":
            parts.append(self._expression())
            after = stream.position
            stream.accept(",")
            stream.skip_line_ends()
            if stream.position == after:
                break
        stream.brackets = outer + 1
        stream.close_bracket(opening, "}")
        self._depth -= 1
        return Sequenced(stream.span(opening.start, stream.previous_end), tuple(parts))
