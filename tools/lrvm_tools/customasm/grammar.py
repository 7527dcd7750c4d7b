"""The expression parser: precedence climbing over a cursor (section 3 of the specification)."""

from __future__ import annotations

from typing import Final

from .asm_nodes import AsmBlock
from .builtins import BANK_OF, BUILT_INS
from .expressions import (
    Assignment,
    Block,
    Call,
    Chain,
    Choice,
    Literal,
    Member,
    MemberName,
    Name,
    Node,
    Prefix,
    Slice,
    StructNode,
)
from .literals import LiteralError, number, string
from .problems import ParseError
from .tokens import END, LINE, NAME, NUMBER, STRING, Cursor
from .values import Text

_OPERATORS: Final = (
    ("@",),
    ("||",),
    ("&&",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
"""Binary operators from loosest to tightest. `?:` and `=` are looser than all, slices tighter,
prefix operators tightest."""

_PRECEDENCE: Final = {
    operator: level for level, row in enumerate(_OPERATORS, start=1) for operator in row
}


class ExpressionParser:
    """Parses expressions from a cursor; methods raise ParseError."""

    __slots__ = ("_cursor", "_depth", "_structs")

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._depth = 0
        self._structs = cursor.language.later

    def parse(self) -> Node:
        """Parse one expression."""
        self._depth = 0
        return self._expression()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > self._cursor.language.nesting:
            position = self._cursor.position
            raise ParseError(position, position, "expression recursion depth limit reached")

    def _expression(self) -> Node:
        cursor = self._cursor
        self._enter()
        value = self._binary(1)
        kind = cursor.kind
        if kind == "=":
            cursor.take()
            value = Assignment(value, self._expression())
            kind = cursor.kind
        if kind == "?":
            cursor.take()
            chosen = self._expression()
            otherwise = self._expression() if cursor.accept(":") else None
            value = Choice(value.start, cursor.position, value, chosen, otherwise)
        self._depth -= 1
        return value

    def _binary(self, loosest: int) -> Node:
        """Parse operators of precedence `loosest` and tighter."""
        value = self._sliced()
        cursor = self._cursor
        level = _PRECEDENCE.get(self._operator(), 0)
        while level >= loosest:
            rest = []
            while _PRECEDENCE.get(operator := self._operator()) == level:
                # An operator that started a number is shorter than the token.
                cursor.move(cursor.peek().start + len(operator))
                rest.append((operator, self._binary(level + 1)))
            value = Chain(value.start, rest[-1][1].end, value, rest)
            level = _PRECEDENCE.get(operator, 0)
        return value

    def _operator(self) -> str:
        """The kind of the next token on the line. A `%` that starts a number is an operator in
        LASM, where a value stands before it."""
        cursor = self._cursor
        kind = cursor.line_kind
        if kind == NUMBER and cursor.language.percent_operator:
            return "%" if cursor.text[cursor.peek().start] == "%" else kind
        return kind

    def _sliced(self) -> Node:
        value = self._slice(self._prefixed())
        while self._cursor.language.slices_repeat and self._cursor.line_kind in ("`", "["):
            value = self._slice(value)
        return value

    def _slice(self, value: Node) -> Node:
        """The size and the slice that may follow a value, in this order."""
        cursor = self._cursor
        kind = cursor.line_kind
        if kind == "`":
            mark = cursor.take()
            size = self._leaf()
            value = Slice(mark.start, size.end, value, size, None)
            kind = cursor.line_kind
        if kind == "[":
            cursor.take()
            high = self._expression()
            cursor.expect(":")
            low = self._expression()
            end = cursor.expect("]").end
            value = Slice(value.start, end, value, high, low)
        return value

    def _prefixed(self) -> Node:
        cursor = self._cursor
        token = cursor.peek()
        if token.kind != "-" and token.kind != "!":
            return self._call()
        cursor.take()
        self._enter()
        operand = self._prefixed()
        self._depth -= 1
        return Prefix(token.start, token.kind, operand)

    def _call(self) -> Node:
        cursor = self._cursor
        value = self._leaf()
        kind = cursor.line_kind
        if kind == "(":
            cursor.take()
            arguments = []
            while cursor.kind != ")":
                arguments.append(self._expression())
                if not cursor.accept(","):
                    break
            end = cursor.expect(")").end
            value = Call(end, value, arguments)
            kind = cursor.line_kind
        while self._structs and kind == ".":
            cursor.take()
            token = cursor.expect(NAME)
            value = Member(token.end, value, cursor.word(token))
            kind = cursor.line_kind
        return value

    def _leaf(self) -> Node:
        cursor = self._cursor
        token = cursor.peek()
        kind = token.kind
        if kind == NUMBER:
            cursor.take()
            try:
                return Literal(token.start, token.end, number(cursor.word(token)))
            except LiteralError as error:
                raise ParseError(token.start, token.end, str(error)) from None
        if kind == NAME or kind == ".":
            if self._structs and kind == NAME and cursor.word(token) == "struct":
                return self._struct()
            return self._name()
        if kind == STRING:
            cursor.take()
            try:
                signed = cursor.language.strings_signed
                text = Text(string(cursor.word(token)), signed=signed)
            except LiteralError as error:
                raise ParseError(token.start, token.end, str(error)) from None
            return Literal(token.start, token.end, text)
        if kind == "(":
            cursor.take()
            value = self._expression()
            cursor.expect(")")
            return value
        if kind == "{":
            return self._block()
        if kind == "true" or kind == "false":
            cursor.take()
            return Literal(token.start, token.end, kind == "true")
        if kind == "asm":
            return self._asm()
        raise cursor.missing("expression")

    def _name(self) -> Node:
        """Parse a name: dots, then identifiers with dots between them."""
        cursor = self._cursor
        start = cursor.peek().start
        level = 0
        while cursor.accept("."):
            level += 1
        parts = [cursor.word(cursor.expect(NAME))]
        while cursor.line_kind == ".":
            cursor.take()
            parts.append(cursor.word(cursor.expect(NAME)))
        if level == 0 and len(parts) == 1:
            function = BUILT_INS.get(parts[0])
            if self._structs and parts[0] == "bankof":
                function = BANK_OF
            if function is not None:
                return Literal(start, cursor.position, function)
        if self._structs and len(parts) > 1:
            return MemberName(start, cursor.position, level, tuple(parts))
        return Name(start, cursor.position, level, tuple(parts))

    def _block(self) -> Node:
        """`{ a, b }`; line breaks separate as commas do."""
        cursor = self._cursor
        start = cursor.take().start
        parts: list[Node] = []
        while cursor.kind != "}":
            parts.append(self._expression())
            self._separator()
        end = cursor.take().end
        return Block(start, end, parts)

    def _separator(self) -> None:
        """A comma on the line, a line break, or the closing brace that follows."""
        cursor = self._cursor
        kind = cursor.line_kind
        if kind == ",":
            cursor.take()
        elif kind == LINE:
            cursor.expect_line()
        elif kind != "}":
            raise cursor.missing("`}`")
        if cursor.kind == END:
            raise cursor.missing("`}`")

    def _struct(self) -> Node:
        cursor = self._cursor
        start = cursor.take().start
        cursor.expect("{")
        members = []
        while cursor.kind != "}":
            name = cursor.word(cursor.expect(NAME))
            cursor.expect("=")
            members.append((name, self._expression()))
            self._separator()
        return StructNode(start, cursor.take().end, members)

    def _asm(self) -> AsmBlock:
        """`asm { lines }`: the block ends at the brace that closes it, whatever stands between."""
        from .asm_text import parse_lines

        cursor = self._cursor
        start = cursor.take().start
        opening = cursor.expect("{")
        text = cursor.text
        depth, position = 1, opening.end
        while depth:
            if position >= cursor.end:
                cursor.move(cursor.end)
                raise cursor.missing("`}`")
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
        lines = parse_lines(text, opening.end, position - 1, cursor.language)
        cursor.move(position)
        return AsmBlock(start, position, lines)
