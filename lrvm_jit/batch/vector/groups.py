"""Running lanes in groups, side by side in the vector code of a program.

What the vector code accesses is copied from the arrays of all lanes into those of the group: a
register of all lanes of the group, then the next one; and their RAM, interleaved by word. The
native function takes the lanes as far as it can; then everything goes back. Like the loop over
single lanes (`batch.lanes`) this is compiled to one function from the address of a context.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ...core.layout import FLAGS_ADD, FLAGS_MUL, FLAGS_SUB
from ...isa.table import Reg
from ...jit.vector.target import EXPLICIT
from ...jit.vector.text import ABSENT, CODE, DEFERRED, HALTED, KIND, LEFT, RUNNING, X, Y
from ...kernel.alu import flags_of
from ...kernel.build.hints import unlikely
from ...kernel.build.jit import kernel_function
from ...kernel.entry import _array_at
from ...kernel.typed import I, U, W
from ..lane_layout import (
    FLAGS_OVERFLOW_BIT,
    LANE_BUDGET,
    LANE_HALTED,
    LANE_YIELDED,
    LANES_DONE,
    LANES_STOPPED,
)
from .layout import (
    CONTEXT_WORDS,
    CONTROL,
    CYCLES_AT,
    DEFERRED_COUNT,
    FLAGS_AT,
    FUNCTION,
    FUNCTION_CONTEXT,
    GROUP,
    HALTED_AT,
    INSTRUCTIONS,
    LAST_PC_AT,
    LEAST,
    LEFT_AT,
    MOST_LEFT,
    POSITION,
    QUEUE,
    QUEUE_END,
    RAM,
    READ_COUNT,
    READS,
    REASON_AT,
    REGS_AT,
    REGS_STRIDE,
    ROW_STRIDE,
    ROW_WORDS,
    ROWS,
    STATE,
    STORES,
    USES_FLAGS,
    WIDTH,
    WRITE_COUNT,
    WRITES,
)
from .layout import DEFERRED as DEFERRED_LIST

SMT, MTT, PC, AF = int(Reg.SMT), int(Reg.MTT), int(Reg.PC), int(Reg.AF)
BLOCK: Final = 16
"""Words of a row that are copied together."""


@intrinsic
def _call_function(typing_context: Any, function: Any, argument: Any) -> Any:
    """Call the native function at an address with a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        target = builder.inttoptr(arguments[0], ir.PointerType(ir.FunctionType(word, [word])))
        return builder.call(target, [arguments[1]])

    return types.int64(types.int64, types.int64), generate


@kernel_function
def _choose(c, group):
    """Fill the group with lanes of the queue that the vector code is for. Returns how many."""
    queue = _array_at(c[QUEUE], c[QUEUE_END], np.int64)
    width = c[WIDTH]
    count = I(0)
    smt = c[REGS_AT] + SMT * c[REGS_STRIDE]
    mtt = c[REGS_AT] + MTT * c[REGS_STRIDE]
    while count < width and c[POSITION] < c[QUEUE_END]:
        lane = queue[U(c[POSITION])]
        c[POSITION] += 1
        left = _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0]
        reason = _array_at(c[REASON_AT] + lane, 1, np.uint8)
        if unlikely(_array_at(c[HALTED_AT] + lane, 1, np.uint8)[0] != 0):
            reason[0] = np.uint8(LANE_HALTED)
            continue
        if unlikely(left < c[LEAST]):
            reason[0] = np.uint8(LANE_BUDGET if left == 0 else LANE_YIELDED)
            continue
        supervisor = _array_at(smt + lane * 4, 1, np.uint32)[0]
        paging = _array_at(mtt + lane * 4, 1, np.uint32)[0]
        if unlikely(supervisor == 0 or paging != 0):
            reason[0] = np.uint8(LANE_YIELDED)
            continue
        group[count] = lane
        count += 1
    return count


@kernel_function
def _load_slot(slot, source, group, count, side_by_side):
    """One uint32 of each lane."""
    if side_by_side:
        row = _array_at(source + group[0] * 4, count, np.uint32)
        for k in range(count):
            slot[k] = row[k]
    else:
        for k in range(count):
            slot[k] = _array_at(source + group[k] * 4, 1, np.uint32)[0]


