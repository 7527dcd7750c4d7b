"""A module of LLVM IR as the back end sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .types import Type

Operand = tuple[Any, ...]
"""A value: (kind, type, ...).

- ("local", type, name): a result or parameter
- ("int", type, value): integers not negative; floats as their bits; null is 0
- ("global", type, symbol, offset): an address
- ("block", type, function, label): a block's address
- ("zero", type): all bits zero, also for undef and poison
- ("list", type, [operand, ...]): the elements of an aggregate
- ("expression", type, Instruction): a constant expression that is none of these
- ("metadata", type)
"""


class Instruction:
    """One instruction. `name` and `type` are those of its result; "" if nobody can use it."""

    __slots__ = ("args", "debug", "extra", "name", "op", "type")

    def __init__(
        self, op: str, name: str, type_: Type, args: list[Operand], extra: Any = None
    ) -> None:
        self.op = op
        self.name = name
        self.type = type_
        self.args = args
        self.extra = extra
        """What else the instruction says; see the parser's method for each kind."""
        self.debug = ""
        """Name of the metadata node with the source position."""


@dataclass(slots=True)
class Callee:
    """What a call calls: `target` is an operand, or the text and constraints of assembly."""

    target: Operand | tuple[str, str]
    variadic: bool
    fixed: int
    """Parameters that are not variable ones."""
    upper: frozenset[int] = frozenset()
    """Arguments that lie in the upper bits of their word in memory: parts of structs."""

    @property
    def is_assembly(self) -> bool:
        return len(self.target) == 2


@dataclass(slots=True)
class Block:
    label: str
    instructions: list[Instruction] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """A function with a body. `records` are the debug records: (block, position, text)."""

    name: str
    type: Type
    parameters: list[tuple[Type, str]]
    variadic: bool
    linkage: str
    section: str
    blocks: list[Block]
    debug: str = ""
    records: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Variable:
    """A global variable; `initial` is None if it is defined elsewhere."""

    name: str
    type: Type
    initial: Operand | None
    constant: bool
    linkage: str
    section: str
    align: int
    debug: str = ""


@dataclass(slots=True)
class Module:
    functions: dict[str, Function] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    aliases: dict[str, tuple[Operand, str]] = field(default_factory=dict)
    """What each name stands for, and its linkage."""
    declared: dict[str, str] = field(default_factory=dict)
    """Linkage of the functions that are defined elsewhere, `extern_weak` or nothing."""
    metadata: dict[str, str] = field(default_factory=dict)
    """The text of each metadata node."""
