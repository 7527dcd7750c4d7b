"""Counted loops: a loop's checks done once, before it.

A block that jumps back to itself, whose memory addresses and whose condition change by the same
amount each round, can say beforehand how many rounds pass without leaving a window, running out
of budget or ending. So many rounds run without any check, as LLVM's vectoriser likes them; the
ordinary block does the rest, and all of what is exact about the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..isa.semantics import execute, has_body
from ..isa.symbolic import Linear, SymbolicTarget
from ..isa.table import (
    CONDITION_TRUTH,
    INSTRUCTIONS,
    Access,
    Condition,
    Control,
    Flag,
    FlagRule,
)
from .instructions import Flow
from .region import Block

if TYPE_CHECKING:
    from .builder import Builder, Value

WORD = 0xFFFF_FFFF

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
FEWEST_ROUNDS = 4
"""Not worth it for fewer."""


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


# --- code -----------------------------------------------------------------------------------


def emit_rounds(build: Builder, loop: CountedLoop, need: int) -> str:
    """Code that computes how many rounds need no checks, at least 0: an i64."""
    left = build.budget_left
    spare = build.value(f"sub i64 {left}, {need}")
    positive = build.value(f"icmp sgt i64 {spare}, 0")
    enough = build.value(f"select i1 {positive}, i64 {spare}, i64 0")
    rounds = build.value(f"udiv i64 {enough}, {loop.cycles}")
    limits = [_rounds_until_end(build, loop.continuation)]
    limits += [_rounds_within(build, access) for access in loop.accesses]
    for limit in limits:
        less = build.value(f"icmp ult i64 {limit}, {rounds}")
        rounds = build.value(f"select i1 {less}, i64 {limit}, i64 {rounds}")
    return rounds


def _quotient(build: Builder, distance: Value, step: Value) -> str:
    """distance // step as an i64, 0 if the step is 0."""
    if isinstance(step, int):
        quotient: Value = build.value(f"udiv i32 {distance}, {step}") if step else 0
    else:
        none = build.compare("eq", step, 0)
        divisor = build.select(none, 1, step)
        quotient = build.select(none, 0, build.value(f"udiv i32 {distance}, {divisor}"))
    return build.value(f"zext i32 {quotient} to i64")


def _rounds_until_end(build: Builder, loop: Continuation) -> str:
    left, right = loop.left.emit(build), loop.right.emit(build)
    step_left = loop.right_step == Linear()
    step = (loop.left_step if step_left else loop.right_step).emit(build)
    if loop.predicate == "ne":
        # Until both are equal: the moving one has this distance to go, in steps' direction.
        backwards = isinstance(step, int) and step >= 1 << 31
        size: Value = -int(step) & WORD if backwards else step
        forwards = step_left != backwards
        distance = build.op("sub", right, left) if forwards else build.op("sub", left, right)
        return _quotient(build, distance, size)
    size = step
    negative = isinstance(step, int) and step >= 1 << 31
    if negative:
        assert isinstance(step, int)
        size = -step & WORD
    holds = build.compare(loop.predicate, left, right)
    if loop.predicate == "ult":
        distance = build.op("sub", build.op("sub", right, left), 1)
    else:
        distance = build.op("sub", left, right)
    rounds = build.value(f"add i64 {_quotient(build, distance, size)}, 1")
    if not isinstance(step, int):
        # Compiled for steps upwards.
        holds = build.bit("and", holds, build.compare("sgt", step, 0))
    return build.value(f"select i1 {holds}, i64 {rounds}, i64 0")


def _rounds_within(build: Builder, access: MovingAccess) -> str:
    """How many rounds an access stays in its slot's window."""
    slot = build.function.slot(access.kind, access.pc)
    shift, words, _ = build.function.slot_fields(build, slot)
    inside = build.op("add", access.address.emit(build), shift)
    step = access.step.emit(build)
    last = build.op("sub", build.op("shl", words, 2), 4)
    odd = build.op("and", build.op("or", inside, step), 3)
    within = build.compare("ule", inside, last)
    fits = build.bit("and", within, build.compare("eq", odd, 0))
    fits = build.bit("and", fits, build.compare("ne", words, 0))
    if step == 0:
        return build.value(f"select i1 {fits}, i64 {1 << 62}, i64 0")
    if isinstance(step, int) and step >= 1 << 31:
        quotient = _quotient(build, inside, -step & WORD)
    else:
        quotient = _quotient(build, build.op("sub", last, inside), step)
        if not isinstance(step, int):
            fits = build.bit("and", fits, build.compare("sgt", step, 0))
    rounds = build.value(f"add i64 {quotient}, 1")
    return build.value(f"select i1 {fits}, i64 {rounds}, i64 0")


def emit_pointers(build: Builder, loop: CountedLoop) -> dict[int, tuple[str, str]]:
    """For each access by its pc: the host's first address, and the step in bytes as an i64."""
    pointers = {}
    for access in loop.accesses:
        slot = build.function.slot(access.kind, access.pc)
        shift, _, base = build.function.slot_fields(build, slot)
        inside = build.op("add", access.address.emit(build), shift)
        offset = build.value(f"zext i32 {inside} to i64")
        pointer = build.value(f"getelementptr i8, ptr {base}, i64 {offset}")
        step = build.value(f"sext i32 {access.step.emit(build)} to i64")
        pointers[access.pc] = (pointer, step)
    return pointers