@kernel_function
def _store_slot(slot, target, group, count, side_by_side):
    """One uint32 of each lane back."""
    if side_by_side:
        row = _array_at(target + group[0] * 4, count, np.uint32)
        for k in range(count):
            row[k] = slot[k]
    else:
        for k in range(count):
            _array_at(target + group[k] * 4, 1, np.uint32)[0] = slot[k]


@kernel_function
def _slot_at(c, number):
    """Address of a slot of all lanes of the group."""
    return c[STATE] + number * c[WIDTH] * 4


@kernel_function
def _load_group(c, group, count, side_by_side):
    """Copy lanes into the group."""
    width = c[WIDTH]
    reads = _array_at(c[READS], c[READ_COUNT], np.int64)
    stride = c[REGS_STRIDE]
    for number in range(c[READ_COUNT]):
        code = reads[U(number)]
        _load_slot(
            _array_at(_slot_at(c, code), width, np.uint32),
            c[REGS_AT] + code * stride,
            group,
            count,
            side_by_side,
        )
    _load_slot(
        _array_at(_slot_at(c, I(PC)), width, np.uint32),
        c[REGS_AT] + PC * stride,
        group,
        count,
        side_by_side,
    )
    if c[USES_FLAGS] != 0:
        _load_slot(
            _array_at(_slot_at(c, I(X)), width, np.uint32),
            c[REGS_AT] + AF * stride,
            group,
            count,
            side_by_side,
        )
        kinds = _array_at(_slot_at(c, I(KIND)), width, np.uint32)
        for k in range(count):
            kinds[k] = W(EXPLICIT)
    lefts = _array_at(_slot_at(c, I(LEFT)), width, np.uint32)
    codes = _array_at(_slot_at(c, I(CODE)), width, np.uint32)
    for k in range(count):
        left = _array_at(c[LEFT_AT] + group[k] * 8, 1, np.int64)[0]
        lefts[k] = W(min(left, I(MOST_LEFT)))
        codes[k] = W(RUNNING)
    for k in range(count, c[WIDTH]):
        codes[k] = W(ABSENT)
    words = c[ROW_WORDS]
    ram = _array_at(c[RAM], words * width, np.uint32)
    for low in range(0, words, BLOCK):
        high = min(words, low + BLOCK)
        for k in range(count):
            row = _array_at(c[ROWS] + group[k] * c[ROW_STRIDE], words, np.uint32)
            for word in range(low, high):
                ram[U(word * width + k)] = row[U(word)]


@kernel_function
def _store_group(c, group, count, side_by_side):
    """Copy lanes back, and say what has become of them."""
    width = c[WIDTH]
    writes = _array_at(c[WRITES], c[WRITE_COUNT], np.int64)
    stride = c[REGS_STRIDE]
    for number in range(c[WRITE_COUNT]):
        code = writes[U(number)]
        _store_slot(
            _array_at(_slot_at(c, code), width, np.uint32),
            c[REGS_AT] + code * stride,
            group,
            count,
            side_by_side,
        )
    pcs = _array_at(_slot_at(c, I(PC)), width, np.uint32)
    _store_slot(pcs, c[REGS_AT] + PC * stride, group, count, side_by_side)
    if c[USES_FLAGS] != 0:
        _store_flags(c, group, count)
    lefts = _array_at(_slot_at(c, I(LEFT)), width, np.uint32)
    codes = _array_at(_slot_at(c, I(CODE)), width, np.uint32)
    deferred = _array_at(c[DEFERRED_LIST], I(1) << 40, np.int64)
    total = I(0)
    for k in range(count):
        lane = group[k]
        left_of = _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)
        used = min(left_of[0], I(MOST_LEFT)) - I(lefts[k])
        total += used
        left_of[0] -= used
        _array_at(c[CYCLES_AT] + lane * 8, 1, np.int64)[0] += used
        reason = _array_at(c[REASON_AT] + lane, 1, np.uint8)
        if codes[k] == HALTED:
            _array_at(c[HALTED_AT] + lane, 1, np.uint8)[0] = np.uint8(1)
            _array_at(c[LAST_PC_AT] + lane * 4, 1, np.uint32)[0] = pcs[k] - W(4)
            reason[0] = np.uint8(LANE_HALTED)
        else:
            reason[0] = np.uint8(LANE_YIELDED)
            if codes[k] == DEFERRED or (I(lefts[k]) < c[LEAST] and left_of[0] >= c[LEAST]):
                deferred[U(c[DEFERRED_COUNT])] = lane
                c[DEFERRED_COUNT] += 1
    c[INSTRUCTIONS] += total
    if c[STORES] != 0:
        _store_rows(c, group, count)


