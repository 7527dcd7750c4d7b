"""From instruction to instruction through a block, until it ends."""

from __future__ import annotations

from dataclasses import dataclass

from ...isa.semantics import execute
from ...isa.table import Op
from ..analysis.instructions import Flow, GuestInstruction
from .graph import CodeGraph, Hammock, halts, hammock_at, may_leave
from .target import LaneTarget, Value
from .text import Vector


@dataclass(frozen=True, slots=True)
class Jump:
    """The block ends with a jump to a known address, or runs into another block."""

    target: int


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The block ends with a jump to a computed address."""

    target: Value


@dataclass(frozen=True, slots=True)
class Branch:
    """The block ends with a skip. Each way is an address, and instructions executed on the way
    to it: a jump that is skipped or not is part of the way."""

    condition: Value
    executed: tuple[int, int]
    skipped: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Leave:
    """The block ends before an instruction that no lane executes here."""

    pc: int


End = Jump | Dynamic | Branch | Leave


def walk(on: LaneTarget, graph: CodeGraph, start: int, apart: bool) -> End:
    """Generate the block from `start` to where it ends, or the step, if lanes are `apart`.

    `on.executed` grows by its instructions, those of the longest way.
    """
    pc, joined = start, False
    while True:
        one = graph.instructions.get(pc)
        if one is None:
            return Jump(pc)
        leaves = may_leave(one) or halts(one)
        if pc != start:
            if pc in graph.blocks and not (joined and graph.arrivals[pc] == 2):
                return Jump(pc)
            if apart and leaves:
                return Jump(pc)
        if not one.translatable or one.op is Op.CYCLES:
            return Leave(pc)
        joined = False
        _do(on, one)
        match one.flow:
            case Flow.NEXT:
                on.executed += 1
                pc += 4
            case Flow.JUMP:
                on.executed += 1
                pc = one.target
                if pc <= one.pc:
                    return Jump(pc)
            case Flow.SKIP:
                on.executed += 1
                condition = on.skip_condition
                assert condition is not None
                hammock = hammock_at(graph, pc) if isinstance(condition, Vector) else None
                if hammock is None:
                    return Branch(condition, _way(graph, pc + 4), _way(graph, pc + 8))
                _both(on, condition, hammock)
                pc, joined = hammock.join, True
                if pc in graph.heads:
                    return Jump(pc)
            case Flow.CALL:
                on.executed += 1
                return Jump(one.target)
            case _:
                on.executed += 1
                assert on.jump_target is not None
                return Dynamic(on.jump_target)


def _do(on: LaneTarget, one: GuestInstruction) -> None:
    assert one.decoded is not None
    on.pc = one.pc
    on.jump_target = on.skip_condition = None
    execute(on, one.decoded.instruction, one.decoded.operands)


def _way(graph: CodeGraph, pc: int) -> tuple[int, int]:
    """Where a way of a skip leads: a jump alone is part of it."""
    one = graph.instructions.get(pc)
    if one is not None and one.flow is Flow.JUMP and one.target in graph.blocks:
        return one.target, 1
    return pc, 0


def _both(on: LaneTarget, condition: Value, hammock: Hammock) -> None:
    """Execute both ways of a skip, and choose for each lane what it gets."""
    values, dirty = dict(on.values), set(on.dirty)

    def side(instructions: tuple[GuestInstruction, ...]) -> tuple[dict[int, Value], set[int]]:
        on.values, on.dirty = dict(values), set(dirty)
        for one in instructions:
            _do(on, one)
        return on.values, on.dirty

    first, first_dirty = side(hammock.executed)
    second, second_dirty = side(hammock.skipped)
    on.values, on.dirty = dict(values), set(dirty)
    for number in sorted(first_dirty | second_dirty):
        x, y = (found[number] if number in found else on.slot(number) for found in (first, second))
        chosen = on.select(condition, x, y)
        if number not in dirty or chosen != values.get(number):
            on.put(number, chosen)
    saved = len(hammock.executed) - len(hammock.skipped)
    if saved > 0:
        on.correct_budget(on.bit("xor", condition, "true"), saved)
    elif saved < 0:
        on.correct_budget(condition, -saved)
    on.executed += hammock.longer
