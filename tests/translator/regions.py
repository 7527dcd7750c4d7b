"""Programs from which regions are chosen, and what is wrong with a region."""

from __future__ import annotations

from collections.abc import Iterable

from lrvm_jit.core import layout
from lrvm_jit.jit.analysis.discovery import MOST_CALL_DEPTH, Discovery
from lrvm_jit.jit.analysis.instructions import Flow
from lrvm_jit.jit.analysis.profile import Profile
from lrvm_jit.jit.analysis.region import Block, BlockKey, Region
from lrvm_tools.lasm import assemble_program


class Program:
    """Assembled text at address 0; what lies around it cannot be reached."""

    def __init__(self, source: str) -> None:
        program = assemble_program(source)
        self.words = [int(word) for word in program.words]
        self.labels = program.symbols

    def __getitem__(self, label: str) -> int:
        return self.labels[label]

    @property
    def addresses(self) -> range:
        return range(0, 4 * len(self.words), 4)

    def region(
        self,
        start: int = 0,
        *,
        supervisor: bool = True,
        limit: int = 400,
        targets: Iterable[int] = (),
        enter_at_start: bool = False,
    ) -> Region | None:
        def word_at(pc: int) -> int | None:
            assert pc % 4 == 0
            return self.words[pc // 4] if pc in self.addresses else None

        profile = Profile(anywhere=tuple(sorted(targets)))
        return Discovery(word_at, supervisor, limit, profile, enter_at_start).region(start)

    def found(
        self,
        start: int = 0,
        *,
        supervisor: bool = True,
        limit: int = 400,
        targets: Iterable[int] = (),
        enter_at_start: bool = False,
    ) -> Region:
        """The region, which must exist and be sound."""
        region = self.region(
            start,
            supervisor=supervisor,
            limit=limit,
            targets=targets,
            enter_at_start=enter_at_start,
        )
        assert region is not None
        assert mistakes(region, self, limit) == []
        return region


def inside(block: Block) -> list[BlockKey]:
    return [edge.key for edge in block.edges if edge.inside]


def addresses(region: Region) -> set[int]:
    """Where the region's instructions stand."""
    return {one.pc for block in region.blocks.values() for one in block.instructions}


def leads_to(region: Region, key: BlockKey) -> list[tuple[int, bool]]:
    """The edges of a block: address, and whether it is inside."""
    return [(edge.pc, edge.inside) for edge in region.blocks[key].edges]


def longest_way(
    region: Region, key: BlockKey, known: dict[BlockKey, int], way: tuple[BlockKey, ...] = ()
) -> int:
    """Instructions from a block's beginning to the next head or out, by trying all ways.

    `known` keeps the results: there may be more ways than could be tried one by one.
    """
    assert key not in way, f"a cycle without a head: {way}"
    if key not in known:
        block = region.blocks[key]
        ahead = [
            edge.cycles
            + (
                longest_way(region, edge.key, known, (*way, key))
                if edge.inside and not region.blocks[edge.key].head
                else 0
            )
            for edge in block.edges
        ]
        known[key] = len(block.instructions) + max(ahead, default=0)
    return known[key]


def mistakes(region: Region, program: Program, limit: int) -> list[str]:
    """What is not as generated code relies on it."""
    found = []

    def check(right: bool, what: str) -> None:
        if not right:
            found.append(what)

    check(0 < len(region.entries) <= layout.TRANSLATION_ENTRIES, "entries")
    check(region.entries == sorted(set(region.entries)), "order of entries")
    check(region.instruction_count <= limit, f"{region.instruction_count} instructions")
    for entry in region.entries:
        check((entry, ()) in region.blocks, f"no block for the entry {entry}")
    known: dict[BlockKey, int] = {}
    for key, block in region.blocks.items():
        check(key == block.key and bool(block.instructions), f"block {key}")
        check(not block.head or block.need == longest_way(region, key, known), f"need of {key}")
        check(len(block.context) <= MOST_CALL_DEPTH, f"context of {key}")
        check((key[0] in region.entries and not key[1]) <= block.head, f"{key} is not tested")
        pc = block.pc
        for position, one in enumerate(block.instructions):
            check(one.pc == pc, f"gap in {key}")
            # The jump to a copied dispatch is within the block.
            joined = one.flow is Flow.JUMP
            pc = one.target if joined else pc + 4
            check(one.word == program.words[one.pc // 4] == region.words.get(one.pc), f"{one.pc}")
            last = position == len(block.instructions) - 1
            check(last or joined or one.flow is Flow.NEXT, f"{one.flow} within {key}")
        for edge in block.edges:
            check(edge.inside == (edge.key in region.blocks), f"{key} -> {edge.key}")
        flow = block.instructions[-1].flow
        check(len(block.edges) == 2 or flow is not Flow.SKIP, f"edges of {key}")
        check(not block.edges or block.instructions[-1].translatable, f"edges of {key}")
    reached: set[BlockKey] = {(entry, ()) for entry in region.entries}
    waiting: list[BlockKey] = list(reached)
    while waiting:
        for key in inside(region.blocks[waiting.pop()]):
            if key not in reached:
                reached.add(key)
                waiting.append(key)
    check(reached == set(region.blocks), "blocks that nothing reaches")
    for pc, word in region.words.items():
        check(program.words[pc // 4] == word, f"word at {pc}")
    return found
