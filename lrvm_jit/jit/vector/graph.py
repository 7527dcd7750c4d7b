"""The code that lanes can reach from where they are, cut into blocks.

There are two ways to cut it. Where all lanes of a group go together, code is generated for whole
*blocks*: from one place that is jumped to until the next. Where lanes have parted it is generated
for *steps*, which are shorter: whatever may leave the vector code is a step's first instruction,
so that a lane that leaves stands between two steps, with nothing half done. A lane can be taken
up again at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...isa.table import DIV_OVERFLOW_MODES, DIV_SIGNED, DIV_ZERO_MODES, Access, Control, Op, Reg
from ..analysis.instructions import Flow, GuestInstruction, instruction_at

MOST_INSTRUCTIONS = 1500
"""Guest instructions in vector code: what does not fit is left to the scalar path."""


def may_leave(one: GuestInstruction) -> bool:
    """Whether a lane may have to leave the vector code before the instruction."""
    row = one.row
    if not one.translatable or row is None:
        return True
    if row.memory is not Access.NONE or row.opcode is Op.CYCLES:
        return True
    if row.opcode in (Op.DIV, Op.MOD):
        mode = int(one.operands[2])
        signed = bool(mode & DIV_SIGNED)
        return DIV_ZERO_MODES[mode & 0x0C] is None or (
            signed and DIV_OVERFLOW_MODES[mode & 0x03] is None
        )
    return False


def halts(one: GuestInstruction) -> bool:
    """Whether the instruction is HALT, which vector code does itself."""
    return one.row is not None and one.row.control is Control.HALT


@dataclass(frozen=True, slots=True)
class CodeGraph:
    """Instructions by address, and where blocks and steps begin."""

    instructions: dict[int, GuestInstruction]
    starts: tuple[int, ...]
    """Where lanes were when this was made."""
    blocks: frozenset[int]
    steps: frozenset[int]
    heads: frozenset[int]
    """Where the budget is tested: every loop has such a place."""
    need: dict[int, int]
    """Most instructions from an address to the next head, or to where lanes are taken up anew."""
    arrivals: dict[int, int]
    """How many ways lead to an address."""
    resumed: frozenset[int]
    """Blocks at which lanes arrive with registers of which nothing is known."""

    @property
    def longest(self) -> int:
        """The largest `need`."""
        return max(self.need.values(), default=0)


def explore(
    word_at: Callable[[int], int | None], starts: Iterable[int], has_components: bool = True
) -> CodeGraph | None:
    """What can be reached from `starts`, in supervisor mode; None if there is no code.

    `word_at` tells the word at an address that is code for all lanes and never changes.
    `has_components`: lanes may leave before any access to memory, and come back behind it.
    """
    starts = tuple(dict.fromkeys(starts))
    found: dict[int, GuestInstruction] = {}
    ahead = list(reversed(starts))
    while ahead and len(found) < MOST_INSTRUCTIONS:
        pc = ahead.pop()
        if pc in found or pc & 3 or (word := word_at(pc)) is None:
            continue
        found[pc] = one = instruction_at(pc, word, True)
        ahead.extend(reversed([*_follows(one), *_resumes(one)]))
    if not found:
        return None
    arrivals: dict[int, int] = {}
    blocks = {pc for pc in starts if pc in found}
    resumed = set(blocks)
    steps: set[int] = set()
    heads: set[int] = set()
    for pc, one in found.items():
        for target in _follows(one):
            arrivals[target] = arrivals.get(target, 0) + 1
            if target not in found:
                continue
            if target != pc + 4 or one.flow is not Flow.NEXT:
                blocks.add(target)
            if target <= pc:
                heads.add(target)
        for target in _resumes(one):
            if target in found:
                blocks.add(target)
                resumed.add(target)
        if may_leave(one) or halts(one):
            steps.add(pc)
            if has_components and one.flow is Flow.NEXT and pc + 4 in found:
                steps.add(pc + 4)
    need: dict[int, int] = {}
    for pc in sorted(found, reverse=True):
        ways = [need[t] for t in _follows(found[pc]) if t in need and t not in heads]
        need[pc] = 1 + max(ways, default=0)
    return CodeGraph(
        found,
        starts,
        frozenset(blocks),
        frozenset(steps | blocks),
        frozenset(heads),
        need,
        arrivals,
        frozenset(resumed),
    )


def _follows(one: GuestInstruction) -> list[int]:
    """Where vector code goes on after an instruction, as far as its word tells."""
    match one.flow:
        case Flow.NEXT:
            return [one.pc + 4]
        case Flow.SKIP:
            return [one.pc + 4, one.pc + 8]
        case Flow.JUMP | Flow.CALL:
            return [one.target]
        case _:
            return []


def _resumes(one: GuestInstruction) -> list[int]:
    """Where lanes are likely to be taken up again: behind calls, and behind what the scalar path
    does."""
    if one.flow in (Flow.CALL, Flow.CALL_DYNAMIC, Flow.INTERPRET) or halts(one):
        return [one.pc + 4]
    return []


FLAGS_SOON = 8
"""Instructions within which flags must be set anew for their old value not to be carried."""


def flags_set_after(graph: CodeGraph, pc: int) -> int:
    """After how many instructions from `pc` on the flags have been set anew, without anybody
    having seen the old ones; 0 if somebody may see them."""
    for executed in range(1, FLAGS_SOON + 1):
        one = graph.instructions.get(pc)
        if one is None or one.row is None or may_leave(one) or halts(one):
            return 0
        if Reg.AF in one.operands or one.flow not in (Flow.NEXT, Flow.JUMP):
            return 0
        if one.row.writes_flags:
            return executed
        pc = one.target if one.flow is Flow.JUMP else pc + 4
    return 0


@dataclass(frozen=True, slots=True)
class Hammock:
    """A skip with two short ways that meet again: both are executed, and results chosen by lane."""

    executed: tuple[GuestInstruction, ...]
    """The way of those that do not skip, and"""
    skipped: tuple[GuestInstruction, ...]
    join: int
    """where the ways meet."""

    @property
    def longer(self) -> int:
        """Instructions of the longer way."""
        return max(len(self.executed), len(self.skipped))


LONGEST_SIDE = 7
"""Instructions of a way that is executed by all lanes."""


def hammock_at(graph: CodeGraph, pc: int) -> Hammock | None:
    """What the skip at `pc` is, if its ways are short and do nothing but arithmetic."""
    first, second = (_way(graph, start) for start in (pc + 4, pc + 8))
    places = {address: count for count, (address, _) in enumerate(second)}
    for count, (address, _) in enumerate(first):
        if address in places:
            return Hammock(
                tuple(one for _, one in first[:count] if one is not None),
                tuple(one for _, one in second[: places[address]] if one is not None),
                address,
            )
    return None


def _way(graph: CodeGraph, pc: int) -> list[tuple[int, GuestInstruction | None]]:
    """Addresses from `pc` on with their instructions, as long as these are plain arithmetic; the
    last one has none."""
    way: list[tuple[int, GuestInstruction | None]] = []
    while True:
        one = graph.instructions.get(pc)
        plain = (
            one is not None
            and one.flow in (Flow.NEXT, Flow.JUMP)
            and not may_leave(one)
            and pc not in graph.heads
            and len(way) < LONGEST_SIDE
        )
        way.append((pc, one if plain else None))
        if not plain or one is None:
            return way
        pc = one.target if one.flow is Flow.JUMP else pc + 4
