"""Instruction lines of the usual form, read without taking them apart into tokens.

Nearly all lines of compiled programs are a mnemonic with registers, numbers and names. Those
without names are encoded at once, and only once for each text; all others are left to the parser,
which knows what to say about them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

from ..customasm.source import Source, Span
from .errors import SourceError
from .instructions import FORMS, REGISTERS, OperandError, OperandValue
from .literals import parse_number
from .syntax import (
    EncodedInstruction,
    Instruction,
    Literal,
    Name,
    Operand,
    RegisterOperand,
    Slice,
    Sliced,
)
from .values import Integer

LINE: Final = re.compile(
    r"[ \t]*(([A-Za-z][A-Za-z0-9]*)[ \t]+[A-Za-z0-9_\-][A-Za-z0-9_,:\[\] \t\-]*?)"
    r"[ \t\r]*((?:;(?!\*)[^\n]*)?\n[ \t\r\n]*)"
)
"""The instruction, its mnemonic, and what ends the line, empty lines after it included."""

_OPERAND: Final = re.compile(
    r"[ \t]*(?:(-?)([0-9][A-Za-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*)(?:\[([0-9]{1,5}):([0-9]{1,5})\])?)"
    r"[ \t]*(?:,|\Z)"
)
_RESERVED: Final = frozenset(("asm", "true", "false"))
_NOWHERE: Final = Span(Source("", ""), 0, 0)


class _Part(NamedTuple):
    """An operand from `start` up to `end` of its line: a register, a number, or a name and
    perhaps the bits (high, low) that are taken from it."""

    start: int
    end: int
    value: OperandValue | None
    name: str
    bits: tuple[int, int] | None


Read: TypeAlias = "int | tuple[_Part, ...] | None"
"""What a text gives: an instruction word, or its operands, or nothing if it is not of the form."""


class QuickReader:
    """Reads the instruction lines of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[str, Read] = {}

    def knows(self, text: str, mnemonic: str) -> bool:
        """Whether an instruction is of the usual form."""
        if text in self._known:
            return self._known[text] is not None
        read = _read(text, mnemonic.lower(), len(mnemonic))
        self._known[text] = read
        return read is not None

    def statement(self, text: str, start: int) -> Instruction | EncodedInstruction:
        """The statement of a text that `knows` accepted, which stands at `start`."""
        read = self._known[text]
        source = self._source
        length = next(index for index, char in enumerate(text) if char in " \t")
        span = Span(source, start, start + length)
        if isinstance(read, int):
            return EncodedInstruction(span, read)
        assert read is not None
        return Instruction(
            span, text[:length].lower(), [_operand(part, source, start) for part in read]
        )


def _read(text: str, mnemonic: str, position: int) -> Read:
    forms = FORMS.get(mnemonic)
    if forms is None:
        return None
    parts: list[_Part] = []
    end = len(text)
    constant = True
    while position < end:
        match = _OPERAND.match(text, position)
        if match is None:
            return None
        position = match.end()
        part = _part(match)
        if part is None or (position == end and text[-1] == ","):
            return None
        constant = constant and part.value is not None
        parts.append(part)
    form = forms.get(len(parts))
    if form is None:
        return None
    for index, part in enumerate(parts):
        if form.takes_register(index) and part.value.__class__ is int:
            return None
        if form.takes_register(index) and part.value is None:
            return None
    if not constant:
        return tuple(parts)
    try:
        return form.encode([part.value for part in parts if part.value is not None])
    except OperandError:
        return None


def _part(match: re.Match[str]) -> _Part | None:
    sign, digits, name, high, low = match.groups()
    if digits is not None:
        try:
            number = parse_number(digits, _NOWHERE).value
        except SourceError:
            return None
        return _Part(match.start(2), match.end(2), -number if sign else number, "", None)
    if name in _RESERVED:
        return None
    start = match.start(3)
    if high is not None:
        bits = (int(high), int(low))
        return _Part(start, match.end(5) + 1, None, name, bits)
    return _Part(start, match.end(3), REGISTERS.get(name.lower()), name, None)


def _operand(part: _Part, source: Source, offset: int) -> Operand:
    start = offset + part.start
    span = Span(source, start, offset + part.end)
    if part.value is not None:
        if part.name:
            return RegisterOperand(span, part.value)  # type: ignore[arg-type]
        return Literal(span, Integer(int(part.value)))
    if part.bits is None:
        return Name(span, 0, (part.name,))
    name = Name(Span(source, start, start + len(part.name)), 0, (part.name,))
    piece = Span(source, start + len(part.name), span.end)
    high, low = (Literal(piece, Integer(number)) for number in part.bits)
    return Sliced(span, name, (Slice(piece, high, low),))
