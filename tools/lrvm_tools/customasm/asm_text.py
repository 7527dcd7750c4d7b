"""The lines of `asm` blocks: labels, and instructions with parameters to substitute
(section 5 of the specification)."""

from __future__ import annotations

import re
from typing import Final

from .asm_nodes import AsmInstruction, AsmLabel, Piece
from .language import Language
from .problems import ParseError
from .tokens import END, NAME, STRING, Cursor

_SIMPLE: Final = re.compile(r'[^\n{};"]*')
"""The part of an instruction that needs no closer look to find its end."""


def parse_lines(
    text: str, start: int, end: int, language: Language
) -> list[AsmLabel | AsmInstruction]:
    """Parse what stands between the braces of an `asm` block. Raises ParseError."""
    cursor = Cursor(text, start, end, language)
    lines: list[AsmLabel | AsmInstruction] = []
    while True:
        token = cursor.peek()
        if token.kind == END:
            return lines
        if token.kind == "#":
            raise ParseError(token.start, token.end, "invalid content for `asm` block")
        if token.kind == "." and (declared := _declaration(cursor)):
            raise ParseError(
                token.start, declared, "only top-level labels are permitted in `asm` blocks"
            )
        if token.kind == NAME:
            following = _after(cursor)
            if following == "=":
                message = "only labels are permitted in `asm` blocks"
                raise ParseError(token.start, token.end, message)
            if following == ":":
                cursor.take()
                cursor.take()
                lines.append(AsmLabel(cursor.word(token), token.start, token.end))
                continue
        stop = instruction_end(text, token.start, end, language)
        if stop == token.start:
            raise ParseError(token.start, token.end, "invalid content for `asm` block")
        lines.append(_instruction(text, token.start, stop, language))
        cursor.move(stop)
        cursor.expect_line()


def instruction_end(text: str, start: int, end: int, language: Language) -> int:
    """The end of the instruction that starts at `start`: it runs to a line break outside braces
    or to an unmatched `}`; ignorable text at its end does not belong to it (section 2)."""
    simple = _SIMPLE.match(text, start, end)
    assert simple is not None
    stop = simple.end()
    if (
        stop == end
        or text[stop] == "\n"
        or (text[stop] == ";" and text[stop + 1 : stop + 2] != "*")
    ):
        return start + len(simple.group().rstrip(" \t\r"))
    cursor = Cursor(text, start, end, language)
    depth = 0
    last = start
    while True:
        token = cursor.peek()
        if token.kind == END or (token.line >= 0 and depth == 0 and token.start > start):
            return last
        if token.kind == "{":
            depth += 1
        elif token.kind == "}":
            if depth == 0:
                return last
            depth -= 1
        last = cursor.take().end


def _after(cursor: Cursor) -> str:
    """The kind of the token after the next one; line breaks do not count."""
    position = cursor.position
    cursor.take()
    kind = cursor.kind
    cursor.move(position)
    return kind


def _declaration(cursor: Cursor) -> int:
    """The end of a dotted name that a `:` or `=` follows; 0 if that is not what comes."""
    position = cursor.position
    while cursor.accept("."):
        pass
    end = cursor.take().end if cursor.kind == NAME else 0
    declares = end and cursor.kind in (":", "=")
    cursor.move(position)
    return end if declares else 0


def _instruction(text: str, start: int, end: int, language: Language) -> AsmInstruction:
    pieces: list[Piece] = []
    cursor = Cursor(text, start, end, language)
    done = start
    while cursor.kind != END:
        token = cursor.take()
        if token.kind == STRING or token.kind != "{":
            continue
        if done < token.start:
            pieces.append(Piece(text[done : token.start], done, token.start, False))
        name = cursor.expect(NAME)
        done = cursor.expect("}").end
        pieces.append(Piece(cursor.word(name), token.start, done, True))
    if done < end:
        pieces.append(Piece(text[done:end], done, end, False))
    return AsmInstruction(text[start:end], start, end, pieces)
