"""Source texts and places in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lrvm_jit.locks import cached_property

_LINE_BREAK = re.compile("\n")


@dataclass(eq=False)
class Source:
    """One file's text: what messages call it, and the folder its includes start from."""

    path: str
    text: str
    folder: Path = Path()

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of each line's first character."""
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

    def line_number(self, offset: int) -> int:
        """The line, counted from 1, that holds the character at `offset`."""
        return bisect_right(self.line_starts, offset)

    def line_text(self, line: int) -> str:
        """The text of a line, counted from 1, without its end."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


class Span(NamedTuple):
    """The characters from `start` up to `end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.line_number(self.start)

    @property
    def column(self) -> int:
        """Counted from 1."""
        return self.start - self.source.line_starts[self.line - 1] + 1

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def place(self) -> str:
        """`path:line:column`, as messages write it."""
        return f"{self.source.path}:{self.line}:{self.column}"


def printable(text: str) -> str:
    """Text with what could disturb a terminal replaced, tabs excepted; its length stays."""
    return "".join(
        character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
