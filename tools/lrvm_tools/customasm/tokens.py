"""Tokens of the language, read on demand at any offset (section 1 of the specification).

The matcher looks at parts of instructions that end in the middle of what would be a token, so
there is no list of tokens of a file: `Cursor` reads the next one from where it stands.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from .language import PLAIN, Language
from .problems import ParseError

NUMBER: Final = "number"
NAME: Final = "identifier"
STRING: Final = "string"
LINE: Final = "line break"
END: Final = "end"
BAD: Final = "bad"
"""Kinds of token. That of punctuation and of a keyword is its own text."""

KEYWORDS: Final = frozenset(("asm", "true", "false"))

HIDDEN: Final = "\ue000"
"""Starts names that stand for values in the text of `asm` blocks; no source can write it."""

_TOKEN: Final = re.compile(
    r"""
      (?P<number> [0-9][A-Za-z0-9_]* | \$[0-9a-fA-F_]+ | %[01_]+ )
    | (?P<identifier> [A-Za-z_\ue000][A-Za-z0-9_]* | \$ )
    | (?P<op> >>> | << | >> | <= | >= | == | != | && | \|\| | => | -> | <- | ::
      | [()\[\]{}.,:=\#+\-*/%?!&|^~@<>`] )
    | (?P<string> "[^"]*" )
    """,
    re.VERBOSE,
)
_ESCAPED: Final = re.compile(_TOKEN.pattern.replace('"[^"]*"', r'"(?:[^"\\]|\\.)*"'), _TOKEN.flags)
"""The same where a backslash protects a quote in a string."""
_SPACE: Final = re.compile(r"[ \t\r]*")
_COMMENT_MARK: Final = re.compile(r";\*|\*;")
PATTERN_SIGNS: Final = frozenset(
    ("(", ")", "[", "]", ".", ",", "->", "<-", "#", "+", "-", "*", "/", "%", "!", "&", "|", "^",
     "~", "@", "<", ">")
)  # fmt: skip
"""Punctuation that patterns of rules may contain (section 5)."""


class Token(NamedTuple):
    """A token, and the offset after the first line break skipped before it (-1: none was)."""

    kind: str
    start: int
    end: int
    line: int


def skip_comment(text: str, position: int, end: int) -> int:
    """The offset after the comment that starts at `position`."""
    if not text.startswith(";*", position, end):
        line = text.find("\n", position, end)
        return end if line < 0 else line
    depth = 0
    while True:
        mark = _COMMENT_MARK.search(text, position, end)
        if mark is None:
            return end
        depth += 1 if text[mark.start()] == ";" else -1
        position = mark.end()
        if depth == 0:
            return position


def skip_ignorable(text: str, position: int, end: int) -> int:
    """The offset after white space, comments and line breaks."""
    while position < end:
        char = text[position]
        if char in " \t\r\n":
            position += 1
        elif char == ";":
            position = skip_comment(text, position, end)
        else:
            break
    return position


def is_pattern_token(kind: str) -> bool:
    """Whether patterns of rules may contain tokens of this kind."""
    return kind in (NAME, NUMBER) or kind in PATTERN_SIGNS or kind in KEYWORDS


def literal_prefix(text: str, language: Language = PLAIN) -> str:
    """The first four characters of a text's leading tokens, lower case, by which rules are
    chosen (section 5)."""
    position = 0
    while position < 4:
        match = _TOKEN.match(text, position)
        if match is None:
            break
        kind = match.lastgroup or ""
        sign = match.group() if kind == "op" else kind
        if not is_pattern_token(sign) and not (sign == ":" and language.later):
            break
        position = match.end()
    return text[: min(position, 4)].lower()


class Cursor:
    """A place in a text. `position` is the end of the last token taken, where errors about what
    is missing are told; tokens beyond `end` do not exist."""

    __slots__ = (
        "_match", "_next", "_next_at", "block_ends_line", "end", "language", "position", "text",
    )  # fmt: skip

    def __init__(
        self, text: str, position: int = 0, end: int | None = None, language: Language = PLAIN
    ) -> None:
        self.text = text
        self.language = language
        self.block_ends_line = False
        """Whether a closing brace ends a line as well."""
        self._match = (_ESCAPED if language.quotes_escaped else _TOKEN).match
        self.position = position
        self.end = len(text) if end is None else end
        self._next: Token = Token(END, 0, 0, -1)
        self._next_at = -1

    def peek(self) -> Token:
        """The next token; line breaks before it are skipped."""
        position = self.position
        if self._next_at == position:
            return self._next
        text, end = self.text, self.end
        line = -1
        start = position
        while start < end:
            char = text[start]
            if char == " " or char == "\t" or char == "\r":
                start = _SPACE.match(text, start, end).end()  # type: ignore[union-attr]
            elif char == "\n":
                start += 1
                if line < 0:
                    line = start
            elif char == ";":
                start = skip_comment(text, start, end)
            else:
                break
        if start >= end:
            token = Token(END, end, end, line)
        else:
            match = self._match(text, start, end)
            if match is None:
                token = Token(BAD, start, start + 1, line)
            else:
                kind = match.lastgroup
                stop = match.end()
                if kind == "op" or (kind == NAME and text[start:stop] in KEYWORDS):
                    kind = text[start:stop]
                token = Token(kind, start, stop, line)  # type: ignore[arg-type]
        self._next = token
        self._next_at = position
        return token

    @property
    def kind(self) -> str:
        """The kind of the next token, line breaks skipped."""
        return self.peek().kind

    @property
    def line_kind(self) -> str:
        """The kind of the next token on this line: LINE if there is none."""
        token = self.peek()
        return token.kind if token.line < 0 else LINE

    def take(self) -> Token:
        """Step over the next token."""
        token = self.peek()
        self.position = token.end
        return token

    def move(self, position: int) -> None:
        self.position = position

    def accept(self, kind: str) -> bool:
        """Step over the next token if it is of this kind."""
        if self.peek().kind != kind:
            return False
        self.take()
        return True

    def expect(self, kind: str) -> Token:
        """Step over a token of this kind. Raises ParseError."""
        token = self.peek()
        if token.kind != kind:
            raise self.missing(kind if kind in (NUMBER, NAME, STRING) else f"`{kind}`")
        self.position = token.end
        return token

    def expect_line(self) -> None:
        """Step over a line break or the end of the text, or up to a brace that closes the line's
        block if `block_ends_line`. Raises ParseError."""
        token = self.peek()
        if token.line >= 0:
            self.position = token.line
        elif token.kind == END:
            self.position = token.end
        elif not (self.block_ends_line and token.kind == "}"):
            raise self.missing(LINE)

    def missing(self, what: str) -> ParseError:
        """The error for what is expected after the last token taken."""
        return ParseError(self.position, self.position, f"expected {what}")

    def word(self, token: Token) -> str:
        return self.text[token.start : token.end]
