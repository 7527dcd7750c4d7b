"""What names mean before the passes: for constants, conditions and fields of banks (section 7).

Labels, addresses, functions, `asm` blocks and local names have no value then.
"""

from __future__ import annotations

from .asm_nodes import AsmBlock
from .banks import Bank
from .context import Context, UnknownType
from .diagnostics import did_you_mean
from .expressions import Name, Node
from .files import Files
from .problems import FailedValueError, Problem, UnknownValueError
from .symbols import Symbol, SymbolTable
from .values import Value


class ConstantResolver:
    """For constants: what is not known yet is no error."""

    def __init__(self, symbols: SymbolTable, files: Files) -> None:
        self.symbols = symbols
        self.files = files
        self.touched = False

    def symbol(self, name: Name, context: Context) -> Value:
        symbol = None if name.level else self.symbols.find(name, None)
        if symbol is None:
            named = self.symbols.named(name)
            if named is None:
                raise UnknownValueError
            return named
        return value_of(symbol)

    def address(self, node: Node, context: Context) -> Value:
        raise UnknownValueError

    def bank_of(self, node: Node, name: Name, context: Context) -> Bank:
        raise UnknownValueError

    def assemble(self, block: AsmBlock, context: Context) -> Value:
        raise UnknownValueError

    def enter(self, node: Node, context: Context) -> None:
        raise UnknownValueError


class ConditionResolver(ConstantResolver):
    """For conditions and fields of banks: says why there is no value."""

    def symbol(self, name: Name, context: Context) -> Value:
        symbol = None if name.level else self.symbols.find(name, None)
        if symbol is None:
            named = self.symbols.named(name)
            if named is None:
                raise unknown_symbol(name, context, self.symbols)
            return named
        try:
            return value_of(symbol)
        except UnknownValueError:
            raise unresolved_symbol(name, context) from None

    def address(self, node: Node, context: Context) -> Value:
        raise Problem(context.span(node), "cannot get address in this context")


def value_of(symbol: Symbol) -> Value:
    """The newest value of a symbol. Raises UnknownValueError or FailedValueError."""
    value = symbol.value
    if isinstance(value, UnknownType):
        raise UnknownValueError
    if isinstance(value, FailedValueError):
        raise FailedValueError(value.problem)
    return value


def unknown_symbol(name: Name, context: Context, symbols: SymbolTable) -> Problem:
    """The error for a name that nothing declares."""
    hint = ""
    if name.level == 0:
        hint = did_you_mean(name.text, [symbol.full_name for symbol in symbols])
    return Problem(context.span(name), f"unknown symbol `{name.text}`", hint=hint)


def unresolved_symbol(name: Name, context: Context) -> Problem:
    """The error for a symbol that gets no value."""
    return Problem(context.span(name), f"unresolved symbol `{name.text}`")
