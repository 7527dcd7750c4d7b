"""Running many machines, one after the other, in the arrays of one.

A lane is a machine of a batch: a row of registers, a row of its own memory, and a few bytes
more. To run it, its row is copied into the arrays of a worker (a machine like any other), the
dispatch loop runs there, and what has changed is copied back. The worker keeps what it has
decoded and translated, and its windows: every lane's memory lies at the same place while it
runs, so all of that serves the next lane as well.

A lane that asks a component is put aside with its request, and the next lane runs; Python answers
all of them together. Like the dispatch loop, this is compiled to one function from the address
of a context to the reason why it stopped.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types
from numba.extending import intrinsic

from ..core.layout import (
    BONUS,
    BUDGET,
    CYCLES,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    FLAGS_EXPLICIT,
    HALTED,
    LAST_PC,
    LOG_COUNT,
    MARK_CODE,
    PAGE_WORDS,
    RESUME,
    SOFT_BUDGET,
    STOP_ON_EXCEPTION,
    TRANSLATED,
    WINDOW_KEY,
)
from ..kernel.alu import flags_of
from ..kernel.build.compat import call_compiled
from ..kernel.build.hints import cold_path, unlikely
from ..kernel.build.jit import kernel_function
from ..kernel.entry import _array_at, arrays_at
from ..kernel.memory import flush_windows, forget_code
from ..kernel.step import AF, MTT, SMT
from ..kernel.typed import (
    REQUEST_READ,
    REQUEST_WRITE,
    STOP_BUDGET,
    STOP_EXCEPTION,
    STOP_HALTED,
    I,
    U,
    W,
)
from .lane_layout import (
    ASK_AT_ONCE,
    ASK_NO_MORE,
    ASKING,
    CONTROL,
    CYCLES_AT,
    ENTER_AT,
    FIRST_LANE,
    FLAGS_AT,
    FLAGS_OVERFLOW_BIT,
    HALTED_AT,
    INSTRUCTIONS,
    INTERPRETED,
    LANE_BONUS,
    LANE_BUDGET,
    LANE_CONTEXT_WORDS,
    LANE_EXCEPTION,
    LANE_HALTED,
    LANE_PENDING,
    LANE_SLICE,
    LANE_STOPPED,
    LANE_YIELDED,
    LANES_ASK,
    LANES_DONE,
    LANES_LOOK,
    LANES_PAUSE,
    LANES_STOPPED,
    LAST_LENGTH,
    LAST_PC_AT,
    LEFT_AT,
    LOADED,
    MARGIN,
    PAGED,
    PAUSE_AFTER,
    POSITION,
    QUEUE,
    QUEUE_END,
    REASON_AT,
    REGS_AT,
    REGS_STRIDE,
    RESUMING,
    SAVED,
    SAVED_FIELDS,
    SAVED_FIRST,
    SEED,
    SEGMENT_COUNT,
    SEGMENT_FIELDS,
    SEGMENT_FIRST,
    SEGMENT_ROWS,
    SEGMENT_STRIDE,
    SEGMENT_WORDS,
    SEGMENT_WRITABLE,
    SEGMENTS,
    STOP_ON_RAISE,
    THRESHOLD,
    WORKER,
    YIELD_AFTER,
)

REGISTERS: Final = 32
BLOCK: Final = 64
"""Words that are compared, and copied back if one of them has changed."""
RESULT_MASK = np.int64((1 << 33) - 1)


@intrinsic
def _call_kernel(typing_context: Any, function: Any, argument: Any) -> Any:
    """Call the compiled `enter` at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call_compiled(builder, *arguments)

    return types.int64(types.int64, types.int64), generate


@kernel_function
def _forget_changed(state, arena, ops, marks, snapshot, code_pages, first, words):
    """Forget the decoding of words in a range that are not as they were decoded."""
    pages = len(code_pages) >> 1
    for page in range(first >> 8, (first + words + PAGE_WORDS - 1) >> 8):
        if code_pages[U(pages + page)] == 0:
            continue
        low = max(first, page * PAGE_WORDS)
        for index in range(low, min(first + words, (page + 1) * PAGE_WORDS)):
            if marks[U(index)] & MARK_CODE and snapshot[U(index)] != arena[U(index)]:
                forget_code(state, ops, marks, index)


@kernel_function
def _load_memory(c, lane, state, arena, ops, marks, snapshot, code_pages):
    """Copy a lane's memory into the worker's arena."""
    segments = _array_at(c[SEGMENTS], c[SEGMENT_COUNT] * SEGMENT_FIELDS, np.int64)
    for number in range(c[SEGMENT_COUNT]):
        at = number * SEGMENT_FIELDS
        first = segments[U(at + SEGMENT_FIRST)]
        words = segments[U(at + SEGMENT_WORDS)]
        row = segments[U(at + SEGMENT_ROWS)] + lane * segments[U(at + SEGMENT_STRIDE)]
        source = _array_at(row, words, np.uint32)
        for k in range(words):
            arena[U(first + k)] = source[U(k)]
        _forget_changed(state, arena, ops, marks, snapshot, code_pages, first, words)


