"""A cursor over tokens, shared by the parsers of expressions and statements."""

from __future__ import annotations

from collections.abc import Sequence

from ..customasm.source import Source, Span
from .errors import AlreadyReportedError, SourceError
from .tokens import END, IDENTIFIER, INVALID, NEWLINE, NUMBER, STRING, Token

LINE_ENDS = frozenset((NEWLINE, END, "}"))
"""Kinds of token that a statement may end before."""


class TokenStream:
    """The tokens of one source and the position reached.

    Inside brackets line ends do not count, unless `one_line` says that they do, as for
    instructions.
    """

    def __init__(self, source: Source, tokens: Sequence[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.position = 0
        self.brackets = 0
        self.one_line = False
        self.token = tokens[0]
        self.kind = self.token.kind

    def advance(self) -> Token:
        """Step over the current token and return it."""
        token = self.token
        if token.kind != END:
            self.position += 1
            self.token = self.tokens[self.position]
            self.kind = self.token.kind
        if self.brackets:
            self.skip_line_ends()
        return token

    def move_to(self, position: int) -> None:
        """Make the token at `position`, at most the END token, the current one."""
        self.position = min(position, len(self.tokens) - 1)
        self.token = self.tokens[self.position]
        self.kind = self.token.kind

    def skip_line_ends(self) -> None:
        if not self.one_line:
            while self.kind == NEWLINE:
                self.move_to(self.position + 1)

    def peek(self, distance: int = 1) -> Token:
        """The token `distance` after the current one."""
        return self.tokens[min(self.position + distance, len(self.tokens) - 1)]

    def accept(self, kind: str) -> bool:
        """Step over the current token if it is of this kind."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def expect(self, kind: str, wanted: str = "", hint: str = "") -> Token:
        """Step over a token of this kind; raise if another one is there."""
        if self.kind != kind:
            raise self.unexpected(wanted or show_kind(kind), hint)
        return self.advance()

    def open_bracket(self) -> Token:
        """Step over an opening bracket and, as allowed, line ends after it."""
        self.brackets += 1
        return self.advance()

    def close_bracket(self, opening: Token, kind: str) -> Token:
        """Step over the bracket that closes `opening`."""
        if self.kind != kind:
            # Told at the end of the line before, if the bracket is missing there.
            while self.tokens[self.position - 1].kind == NEWLINE:
                self.move_to(self.position - 1)
            place = self.span(opening.start, opening.end)
            where = f"line {place.line}, column {place.column}"
            raise self.unexpected(f"`{kind}`", f"it closes the `{opening.text}` at {where}")
        self.brackets -= 1
        return self.advance()

    def adjacent(self, token: Token) -> bool:
        """Whether the current token follows `token` without a space."""
        return token.end == self.token.start

    @property
    def at_line_end(self) -> bool:
        return self.kind in LINE_ENDS

    @property
    def previous_end(self) -> int:
        """Offset after the token before the current one, line ends left out."""
        position = self.position - 1
        while position > 0 and self.tokens[position].kind == NEWLINE:
            position -= 1
        return self.tokens[position].end

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def span_of(self, token: Token) -> Span:
        return Span(self.source, token.start, token.start + len(token.text))

    def unexpected(self, wanted: str, hint: str = "") -> SourceError | AlreadyReportedError:
        """The error that says what was wanted in place of the current token."""
        token = self.token
        if token.kind == INVALID:
            return AlreadyReportedError()
        found = f"`{_shorten(token.text)}`"
        if token.kind in (NEWLINE, END, STRING):
            found = show_kind(token.kind)
        return SourceError(self.span_of(token), f"expected {wanted}, found {found}", hint)


def show_kind(kind: str) -> str:
    """A kind of token as messages name it."""
    if kind in (NEWLINE, END):
        return f"the {kind}"
    if kind in (IDENTIFIER, NUMBER, STRING):
        article = "an" if kind[0] in "aeiou" else "a"
        return f"{article} {kind}"
    return f"`{kind}`"


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
