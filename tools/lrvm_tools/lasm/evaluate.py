"""Evaluation of expressions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from ..customasm.diagnostics import did_you_mean
from ..customasm.source import Span
from .errors import AlreadyReportedError, SourceError, UnresolvedError
from .functions import BUILT_INS, Argument, ReadFile
from .limits import CALL_DEPTH, WORK
from .operators import binary, bit_slice, prefix, work
from .symbols import Scope, Symbol, SymbolTable
from .syntax import (
    Binary,
    Broken,
    Call,
    Choice,
    Constant,
    Expression,
    Function,
    Here,
    Literal,
    Name,
    Sequenced,
    Sliced,
    Unary,
)
from .values import NOTHING, Integer, Value, as_integer, describe, large, show_integer


class BuiltInNames(NamedTuple):
    """Names that an instruction set brings along: constants (upper case) and registers (lower
    case). Inside an expression the original takes `here`, a register's name, for `$`."""

    constants: Mapping[str, int]
    registers: Collection[str]
    here: str


class _Context(NamedTuple):
    """What an expression sees: names, the position in bits, and a function's arguments."""

    scope: Scope
    position: int | None
    arguments: Mapping[str, Value]
    depth: int


class _NeededError(Exception):
    """Raised at a use of a constant that has no value in this round yet."""

    def __init__(self, symbol: Symbol) -> None:
        super().__init__(symbol)
        self.symbol = symbol

    def __str__(self) -> str:
        return self.symbol.name


