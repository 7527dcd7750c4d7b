"""The built-in instruction set, for programs that have rules of their own beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lrvm_jit.isa import Reg

from ..customasm.context import Context
from ..customasm.diagnostics import did_you_mean
from ..customasm.expressions import IsStatic, Name, Node
from ..customasm.grammar import ExpressionParser
from ..customasm.instruction_set import Candidate
from ..customasm.language import Language
from ..customasm.problems import ParseError, Problem, note
from ..customasm.rules import RuleSet
from ..customasm.tokens import END, Cursor
from ..customasm.values import Value, number_of
from .instructions import (
    FORMS,
    REGISTERS,
    Form,
    OperandError,
    OperandValue,
    operand_counts,
    usages,
)

_MNEMONIC: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?![A-Za-z0-9_])")
_WORD_BITS: Final = 32


class TableCandidate:
    """An instruction of the table and its operands."""

    static_size = _WORD_BITS
    fixed_size = _WORD_BITS

    def __init__(self, text: str, form: Form, operands: Sequence[Reg | Node]) -> None:
        self._text = text
        self._form = form
        self._operands = operands

    def is_static(self, names: IsStatic) -> bool:
        return all(
            isinstance(operand, Reg) or operand.is_static(names) for operand in self._operands
        )

    def evaluate(self, context: Context) -> Value:
        """The instruction word. Raises Problem, UnknownValueError, FailedValueError."""
        values: list[OperandValue] = []
        for operand in self._operands:
            if isinstance(operand, Reg):
                values.append(operand)
                continue
            number = number_of(operand.evaluate(context))
            if context.locals:
                context.locals = {}
            if number is None:
                raise Problem(context.span(operand), "expected an integer")
            values.append(number)
        try:
            return self._form.encode(values)
        except OperandError as error:
            wrong = self._operands[error.index]
            assert isinstance(wrong, Node)
            raise Problem(context.span(wrong), error.message, hint=error.hint) from None

    def checked(self, value: Value, context: Context) -> tuple[int, int]:
        assert isinstance(value, int)
        return value, _WORD_BITS

    def described(self) -> Problem:
        return note(None, f"built-in instruction `{self._form.usage}`")


class TableAndRules:
    """The built-in instructions and, for what is none of them, the program's rules."""

    def __init__(self, rules: RuleSet, language: Language) -> None:
        self._rules = rules
        self._language = language

    def match(self, text: str) -> Sequence[Candidate]:
        """The instruction of the table, or the rules, that a text means. Raises MatchError."""
        found = self._built_in(text)
        if isinstance(found, TableCandidate):
            return (found,)
        return self._rules.match(text)

    def explain(self, text: str) -> str:
        """Why nothing fits."""
        found = self._built_in(text)
        if isinstance(found, str) and found:
            return found
        hint = self._rules.explain(text)
        if hint:
            return hint
        word = re.match("[A-Za-z_0-9]*", text)
        return did_you_mean(word.group() if word else "", FORMS)

    def _built_in(self, text: str) -> TableCandidate | str:
        """The instruction of the table, or why it is none."""
        mnemonic = _MNEMONIC.match(text)
        name = mnemonic.group().lower() if mnemonic else ""
        if mnemonic is None or name not in FORMS:
            return ""
        try:
            operands = self._operands(Cursor(text, mnemonic.end(), language=self._language))
        except ParseError as error:
            return f"in the operands of `{name}`: {error.text}"
        form = FORMS[name].get(len(operands))
        if form is None:
            given = f"`{name}` takes {operand_counts(name)}, {len(operands)} given"
            return f"{given}: write {usages(name)}"
        for index, operand in enumerate(operands):
            if form.takes_register(index) and not isinstance(operand, Reg):
                parameter = form.parameters[index].name
                return f"operand `{parameter}` of `{name}` must be a register"
        return TableCandidate(text, form, operands)

    def _operands(self, cursor: Cursor) -> list[Reg | Node]:
        operands: list[Reg | Node] = []
        if cursor.kind == END:
            return operands
        while True:
            node = ExpressionParser(cursor).parse()
            register = None
            if isinstance(node, Name) and node.plain is not None:
                register = REGISTERS.get(node.plain.lower())
            operands.append(node if register is None else register)
            if cursor.kind == END:
                return operands
            cursor.expect(",")
