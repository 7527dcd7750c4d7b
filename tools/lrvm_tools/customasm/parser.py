"""The parser of files: from a source to its statements (section 2 of the specification)."""

from __future__ import annotations

import re
from typing import Final

from .asm_text import instruction_end
from .expressions import Node
from .grammar import ExpressionParser
from .language import PLAIN, Language
from .limits import BLOCK_NESTING, INTEGER_BITS
from .literals import LiteralError, string
from .problems import Log, Origin, ParseError
from .rule_syntax import parse_rules
from .source import Source, Span
from .statements import (
    Amount,
    BankDefinition,
    BankField,
    BankUse,
    Conditional,
    Constant,
    Data,
    FunctionDefinition,
    Include,
    Instruction,
    Label,
    RulesDefinition,
    Statement,
)
from .tokens import END, KEYWORDS, LINE, NAME, STRING, Cursor

_DATA = re.compile(r"[dD]([0-9]*)")
_QUICK_LINE: Final = re.compile(
    r"[ \t]*(?:([A-Za-z_][A-Za-z0-9_]*)[ \t]*:(?!:)[ \t]*)?"
    r"([A-Za-z_][^\n{};\":=\r]*?)?[ \t\r]*(?:;(?!\*)[^\n]*)?(?:\n|\Z)"
)
"""A line with a label, with an instruction that needs no closer look, with both or with none."""

_DEPRECATED: Final = ("bits", "labelalign", "noemit")
_BANK_FIELDS: Final = frozenset(("addr", "addr_end", "bits", "fill", "labelalign", "outp", "size"))
_LATER_FIELDS: Final = frozenset(("data",))


