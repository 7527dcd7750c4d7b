"""The control-flow graph: basic blocks and the ways between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .flow import ExitKind
from .reach import Reached


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions that run one after the other: entered at the first, left at the last."""

    start: int
    label: str
    """The name of its address; empty if nothing jumps to it."""
    instructions: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """What a drawing shows: the label, then each instruction with its address."""
        listed = [
            f"0x{self.start + 4 * index:04x}  {text}"
            for index, text in enumerate(self.instructions)
        ]
        return (f"{self.label}:", *listed) if self.label else tuple(listed)


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from the end of the block that starts at `source` to the address `target`."""

    source: int
    target: int
    kind: ExitKind


@dataclass(frozen=True, slots=True)
class ControlFlowGraph:
    """Basic blocks in the order of their addresses, and the known ways between them.

    The target of an edge is the start of a block, or an address in `outside`.
    """

    blocks: tuple[Block, ...]
    edges: tuple[Edge, ...]

    @property
    def outside(self) -> tuple[int, ...]:
        """Targets where there is no code: not in the image, or nothing that can run."""
        starts = {block.start for block in self.blocks}
        return tuple(sorted({edge.target for edge in self.edges} - starts))

    @property
    def nodes(self) -> dict[int, tuple[str, ...]]:
        """What to draw at each address: the lines of the blocks and of what is outside."""
        return {block.start: block.lines for block in self.blocks} | {
            address: (f"0x{address:04x}: no code",) for address in self.outside
        }


def build_graph(
    code: Mapping[int, Reached],
    entries: Iterable[int],
    labels: Mapping[int, str],
    text: Callable[[int], str],
) -> ControlFlowGraph:
    """The graph of `code`; `text` gives the line of the instruction at an address."""
    starts = {*entries, *labels}
    for reached in code.values():
        if _ends_block(reached):
            starts.update(way.target for way in reached.exits)
    blocks: list[Block] = []
    edges: list[Edge] = []
    for start in sorted(starts & code.keys()):
        address = start
        while not _ends_block(code[address]) and address + 4 in code and address + 4 not in starts:
            address += 4
        lines = tuple(text(place) for place in range(start, address + 4, 4))
        blocks.append(Block(start, labels.get(start, ""), lines))
        edges += [Edge(start, way.target, way.kind) for way in code[address].exits]
    return ControlFlowGraph(tuple(blocks), tuple(edges))


def _ends_block(reached: Reached) -> bool:
    return [way.kind for way in reached.exits] != [ExitKind.NEXT]
