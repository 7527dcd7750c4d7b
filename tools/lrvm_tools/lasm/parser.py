"""The statement parser: from a source to its statements.

An error costs the statement that it is in; parsing goes on with the next line. What such a
statement would have defined is defined all the same, so that its uses are no further errors.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..customasm.source import Source
from .directives import DirectiveParser
from .errors import AlreadyReportedError, Report, SourceError
from .expressions import ExpressionParser
from .instructions import FORMS, REGISTERS
from .quick import QuickReader
from .stream import LINE_ENDS, TokenStream
from .syntax import (
    Broken,
    Constant,
    Expression,
    Instruction,
    Label,
    Name,
    Operand,
    ParsedFile,
    RegisterOperand,
    Statement,
    UnknownInstruction,
)
from .tokens import END, IDENTIFIER, INSTRUCTION, INVALID, NEWLINE, tokenize

_T = TypeVar("_T")

_OPERAND_ENDS = LINE_ENDS | {","}


def parse(source: Source, report: Report, file: Path | None = None) -> ParsedFile:
    """Parse a source; its syntax errors are added to the report."""
    quick = QuickReader(source)
    tokens = tokenize(source, report, quick)
    parser = StatementParser(TokenStream(source, tokens), report, quick)
    statements = parser.statements()
    return ParsedFile(source, tuple(statements), parser.directives.once, file)


class StatementParser:
    """Parses statements from a stream."""

    def __init__(self, stream: TokenStream, report: Report, quick: QuickReader) -> None:
        self.stream = stream
        self._quick = quick
        self.report = report
        self.expressions = ExpressionParser(stream)
        self.directives = DirectiveParser(self)

    def statements(self, nested: bool = False) -> list[Statement]:
        """Parse up to the end of the file or, if nested, up to a closing brace."""
        stream = self.stream
        out: list[Statement] = []
        while True:
            kind = stream.kind
            if kind == NEWLINE:
                stream.move_to(stream.position + 1)
            elif kind == INSTRUCTION:
                token = stream.token
                out.append(self._quick.statement(token.text, token.start))
                stream.move_to(stream.position + 1)
            elif kind == END or (kind == "}" and nested):
                return out
            else:
                start = stream.position
                statement = self.guarded(self._statement)
                if statement is not None:
                    out.append(statement)
                elif stream.position == start:
                    stream.move_to(start + 1)

    def guarded(self, parse_part: Callable[[], _T]) -> _T | None:
        """Run a part of the parser; on a syntax error report it, skip the rest of the line and
        return None."""
        start = self.stream.position
        try:
            return parse_part()
        except SourceError as error:
            self.report.add_error(error)
        except AlreadyReportedError:
            pass
        except RecursionError:
            # The parser's own limit leaves room for callers that are not nested deeply themselves.
            self.report.add(self.stream.span_of(self.stream.token), "nested too deeply")
        self._skip_line(start)
        return None

    def end_line(self) -> None:
        """Check that the statement ends here."""
        if self.stream.kind not in LINE_ENDS:
            raise self.stream.unexpected("the end of the line")

    def constant(self, name: Name) -> Constant:
        """Parse a constant from its `=` on."""
        start = self.stream.position
        self.stream.expect("=")
        value = self.guarded(self._whole_line_expression)
        cost = self.stream.position - start
        return Constant(name.span, name.level, name.path[0], value or Broken(name.span), cost)

    def defined_name(self) -> Name:
        """Parse the name in a definition, which has no dots but leading ones."""
        name = self.expressions.name()
        if len(name.path) > 1:
            raise SourceError(
                name.span,
                f"`{name.text}` cannot be defined from outside",
                f"define `{'.' * (len(name.path) - 1)}{name.path[-1]}` below its label",
            )
        return name

    def _whole_line_expression(self) -> Expression:
        value = self.expressions.parse()
        self.end_line()
        return value

    def _skip_line(self, start: int) -> None:
        """Go to the end of the line of the last good token after `start`."""
        stream = self.stream
        stream.brackets = 0
        stream.one_line = False
        position = stream.position
        # Line ends that were skipped inside brackets end the statement after all.
        while position > start and stream.tokens[position - 1].kind == NEWLINE:
            position -= 1
        stream.move_to(position)
        while stream.kind not in LINE_ENDS:
            stream.move_to(stream.position + 1)

    def _statement(self) -> Statement | None:
        stream = self.stream
        kind = stream.kind
        if kind == IDENTIFIER:
            return self._definition() if self._name_is_defined() else self._instruction()
        if kind == "#":
            return self.directives.parse()
        if kind == ".":
            return self._definition()
        raise stream.unexpected("a label, an instruction or a directive")

    def _name_is_defined(self) -> bool:
        """Whether a definition starts here: a name, perhaps with dots in it, and `:` or `=`."""
        peek = self.stream.peek
        distance = 1
        while peek(distance).kind == "." and peek(distance + 1).kind == IDENTIFIER:
            distance += 2
        return peek(distance).kind in (":", "=")

    def _definition(self) -> Label | Constant:
        name = self.defined_name()
        if self.stream.kind == "=":
            return self.constant(name)
        self.stream.expect(":", "`:` for a label or `=` for a constant")
        return Label(name.span, name.level, name.path[0])

    def _instruction(self) -> Instruction | UnknownInstruction:
        stream = self.stream
        token = stream.advance()
        span = stream.span_of(token)
        mnemonic = token.text.lower()
        if mnemonic not in FORMS:
            has_operands = not stream.at_line_end
            while not stream.at_line_end:
                if stream.kind == INVALID:
                    raise AlreadyReportedError
                stream.advance()
            return UnknownInstruction(span, has_operands)
        stream.one_line = True
        operands: list[Operand] = []
        if stream.kind not in LINE_ENDS:
            operands.append(self._operand())
            while stream.kind == ",":
                stream.advance()
                operands.append(self._operand())
            if stream.kind not in LINE_ENDS:
                raise stream.unexpected("`,` or the end of the line", "one instruction a line")
        stream.one_line = False
        return Instruction(span, mnemonic, operands)

    def _operand(self) -> Operand:
        stream = self.stream
        token = stream.token
        if token.kind == IDENTIFIER and stream.peek().kind in _OPERAND_ENDS:
            register = REGISTERS.get(token.text.lower())
            if register is not None:
                stream.advance()
                return RegisterOperand(stream.span_of(token), register)
        return self.expressions.parse()
