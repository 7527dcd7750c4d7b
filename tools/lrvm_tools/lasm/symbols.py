"""The names that a program defines, and how a use finds its definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from ..customasm.source import Span
from .errors import SourceError
from .functions import BUILT_INS
from .syntax import Constant, Function, Label, Name
from .values import Value

Path: TypeAlias = tuple[str, ...]


class Scope(NamedTuple):
    """Where leading dots start from: the last symbol and the last label before a place.

    `.name` names what is local to the last global constant or label, and failing that what is
    local to the last global label: a constant between a label and its local labels does not
    hide them.
    """

    symbol: Path
    label: Path

    def parents(self, level: int) -> list[Path]:
        """What a name with `level` dots may be local to, best first."""
        paths = (self.symbol, self.label)
        return list(dict.fromkeys(path[:level] for path in paths if level <= len(path)))


GLOBAL_SCOPE: Final = Scope((), ())


class Symbol:
    """A label or a constant.

    `scope` is where its own expression is evaluated. `position` is the place in bits of a label,
    or of a constant for its `$`; None until the layout has reached it.
    """

    __slots__ = ("definition", "error", "path", "position", "scope", "value", "value_from")

    def __init__(self, path: Path, definition: Label | Constant, scope: Scope) -> None:
        self.path = path
        self.definition = definition
        self.scope = scope
        self.position: int | None = None
        self.value: Value | None = None
        """A constant's value, computed in evaluation round `value_from`."""
        self.value_from = 0
        self.error: SourceError | None = None
        """Why a constant has no value in that round."""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def is_label(self) -> bool:
        return isinstance(self.definition, Label)


class SymbolTable:
    """All symbols and functions; functions and global symbols share their names."""

    def __init__(self) -> None:
        self._symbols: dict[Path, Symbol] = {}
        self._functions: dict[str, Function] = {}
        self.incomplete = False
        """True if definitions are missing because of reported errors: an unknown name is then no
        further error."""

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._symbols.values())

    def define(self, definition: Label | Constant, scope: Scope) -> Symbol:
        """Define a label or constant found in `scope`. Raises SourceError."""
        level = definition.level
        is_label = isinstance(definition, Label)
        outer = scope.label if is_label and level <= len(scope.label) else scope.symbol
        if level > len(outer):
            raise _misplaced(definition, outer)
        path = (*outer[:level], definition.name)
        inner = Scope(path, path if is_label else scope.label)
        symbol = Symbol(path, definition, inner)
        earlier = self._symbols.get(path)
        kind = "label" if is_label else "constant"
        if earlier is not None:
            raise _duplicate(definition.span, f"{kind} `{symbol.name}`", earlier.definition.span)
        if level == 0 and definition.name in self._functions:
            function = self._functions[definition.name]
            raise _duplicate(definition.span, f"name `{symbol.name}`", function.span)
        self._symbols[path] = symbol
        return symbol

    def define_function(self, function: Function) -> None:
        """Define a function. Raises SourceError."""
        if function.name in BUILT_INS:
            raise SourceError(function.span, f"`{function.name}` is a built-in function")
        earlier = self._functions.get(function.name) or self._symbols.get((function.name,))
        if isinstance(earlier, Symbol):
            raise _duplicate(function.span, f"name `{function.name}`", earlier.definition.span)
        if earlier is not None:
            raise _duplicate(function.span, f"function `{function.name}`", earlier.span)
        self._functions[function.name] = function

    def find(self, name: Name, scope: Scope) -> Symbol | None:
        """The symbol that a name in `scope` means."""
        if name.level == 0:
            return self._symbols.get(name.path)
        for parent in scope.parents(name.level):
            symbol = self._symbols.get(parent + name.path)
            if symbol is not None:
                return symbol
        return None

    def function(self, name: str) -> Function | None:
        return self._functions.get(name)

    def function_names(self) -> Iterator[str]:
        return iter(self._functions)

    def names_near(self, name: Name, scope: Scope) -> Iterator[str]:
        """What might have been written instead of an unknown name."""
        if name.level == 0:
            for symbol in self:
                yield symbol.name
            return
        dots = "." * name.level
        for parent in scope.parents(name.level):
            for path in self._symbols:
                if path[: len(parent)] == parent and len(path) > len(parent):
                    yield dots + ".".join(path[len(parent) :])


def _misplaced(definition: Label | Constant, outer: Path) -> SourceError:
    written = "." * definition.level + definition.name
    if not outer:
        message = f"`{written}` is local, but no global label comes before it"
        return SourceError(definition.span, message, f"a global one is written `{definition.name}`")
    deepest = "." * len(outer) + definition.name
    message = f"`{written}` is nested too deeply below `{'.'.join(outer)}`"
    return SourceError(definition.span, message, f"at most `{deepest}` can stand here")


def _duplicate(span: Span, what: str, first: Span) -> SourceError:
    return SourceError(span, f"duplicate {what}", f"it is first defined at {first.place}")