class Evaluator:
    """Evaluates expressions against a symbol table.

    Values of constants hold for one round: addresses may have moved when the next one starts.
    """

    def __init__(self, symbols: SymbolTable, read: ReadFile, names: BuiltInNames) -> None:
        self._names = names
        self._symbols = symbols
        self._read = read
        self._round = 1
        self._work = 0
        self._exhausted: Span | None = None

    def start_round(self) -> None:
        """Forget the values of constants, and compute those that need nothing unknown."""
        self._round += 1
        # In order and without looking ahead: a constant that needs a later one comes when it is
        # used. Most are computed here, so that few expressions have to be started again.
        for symbol in self._symbols:
            if not symbol.is_label:
                with suppress(_NeededError, SourceError, AlreadyReportedError):
                    self._attempt(symbol)

    def value(self, expression: Expression, scope: Scope, position: int | None) -> Value:
        """The value of an expression at a place; `position` is None where none is known.

        Raises SourceError; UnresolvedError if an address is needed that is not known yet.
        """
        context = _Context(scope, position, {}, 0)
        while True:
            try:
                value = self._value(expression, context)
                self._spend(large(value) >> 13, expression.span)
                return value
            except _NeededError as needed:
                self._compute(needed.symbol)
            except RecursionError:
                message = "the expression and the functions it calls are nested too deeply"
                raise SourceError(expression.span, message) from None

    def integer(self, expression: Expression, scope: Scope, position: int | None) -> Integer:
        """The value of an expression that must be an integer."""
        value = self.value(expression, scope, position)
        number = as_integer(value)
        if number is None:
            raise SourceError(expression.span, f"expected an integer, found {describe(value)}")
        return number

    def boolean(self, expression: Expression, scope: Scope, position: int | None) -> bool:
        """The value of an expression that must be a boolean."""
        return _boolean(self.value(expression, scope, position), expression.span)

    def constant(self, symbol: Symbol) -> Value:
        """The value of a constant."""
        if symbol.value_from != self._round:
            self._compute(symbol)
        return _known(symbol)

    def _compute(self, symbol: Symbol) -> None:
        """Compute a constant, and before it those it needs.

        A stack of its own rather than recursion: constants may be chained at any length.
        """
        pending = {symbol: None}
        while pending:
            current = next(reversed(pending))
            self._spend(_definition(current).cost, current.definition.span)
            try:
                self._attempt(current)
            except _NeededError as needed:
                if needed.symbol not in pending:
                    pending[needed.symbol] = None
                    continue
                waiting = list(pending)
                cycle = waiting[waiting.index(needed.symbol) :]
                error = _cycle(cycle)
                for member in cycle:
                    member.error, member.value_from = error, self._round
                raise error from None
            del pending[current]

    def _attempt(self, symbol: Symbol) -> None:
        """Compute a constant from those that are known. Raises what `_value` raises."""
        expression = _definition(symbol).value
        symbol.error = None
        try:
            symbol.value = self._value(expression, _Context(symbol.scope, symbol.position, {}, 0))
        except UnresolvedError:
            # Not for good: an address may become known in this round.
            raise
        except SourceError as error:
            symbol.error = error
            symbol.value_from = self._round
            raise
        except RecursionError:
            message = "the expression and the functions it calls are nested too deeply"
            raise SourceError(expression.span, message) from None
        symbol.value_from = self._round

    def _spend(self, amount: int, span: Span) -> None:
        self._work += amount
        if self._work > WORK:
            # Always the same place, so that it is one error and not one for each use.
            self._exhausted = self._exhausted or span
            raise SourceError(self._exhausted, "evaluating the program takes too long")

    def _value(self, expression: Expression, context: _Context) -> Value:
        match expression:
            case Literal():
                return expression.value
            case Name():
                return self._name(expression, context)
            case Binary():
                return self._binary(expression, context)
            case Here(span):
                return _address(span, context)
            case Unary(span, operators, operand):
                value = self._value(operand, context)
                for operator in reversed(operators):
                    self._spend(work(operator, value), span)
                    value = prefix(operator, value, span)
                return value
            case Sliced():
                return self._sliced(expression, context)
            case Choice(_, cases, otherwise):
                for condition, chosen in cases:
                    if _boolean(self._value(condition, context), condition.span):
                        return self._value(chosen, context)
                return self._value(otherwise, context)
            case Call():
                return self._call(expression, context)
            case Sequenced(_, parts):
                value = NOTHING
                for part in parts:
                    value = self._value(part, context)
                return value
            case Broken():
                raise AlreadyReportedError

    def _name(self, name: Name, context: _Context) -> Value:
        plain = name.path[0] if name.level == 0 and len(name.path) == 1 else None
        if plain is not None and plain in context.arguments:
            return context.arguments[plain]
        symbol = self._symbols.find(name, context.scope)
        if symbol is None:
            if plain is not None and plain.upper() in self._names.constants:
                return Integer(self._names.constants[plain.upper()])
            if plain is not None and plain.lower() == self._names.here:
                return _address(name.span, context)
            raise self._unknown(name, plain, context.scope)
        if symbol.is_label:
            if symbol.position is None:
                message = f"the address of `{symbol.name}` is not known yet"
                raise UnresolvedError(name.span, message)
            return Integer(symbol.position // 8)
        if symbol.value_from != self._round:
            raise _NeededError(symbol)
        return _known(symbol)

    def _unknown(self, name: Name, plain: str | None, scope: Scope) -> Exception:
        if self._symbols.incomplete:
            return AlreadyReportedError()

        def hint() -> str:
            if plain is not None and plain.lower() in self._names.registers:
                return f"`{plain}` is a register: it can be a whole operand, not a part of a value"
            if plain is not None and (plain in BUILT_INS or self._symbols.function(plain)):
                return f"`{plain}` is a function: it needs arguments in parentheses"
            names = self._symbols.names_near(name, scope)
            built_in = (*self._names.constants, *self._names.registers)
            others = () if name.level else built_in
            return did_you_mean(name.text, chain(others, names))

        return SourceError(name.span, f"unknown symbol `{name.text}`", hint)

    def _binary(self, expression: Binary, context: _Context) -> Value:
        first = expression.first
        value = self._value(first, context)
        start = expression.span.start
        for operator, operand in expression.rest:
            if operator in ("&&", "||"):
                if _boolean(value, first.span) is (operator == "||"):
                    return value
                value = _boolean(self._value(operand, context), operand.span)
            else:
                right = self._value(operand, context)
                span = Span(expression.span.source, start, operand.span.end)
                self._spend(work(operator, value, right), span)
                value = binary(operator, value, right, span)
        return value

    def _sliced(self, expression: Sliced, context: _Context) -> Value:
        value = self._value(expression.operand, context)
        for piece in expression.slices:
            self._spend(work("[", value), expression.span)
            high = self._bit_number(piece.high, context)
            if piece.low is None:
                value = bit_slice(value, 0, high, expression.span)
                continue
            low = self._bit_number(piece.low, context)
            if high < low:
                raise SourceError(
                    piece.span,
                    f"the slice ends at bit {show_integer(high)}, below bit {show_integer(low)}",
                    "the highest bit is written first: [high:low]",
                )
            value = bit_slice(value, low, high + 1 - low, expression.span)
        return value

    def _bit_number(self, expression: Expression, context: _Context) -> int:
        value = self._value(expression, context)
        return Argument(value, expression.span).count()

    def _call(self, call: Call, context: _Context) -> Value:
        name = call.function.text
        built_in = BUILT_INS.get(name)
        function = self._symbols.function(name)
        if built_in is None and function is None:
            raise self._unknown_function(call.function, context)
        if function is not None and isinstance(function.body, Broken):
            raise AlreadyReportedError
        arguments = [
            Argument(self._value(argument, context), argument.span) for argument in call.arguments
        ]
        if built_in is not None:
            _check_count(call, built_in.minimum, built_in.maximum)
            self._spend(sum(large(argument.value) for argument in arguments) >> 13, call.span)
            return built_in.compute(arguments, call.span, self._read)
        assert function is not None
        return self._call_user(function, arguments, call, context)

    def _call_user(
        self, function: Function, arguments: list[Argument], call: Call, context: _Context
    ) -> Value:
        _check_count(call, len(function.parameters), len(function.parameters))
        if context.depth == CALL_DEPTH:
            message = f"`{function.name}` is called more than {CALL_DEPTH} deep"
            raise SourceError(
                call.span, message, "a function that calls itself must come to an end"
            )
        self._spend(function.cost, call.span)
        values = (argument.value for argument in arguments)
        inner = dict(zip(function.parameters, values, strict=True))
        try:
            return self._value(
                function.body, _Context(context.scope, context.position, inner, context.depth + 1)
            )
        except SourceError as error:
            error.hint = error.hint or f"in the call at {call.span.place}"
            raise

    def _unknown_function(self, name: Name, context: _Context) -> Exception:
        if self._symbols.find(name, context.scope) is not None:
            return SourceError(name.span, f"`{name.text}` is not a function")
        if self._symbols.incomplete:
            return AlreadyReportedError()
        known = (*BUILT_INS, *self._symbols.function_names())
        message = f"unknown function `{name.text}`"
        return SourceError(name.span, message, lambda: did_you_mean(name.text, known))


def _address(span: Span, context: _Context) -> Integer:
    if context.position is None:
        raise UnresolvedError(span, "the current address is not known here")
    missing = -context.position % 8
    if missing:
        raise SourceError(
            span,
            f"no address here: the position is {missing} bits short of a whole byte",
            "`#align 8` fills up the byte",
        )
    return Integer(context.position // 8)


def _definition(symbol: Symbol) -> Constant:
    assert isinstance(symbol.definition, Constant)
    return symbol.definition


def _known(symbol: Symbol) -> Value:
    """The value of a constant that has been computed in this round. Raises what kept it."""
    error = symbol.error
    if error is not None:
        # Raised anew: an exception collects a traceback each time it is raised.
        raise SourceError(error.span, error.message, error.hint)
    assert symbol.value is not None
    return symbol.value


def _boolean(value: Value, span: Span) -> bool:
    if isinstance(value, bool):
        return value
    raise SourceError(
        span, f"expected a boolean, found {describe(value)}", "compare it, as in `x != 0`"
    )


def _check_count(call: Call, minimum: int, maximum: int) -> None:
    given = len(call.arguments)
    if minimum <= given <= maximum:
        return
    wanted = str(minimum) if minimum == maximum else f"{minimum} to {maximum}"
    plural = "" if wanted == "1" else "s"
    message = f"`{call.function.text}` takes {wanted} argument{plural}, {given} given"
    raise SourceError(call.span, message)


def _cycle(symbols: list[Symbol]) -> SourceError:
    """The error for constants that need each other, told from the first definition on."""
    first = min(range(len(symbols)), key=lambda index: symbols[index].definition.span.start)
    ordered = [*symbols[first:], *symbols[:first]]
    names = [symbol.name for symbol in ordered]
    shown = names if len(names) <= 6 else [*names[:3], "...", *names[-2:]]
    message = f"constants define each other: {' -> '.join([*shown, names[0]])}"
    return SourceError(ordered[0].definition.span, message)
