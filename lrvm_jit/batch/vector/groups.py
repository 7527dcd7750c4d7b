"""Running lanes in groups, side by side in the vector code of a program.

What the vector code accesses is copied from the arrays of all lanes into those of the group: a
register of all lanes of the group, then the next one; and their RAM, interleaved by word. The
native function takes the lanes as far as it can; then everything goes back. Like the loop over
single lanes (`batch.lanes`) this is compiled to one function from the address of a context.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ...isa.table import Reg
from ...jit.vector.interleave import PRESENT
from ...jit.vector.target import EXPLICIT
from ...jit.vector.text import ABSENT, CODE, DEFERRED, HALTED, KIND, LEFT, RUNNING, X, Y
from ...kernel.build.jit import kernel_function
from ...kernel.entry import _array_at
from ...kernel.typed import I, U, W
from ..lane_layout import (
    LANE_BUDGET,
    LANE_HALTED,
    LANE_YIELDED,
    LANES_DONE,
    LANES_STOPPED,
)
from .layout import (
    CHUNKS,
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
    MARKS,
    MOST_LEFT,
    POSITION,
    QUEUE,
    QUEUE_END,
    READ_COUNT,
    READS,
    REASON_AT,
    REGS_AT,
    REGS_STRIDE,
    ROW_ADDRESSES,
    ROW_STRIDE,
    ROWS,
    SPARE_ROW,
    STATE,
    USES_FLAGS,
    WIDTH,
    WRITE_COUNT,
    WRITES,
)
from .layout import DEFERRED as DEFERRED_LIST

SMT, MTT, PC, AF = int(Reg.SMT), int(Reg.MTT), int(Reg.PC), int(Reg.AF)


@intrinsic
def _call_function(typing_context: Any, function: Any, argument: Any) -> Any:
    """Call the native function at an address with a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        target = builder.inttoptr(arguments[0], ir.PointerType(ir.FunctionType(word, [word])))
        return builder.call(target, [arguments[1]])

    return types.int64(types.int64, types.int64), generate


@kernel_function
def _are_fit(c, first):
    """Whether the lanes from `first` on, a whole group of them, are all for the vector code."""
    width = c[WIDTH]
    unfit = W(0)
    supervisor = _array_at(c[REGS_AT] + SMT * c[REGS_STRIDE] + first * 4, width, np.uint32)
    paging = _array_at(c[REGS_AT] + MTT * c[REGS_STRIDE] + first * 4, width, np.uint32)
    for k in range(width):
        unfit |= paging[U(k)] | W(supervisor[U(k)] == 0)
    halted = _array_at(c[HALTED_AT] + first, width, np.uint8)
    for k in range(width):
        unfit |= W(halted[U(k)])
    left = _array_at(c[LEFT_AT] + first * 8, width, np.int64)
    least = left[0]
    for k in range(width):
        least = min(least, left[U(k)])
    return unfit == 0 and least >= c[LEAST]


@kernel_function
def _choose(c, group):
    """Fill the group with lanes of the queue that the vector code is for. Returns how many."""
    queue = _array_at(c[QUEUE], c[QUEUE_END], np.int64)
    width = c[WIDTH]
    position = c[POSITION]
    if position + width <= c[QUEUE_END]:
        first = queue[U(position)]
        if queue[U(position + width - 1)] - first == width - 1 and _are_fit(c, first):
            for k in range(width):
                group[U(k)] = first + k
            c[POSITION] = position + width
            return width
    count = I(0)
    smt = c[REGS_AT] + SMT * c[REGS_STRIDE]
    mtt = c[REGS_AT] + MTT * c[REGS_STRIDE]
    while count < width and c[POSITION] < c[QUEUE_END]:
        lane = queue[U(c[POSITION])]
        c[POSITION] += 1
        left = _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0]
        reason = _array_at(c[REASON_AT] + lane, 1, np.uint8)
        supervisor = _array_at(smt + lane * 4, 1, np.uint32)[0]
        paging = _array_at(mtt + lane * 4, 1, np.uint32)[0]
        if _array_at(c[HALTED_AT] + lane, 1, np.uint8)[0] != 0:
            reason[0] = np.uint8(LANE_HALTED)
        elif left < c[LEAST]:
            reason[0] = np.uint8(LANE_BUDGET if left == 0 else LANE_YIELDED)
        elif supervisor == 0 or paging != 0:
            reason[0] = np.uint8(LANE_YIELDED)
        else:
            group[U(count)] = lane
            count += 1
    return count


@kernel_function
def _slot_at(c, number):
    """Address of a slot of all lanes of the group."""
    return c[STATE] + number * c[WIDTH] * 4


@kernel_function
def _load_slot(c, number, group, count, side_by_side):
    """A register of each lane."""
    slot = _array_at(_slot_at(c, number), count, np.uint32)
    source = c[REGS_AT] + number * c[REGS_STRIDE]
    if side_by_side:
        row = _array_at(source + group[0] * 4, count, np.uint32)
        for k in range(count):
            slot[U(k)] = row[U(k)]
    else:
        for k in range(count):
            slot[U(k)] = _array_at(source + group[U(k)] * 4, 1, np.uint32)[0]


