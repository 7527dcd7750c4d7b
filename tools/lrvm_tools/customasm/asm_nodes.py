"""`asm` blocks as parts of expressions (section 5 of the specification)."""

from __future__ import annotations

from typing import NamedTuple

from .context import Context
from .expressions import Node
from .limits import CALL_DEPTH
from .problems import Problem
from .values import Value


class AsmLabel:
    """A label in an `asm` block."""

    __slots__ = ("end", "name", "start")

    def __init__(self, name: str, start: int, end: int) -> None:
        self.name = name
        self.start = start
        self.end = end


class Piece(NamedTuple):
    """A part of an instruction in an `asm` block, from `start` up to `end`: text, or the name of a
    parameter whose argument is put there."""

    text: str
    start: int
    end: int
    is_parameter: bool


class AsmInstruction:
    """An instruction in an `asm` block, as a whole and in pieces."""

    __slots__ = ("end", "pieces", "start", "text")

    def __init__(self, text: str, start: int, end: int, pieces: list[Piece]) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.pieces = pieces


class AsmBlock(Node):
    """`asm { instructions and labels }`."""

    __slots__ = ("lines",)

    def __init__(self, start: int, end: int, lines: list[AsmLabel | AsmInstruction]) -> None:
        super().__init__(start, end)
        self.lines = lines

    def evaluate(self, context: Context) -> Value:
        if context.depth >= CALL_DEPTH:
            raise Problem(context.span(self), "recursion depth limit reached")
        return context.resolver.assemble(self, context)
