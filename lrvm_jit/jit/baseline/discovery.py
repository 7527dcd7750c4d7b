"""Finding the guest code to be translated, and where its blocks begin."""

from __future__ import annotations

from ...core import baseline_layout as base
from ...kernel.addresses import byte_at, half_at, set_byte, set_word, word_at
from ...kernel.build.hints import stay_apart
from ...kernel.build.jit import kernel_function
from ...kernel.native_code import drop_block
from ...kernel.typed import I, U
from . import tables as t
from .stencil_code import table_word
from .words import form_of, known_target, may_change, target_of
from .work import (
    CALL,
    CALL_REGISTER,
    GOTO,
    GOTO_RELATIVE,
    INTERPRET,
    LEADER,
    LEAVE,
    LOOK_AHEAD,
    MOST_STACK,
    NOTHING,
    ONE,
    PLAIN,
    SEEN,
    SKIP,
    STACK,
    STACK_COUNT,
)


@kernel_function
def push_leader(context, index):
    work = word_at(context + 8 * I(base.WORK))
    count = word_at(work + 8 * STACK_COUNT)
    if count < MOST_STACK:
        set_word(work + 8 * (STACK + count), index)
        set_word(work + 8 * STACK_COUNT, count + 1)


@kernel_function
def lead_to(context, low, words, first, mmu, index, pc, target):
    """A jump from the word at `index` leads to `target`: a block begins there, if it can."""
    to = (target >> 2) - low
    if to < 0 or to >= words:
        return
    if mmu != 0 and (target ^ pc) >> 10 != 0:
        return
    push_leader(context, first + to)


@kernel_function
def discover(context, arena, mode, mmu, low, words, first, start, limit):
    """Find the words that can be reached from an arena index: SEEN and LEADER in FLAGS.

    How many, and the lowest and highest of them.
    """
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    flags = word_at(context + 8 * I(base.FLAGS))
    owners = word_at(context + 8 * (I(base.OWNERS) + mode))
    blocks = word_at(context + 8 * I(base.BLOCKS))
    set_word(work + 8 * STACK_COUNT, NOTHING)
    push_leader(context, start)
    lowest = highest = start
    count = NOTHING
    while word_at(work + 8 * STACK_COUNT) > 0:
        top = word_at(work + 8 * STACK_COUNT) - 1
        set_word(work + 8 * STACK_COUNT, top)
        index = word_at(work + 8 * (STACK + top))
        owner = half_at(owners + 4 * index)
        if owner != 0:
            begin = word_at(blocks + 8 * base.BLOCK_FIELDS * owner)
            if begin == index:
                continue
            # Into the middle of a block: it is made again, as two.
            drop_block(context, owner)
            push_leader(context, begin)
        if byte_at(flags + index) & LEADER != 0 or count >= limit:
            continue
        set_byte(flags + index, byte_at(flags + index) | LEADER)
        lowest = min(lowest, index)
        while index < first + words:
            seen = byte_at(flags + index)
            if seen & SEEN != 0 or half_at(owners + 4 * index) != 0:
                break
            set_byte(flags + index, seen | SEEN)
            highest = max(highest, index)
            count += 1
            word = I(arena[U(index)])
            pc = (low + index - first) << 2
            kind = form_of(context, word, mode) & 0xFF
            if may_change(context, index):
                kind = INTERPRET
            index += 1
            if mmu != 0 and (low + index - first) & 0xFF == 0:
                # Pages are left by the table.
                break
            if kind == PLAIN:
                continue
            if kind == SKIP:
                push_leader_behind(context, arena, mode, index, first + words)
                continue
            if kind == INTERPRET or kind == CALL or kind == CALL_REGISTER:
                if index < first + words:
                    push_leader(context, index)
            if kind == GOTO or kind == GOTO_RELATIVE or kind == CALL:
                target = target_of(word, kind, pc)
                lead_to(context, low, words, first, mmu, index - 1, pc, target)
            elif kind == CALL_REGISTER or kind == LEAVE:
                target = known_target(arena, max(first, index - 4), index - 1)
                if target >= 0:
                    lead_to(context, low, words, first, mmu, index - 1, pc, target)
            break
    set_word(work + 8 * STACK, lowest)
    set_word(work + 8 * (STACK + 1), highest)
    return count


@kernel_function
def push_leader_behind(context, arena, mode, index, end):
    """What a condition skips ends its block: then a block begins behind it."""
    if index + 1 < end:
        kind = form_of(context, I(arena[U(index)]), mode) & 0xFF
        if (kind != PLAIN and kind != SKIP) or may_change(context, index):
            push_leader(context, index + 1)


@kernel_function
def ends_before(context, owners, flags, index, end):
    """Whether a block ends before a word."""
    return index >= end or byte_at(flags + index) & LEADER != 0 or half_at(owners + 4 * index) != 0


@kernel_function
def settle_skips(context, arena, mode, first, end, lowest, highest):
    """Where a block ends between a condition and what it skips, one begins behind that."""
    stay_apart()
    flags = word_at(context + 8 * I(base.FLAGS))
    owners = word_at(context + 8 * (I(base.OWNERS) + mode))
    for index in range(lowest, highest + 1):
        if byte_at(flags + index) & SEEN == 0:
            continue
        if form_of(context, I(arena[U(index)]), mode) & 0xFF == SKIP and ends_before(
            context, owners, flags, index + 1, end
        ):
            behind = index + 2
            if behind < end and byte_at(flags + behind) & SEEN != 0:
                set_byte(flags + behind, byte_at(flags + behind) | LEADER)


@kernel_function
def flags_needed(context, arena, mode, index, room, end):
    """Whether somebody may see the flags that an instruction sets before they are set again."""
    stay_apart()
    flags = word_at(context + 8 * I(base.FLAGS))
    owners = word_at(context + 8 * (I(base.OWNERS) + mode))
    for k in range(1, min(I(LOOK_AHEAD), room)):
        at = index + k
        if ends_before(context, owners, flags, at, end) or may_change(context, at):
            return ONE
        word = I(arena[U(at)])
        if form_of(context, word, mode) & 0xFF != PLAIN:
            return ONE
        row = I(t.ROWS) + (word >> 24) * t.ROW_FIELDS
        if table_word(context, row + t.LEAVES) != 0:
            return ONE
        if table_word(context, row + t.FLAGS) != 0:
            return NOTHING
    return ONE