@kernel_function
def _store_memory(c, lane, arena):
    """Copy what a lane has changed back to its row. The rest is not touched, so that pages of
    rows that nobody writes take no memory."""
    segments = _array_at(c[SEGMENTS], c[SEGMENT_COUNT] * SEGMENT_FIELDS, np.int64)
    for number in range(c[SEGMENT_COUNT]):
        at = number * SEGMENT_FIELDS
        if segments[U(at + SEGMENT_WRITABLE)] == 0:
            continue
        first = segments[U(at + SEGMENT_FIRST)]
        words = segments[U(at + SEGMENT_WORDS)]
        row = segments[U(at + SEGMENT_ROWS)] + lane * segments[U(at + SEGMENT_STRIDE)]
        target = _array_at(row, words, np.uint32)
        whole = words & ~I(BLOCK - 1)
        for low in range(0, whole, BLOCK):
            # Slices of a known length: LLVM makes vector instructions of the comparison.
            now = arena[first + low : first + low + BLOCK]
            before = target[low : low + BLOCK]
            changed = W(0)
            for k in range(BLOCK):
                changed |= now[k] ^ before[k]
            if changed != 0:
                for k in range(BLOCK):
                    before[k] = now[k]
        for k in range(whole, words):
            if target[U(k)] != arena[U(first + k)]:
                target[U(k)] = arena[U(first + k)]


@kernel_function
def _load_cpu(c, lane, regs, state):
    """Copy a lane's registers, flags and counters into the worker."""
    first = c[REGS_AT] + lane * 4
    stride = c[REGS_STRIDE]
    for k in range(REGISTERS):
        regs[k] = _array_at(first + k * stride, 1, np.uint32)[0]
    flags = _array_at(c[FLAGS_AT] + lane * 8, 1, np.int64)[0]
    result = flags & RESULT_MASK
    overflow = ((flags >> FLAGS_OVERFLOW_BIT) & 1) << 31
    state[FLAG_RESULT] = result
    state[FLAG_OVERFLOW] = overflow
    # Flags that the host has set, or that no result has.
    state[FLAGS_EXPLICIT] = I(I(regs[AF]) != flags_of(result, overflow))
    state[CYCLES] = _array_at(c[CYCLES_AT] + lane * 8, 1, np.int64)[0]
    state[LAST_PC] = I(_array_at(c[LAST_PC_AT] + lane * 4, 1, np.uint32)[0])
    state[HALTED] = I(_array_at(c[HALTED_AT] + lane, 1, np.uint8)[0])
    if c[RESUMING] != 0:
        saved = _array_at(
            c[SAVED] + (lane - c[FIRST_LANE]) * (8 * SAVED_FIELDS), SAVED_FIELDS, np.int64
        )
        for k in range(SAVED_FIELDS):
            state[SAVED_FIRST + k] = saved[k]
    else:
        state[RESUME] = 0
        state[LOG_COUNT] = 0
    supervisor = I(regs[SMT] != 0)
    if unlikely(c[PAGED] != 0 or regs[MTT] != 0):
        # Tables differ from lane to lane.
        flush_windows(regs, state)
        c[PAGED] = I(regs[MTT] != 0)
    else:
        state[WINDOW_KEY] = (state[WINDOW_KEY] & ~(I(1) << 32)) | supervisor << 32


@kernel_function
def _store_cpu(c, lane, regs, state, left, reason):
    """Copy registers, flags and counters back to the lane."""
    first = c[REGS_AT] + lane * 4
    stride = c[REGS_STRIDE]
    if state[FLAGS_EXPLICIT] == 0:
        regs[AF] = W(flags_of(state[FLAG_RESULT], state[FLAG_OVERFLOW]))
    for k in range(REGISTERS):
        _array_at(first + k * stride, 1, np.uint32)[0] = regs[k]
    overflow = (state[FLAG_OVERFLOW] >> 31) & 1
    flags = (state[FLAG_RESULT] & RESULT_MASK) | overflow << FLAGS_OVERFLOW_BIT
    _array_at(c[FLAGS_AT] + lane * 8, 1, np.int64)[0] = flags
    _array_at(c[CYCLES_AT] + lane * 8, 1, np.int64)[0] = state[CYCLES]
    _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0] = left
    _array_at(c[LAST_PC_AT] + lane * 4, 1, np.uint32)[0] = W(state[LAST_PC])
    _array_at(c[HALTED_AT] + lane, 1, np.uint8)[0] = np.uint8(state[HALTED])
    _array_at(c[REASON_AT] + lane, 1, np.uint8)[0] = np.uint8(reason)
    if regs[MTT] != 0:
        c[PAGED] = 1
    if unlikely(reason == LANE_PENDING):
        saved = _array_at(
            c[SAVED] + (lane - c[FIRST_LANE]) * (8 * SAVED_FIELDS), SAVED_FIELDS, np.int64
        )
        for k in range(SAVED_FIELDS):
            saved[k] = state[SAVED_FIRST + k]


