"""What is known of the guest's stack while a region runs.

Pushes, pops, calls and returns of a region share one window slot. One check covers all of them
that may follow before the next head; return addresses that the region has pushed itself and
that nothing can have overwritten need not be read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from ...isa.flow import operand_registers_written
from ...isa.table import WORD_MASK
from .graphs import reverse_postorder
from .instructions import Flow, GuestInstruction
from .region import Block, BlockKey, Region

Span = tuple[int, int]
"""Lowest and highest offset of words, in bytes from the stack pointer."""


@dataclass(slots=True)
class StackState:
    """At one point of the code, relative to the stack pointer there."""

    checked: Span | None = None
    """Words known to be within the slot's window."""
    known: dict[int, int] = field(default_factory=dict)
    """Return addresses known to stand on the stack, by offset."""

    def copy(self) -> StackState:
        return StackState(self.checked, dict(self.known))

    def covers(self, offset: int) -> bool:
        return self.checked is not None and self.checked[0] <= offset <= self.checked[1]

    def move(self, by: int) -> None:
        """The stack pointer has been changed by so many bytes."""
        self.checked = shifted(self.checked, -by)
        self.known = {at - by: value for at, value in self.known.items() if at - by >= 0}

    def forget(self) -> None:
        """The stack pointer has been set to something else."""
        self.checked = None
        self.known = {}

    def meet(self, other: StackState) -> StackState:
        """What is known if either may be the case."""
        checked = None
        if self.checked is not None and other.checked is not None:
            low = max(self.checked[0], other.checked[0])
            high = min(self.checked[1], other.checked[1])
            checked = (low, high) if low <= high else None
        known = {at: value for at, value in self.known.items() if other.known.get(at) == value}
        return StackState(checked, known)


def hull(first: Span | None, second: Span | None) -> Span | None:
    """The smallest span that has both in it."""
    if first is None or second is None:
        return second if first is None else first
    return min(first[0], second[0]), max(first[1], second[1])


def shifted(span: Span | None, by: int) -> Span | None:
    return None if span is None else (span[0] + by, span[1] + by)


def access_of(instruction: GuestInstruction) -> int | None:
    """Offset of the word that an instruction accesses on the stack; None if it does not."""
    row = instruction.row
    if row is None or not row.stack or not instruction.translatable:
        return None
    return min(row.stack, 0)


def sets_stack_pointer(instruction: GuestInstruction, register: int) -> bool:
    """Whether it writes the stack pointer as an operand."""
    decoded = instruction.decoded
    return decoded is not None and register in operand_registers_written(decoded)


def stores_anywhere(instruction: GuestInstruction) -> bool:
    """Whether it may overwrite any word of memory."""
    row = instruction.row
    return row is not None and row.memory.stores and access_of(instruction) is None


class StackAnalysis:
    """For each block what is known where it begins, and what will be needed after its end."""

    def __init__(self, region: Region, register: int) -> None:
        self._region = region
        self._register = register
        self._needs: dict[BlockKey, Span | None] = {}
        self.at: dict[BlockKey, StackState] = {}
        self._flow()

    def need_ahead(self, instructions: Iterable[GuestInstruction], block: Block) -> Span | None:
        """Span that the given last instructions of a block and what follows will access."""
        need: Span | None = None
        at = 0
        for instruction in instructions:
            offset = access_of(instruction)
            if offset is not None:
                need = hull(need, (at + offset, at + offset))
                at += -4 if offset else 4
            if sets_stack_pointer(instruction, self._register):
                return need
        after: Span | None = None
        for edge in block.edges:
            if edge.inside and not self._region.blocks[edge.key].head:
                after = hull(after, self._need(edge.key))
        return hull(need, shifted(after, at))

    def _need(self, key: BlockKey) -> Span | None:
        """Span accessed from the beginning of a block to the next heads."""
        if key in self._needs:
            return self._needs[key]
        # Blocks between heads form no cycle; the stack of the search stands for recursion,
        # whose depth could be that of the whole region.
        pending = [key]
        while pending:
            top = pending[-1]
            if top in self._needs:
                pending.pop()
                continue
            block = self._region.blocks[top]
            missing = [
                edge.key
                for edge in block.edges
                if edge.inside
                and not self._region.blocks[edge.key].head
                and edge.key not in self._needs
            ]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            self._needs[top] = self.need_ahead(block.instructions, block)
        return self._needs[key]

    def _flow(self) -> None:
        """Carry what is known along all edges until nothing changes."""
        blocks = self._region.blocks
        roots: list[BlockKey] = [(entry, ()) for entry in self._region.entries]
        graph = {
            key: [edge.key for edge in block.edges if edge.inside] for key, block in blocks.items()
        }
        # What comes first is done first: a block then is seldom done more than twice.
        order = reverse_postorder(graph, roots)
        number = {key: position for position, key in enumerate(order)}
        arriving = {key: StackState() for key in roots}
        work = [number[key] for key in roots]
        heapify(work)
        while work:
            key = order[heappop(work)]
            now = arriving.pop(key)
            block = blocks[key]
            if block.head:
                # Some span of an earlier check may reach a head and cover its first access, but
                # not all that follows: better one new check for that than one at each place.
                now.checked = None
            before = self.at.get(key)
            if before is not None:
                now = before.meet(now)
                if now == before:
                    continue
            self.at[key] = now
            leaving = self._through(block, now.copy())
            for target in graph[key]:
                waiting = arriving.get(target)
                if waiting is None:
                    heappush(work, number[target])
                arriving[target] = leaving.copy() if waiting is None else waiting.meet(leaving)

    def _through(self, block: Block, state: StackState) -> StackState:
        """What is known at the end of a block."""
        for position, instruction in enumerate(block.instructions):
            offset = access_of(instruction)
            if offset is not None:
                if not state.covers(offset):
                    need = self.need_ahead(block.instructions[position:], block)
                    state.checked = hull(state.checked, need)
                self.move(state, instruction, offset)
            self.after(state, instruction)
        return state

    @staticmethod
    def move(state: StackState, instruction: GuestInstruction, offset: int) -> None:
        """The effect of a stack access: the pointer moves, a call leaves its return address."""
        state.move(-4 if offset else 4)
        if offset:
            state.known.pop(0, None)
            if instruction.flow in (Flow.CALL, Flow.CALL_DYNAMIC):
                state.known[0] = (instruction.pc + 4) & WORD_MASK

    def after(self, state: StackState, instruction: GuestInstruction) -> None:
        """The effect of an instruction besides its access to the stack."""
        if stores_anywhere(instruction):
            state.known = {}
        if sets_stack_pointer(instruction, self._register):
            state.forget()
