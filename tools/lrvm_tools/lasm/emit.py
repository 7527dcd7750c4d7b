"""From a laid out program to its bytes.

Everything is evaluated against the final addresses, and whatever is wrong is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..customasm.assembly import Assembly, Emitted, SymbolEntry
from ..customasm.diagnostics import did_you_mean
from ..customasm.source import Span
from .errors import AlreadyReportedError, Hint, Report, SourceError
from .evaluate import Evaluator
from .expand import Item, Program
from .instructions import FORMS, REGISTERS, OperandError, OperandValue, operand_counts, usages
from .layout import INSTRUCTION_BITS
from .limits import ADDRESS_SPACE
from .output import Output
from .symbols import Symbol
from .syntax import (
    Address,
    Align,
    Assertion,
    Binary,
    Constant,
    Data,
    EncodedInstruction,
    Expression,
    Instruction,
    Label,
    Name,
    RegisterOperand,
    Reserve,
    UnknownInstruction,
)
from .values import Integer, Text, as_integer, minimum_bits, show_integer


class Emitter:
    """Emits one program."""

    def __init__(self, program: Program, evaluator: Evaluator, report: Report) -> None:
        self._program = program
        self._evaluator = evaluator
        self._report = report
        self._output = Output()
        self._items: list[Emitted] = []

    def emit(self) -> Assembly:
        """Emit everything. What is returned is only good if nothing was reported."""
        for item in self._program.items:
            try:
                self._emit(item)
            except SourceError as error:
                self._report.add_error(error)
            except AlreadyReportedError:
                pass
        entries = tuple(
            entry for entry in map(self._entry, self._program.symbols) if entry is not None
        )
        contents = self._output.contents()
        return Assembly(contents, tuple(self._items), entries, self._output.bit_length)

    def _emit(self, item: Item) -> None:
        statement = item.statement
        match statement:
            case EncodedInstruction(span, word):
                data = self._output.write_word(item.position, word, span)
                self._list(item, data, INSTRUCTION_BITS)
            case Instruction():
                word = self._instruction(statement, item)
                data = self._output.write_word(item.position, word, statement.span)
                self._list(item, data, INSTRUCTION_BITS)
            case Data():
                self._data(statement, item)
            case UnknownInstruction(span, has_operands):
                raise _unknown_instruction(span, has_operands)
            case Reserve(span, amount):
                size = self._number(amount, item, 0, ADDRESS_SPACE - 1)
                self._output.reserve(item.position, 8 * size, span)
                self._list(item)
            case Label(span):
                if item.position >= 8 * ADDRESS_SPACE:
                    raise SourceError(span, "the address of the label does not fit into 32 bits")
                self._list(item)
            case Align(_, bits):
                self._number(bits, item, 1, 8 * ADDRESS_SPACE)
            case Address(_, address):
                self._number(address, item, 0, ADDRESS_SPACE - 1)
            case Assertion(_, condition):
                self._assertion(condition, item)
            case Constant():
                assert item.symbol is not None
                self._evaluator.constant(item.symbol)

    def _instruction(self, statement: Instruction, item: Item) -> int:
        operands = statement.operands
        form = FORMS[statement.mnemonic].get(len(operands))
        if form is None:
            # Operands beyond the most there can be are marked, else the mnemonic.
            most = max(FORMS[statement.mnemonic])
            span = operands[most].span if len(operands) > most else statement.span
            counts = operand_counts(statement.mnemonic)
            message = f"`{statement.mnemonic}` takes {counts}, {len(operands)} given"
            raise SourceError(span, message, f"write {usages(statement.mnemonic)}")
        values: list[OperandValue] = []
        for index, operand in enumerate(operands):
            if isinstance(operand, RegisterOperand):
                values.append(operand.register)
            elif form.takes_register(index):
                raise _no_register(operand, form.parameters[index].name, statement.mnemonic)
            else:
                values.append(self._evaluator.integer(operand, item.scope, item.position).value)
        try:
            return form.encode(values)
        except OperandError as error:
            span = operands[error.index].span
            raise SourceError(span, error.message, error.hint) from None

    def _data(self, statement: Data, item: Item) -> None:
        position = item.position
        parts = []
        for expression in statement.values:
            value = self._evaluator.value(expression, item.scope, position)
            number = as_integer(value)
            if number is None:
                raise SourceError(expression.span, "expected an integer or a string")
            width = statement.width
            bits = _data_bits(number, width, expression.span, isinstance(value, Text))
            parts.append((number.value, bits))
            position += bits
        self._write(item, parts)

    def _assertion(self, condition: Expression, item: Item) -> None:
        if self._evaluator.boolean(condition, item.scope, item.position):
            return
        hint = ""
        match condition:
            case Binary(_, first, ((operator, second),)) if operator not in ("&&", "||"):
                sides = [
                    as_integer(self._evaluator.value(side, item.scope, item.position))
                    for side in (first, second)
                ]
                shown = [show_integer(side.value) for side in sides if side is not None]
                if len(shown) == 2:
                    hint = f"the left side is {shown[0]}, the right side {shown[1]}"
        raise SourceError(condition.span, "assertion failed", hint)

    def _number(self, expression: Expression, item: Item, low: int, high: int) -> int:
        value = self._evaluator.integer(expression, item.scope, item.position).value
        if not low <= value <= high:
            message = f"{show_integer(value)} is outside {low}..{high}"
            raise SourceError(expression.span, message)
        return value

    def _write(self, item: Item, parts: Sequence[tuple[int, int]]) -> None:
        data = self._output.write(item.position, parts, item.statement.span)
        self._list(item, data, sum(size for _, size in parts))

    def _list(self, item: Item, data: bytes = b"", bits: int = 0) -> None:
        source, start, _ = item.statement.span
        line = source.line_number(start)
        text = source.line_text(line)
        address, bit_offset = divmod(item.position, 8)
        self._items.append(
            Emitted(address, data, source.path, line, text, bit_offset, bits, "", item.position)
        )

    def _entry(self, symbol: Symbol) -> SymbolEntry | None:
        """The symbol for the result; None for a constant that is no number."""
        span = symbol.definition.span
        if symbol.is_label:
            assert symbol.position is not None
            value = symbol.position // 8
        else:
            try:
                constant = self._evaluator.constant(symbol)
            except (SourceError, AlreadyReportedError):
                return None
            number = as_integer(constant)
            if number is None and not isinstance(constant, bool):
                return None
            value = number.value if number is not None else int(constant is True)
        return SymbolEntry(symbol.name, value, symbol.is_label, span.source.path, span.line)


def _data_bits(number: Integer, width: int | None, span: Span, is_text: bool) -> int:
    """How many bits a data element takes. Raises SourceError if it does not fit."""
    if width is None:
        if number.size is None:
            raise SourceError(
                span,
                "the value has no definite size",
                "`#d8`, `#d16` or `#d32` gives it one, and so do hexadecimal digits or a slice",
            )
        return number.size
    size = minimum_bits(number.value) if number.size is None else number.size
    if size <= width:
        return width
    if number.size is None:
        low, high = -1 << (width - 1), (1 << width) - 1
        raise SourceError(span, f"{show_integer(number.value)} is outside {low}..{high}")
    what = "the string" if is_text else "the value"
    raise SourceError(
        span,
        f"{what} has {number.size} bits, more than the {width} of `#d{width}`",
        "`#d` takes it whole" if is_text else f"a slice takes its low bits: `{width}",
    )


def _no_register(operand: Expression, name: str, mnemonic: str) -> SourceError:
    found = "a value"
    hint: Hint = ""
    if isinstance(operand, Name):
        found = f"`{operand.text}`"
        hint = partial(did_you_mean, operand.text, REGISTERS)
        if operand.text.lower() in REGISTERS:
            hint = "a register stands alone, without parentheses"
    return SourceError(
        operand.span, f"operand `{name}` of `{mnemonic}` must be a register, not {found}", hint
    )


def _unknown_instruction(span: Span, has_operands: bool) -> SourceError:
    def hint() -> str:
        found = did_you_mean(span.text, FORMS)
        return found if found or has_operands else f"a label has a colon: `{span.text}:`"

    return SourceError(span, f"unknown instruction `{span.text}`", hint)
