"""Code for the rounds of a counted loop (`loops`) that need no checks."""

from __future__ import annotations

from ...isa.symbolic import Linear
from ...isa.table import WORD_MASK as WORD
from ..analysis.loops import Continuation, CountedLoop, MovingAccess
from .builder import Builder, Value

FEWEST_ROUNDS = 4
"""Not worth it for fewer."""


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
    shift, words, _ = build.frame.windows(build.value, access.kind, access.pc)[0]
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
        shift, _, base = build.frame.windows(build.value, access.kind, access.pc)[0]
        inside = build.op("add", access.address.emit(build), shift)
        offset = build.value(f"zext i32 {inside} to i64")
        pointer = build.value(f"getelementptr i8, ptr {base}, i64 {offset}")
        step = build.value(f"sext i32 {access.step.emit(build)} to i64")
        pointers[access.pc] = (pointer, step)
    return pointers