class FileParser:
    """Parses one file. `once` tells whether `#once` stands at its top level."""

    def __init__(self, source: Source, log: Log, language: Language = PLAIN) -> None:
        self.once = False
        self._source = source
        self._log = log
        self._language = language
        self._text = source.text
        self._origin = Origin(source)
        self._cursor = Cursor(source.text, language=language)
        self._depth = 0

    def parse(self) -> list[Statement]:
        """The statements of the file. Syntax errors go to the log."""
        statements: list[Statement] = []
        cursor = self._cursor
        while True:
            start = cursor.position
            try:
                self._statements(statements, nested=False)
                return statements
            except ParseError as error:
                self._log.stop(self._origin.problem(error))
                # Everything is to be told: go on with the next line.
                self._depth = 0
                cursor.block_ends_line = False
                line = self._text.find("\n", max(cursor.position, error.start, start))
                cursor.move(len(self._text) if line < 0 else line + 1)

    def _statements(self, out: list[Statement], nested: bool) -> None:
        """Parse up to the end of the file or, if nested, up to a closing brace."""
        cursor = self._cursor
        quick = _QUICK_LINE.match
        text, source = self._text, self._source
        # Where the next line is looked at. The cursor stays behind it where nothing but empty
        # lines was passed: errors are told at the end of the last token.
        at = cursor.position
        while True:
            match = quick(text, at)
            if match is not None and match.end() > at and not self._continues(match):
                at = match.end()
                name, instruction = match.groups()
                if name is not None:
                    start, end = match.span(1)
                    end = text.index(":", end) + 1
                    out.append(Label(Span(source, start, end), 0, name))
                    cursor.move(end)
                if instruction is not None:
                    start, end = match.span(2)
                    out.append(Instruction(Span(source, start, end), instruction))
                    cursor.move(at)
                continue
            kind = cursor.kind
            if kind == END or (kind == "}" and nested):
                return
            self._statement(out)
            at = cursor.position

    def _continues(self, match: re.Match[str]) -> bool:
        """Whether a quickly matched line has to be looked at closely after all: a keyword is no
        label, and a `:` or `=` on a later line makes a declaration of a name."""
        name, instruction = match.groups()
        if name in KEYWORDS:
            return True
        if instruction is None or not instruction.isidentifier():
            return False
        return Cursor(self._text, match.end()).kind in (":", "=")

    def _statement(self, out: list[Statement]) -> None:
        cursor = self._cursor
        token = cursor.peek()
        if token.kind == "#":
            cursor.take()
            statement = self._directive(token.start)
            if statement is not None:
                out.append(statement)
            return
        if token.kind == ".":
            out.append(self._declaration())
            return
        if token.kind == NAME:
            cursor.take()
            following = cursor.kind
            cursor.move(token.start)
            if following == ":" or following == "=":
                out.append(self._declaration())
                return
        end = instruction_end(self._text, token.start, len(self._text), self._language)
        if end > token.start:
            out.append(Instruction(self._span(token.start, end), self._text[token.start : end]))
            cursor.move(end)
        cursor.expect_line()

    def _declaration(self, emitted: bool = True, constant: bool = False) -> Label | Constant:
        """A label or a constant, from its dots or its name on."""
        cursor = self._cursor
        start = cursor.peek().start
        level = 0
        while cursor.accept("."):
            level += 1
        token = cursor.expect(NAME)
        span = self._span(start, token.end)
        name = cursor.word(token)
        if not constant and cursor.accept(":"):
            return Label(self._span(start, cursor.position), level, name)
        cursor.expect("=")
        value = self._expression()
        cursor.expect_line()
        return Constant(span, level, name, value, self._origin, emitted)

    def _directive(self, start: int) -> Statement | None:
        cursor = self._cursor
        token = cursor.expect(NAME)
        word = cursor.word(token)
        name = word.lower()
        span = self._span(start, token.end)
        if name in ("res", "align", "addr", "assert"):
            value = self._expression()
            cursor.expect_line()
            return Amount(span, name, value, self._origin)
        data = _DATA.fullmatch(word)
        if data:
            return self._data(span, data.group(1))
        table = {
            "bank": self._bank,
            "bankdef": self._bankdef,
            "const": self._const,
            "fn": self._fn,
            "if": self._if,
            "include": self._include,
            "once": self._once,
            "ruledef": self._ruledef,
            "subruledef": self._ruledef,
        }
        if name in table:
            return table[name](span)
        if name in _DEPRECATED:
            hint = "`bits` and `labelalign` are fields of `#bankdef`"
            if name == "noemit":
                hint = "it is written `#const(noemit) name = value`"
            raise ParseError(start, token.end, f"directive `#{name}` is deprecated: {hint}")
        raise ParseError(start, token.end, f"unknown directive `{word}`")

    def _data(self, span: Span, digits: str) -> Data:
        cursor = self._cursor
        size = None
        if digits:
            # Comparing lengths first: converting a huge number of digits takes long.
            size = int(digits) if len(digits) < 12 else INTEGER_BITS + 1
            if size > INTEGER_BITS:
                raise ParseError(span.start, span.end, "value is out of supported range")
        values = [self._expression()]
        while cursor.accept(","):
            if cursor.line_kind in (LINE, END):
                break
            values.append(self._expression())
        cursor.expect_line()
        return Data(span, size, values, self._origin)

    def _const(self, span: Span) -> Statement:
        cursor = self._cursor
        emitted = True
        if cursor.accept("("):
            token = cursor.expect(NAME)
            if cursor.word(token) != "noemit":
                message = f"invalid attribute `{cursor.word(token)}`"
                raise ParseError(token.start, token.end, message)
            emitted = False
            cursor.expect(")")
        return self._declaration(emitted, constant=True)

    def _fn(self, span: Span) -> Statement:
        cursor = self._cursor
        name = cursor.expect(NAME)
        cursor.expect("(")
        parameters = []
        while cursor.kind != ")":
            parameters.append(cursor.word(cursor.expect(NAME)))
            cursor.accept(",")
        cursor.expect(")")
        cursor.expect("=>")
        body = self._expression()
        return FunctionDefinition(
            self._span(name.start, name.end),
            cursor.word(name),
            tuple(parameters),
            body,
            self._origin,
            self._language.functions_name_own_files,
        )

    def _if(self, span: Span) -> Statement:
        cursor = self._cursor
        condition = self._expression()
        then = self._arm()
        otherwise: list[Statement] = []
        position = cursor.position
        if cursor.kind == "#":
            start = cursor.take().start
            token = cursor.peek()
            word = cursor.word(token)
            if word == "elif":
                cursor.take()
                self._deeper(span)
                otherwise = [self._if(self._span(start, token.end))]
                self._depth -= 1
            elif word == "else":
                cursor.take()
                otherwise = self._arm()
            else:
                cursor.move(position)
        return Conditional(span, condition, self._origin, then, otherwise)

    def _deeper(self, span: Span) -> None:
        self._depth += 1
        if self._depth > BLOCK_NESTING:
            message = f"`#if` is nested more than {BLOCK_NESTING} deep"
            raise ParseError(span.start, span.end, message)

    def _arm(self) -> list[Statement]:
        cursor = self._cursor
        token = cursor.expect("{")
        self._deeper(self._span(token.start, token.end))
        once, outer = self.once, cursor.block_ends_line
        statements: list[Statement] = []
        cursor.block_ends_line = self._language.free_arms
        self._statements(statements, nested=True)
        cursor.expect("}")
        self._depth -= 1
        self.once, cursor.block_ends_line = once, outer
        if self._language.free_arms:
            return statements
        # As in the original, which hides them without a word.
        return [statement for statement in statements if not isinstance(statement, Include)]

    def _include(self, span: Span) -> Statement:
        cursor = self._cursor
        token = cursor.expect(STRING)
        try:
            name = string(cursor.word(token))
        except LiteralError as error:
            raise ParseError(token.start, token.end, str(error)) from None
        cursor.expect_line()
        return Include(self._span(token.start, token.end), name)

    def _once(self, span: Span) -> None:
        self._cursor.expect_line()
        self.once = True

    def _bank(self, span: Span) -> Statement:
        cursor = self._cursor
        token = cursor.expect(NAME)
        cursor.expect_line()
        return BankUse(self._span(token.start, token.end), cursor.word(token))

    def _bankdef(self, span: Span) -> Statement:
        cursor = self._cursor
        name = cursor.expect(NAME)
        cursor.expect("{")
        fields: list[BankField] = []
        while cursor.kind != "}":
            fields.append(self._field({field.name for field in fields}))
            kind = cursor.line_kind
            if kind == ",":
                cursor.take()
            elif kind == LINE:
                cursor.expect_line()
            elif kind != "}":
                raise cursor.missing("`}`")
        cursor.take()
        cursor.expect_line()
        known = _BANK_FIELDS | _LATER_FIELDS if self._language.later else _BANK_FIELDS
        unknown = [field for field in fields if field.name not in known]
        for field in unknown[:-1]:
            self._log.add(
                self._origin.problem(
                    ParseError(field.span.start, field.span.end, f"invalid field `{field.name}`")
                )
            )
        if unknown:
            where = unknown[-1].span
            raise ParseError(where.start, where.end, f"invalid field `{unknown[-1].name}`")
        return BankDefinition(
            span, self._span(name.start, name.end), cursor.word(name), fields, self._origin
        )

    def _field(self, before: set[str]) -> BankField:
        """`name = value`, `name`, `#name value` or `#name`."""
        cursor = self._cursor
        old_style = cursor.accept("#")
        token = cursor.expect(NAME)
        name = cursor.word(token)
        if name in before:
            raise ParseError(token.start, token.end, f"duplicate field `{name}`")
        value: Node | None = None
        if old_style:
            if cursor.line_kind not in (LINE, END):
                value = self._expression()
        elif cursor.accept("="):
            value = self._expression()
        return BankField(self._span(token.start, token.end), name, value)

    def _ruledef(self, span: Span) -> Statement:
        cursor = self._cursor
        is_sub = span.text.lower().endswith("subruledef")
        name = ""
        if cursor.kind == NAME:
            token = cursor.take()
            name = cursor.word(token)
            span = self._span(token.start, token.end)
        cursor.expect("{")
        made = RulesDefinition(span, name, is_sub)
        made.rules = parse_rules(cursor, self._origin, is_sub)
        cursor.expect("}")
        cursor.expect_line()
        return made

    def _expression(self) -> Node:
        return ExpressionParser(self._cursor).parse()

    def _span(self, start: int, end: int) -> Span:
        return Span(self._source, start, end)
