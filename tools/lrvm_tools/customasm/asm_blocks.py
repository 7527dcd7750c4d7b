"""`asm` blocks: instructions inside expressions (section 5 of the specification)."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from .asm_nodes import AsmBlock, AsmInstruction, AsmLabel
from .context import UNKNOWN, BlockNames, Context
from .instruction_set import Candidate, MatchError
from .items import encode
from .problems import FailedValueError, Origin, Problem, UnknownValueError, note
from .source import Source, Span
from .tokens import HIDDEN
from .values import Sized, Value

if TYPE_CHECKING:
    from .passes import Passes


class SubstitutedOrigin(Origin):
    """The origin of an instruction whose text was put together: places in it are told where they
    stand in the block, those in a substituted argument at the parameter."""

    __slots__ = ("_ends", "_rows", "_starts", "_whole")

    def __init__(self, source: Source, whole: Span) -> None:
        super().__init__(source)
        self._whole = whole
        self._starts: list[int] = []
        self._rows: list[tuple[int, int, bool]] = []

    def add(self, start: int, span: Span, exact: bool) -> None:
        """Note that the text from `start` on stands at a span."""
        self._starts.append(start)
        self._rows.append((span.start, span.end, exact))

    def span(self, start: int, end: int) -> Span:
        first, _ = self._place(start)
        _, last = self._place(max(start, end - 1))
        return Span(self.source, first, max(first, last))

    def _place(self, offset: int) -> tuple[int, int]:
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return self._whole.start, self._whole.end
        start, end, exact = self._rows[index]
        if not exact:
            return start, end
        place = min(start + offset - self._starts[index], end)
        return place, min(place + 1, end)


class _Line:
    """An instruction of a block, matched. `attempted` is its text if arguments were put into it,
    for messages; else it is empty."""

    __slots__ = ("attempted", "candidates", "origin", "size", "span", "value")

    def __init__(self, text: str, span: Span, origin: Origin, candidates: list[Candidate]) -> None:
        self.attempted = text
        self.span = span
        self.origin = origin
        self.candidates = candidates
        self.value = 0
        self.size = max((each.static_size or 0 for each in candidates), default=0)


def assemble_block(block: AsmBlock, context: Context, passes: Passes) -> Value:
    """The encodings of a block's instructions, joined. Raises Problem, UnknownValueError."""
    names = BlockNames(context.argument_names if context.names is None else context.names)
    lines: list[AsmLabel | _Line] = []
    labelled = False
    for line in block.lines:
        if isinstance(line, AsmLabel):
            if line.name in names.values:
                span = context.origin.span(line.start, line.end)
                raise Problem(span, f"duplicate symbol `{line.name}`")
            names.values[line.name] = UNKNOWN
            lines.append(line)
            labelled = True
        else:
            lines.append(_match(line, names, context, passes))
    # Without labels nothing in the block depends on what follows: one strict pass is enough.
    number = 1 if labelled else passes.limit
    while True:
        last = number >= passes.limit
        stable = _pass(block, lines, names, context, passes, last)
        if last:
            if not stable and labelled:
                if passes.last:
                    raise Problem(context.span(block), "`asm` block did not converge")
                raise UnknownValueError
            break
        number = passes.limit if stable else number + 1
    value = size = 0
    for each in lines:
        if isinstance(each, _Line):
            value = value << each.size | each.value
            size += each.size
    return Sized(value, size)


def _match(line: AsmInstruction, names: BlockNames, context: Context, passes: Passes) -> _Line:
    """An instruction with its arguments put in, matched. Raises Problem."""
    span = context.origin.span(line.start, line.end)
    origin: Origin = _Shifted(context.origin, line.start)
    text, attempted = line.text, ""
    if any(piece.is_parameter for piece in line.pieces):
        text, origin = _substitute(line, names, context, span)
        attempted = text.replace(HIDDEN, "")
    try:
        candidates = list(passes.instructions.match(text))
        hint = "" if candidates else passes.instructions.explain(text)
    except MatchError as error:
        candidates, hint = [], str(error)
    if not candidates:
        problem = Problem(span, "no match found for instruction", hint=hint)
        raise _attempted(problem, attempted, span)
    return _Line(attempted, span, origin, candidates)


def _attempted(problem: Problem, text: str, span: Span) -> Problem:
    """A problem of an instruction, in a note of the text that was tried if it was put together."""
    return note(span, f"match attempted: `{text}`", problem) if text else problem


class _Shifted(Origin):
    """The origin of a part of a text that has an origin of its own."""

    __slots__ = ("_outer",)

    def __init__(self, outer: Origin, base: int) -> None:
        super().__init__(outer.source, base)
        self._outer = outer

    def span(self, start: int, end: int) -> Span:
        return self._outer.span(self.base + start, self.base + end)


def _substitute(
    line: AsmInstruction, names: BlockNames, context: Context, span: Span
) -> tuple[str, Origin]:
    """The text of an instruction with arguments in place of parameters."""
    origin = SubstitutedOrigin(span.source, span)
    text = ""
    for piece in line.pieces:
        where = context.origin.span(piece.start, piece.end)
        origin.add(len(text), where, not piece.is_parameter)
        name = piece.text
        if not piece.is_parameter:
            text += name
        elif name in context.texts and name not in context.overwritten:
            text += context.texts[name].text
        elif name in context.locals:
            value = context.locals[name]
            if isinstance(value, FailedValueError):
                raise FailedValueError(value.problem)
            hidden = f"{HIDDEN}{name}_{len(names.values)}"
            names.values[hidden] = value
            text += hidden
        else:
            raise Problem(where, f"unknown substitution argument `{name}`")
    return text, origin


def _pass(
    block: AsmBlock,
    lines: list[AsmLabel | _Line],
    names: BlockNames,
    context: Context,
    passes: Passes,
    last: bool,
) -> bool:
    """One pass over a block; whether everything stayed what it was."""
    bank = context.bank
    assert bank is not None
    position = context.position
    stable = True
    for line in lines:
        if isinstance(line, AsmLabel):
            address = bank.address_of(position)
            if names.values[line.name] != address:
                names.values[line.name] = address
                stable = False
            continue
        passes.spend(block, context)
        inner = Context(
            passes,
            line.origin,
            context.symbol,
            bank,
            position,
            context.depth + 1,
            names,
        )
        try:
            found = encode(line.candidates, inner, line.span, last)
        except Problem as problem:
            raise _attempted(problem, line.attempted, line.span) from None
        if found is None:
            if last:
                raise UnknownValueError
            stable = False
        else:
            size, value, _ = found
            if value != line.value:
                stable = False
            line.value, line.size = value, size
        position += line.size
    return stable