@kernel_function
def _store_slot(c, number, group, count, side_by_side):
    """A register of each lane back."""
    slot = _array_at(_slot_at(c, number), count, np.uint32)
    target = c[REGS_AT] + number * c[REGS_STRIDE]
    if side_by_side:
        row = _array_at(target + group[0] * 4, count, np.uint32)
        for k in range(count):
            row[U(k)] = slot[U(k)]
    else:
        for k in range(count):
            _array_at(target + group[U(k)] * 4, 1, np.uint32)[0] = slot[U(k)]


@kernel_function
def _load_group(c, group, count, side_by_side):
    """Copy lanes into the group."""
    width = c[WIDTH]
    reads = _array_at(c[READS], c[READ_COUNT], np.int64)
    for number in range(c[READ_COUNT]):
        _load_slot(c, reads[U(number)], group, count, side_by_side)
    _load_slot(c, I(PC), group, count, side_by_side)
    if c[USES_FLAGS] != 0:
        _load_slot(c, I(AF), group, count, side_by_side)
        af = _array_at(_slot_at(c, I(AF)), width, np.uint32)
        x = _array_at(_slot_at(c, I(X)), width, np.uint32)
        kinds = _array_at(_slot_at(c, I(KIND)), width, np.uint32)
        for k in range(width):
            x[U(k)] = af[U(k)]
            kinds[U(k)] = W(EXPLICIT)
    lefts = _array_at(_slot_at(c, I(LEFT)), width, np.uint32)
    codes = _array_at(_slot_at(c, I(CODE)), width, np.uint32)
    for k in range(count):
        left = _array_at(c[LEFT_AT] + group[U(k)] * 8, 1, np.int64)[0]
        lefts[U(k)] = W(min(left, I(MOST_LEFT)))
        codes[U(k)] = W(RUNNING)
    for k in range(count, width):
        codes[U(k)] = W(ABSENT)
    if c[CHUNKS] != 0:
        rows = _array_at(c[ROW_ADDRESSES], width, np.int64)
        for k in range(count):
            rows[U(k)] = c[ROWS] + group[U(k)] * c[ROW_STRIDE]
        for k in range(count, width):
            rows[U(k)] = c[SPARE_ROW]
        marks = _array_at(c[MARKS], PRESENT + 2 * c[CHUNKS], np.uint8)
        for k in range(PRESENT + 2 * c[CHUNKS]):
            marks[U(k)] = np.uint8(0)


@kernel_function
def _store_group(c, group, count, side_by_side):
    """Copy lanes back, and say what has become of them."""
    width = c[WIDTH]
    writes = _array_at(c[WRITES], c[WRITE_COUNT], np.int64)
    for number in range(c[WRITE_COUNT]):
        _store_slot(c, writes[U(number)], group, count, side_by_side)
    _store_slot(c, I(PC), group, count, side_by_side)
    if c[USES_FLAGS] != 0:
        _store_slot(c, I(AF), group, count, side_by_side)
        _store_flags(c, group, count, side_by_side)
    pcs = _array_at(_slot_at(c, I(PC)), width, np.uint32)
    lefts = _array_at(_slot_at(c, I(LEFT)), width, np.uint32)
    codes = _array_at(_slot_at(c, I(CODE)), width, np.uint32)
    deferred = _array_at(c[DEFERRED_LIST], I(1) << 40, np.int64)
    total = I(0)
    for k in range(count):
        lane = group[U(k)]
        left_of = _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)
        used = min(left_of[0], I(MOST_LEFT)) - I(lefts[U(k)])
        total += used
        left_of[0] -= used
        _array_at(c[CYCLES_AT] + lane * 8, 1, np.int64)[0] += used
        reason = _array_at(c[REASON_AT] + lane, 1, np.uint8)
        if codes[U(k)] == HALTED:
            _array_at(c[HALTED_AT] + lane, 1, np.uint8)[0] = np.uint8(1)
            _array_at(c[LAST_PC_AT] + lane * 4, 1, np.uint32)[0] = pcs[U(k)] - W(4)
            reason[0] = np.uint8(LANE_HALTED)
        else:
            reason[0] = np.uint8(LANE_YIELDED)
            short = I(lefts[U(k)]) < c[LEAST]
            if codes[U(k)] == DEFERRED or (short and left_of[0] >= c[LEAST]):
                deferred[U(c[DEFERRED_COUNT])] = lane
                c[DEFERRED_COUNT] += 1
    c[INSTRUCTIONS] += total


@kernel_function
def _store_flags(c, group, count, side_by_side):
    """The last results of lanes, with carry and overflow, unless no operation has set flags."""
    kinds = _array_at(_slot_at(c, I(KIND)), count, np.uint32)
    results = _array_at(_slot_at(c, I(X)), count, np.uint32)
    bits = _array_at(_slot_at(c, I(Y)), count, np.uint32)
    if side_by_side:
        row = _array_at(c[FLAGS_AT] + group[0] * 8, count, np.int64)
        for k in range(count):
            flags = I(results[U(k)]) | (I(bits[U(k)]) & 3) << 32
            row[U(k)] = row[U(k)] if kinds[U(k)] == EXPLICIT else flags
    else:
        for k in range(count):
            if kinds[U(k)] != EXPLICIT:
                flags = I(results[U(k)]) | (I(bits[U(k)]) & 3) << 32
                _array_at(c[FLAGS_AT] + group[U(k)] * 8, 1, np.int64)[0] = flags


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
