"""From text to tokens.

The kind of an operator or bracket is its own text. `$` and `%` are tokens of their own: only the
parser knows whether a value is expected there, and so whether they start a number.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..customasm.source import Source, Span
from .errors import Report
from .quick import LINE, QuickReader

IDENTIFIER: Final = "identifier"
NUMBER: Final = "number"
STRING: Final = "string"
NEWLINE: Final = "end of line"
END: Final = "end of file"
INSTRUCTION: Final = "instruction"
"""A whole instruction, where it is of the usual form (see `quick`)."""
INVALID: Final = "invalid"
"""Characters that are no token; reported already."""

_TOKEN = re.compile(
    r"""
    [ \t\r]*
    (?:
      (?P<identifier> [A-Za-z_] [A-Za-z0-9_]* )
    | (?P<number> [0-9] [A-Za-z0-9_]* )
    | (?P<operator> << | >> | <= | >= | == | != | && | \|\| | => | [-+*/%&|^!?:.,=<>@\#`$(){}\[\]] )
    | (?P<newline> (?: ; (?!\*) [^\n]* )? \n [ \t\r\n]* )
    | (?P<string> " [^"\\\n]* (?: \\ [^\n] [^"\\\n]* )* " )
    | (?P<quote> " )
    | (?P<block> ;\* )
    | (?P<character> ' [^'\n]* ' )
    | (?P<end> (?: ; [^\n]* )? \Z )
    | (?P<other> . )
    )""",
    re.VERBOSE,
)
_LONG_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_AFTER_STRING = re.compile(r"[ \t\r]*(?:[-+*/%&|^!?:,=<>@`)}\];\n\[]|\Z)")
_BLOCK_MARK = re.compile(r";\*|\*;")


class Token(NamedTuple):
    """A token and the offset of its first character."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokenize(source: Source, report: Report, quick: QuickReader) -> list[Token]:
    """The tokens of a source, ending with an END token. Instruction lines that `quick` knows are
    one token.

    Characters that belong to no token are reported and become INVALID tokens.
    """
    text = source.text
    tokens: list[Token] = []
    append = tokens.append
    scan = _TOKEN.match
    position = complained = 0
    at_line_start = True
    scan_line = LINE.match
    while True:
        if at_line_start:
            line = scan_line(text, position)
            if line is not None and quick.knows(line.group(1), line.group(2)):
                append(Token(INSTRUCTION, line.group(1), line.start(1)))
                append(Token(NEWLINE, "", line.start(3)))
                position = line.end()
                continue
            at_line_start = False
        match = scan(text, position)
        assert match is not None, "the last alternatives match anything"
        group = match.lastgroup
        start, position = match.span(group or 0)
        if group == "identifier":
            append(Token(IDENTIFIER, text[start:position], start))
        elif group == "operator":
            operator = text[start:position]
            append(Token(operator, operator, start))
        elif group == "number":
            append(Token(NUMBER, text[start:position], start))
        elif group == "newline":
            append(Token(NEWLINE, "", start))
            at_line_start = True
        elif group == "string":
            append(Token(STRING, text[start:position], start))
        elif group == "end":
            append(Token(END, "", start))
            return tokens
        elif group == "block":
            position = _skip_block_comment(source, start, report)
        elif group == "quote" and (long_string := _long_string(source, start)):
            append(long_string)
            position = long_string.end
        else:
            position = _skip_line(text, start) if group == "quote" else position
            append(Token(INVALID, text[start:position], start))
            # One complaint about a line is enough: the parser skips the rest of it.
            if start >= complained:
                _complain(Span(source, start, position), report)
                complained = _skip_line(text, start)


def _skip_block_comment(source: Source, start: int, report: Report) -> int:
    """The offset after the block comment at `start`. Block comments nest."""
    depth = 0
    for mark in _BLOCK_MARK.finditer(source.text, start):
        depth += 1 if mark.group() == ";*" else -1
        if depth == 0:
            return mark.end()
    report.add(
        Span(source, start, start + 2),
        "unterminated block comment",
        "`;*` opens a comment that `*;` closes; such comments nest",
    )
    return len(source.text)


def _skip_line(text: str, start: int) -> int:
    """The offset of the end of the line."""
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _long_string(source: Source, start: int) -> Token | None:
    """A string over several lines.

    What follows its closing quote must be able to follow a string: otherwise that quote opens
    another string, and the one at `start` was never closed on its line.
    """
    match = _LONG_STRING.match(source.text, start)
    if match and _AFTER_STRING.match(source.text, match.end()):
        return Token(STRING, match.group(), start)
    return None


def _complain(span: Span, report: Report) -> None:
    """Report characters that are no token."""
    character = span.text[0]
    if character == '"':
        report.add(span, "unterminated string", 'expected a closing `"`')
    elif character == "'":
        report.add(span, "unexpected character `'`", "strings are written in double quotes")
    else:
        shown = character if character.isprintable() else f"U+{ord(character):04X}"
        report.add(span, f"unexpected character `{shown}`")
