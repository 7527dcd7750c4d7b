"""Counted loops: a loop's checks done once, before it.

A block that jumps back to itself, whose memory addresses and whose condition change by the same
amount each round, can say beforehand how many rounds pass without leaving a window, running out
of budget or ending. So many rounds run without any check, as LLVM's vectoriser likes them; the
ordinary block does the rest, and all of what is exact about the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...isa.semantics import execute, has_body
from ...isa.symbolic import Linear, SymbolicTarget
from ...isa.table import CONDITION_TRUTH, INSTRUCTIONS, Access, Condition, Control, Flag, FlagRule
from .instructions import Flow
from .region import Block

SIMPLE = frozenset(
    row.opcode
    for row in INSTRUCTIONS
    if has_body(row.opcode)
    and (row.control is Control.SKIP or (row.control is Control.NEXT and not row.faults))
    and row.memory is not Access.SWAP
    and not row.stack
    and not row.supervisor_only
)
"""Instructions that such a loop may consist of: nothing else can leave it in the middle."""
LONGEST_COUNTED = 24
"""Instructions of a loop that is worth being compiled twice. In longer ones the checks weigh less,
and LLVM would need more than twice the time."""


@dataclass(frozen=True, slots=True)
class MovingAccess:
    """A load or store, its first address, and what is added to that each round."""

    pc: int
    kind: str
    address: Linear
    step: Linear


@dataclass(frozen=True, slots=True)
class Continuation:
    """The loop goes on while `predicate` (ult, uge or ne) holds of two words."""

    predicate: str
    left: Linear
    right: Linear
    left_step: Linear
    right_step: Linear


@dataclass(slots=True)
class CountedLoop:
    """What is known of a loop that qualifies."""

    accesses: list[MovingAccess]
    continuation: Continuation
    cycles: int
    """Instructions of a round."""


def counted_loop(block: Block) -> CountedLoop | None:
    """The block as a counted loop, or None."""
    if len(block.instructions) > LONGEST_COUNTED:
        return None
    last = block.last
    back = [edge for edge in block.edges if edge.inside and edge.key == block.key]
    if last is None or last.flow is not Flow.SKIP or len(back) != 1:
        return None
    if any(one.op not in SIMPLE or one.flow not in (Flow.NEXT, Flow.SKIP)
           for one in block.instructions):  # fmt: skip
        return None
    done = SymbolicTarget()
    for instruction in block.instructions:
        assert instruction.decoded is not None
        done.pc = instruction.pc
        execute(done, instruction.decoded.instruction, instruction.decoded.operands)
    if not done.accesses:
        return None
    steps = _steps(done)
    accesses = []
    for access in done.accesses:
        step = _step_of(access.address, steps)
        if step is None:
            return None
        kind = "write" if access.stores else "read"
        accesses.append(MovingAccess(access.pc, kind, access.address, step))
    continuation = _continuation(done, back[0] is block.edges[0], steps)
    if continuation is None:
        return None
    return CountedLoop(accesses, continuation, len(block.instructions) + back[0].cycles)


def _steps(done: SymbolicTarget) -> dict[int, Linear | None]:
    """What a round adds to each register that it writes; None if that is no fixed amount."""
    steps: dict[int, Linear | None] = {}
    for register, value in done.registers.items():
        step = value.plus(Linear(0, ((register, 1),)), -1)
        fixed = step.is_followed and not any(term in done.registers for term, _ in step.terms)
        steps[register] = step if fixed else None
    return steps


def _step_of(value: Linear, steps: dict[int, Linear | None]) -> Linear | None:
    """What a round adds to a linear word."""
    if not value.is_followed:
        return None
    total = Linear()
    for register, times in value.terms:
        step = steps.get(register, Linear())
        if step is None:
            return None
        total = total.plus(step, times)
    return total


_EQ, _LT = (Flag.ZF, Flag.ZF), (Flag.CF, Flag.CF)
_PREDICATES = {
    (_EQ, CONDITION_TRUTH[Condition.AND]): "eq",
    (_EQ, CONDITION_TRUTH[Condition.NOR]): "ne",
    (_LT, CONDITION_TRUTH[Condition.AND]): "ult",
    (_LT, CONDITION_TRUTH[Condition.NOR]): "uge",
    ((Flag.ZF, Flag.CF), CONDITION_TRUTH[Condition.OR]): "ule",
    ((Flag.ZF, Flag.CF), CONDITION_TRUTH[Condition.NOR]): "ugt",
}
"""What a comparison of words each pair of flags and truth table is, after a subtraction."""
_OPPOSITE = {"eq": "ne", "ne": "eq", "ult": "uge", "uge": "ult", "ule": "ugt", "ugt": "ule"}


def _compared(done: SymbolicTarget) -> tuple[Linear, Linear, bool] | None:
    """Two words that the flags compare; True if only for equality."""
    if done.flags is None:
        return None
    rule, x, y = done.flags
    if rule is FlagRule.SUB:
        return x, y, False
    return (x.plus(y), Linear(), True) if rule is FlagRule.ADD else None


def _continuation(
    done: SymbolicTarget, when_executed: bool, steps: dict[int, Linear | None]
) -> Continuation | None:
    compared, skip = _compared(done), done.skip_condition
    if compared is None or skip is None:
        return None
    left, right, equality_only = compared
    first, second = sorted((skip.first, skip.second))
    predicate = _PREDICATES.get(((Flag(first), Flag(second)), skip.truth))
    if predicate is None or (equality_only and predicate not in ("eq", "ne")):
        return None
    if not when_executed:
        predicate = _OPPOSITE[predicate]
    if predicate in ("ule", "ugt"):
        left, right = right, left
        predicate = "uge" if predicate == "ule" else "ult"
    left_step, right_step = _step_of(left, steps), _step_of(right, steps)
    if left_step is None or right_step is None or predicate == "eq":
        return None
    # Exactly one side moves, and towards the end: upwards where a positive step ends it.
    if (left_step == Linear()) == (right_step == Linear()):
        return None
    moving = left_step if right_step == Linear() else right_step
    upwards = predicate != "uge" if moving is left_step else predicate == "uge"
    if moving.known is not None and predicate != "ne" and (moving.known < 1 << 31) != upwards:
        return None
    if moving.known is None and predicate != "ne" and not upwards:
        return None
    return Continuation(predicate, left, right, left_step, right_step)
