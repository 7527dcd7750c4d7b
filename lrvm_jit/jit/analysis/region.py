"""A region: guest code chosen for translation, as a graph of blocks."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import field

from ...isa.symbolic import Linear
from ...records import dataclass
from .instructions import Flow, GuestInstruction

Context = tuple[int, ...]
"""Return addresses that calls within the region have pushed, the latest one last. A block that
is reached with different contexts exists once for each: then `ret` has one likely target."""

BlockKey = tuple[int, Context]


MOST_SHARED = 0.7

SYMBOL = "region"
"""Name of the native function that a region becomes."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a block to another one, or out of the region."""

    pc: int
    context: Context
    cycles: int = 0
    """Instructions executed on the way: a jump that is nothing else than this edge."""
    inside: bool = True

    @property
    def key(self) -> BlockKey:
        return self.pc, self.context


@dataclass(frozen=True, slots=True)
class PlainMemory:
    """Memory of the board that is nothing but words, at addresses that are not translated."""

    address: int
    words: int
    base: int
    """Arena index of its first word."""

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + 4 * self.words


@dataclass(frozen=True, slots=True)
class JumpTable:
    """Words in memory, one of which an indirect jump takes as its target: `lsa pc, ac1, a0`."""

    address: int
    """Virtual address of the first word."""
    targets: tuple[int, ...]
    """The words."""
    base: Linear
    """What has this address whenever the region is entered: a literal, or registers that the
    region does not write."""


@dataclass(slots=True)
class Block:
    """Instructions executed one after the other.

    The last one decides between the edges: SKIP has [executed, skipped]; jumps and plain code
    have one; RETURN and DYNAMIC the expected targets; an instruction for the interpreter none.
    """

    pc: int
    context: Context
    instructions: list[GuestInstruction] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    head: bool = False
    """True where the budget is tested: every cycle of the graph has such a block."""
    need: int = 0
    """Most instructions from here to the next head or out of the region."""
    table: JumpTable | None = None
    """Where the jump at the end takes its target from, if that is known. The load is the last
    instruction, or the last but one."""

    @property
    def key(self) -> BlockKey:
        return self.pc, self.context

    @property
    def last(self) -> GuestInstruction | None:
        return self.instructions[-1] if self.instructions else None


@dataclass(slots=True)
class Region:
    """What is translated into one native function."""

    supervisor: bool
    entries: list[int]
    """Virtual addresses at which the region can be entered."""
    blocks: dict[BlockKey, Block]
    words: dict[int, int]
    """Every guest word that the translation relies on, by virtual address."""
    plain: tuple[PlainMemory, ...] = ()
    """The board's memory. Its bounds may stand in the code."""
    accesses: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """For loads and stores by their addresses: numbers of the plain memories that they were seen
    to use. They go there first; all others have window slots."""
    own: frozenset[int] = frozenset()
    """Addresses of the words that are not only here because functions of other regions are
    called."""
    is_cut: bool = False
    """Whether it would be larger, or calls would be followed deeper, with more instructions."""

    @property
    def low(self) -> int:
        return min(self.words)

    @property
    def high(self) -> int:
        """Past the last word."""
        return max(self.words) + 4

    @property
    def relied_on(self) -> frozenset[PlainMemory]:
        """The memories whose bounds stand in the code. It can run on every board that has these."""
        numbers = {number for some in self.accesses.values() for number in some}
        tables = [block.table.address for block in self.blocks.values() if block.table is not None]
        return frozenset(
            memory
            for number, memory in enumerate(self.plain)
            if number in numbers or any(memory.holds(address) for address in tables)
        )

    def is_mostly_in(self, addresses: Set[int]) -> bool:
        """Whether a region with these addresses takes its place: what is left of it is better made
        again."""
        return len(self.own & addresses) >= MOST_SHARED * len(self.own)

    @property
    def dispatches(self) -> bool:
        """Whether it has computed jumps."""
        lasts = [block.last for block in self.blocks.values()]
        return any(last is not None and last.flow is Flow.DYNAMIC for last in lasts)

    @property
    def instruction_count(self) -> int:
        return sum(len(block.instructions) for block in self.blocks.values())
