"""The rules of `#ruledef` and `#subruledef`: patterns and bodies (section 5)."""

from __future__ import annotations

import re
from typing import Final

from .grammar import ExpressionParser
from .problems import Origin, ParseError
from .statements import Parameter, RuleDefinition
from .tokens import END, NAME, Cursor, is_pattern_token

_SPACE: Final = re.compile(r"[ \t\r]+")


def parse_rules(cursor: Cursor, origin: Origin, is_sub: bool) -> list[RuleDefinition]:
    """Parse rules up to the closing brace. Raises ParseError."""
    rules: list[RuleDefinition] = []
    while cursor.kind != "}":
        start = cursor.peek().start
        parts = _pattern(cursor, is_sub)
        end = cursor.position
        token = cursor.peek()
        if token.kind != "=>" or token.line >= 0:
            raise cursor.missing("`=>`")
        if parts is None:
            raise ParseError(token.start, token.end, "expected pattern")
        cursor.take()
        body = ExpressionParser(cursor).parse()
        cursor.expect_line()
        rules.append(RuleDefinition(origin.span(start, end), parts, body, origin))
    return rules


def _pattern(cursor: Cursor, is_sub: bool) -> list[str | Parameter | None] | None:
    """The parts of a pattern; None if there are none."""
    text = cursor.text
    parts: list[str | Parameter | None] = []
    cursor.move(cursor.peek().start)
    while True:
        space = _SPACE.match(text, cursor.position, cursor.end)
        if space is not None:
            token = Cursor(text, space.end(), cursor.end).peek()
            if token.kind == "=>" and token.start == space.end():
                return parts or None
            cursor.move(space.end())
            parts.append(None)
            continue
        token = cursor.peek()
        if token.start != cursor.position:
            # A line break or a comment.
            raise ParseError(cursor.position, cursor.position + 1, "invalid pattern token")
        if token.kind == "=>":
            return parts or None
        if token.kind == "{":
            cursor.take()
            if is_sub and not parts and cursor.kind == "}":
                cursor.take()
                return parts
            names = {part.name for part in parts if isinstance(part, Parameter)}
            parts.append(_parameter(cursor, names))
        elif is_pattern_token(token.kind) or (cursor.language.later and token.kind == ":"):
            cursor.take()
            parts.extend(cursor.word(token).lower())
        elif token.kind == END:
            raise cursor.missing("`=>`")
        else:
            raise ParseError(token.start, token.end, "invalid pattern token")


def _parameter(cursor: Cursor, names: set[str]) -> Parameter:
    """`name}` or `name: type}`."""
    token = cursor.expect(NAME)
    name = cursor.word(token)
    if name in names:
        raise ParseError(token.start, token.end, f"duplicate parameter `{name}`")
    type_name = None
    type_token = token
    if cursor.accept(":"):
        type_token = cursor.expect(NAME)
        type_name = cursor.word(type_token)
    cursor.expect("}")
    return Parameter(name, type_name, (type_token.start, type_token.end))
