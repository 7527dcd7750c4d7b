"""The syntax tree: expressions and statements.

Chains (`a + b - c`, `x`8[3:0]`, `--x`) are one node with a sequence in it rather than nodes
within nodes, so that a tree is only as deep as its source is nested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lrvm_jit.isa import Reg

from ..customasm.source import Source, Span
from .values import Value

# Expressions


@dataclass(frozen=True, slots=True)
class Literal:
    span: Span
    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """`outer.inner`, or with `level` leading dots a name seen from the current label."""

    span: Span
    level: int
    path: tuple[str, ...]

    @property
    def text(self) -> str:
        return "." * self.level + ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Here:
    """`$`, the current address."""

    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """Prefix operators, outermost first."""

    span: Span
    operators: tuple[str, ...]
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Operators of one precedence, applied from left to right."""

    span: Span
    first: Expression
    rest: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`[high:low]`, or `` `count `` if `low` is None."""

    span: Span
    high: Expression
    low: Expression | None


@dataclass(frozen=True, slots=True)
class Sliced:
    span: Span
    operand: Expression
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? value : condition ? value : otherwise`."""

    span: Span
    cases: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Call:
    span: Span
    function: Name
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Sequenced:
    """`{ a, b }`: evaluates all, has the last one's value."""

    span: Span
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """An expression whose syntax error has been reported."""

    span: Span


Expression: TypeAlias = (
    Literal | Name | Here | Unary | Binary | Sliced | Choice | Call | Sequenced | Broken
)

# Statements


@dataclass(frozen=True, slots=True)
class Label:
    """`name:`, with `level` leading dots."""

    span: Span
    level: int
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """`name = value`. `cost` is what one evaluation counts as work."""

    span: Span
    level: int
    name: str
    value: Expression
    cost: int


@dataclass(frozen=True, slots=True)
class RegisterOperand:
    span: Span
    register: Reg


Operand: TypeAlias = RegisterOperand | Expression


@dataclass(frozen=True, slots=True)
class Instruction:
    """A known mnemonic or alias, in lower case; `span` is the mnemonic's."""

    span: Span
    mnemonic: str
    operands: Sequence[Operand]


@dataclass(frozen=True, slots=True)
class EncodedInstruction:
    """An instruction whose operands are registers and numbers, encoded already; `span` is the
    mnemonic's."""

    span: Span
    word: int


@dataclass(frozen=True, slots=True)
class UnknownInstruction:
    """A line that starts like an instruction, of no known mnemonic; an error if it is assembled."""

    span: Span
    has_operands: bool


@dataclass(frozen=True, slots=True)
class Data:
    """`#d` (width None) or `#dN`."""

    span: Span
    width: int | None
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Reserve:
    span: Span
    amount: Expression


@dataclass(frozen=True, slots=True)
class Align:
    span: Span
    bits: Expression


@dataclass(frozen=True, slots=True)
class Address:
    span: Span
    address: Expression


@dataclass(frozen=True, slots=True)
class Assertion:
    span: Span
    condition: Expression


@dataclass(frozen=True, slots=True)
class Include:
    """`span` is the file name's."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """`#fn`; `span` is the name's. `cost` is what one call counts as work."""

    span: Span
    name: str
    parameters: tuple[str, ...]
    body: Expression
    cost: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """`#if` with its `#elif`s, each a condition and what it guards, and the `#else`."""

    span: Span
    branches: tuple[tuple[Expression, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


Placed: TypeAlias = (
    Label
    | Constant
    | Instruction
    | EncodedInstruction
    | UnknownInstruction
    | Data
    | Reserve
    | Align
    | Address
    | Assertion
)
"""Statements that have a place in the program."""

Statement: TypeAlias = Placed | Include | Function | Conditional


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's statements; `once` if it says `#once`."""

    source: Source
    statements: tuple[Statement, ...]
    once: bool
    file: Path | None = None
    """Where it was read from; None for a source given as text without a path."""
