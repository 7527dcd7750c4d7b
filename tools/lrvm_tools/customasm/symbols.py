"""The names that a program declares (section 4 of the specification)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .context import UNKNOWN, UnknownType
from .expressions import Name
from .language import PLAIN, Language
from .problems import FailedValueError, Problem, note
from .source import Span
from .values import Value

if TYPE_CHECKING:
    from .banks import Bank


class Symbol:
    """A label, a constant or a function below its parent (None: global).

    `value` is the newest one; `is_static` tells that no pass can change it. `bank` is that of the
    place where a label stands.
    """

    __slots__ = (
        "bank", "children", "depth", "emitted", "is_label", "is_static", "label", "name",
        "parent", "span", "value",
    )  # fmt: skip

    def __init__(self, name: str, span: Span, parent: Symbol | None, is_label: bool) -> None:
        self.name = name
        self.span = span
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.is_label = is_label
        self.emitted = True
        self.is_static = False
        self.value: Value | UnknownType | FailedValueError = UNKNOWN
        self.bank: Bank | None = None
        self.children: dict[str, Symbol] = {}
        self.label: Symbol | None = self if is_label else None
        """The latest label up to it."""

    @property
    def full_name(self) -> str:
        return self.name if self.parent is None else f"{self.parent.full_name}.{self.name}"

    def ancestor(self, level: int) -> Symbol | None:
        """The one that names with `level` dots are below; None if there is none so deep."""
        symbol: Symbol | None = self
        while symbol is not None and symbol.depth >= level:
            symbol = symbol.parent
        return symbol if symbol is not None and symbol.depth == level - 1 else None


class SymbolTable:
    """All symbols."""

    def __init__(self, language: Language = PLAIN) -> None:
        self._language = language
        self._top: dict[str, Symbol] = {}

    def declare(
        self, name: str, level: int, span: Span, latest: Symbol | None, is_label: bool
    ) -> Symbol:
        """Declare a name after the symbol `latest`. Raises Problem."""
        parent = None
        if level:
            outer = latest
            if self._language.labels_keep_scope and is_label and latest is not None:
                label = latest.label
                outer = label if label is not None and level <= label.depth + 1 else latest
            parent = None if outer is None else outer.ancestor(level)
            if parent is None:
                raise Problem(span, "symbol declaration skips a nesting level")
        family = self._top if parent is None else parent.children
        earlier = family.get(name)
        symbol = Symbol(name, span, parent, is_label)
        if earlier is not None:
            message = f"duplicate symbol `{symbol.full_name}`"
            raise Problem(span, message, note(earlier.span, "first declared here"))
        family[name] = symbol
        if not is_label and latest is not None:
            symbol.label = latest.label
        return symbol

    def find(self, name: Name, latest: Symbol | None) -> Symbol | None:
        """The symbol that a name after the symbol `latest` means."""
        found = self._find(name, latest)
        if found is None and name.level and self._language.labels_keep_scope and latest:
            return self._find(name, latest.label)
        return found

    def named(self, name: Name) -> int | None:
        """The value of a name that the language gives, where the program declares none."""
        return None if name.plain is None else self._language.names.get(name.plain.upper())

    def _find(self, name: Name, latest: Symbol | None) -> Symbol | None:
        family: dict[str, Symbol] = self._top
        if name.level:
            parent = None if latest is None else latest.ancestor(name.level)
            if parent is None:
                return None
            family = parent.children
        parts = name.parts
        if len(parts) == 1:
            return family.get(parts[0])
        symbol = None
        for part in parts:
            symbol = family.get(part)
            if symbol is None:
                return None
            family = symbol.children
        return symbol

    def by_full_name(self, name: str) -> Symbol | None:
        """The symbol with this dotted name."""
        symbol = None
        family = self._top
        for part in name.split("."):
            symbol = family.get(part)
            if symbol is None:
                return None
            family = symbol.children
        return symbol

    def __iter__(self) -> Iterator[Symbol]:
        """Parents before children, siblings in the order of their declaration."""
        stack = [iter(self._top.values())]
        while stack:
            symbol = next(stack[-1], None)
            if symbol is None:
                stack.pop()
            else:
                yield symbol
                if symbol.children:
                    stack.append(iter(symbol.children.values()))
