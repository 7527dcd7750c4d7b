"""Functions of machine instructions on their way from selection to emission."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..executable import PlaceKind
from .target import FIRST_VIRTUAL, Condition, Instr

Target = str
"""A block's label."""


@dataclass(slots=True)
class Jump:
    target: Target


@dataclass(slots=True)
class Branch:
    """The flags were set by the block's last instructions."""

    condition: Condition
    then: Target
    otherwise: Target


@dataclass(slots=True)
class TableJump:
    """`register` is the number of the target in the table."""

    register: int
    targets: list[Target]


@dataclass(slots=True)
class IndirectJump:
    register: int
    targets: list[Target]


@dataclass(slots=True)
class Return:
    registers: tuple[int, ...]
    """Machine registers that hold the result."""


@dataclass(slots=True)
class Stop:
    """What comes here never continues."""


Terminator = Jump | Branch | TableJump | IndirectJump | Return | Stop


def targets_of(end: Terminator | None) -> list[Target]:
    """The labels that a block can continue at."""
    if isinstance(end, Jump):
        return [end.target]
    if isinstance(end, Branch):
        return [end.then, end.otherwise]
    if isinstance(end, TableJump | IndirectJump):
        return end.targets
    return []


class MachineBlock:
    """Instructions with one way in. `depth` is how many loops it is in."""

    __slots__ = ("before_end", "code", "depth", "end", "label", "late", "origin")

    def __init__(self, label: Target, origin: str, depth: int = 0) -> None:
        self.label = label
        self.origin = origin
        """The IR block that it belongs to."""
        self.code: list[Instr] = []
        self.end: Terminator | None = None
        self.depth = depth
        self.before_end = 0
        """Where instructions can be inserted that may change the flags."""
        self.late = False
        """Whether it is laid out at the function's end."""


@dataclass(slots=True)
class FrameObject:
    """Memory of a function's frame. `offset` from the frame pointer is set by the emission."""

    size: int
    align: int
    offset: int = 0


@dataclass(slots=True)
class VariablePlace:
    """Where a variable of the source is while the function runs: its metadata node, and an
    object of the frame."""

    metadata: str
    place: int


Location = tuple[PlaceKind, int, int | None]
"""Where a value is: a REGISTER, with a second one for the high word; an object of the FRAME; or a
CONSTANT."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Where a variable of optimised code is from one word of the function to another."""

    metadata: str
    first: int
    end: int
    place: Location


@dataclass(slots=True)
class MachineFunction:
    name: str
    local: bool
    weak: bool
    section: str = ""
    blocks: list[MachineBlock] = field(default_factory=list)
    registers: int = FIRST_VIRTUAL
    """Numbers of registers in use, the machine's included."""
    objects: list[FrameObject] = field(default_factory=list)
    outgoing: int = 0
    """Bytes of the largest area for arguments on the stack."""
    moves_stack: bool = False
    makes_calls: bool = False
    again: dict[int, Instr] = field(default_factory=dict)
    """Registers whose value can be made again by one instruction anywhere."""
    exported: dict[str, Target] = field(default_factory=dict)
    """Symbols of blocks whose address is taken."""
    debug: str = ""
    places: list[VariablePlace] = field(default_factory=list)
    values: list[ValueRange] = field(default_factory=list)
    """Of variables that have no place of their own."""
    arguments: int = 0
    """Words of the parameters on the stack."""

    def new_register(self) -> int:
        self.registers += 1
        return self.registers - 1
