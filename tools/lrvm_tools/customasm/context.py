"""What an expression sees while it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from .problems import FailedValueError, Origin
from .source import Source, Span
from .values import Value

if TYPE_CHECKING:
    from .asm_nodes import AsmBlock
    from .banks import Bank
    from .expressions import Name, Node
    from .files import Files
    from .symbols import Symbol


class BlockNames:
    """Names that only the instructions of an `asm` block see: its labels and hidden names."""

    __slots__ = ("outer", "values")

    def __init__(self, outer: BlockNames | None) -> None:
        self.values: dict[str, Value | UnknownType] = {}
        self.outer = outer

    def find(self, name: str) -> Value | UnknownType | MissingType:
        """The value of a name, UNKNOWN for now, or MISSING."""
        names: BlockNames | None = self
        while names is not None:
            if name in names.values:
                return names.values[name]
            names = names.outer
        return MISSING


class UnknownType:
    """The type of UNKNOWN."""


class MissingType:
    """The type of MISSING."""


UNKNOWN = UnknownType()
MISSING = MissingType()


class ArgumentText(Protocol):
    """How an argument of a rule is written; `asm` blocks substitute it for the parameter."""

    @property
    def text(self) -> str: ...


class Resolver(Protocol):
    """What a phase knows about names and places. Its methods raise Problem, UnknownValueError and
    FailedValueError."""

    files: Files
    touched: bool
    """Set when a value is asked for that another pass or another place may change."""

    def symbol(self, name: Name, context: Context) -> Value:
        """The value of a name that is neither local nor built in."""

    def address(self, node: Node, context: Context) -> Value:
        """The address of the current place."""

    def bank_of(self, node: Node, name: Name, context: Context) -> Bank:
        """The bank of a label or of the current place (an extension: section 12)."""

    def assemble(self, block: AsmBlock, context: Context) -> Value:
        """The encoding of an `asm` block."""

    def enter(self, node: Node, context: Context) -> None:
        """Count a call of a function, which not every phase allows."""


class Context:
    """What an expression sees.

    `origin` is where the expression stands, `file` what file names in it are relative to,
    `position` the place in `bank` in bits. `depth` counts the calls around it. `names` are those
    of the `asm` block that the expression is written in, `argument_names` those that the
    arguments of the rule around it see; `texts` are these arguments, `overwritten` the parameters
    that were assigned to.
    """

    __slots__ = (
        "argument_names", "bank", "depth", "file", "locals", "names", "origin",
        "overwritten", "position", "resolver", "symbol", "texts",
    )  # fmt: skip

    def __init__(
        self,
        resolver: Resolver,
        origin: Origin,
        symbol: Symbol | None,
        bank: Bank | None = None,
        position: int = 0,
        depth: int = 0,
        names: BlockNames | None = None,
    ) -> None:
        self.resolver = resolver
        self.origin = origin
        self.file: Source = origin.source
        self.symbol = symbol
        self.bank = bank
        self.position = position
        self.depth = depth
        self.locals: dict[str, Value | FailedValueError] = {}
        self.texts: Mapping[str, ArgumentText] = {}
        self.overwritten: tuple[str, ...] = ()
        self.names = names
        self.argument_names: BlockNames | None = None

    def inner(self, origin: Origin, depth: int) -> Context:
        """The context of a rule's or function's body: no local names, everything else alike."""
        made = Context(
            self.resolver, origin, self.symbol, self.bank, self.position, self.depth + depth
        )
        made.argument_names = self.names
        return made

    def span(self, node: Node) -> Span:
        return self.origin.span(node.start, node.end)
