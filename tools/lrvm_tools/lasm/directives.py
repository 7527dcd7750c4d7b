"""Parsing of directives, the lines that start with `#`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..customasm.diagnostics import did_you_mean
from ..customasm.source import Span
from .errors import SourceError, WholeLanguageError
from .limits import BLOCK_NESTING, INTEGER_BITS
from .literals import parse_string
from .syntax import (
    Address,
    Align,
    Assertion,
    Broken,
    Conditional,
    Constant,
    Data,
    Expression,
    Function,
    Include,
    Reserve,
    Statement,
)
from .tokens import END, IDENTIFIER, NEWLINE, STRING

if TYPE_CHECKING:
    from .parser import StatementParser

_DATA = re.compile("d([0-9]*)")

_WHOLE: Final = frozenset(("bank", "bankdef", "ruledef", "subruledef"))
"""Directives of programs with rules or banks of their own, which `whole` assembles."""

_DEPRECATED: Final = frozenset(("bits", "labelalign", "noemit"))
"""Directives that the language gave up."""


class DirectiveParser:
    """Parses directives for a statement parser; `once` tells whether `#once` was seen."""

    def __init__(self, parser: StatementParser) -> None:
        self.once = False
        self._parser = parser
        self._stream = parser.stream
        self._expressions = parser.expressions
        self._depth = 0
        self._table: Final[dict[str, Callable[[Span], Statement | None]]] = {
            "addr": self._addr,
            "align": self._align,
            "assert": self._assert,
            "const": self._const,
            "elif": self._stray,
            "else": self._stray,
            "fn": self._fn,
            "if": self._if,
            "include": self._include,
            "once": self._once,
            "res": self._res,
        }

    def parse(self) -> Statement | None:
        """Parse the directive at the current `#`."""
        stream = self._stream
        start = stream.advance().start
        token = stream.expect(IDENTIFIER, "the name of a directive")
        span = stream.span(start, token.end)
        name = token.text.lower()
        if name in self._table:
            return self._table[name](span)
        data = _DATA.fullmatch(name)
        if data:
            return self._data(span, data.group(1))
        if name in _WHOLE:
            raise WholeLanguageError
        self._skip_block()
        if name in _DEPRECATED:
            raise SourceError(span, f"the directive `#{name}` is not supported")

        def hint() -> str:
            found = did_you_mean(name, (*self._table, "d", "d8", "d16", "d32", "d64"))
            return found.replace("`", "`#", 1)

        raise SourceError(span, f"unknown directive `#{token.text}`", hint)

    def _expression_line(self) -> Expression:
        value = self._expressions.parse()
        self._parser.end_line()
        return value

    def _data(self, span: Span, digits: str) -> Data:
        width = None
        if digits:
            # Comparing lengths first: converting a huge number of digits takes long.
            width = int(digits) if len(digits) < 10 else INTEGER_BITS + 1
            if not 1 <= width <= INTEGER_BITS:
                raise SourceError(span, f"data is 1 to {INTEGER_BITS} bits wide")
        values = [self._expressions.parse()]
        while self._stream.accept(","):
            if self._stream.at_line_end:
                break
            values.append(self._expressions.parse())
        if not self._stream.at_line_end:
            raise self._stream.unexpected("`,` or the end of the line")
        return Data(span, width, tuple(values))

    def _res(self, span: Span) -> Reserve:
        return Reserve(span, self._expression_line())

    def _align(self, span: Span) -> Align:
        return Align(span, self._expression_line())

    def _addr(self, span: Span) -> Address:
        return Address(span, self._expression_line())

    def _assert(self, span: Span) -> Assertion:
        return Assertion(span, self._expression_line())

    def _const(self, span: Span) -> Constant:
        return self._parser.constant(self._parser.defined_name())

    def _once(self, span: Span) -> None:
        self._parser.end_line()
        self.once = True

    def _include(self, span: Span) -> Include:
        token = self._stream.expect(STRING, "a file name in double quotes")
        where = self._stream.span_of(token)
        name = parse_string(token.text, where)
        if name.startswith("<std>/"):
            raise WholeLanguageError
        self._parser.end_line()
        return Include(where, name)

    def _fn(self, span: Span) -> Function:
        stream = self._stream
        start = stream.position
        token = stream.expect(IDENTIFIER, "the name of the function")
        name = stream.span_of(token)
        parsed = self._parser.guarded(self._signature_and_body)
        parameters, body = parsed or ((), Broken(name))
        return Function(name, token.text, parameters, body, stream.position - start)

    def _signature_and_body(self) -> tuple[tuple[str, ...], Expression]:
        stream = self._stream
        if stream.kind != "(":
            raise stream.unexpected("`(` and the parameters")
        opening = stream.open_bracket()
        parameters: list[str] = []
        while stream.kind != ")":
            token = stream.expect(IDENTIFIER, "the name of a parameter or `)`")
            if token.text in parameters:
                raise SourceError(stream.span_of(token), f"duplicate parameter `{token.text}`")
            parameters.append(token.text)
            if not stream.accept(","):
                break
        stream.close_bracket(opening, ")")
        stream.expect("=>", "`=>` and the function's value")
        stream.skip_line_ends()
        return tuple(parameters), self._expression_line()

    def _if(self, span: Span) -> Conditional | None:
        if self._depth == BLOCK_NESTING:
            self._skip_block()
            raise SourceError(span, f"`#if` is nested more than {BLOCK_NESTING} deep")
        self._depth += 1
        try:
            branches = []
            otherwise: tuple[Statement, ...] = ()
            arm = "elif"
            while arm == "elif":
                branches.append((self._condition(span), self._block()))
                arm = self._next_arm()
            if arm == "else":
                otherwise = self._block()
            return Conditional(span, tuple(branches), otherwise)
        finally:
            self._depth -= 1

    def _condition(self, span: Span) -> Expression:
        condition = self._parser.guarded(self._expressions.parse)
        if condition is not None:
            return condition
        # The rest of the line was skipped; the block that ends it is still to be parsed.
        if self._stream.peek(-1).kind == "{":
            self._stream.move_to(self._stream.position - 1)
        return Broken(span)

    def _block(self) -> tuple[Statement, ...]:
        """`{`, statements and `}`."""
        stream = self._stream
        stream.skip_line_ends()
        opening = stream.token
        stream.expect("{", "`{` and what the condition guards")
        statements = self._parser.statements(nested=True)
        if stream.kind == END:
            self._parser.report.add(stream.span_of(opening), "this `{` is never closed")
        stream.advance()
        return tuple(statements)

    def _next_arm(self) -> str:
        """Step over `#elif` or `#else`, if that comes next, and return its name."""
        stream = self._stream
        distance = 0
        while stream.peek(distance).kind == NEWLINE:
            distance += 1
        name = stream.peek(distance + 1).text.lower()
        if stream.peek(distance).kind != "#" or name not in ("elif", "else"):
            return ""
        stream.move_to(stream.position + distance + 2)
        return name

    def _stray(self, span: Span) -> None:
        self._skip_block()
        raise SourceError(span, f"`{span.text}` without an `#if` before it")

    def _skip_block(self) -> None:
        """Skip to the end of the line or, if a block in braces starts there, of that block."""
        stream = self._stream
        while stream.kind not in (NEWLINE, END, "{", "}"):
            stream.move_to(stream.position + 1)
        distance = 0
        while stream.peek(distance).kind == NEWLINE:
            distance += 1
        if stream.peek(distance).kind != "{":
            return
        stream.move_to(stream.position + distance)
        depth = 0
        while stream.kind != END:
            depth += {"{": 1, "}": -1}.get(stream.kind, 0)
            stream.move_to(stream.position + 1)
            if depth == 0:
                return
