"""Statements: what the parser makes of the lines of a file (section 2).

They are values that later phases leave as they are, but for the nodes that `expansion` makes of
them, which are what has a place in the program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .problems import Origin
from .source import Span

if TYPE_CHECKING:
    from .expressions import Node


@dataclass(slots=True, eq=False)
class Label:
    """`name:` after `level` dots; `span` is all of it."""

    span: Span
    level: int
    name: str


@dataclass(slots=True, eq=False)
class Constant:
    """`name = value`; `emitted` is False where `symbols` output leaves it out. `origin` is where
    offsets in the expression count from."""

    span: Span
    level: int
    name: str
    value: Node
    origin: Origin
    emitted: bool = True


@dataclass(slots=True, eq=False)
class Instruction:
    """An instruction, to be matched: its text, which starts at `span`."""

    span: Span
    text: str


@dataclass(slots=True, eq=False)
class Data:
    """`#d` (size None) or `#dN`."""

    span: Span
    size: int | None
    values: list[Node]
    origin: Origin


@dataclass(slots=True, eq=False)
class Amount:
    """`#res`, `#align`, `#addr` or `#assert` (`kind`) and its expression."""

    span: Span
    kind: str
    value: Node
    origin: Origin


@dataclass(slots=True, eq=False)
class FunctionDefinition:
    """`#fn`; `span` is the name's. Functions are values."""

    span: Span
    name: str
    parameters: tuple[str, ...]
    body: Node
    origin: Origin
    names_own_files: bool = False
    """Whether files are named from its own file on, not from that of its caller."""


@dataclass(slots=True, eq=False)
class Conditional:
    """`#if`; an `#elif` is another one that stands in `otherwise`."""

    span: Span
    condition: Node
    origin: Origin
    then: list[Statement]
    otherwise: list[Statement]


@dataclass(slots=True, eq=False)
class Include:
    """`#include`; `span` is the file name's."""

    span: Span
    name: str


@dataclass(slots=True, eq=False)
class BankUse:
    """`#bank`; `span` is the bank's name's."""

    span: Span
    name: str


@dataclass(slots=True, eq=False)
class BankField:
    """A field of `#bankdef`; `span` is its name's, `value` None if it has none."""

    span: Span
    name: str
    value: Node | None


@dataclass(slots=True, eq=False)
class BankDefinition:
    """`#bankdef`; `span` is the directive's, `name_span` the name's."""

    span: Span
    name_span: Span
    name: str
    fields: list[BankField]
    origin: Origin


@dataclass(slots=True, eq=False)
class Parameter:
    """`{name: type}` in a pattern; `type_name` None if there is no type, `type_place` where it
    stands in the rule's origin."""

    name: str
    type_name: str | None
    type_place: tuple[int, int]


@dataclass(slots=True, eq=False)
class RuleDefinition:
    """A rule: its pattern's parts (literal characters, None for a space, parameters) and body.

    `span` is the pattern's.
    """

    span: Span
    parts: list[str | Parameter | None]
    body: Node
    origin: Origin


@dataclass(slots=True, eq=False)
class RulesDefinition:
    """`#ruledef` or `#subruledef`; `span` is the name's, or the directive's if there is none."""

    span: Span
    name: str
    is_sub: bool
    rules: list[RuleDefinition] = field(default_factory=list)


Statement: TypeAlias = (
    Label
    | Constant
    | Instruction
    | Data
    | Amount
    | FunctionDefinition
    | Conditional
    | Include
    | BankUse
    | BankDefinition
    | RulesDefinition
)