@kernel_function
def _store_flags(c, group, count):
    """The flags of lanes whose flags have been set, as result, carry and overflow."""
    width = c[WIDTH]
    kinds = _array_at(_slot_at(c, I(KIND)), width, np.uint32)
    xs = _array_at(_slot_at(c, I(X)), width, np.uint32)
    ys = _array_at(_slot_at(c, I(Y)), width, np.uint32)
    afs = c[REGS_AT] + AF * c[REGS_STRIDE]
    for k in range(count):
        kind = kinds[k]
        if kind == EXPLICIT:
            continue
        x = I(xs[k])
        y = I(ys[k])
        if kind == FLAGS_SUB:
            result = (x - y) & I((1 << 33) - 1)
            overflow = (x ^ y) & (x ^ result)
        elif kind == FLAGS_ADD:
            result = x + y
            overflow = (x ^ result) & (y ^ result)
        elif kind == FLAGS_MUL:
            product = U(x) * U(y)
            result = I(product & U(0xFFFF_FFFF)) | (I(product >> U(32) != 0) << 32)
            signed = I(np.int32(x)) * I(np.int32(y))
            overflow = I(signed != I(np.int32(signed))) << 31
        else:
            result = x | (y & 1) << 32
            overflow = (y >> 1) << 31
        overflow = (overflow >> 31) & 1
        flags = result | overflow << FLAGS_OVERFLOW_BIT
        _array_at(c[FLAGS_AT] + group[k] * 8, 1, np.int64)[0] = flags
        _array_at(afs + group[k] * 4, 1, np.uint32)[0] = W(flags_of(result, overflow << 31))


@kernel_function
def _store_rows(c, group, count):
    """What lanes have changed in their RAM. The rest is not touched, so that pages of rows that
    nobody writes take no memory."""
    words = c[ROW_WORDS]
    width = c[WIDTH]
    ram = _array_at(c[RAM], words * width, np.uint32)
    for low in range(0, words, BLOCK):
        high = min(words, low + BLOCK)
        for k in range(count):
            row = _array_at(c[ROWS] + group[k] * c[ROW_STRIDE], words, np.uint32)
            changed = W(0)
            for word in range(low, high):
                changed |= ram[U(word * width + k)] ^ row[U(word)]
            if changed != 0:
                for word in range(low, high):
                    row[U(word)] = ram[U(word * width + k)]


def run_groups(address):
    """Run the lanes of a queue. Returns LANES_DONE, or LANES_STOPPED if all workers are to stop:
    lanes from POSITION on have not been touched."""
    c = _array_at(address, CONTEXT_WORDS, np.int64)
    group = _array_at(c[GROUP], c[WIDTH], np.int64)
    control = _array_at(c[CONTROL], 1, np.int64)
    while c[POSITION] < c[QUEUE_END]:
        if control[0] != 0:
            return I(LANES_STOPPED)
        count = _choose(c, group)
        if count == 0:
            break
        side_by_side = group[count - 1] - group[0] == count - 1
        _load_group(c, group, count, side_by_side)
        _call_function(c[FUNCTION], c[FUNCTION_CONTEXT])
        _store_group(c, group, count, side_by_side)
    return I(LANES_DONE)


def load_sources() -> None:
    """Import what `run_groups` is compiled from: this module has it all."""