def run_lanes(address):
    """Run the lanes of a queue. Returns LANES_*, or a stop of the dispatch loop that Python must
    deal with while the lane is loaded."""
    c = _array_at(address, LANE_CONTEXT_WORDS, np.int64)
    worker = arrays_at(c[WORKER])
    regs, state, arena, ops = worker.regs, worker.state, worker.arena, worker.ops
    marks, snapshot, code_pages = worker.marks, worker.snapshot, worker.code_pages
    queue = _array_at(c[QUEUE], c[QUEUE_END], np.int64)
    control = _array_at(c[CONTROL], 1, np.int64)
    state[STOP_ON_EXCEPTION] = c[STOP_ON_RAISE]
    done = I(0)
    refused = c[ASKING] == ASK_NO_MORE
    while c[POSITION] < c[QUEUE_END]:
        lane = queue[U(c[POSITION])]
        left = _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0]
        if c[LOADED] == 0:
            # A request that has been answered must be completed.
            if control[0] != 0 and c[RESUMING] == 0 and c[MARGIN] == 0:
                return I(LANES_STOPPED)
            if done > c[PAUSE_AFTER]:
                return I(LANES_PAUSE)
            _load_cpu(c, lane, regs, state)
            _load_memory(c, lane, state, arena, ops, marks, snapshot, code_pages)
            c[LOADED] = 1
        length = I(0)
        reason = I(LANE_PENDING) if refused else I(-1)
        refused = False
        while reason < 0:
            piece = min(left, I(LANE_SLICE))
            extra = min(left - piece, I(LANE_BONUS))
            if unlikely(control[0] != 0):
                if state[RESUME] == 0 and length >= c[MARGIN]:
                    reason = I(LANE_STOPPED)
                    break
                piece = I(1)
                extra = I(0)
            elif c[YIELD_AFTER] != 0:
                if length >= c[YIELD_AFTER]:
                    reason = I(LANE_YIELDED)
                    break
                piece = min(piece, c[YIELD_AFTER] - length)
                extra = min(piece + extra, c[YIELD_AFTER] - length) - piece
            looking = c[INTERPRETED] >= c[THRESHOLD]
            if unlikely(looking) and left > 1:
                # Stop somewhere within the lane, for Python to look where that is.
                c[SEED] = (c[SEED] * 1103515245 + 12345) & 0x7FFFFFFF
                piece = min(piece, 1 + c[SEED] % max(c[LAST_LENGTH], I(1)))
                extra = I(0)
            state[BUDGET] = piece
            state[BONUS] = extra
            state[SOFT_BUDGET] = I(piece + extra < left)
            translated = state[TRANSLATED]
            stop = _call_kernel(c[ENTER_AT], c[WORKER])
            used = piece + extra - state[BUDGET] - state[BONUS]
            left -= used
            length += used
            c[INTERPRETED] += used - (state[TRANSLATED] - translated)
            if stop == STOP_BUDGET:
                if left > 0:
                    done += used
                    if looking or done > c[PAUSE_AFTER]:
                        cold_path()
                        _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0] = left
                        c[INSTRUCTIONS] += length
                        return I(LANES_LOOK) if looking else I(LANES_PAUSE)
                    done -= used
                else:
                    reason = I(LANE_HALTED) if state[HALTED] != 0 else I(LANE_BUDGET)
            elif stop == STOP_HALTED:
                reason = I(LANE_HALTED)
            elif stop == STOP_EXCEPTION:
                reason = I(LANE_EXCEPTION)
            elif stop in (REQUEST_READ, REQUEST_WRITE):
                reason = I(LANE_PENDING)
                if c[ASKING] == ASK_AT_ONCE:
                    _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0] = left
                    c[INSTRUCTIONS] += length
                    return I(LANES_ASK)
            else:
                cold_path()
                _array_at(c[LEFT_AT] + lane * 8, 1, np.int64)[0] = left
                c[INSTRUCTIONS] += length
                return stop
        _store_cpu(c, lane, regs, state, left, reason)
        _store_memory(c, lane, arena)
        c[LOADED] = 0
        c[POSITION] += 1
        c[INSTRUCTIONS] += length
        c[LAST_LENGTH] = length
        done += length + 20
    return I(LANES_DONE)


def load_sources() -> None:
    """Import what `run_lanes` is compiled from: this module has it all."""
