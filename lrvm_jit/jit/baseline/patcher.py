"""Guest code becomes native code: stencils are copied behind each other and filled in.

Compiled like the kernel, and written like it. A request names a place; what can be reached from
there by jumps to literal addresses is translated as a whole, block by block, in the order of
addresses.
"""

from __future__ import annotations

import numpy as np

from ...core import baseline_layout as base
from ...core import native_abi as abi
from ...core.layout import ENTER, ENTER_NATIVE, MARK_NATIVE, PAGE_WORDS, WORD
from ...isa.table import Op
from ...kernel.addresses import byte_at, half_at, set_byte, set_half, set_word, word_at
from ...kernel.build.hints import stay_apart
from ...kernel.build.jit import kernel_function
from ...kernel.decode import mark_code
from ...kernel.native_code import drop_block, drop_native, page_kind
from ...kernel.typed import I, U
from . import tables as t
from .forms import HELPER_NUMBERS
from .operands import LITERAL, MEMORY
from .operands import PC as PC_PLACE
from .target import CODE_HOLES, HOLES

# The patcher's own memory: words of WORK.
HOLE = 0
"""The value of each hole."""
PLACE = 32
"""Of the instruction looked at: where its operands are, with bit 8 set if they must be moved;"""
VALUE = 36
"""their registers' codes, or literals."""
FIX_COUNT = 40
STACK_COUNT = 41
FALLS = 42
"""1 after a block that goes on with what is made next."""
ADDRESS = 64
"""Where the code of each word of a block begins."""
STACK = 1024
FIXES = 1 << 13
"""Distances to fill in: place in the code, kind, target."""
FIX_FIELDS = 3
MOST_FIXES = (base.WORK_WORDS - FIXES) // FIX_FIELDS - 4 * abi.MOST_INSTRUCTIONS
MOST_STACK = FIXES - STACK

TO_CODE, TO_SITE, TO_SKIPPED = map(np.int64, range(3))
"""Kinds of these: to the block at an arena index, to an exit, past the instruction skipped."""

SEEN, LEADER = 1, 2
"""What discovery notes of a word: it was looked at; a block begins there."""

HEAD, GOTO_CODE, STUB, FAR, ENTER_CODE, EXIT_CODE = (
    np.int64(HELPER_NUMBERS[name])
    for name in ("head", "goto", "stub", "far", "enter_native", "leave_native")
)
STORES = np.int64(HELPER_NUMBERS["store1"] - 1)
LOADS = np.int64(HELPER_NUMBERS["load1"] - 1)
FIRST_CODE_HOLE = HOLES.index(CODE_HOLES[0])
SKIP_HOLE, JUMP_HOLE, EXIT_HOLE, LEAVE_HOLE, COMMON_HOLE = (
    np.int64(HOLES.index(name)) for name in ("skip", "jump", "exit", "leave", "common_exit")
)
LITERAL_HOLE, HOME_HOLE, AVR_HOLE, SLOT_HOLE, HERE_HOLE, COUNT_HOLE, COUNTER_HOLE, SITE_HOLE = (
    np.int64(HOLES.index(name))
    for name in ("literal0", "home0", "home3", "slot", "here", "count", "counter", "site")
)

(
    INTERPRET,
    PLAIN,
    SKIP,
    GOTO,
    GOTO_RELATIVE,
    CALL,
    LEAVE,
    CALL_REGISTER,
    ENDS,
) = map(np.int64, range(9))
LITERAL_PLACE, MEMORY_PLACE, TO_PC, SPILLED = map(np.int64, (LITERAL, MEMORY, PC_PLACE, 1 << 8))
CPY, JPR, AVR = int(Op.CPY), int(Op.JPR), 0x15
LOOK_AHEAD = 12
MOST_STRAIGHT = abi.MOST_INSTRUCTIONS - 2
ONE, TWO, NOTHING = map(np.int64, (1, 2, 0))
FAR_BIT = np.int64(1 << 60)
"""In a target: not an arena index but a virtual address, to be reached by the table."""
INDIRECT_SITE = 1
BYTES_OF_EXIT = 96
BYTES_OF_BLOCK = 160 * abi.MOST_INSTRUCTIONS
"""More than these ever take."""


__all__ = ["begin", "drop_native", "translate_from"]


@kernel_function
def table_word(context, at):
    return word_at(word_at(context + 8 * I(base.STENCILS)) + 8 * at)


@kernel_function
def set_hole(context, hole, value):
    set_word(word_at(context + 8 * I(base.WORK)) + 8 * (HOLE + hole), value)


@kernel_function
def site(context, pc, refund, reason, resume):
    """A new exit; its number."""
    number = word_at(context + 8 * I(base.SITE_COUNT))
    set_word(context + 8 * I(base.SITE_COUNT), number + 1)
    row = word_at(context + 8 * abi.SITES) + 8 * abi.SITE_FIELDS * number
    set_word(row, pc)
    set_word(row + 8, refund)
    set_word(row + 16, reason)
    set_word(row + 24, resume)
    return number


@kernel_function
def fix_later(context, place, kind, target):
    work = word_at(context + 8 * I(base.WORK))
    count = word_at(work + 8 * FIX_COUNT)
    at = work + 8 * (FIXES + FIX_FIELDS * count)
    set_word(at, place)
    set_word(at + 8, kind)
    set_word(at + 16, target)
    set_word(work + 8 * FIX_COUNT, count + 1)


@kernel_function
def emit(context, number):
    """Copy a stencil and fill it in; where its code begins."""
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    tables = word_at(context + 8 * I(base.STENCILS))
    row = tables + 8 * (word_at(tables + 8 * t.STENCIL_TABLE) + 4 * number)
    size = word_at(row + 8)
    start = word_at(context + 8 * I(base.CODE_USED))
    written = word_at(context + 8 * I(base.CODE_WRITTEN))
    source = word_at(context + 8 * I(base.STENCIL_CODE)) + word_at(row)
    for k in range(0, size, 8):
        set_word(written + start + k, word_at(source + k))
    set_word(context + 8 * I(base.CODE_USED), start + size)
    fill = tables + 8 * (word_at(tables + 8 * t.FILL_TABLE) + 4 * word_at(row + 16))
    for _ in range(word_at(row + 24)):
        place = start + word_at(fill)
        hole = word_at(fill + 8)
        value = word_at(work + 8 * (HOLE + hole))
        if hole < FIRST_CODE_HOLE:
            set_half(written + place, value + word_at(fill + 24))
        elif hole >= LEAVE_HOLE:
            set_half(written + place, value - (place + 4))
        elif hole == EXIT_HOLE:
            fix_later(context, place, TO_SITE, value)
        else:
            fix_later(context, place, TO_SKIPPED if hole == SKIP_HOLE else TO_CODE, value)
        fill += 32
    return start


@kernel_function
def form_of(context, word, mode):
    """Which stencil a word takes: its number from bit 8 on, and its kind; INTERPRET if none.

    Leaves places and values of the operands in PLACE and VALUE.
    """
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    row = I(t.ROWS) + (word >> 24) * t.ROW_FIELDS
    kind = table_word(context, row)
    if kind == INTERPRET or kind == ENDS:
        return kind
    if kind == GOTO_RELATIVE:
        return kind if word & 0x300 == 0 else INTERPRET
    number = table_word(context, row + t.STENCIL)
    places = table_word(context, I(t.PLACES))
    for k in range(3):
        at = row + t.OPERANDS + k * t.OPERAND_FIELDS
        source = table_word(context, at)
        if source == 0:
            break
        value = (word >> table_word(context, at + t.SHIFT)) & table_word(context, at + t.MASK)
        place = LITERAL_PLACE
        index = NOTHING
        if source == TWO:
            if value < table_word(context, at + t.LOW) or value > table_word(context, at + t.HIGH):
                return INTERPRET
        else:
            if table_word(context, at + t.READS) != 0:
                place = table_word(context, places + 256 * mode + value)
            if table_word(context, at + t.WRITES) != 0 and place != t.INTERPRETED:
                place = table_word(context, places + 512 + 256 * mode + value)
            if place == t.INTERPRETED:
                return INTERPRET
            index = table_word(context, at + t.INDEX + place)
            if index < 0 and place == TO_PC:
                target = word & 0xFFFF
                return GOTO if word >> 27 == CPY and target & 3 == 0 else INTERPRET
            if index < 0:
                index = table_word(context, at + t.INDEX + MEMORY_PLACE)
                place |= SPILLED
                if index < 0:
                    return INTERPRET
        set_word(work + 8 * (PLACE + k), place)
        set_word(work + 8 * (VALUE + k), value)
        number += index * table_word(context, at + t.STRIDE)
    chooses = table_word(context, row + t.CHOOSES)
    first = word_at(work + 8 * VALUE)
    if chooses != 0:
        at = table_word(context, I(t.IF_CHOICES) + chooses - 1)
        if chooses == t.CHOICE_IF2:
            second = word_at(work + 8 * (VALUE + 1))
            third = word_at(work + 8 * (VALUE + 2))
            if first > 7 or second > 7 or third > 7:
                return INTERPRET
            first = 64 * first + 8 * second + third
        elif chooses == t.CHOICE_MODE:
            first = word_at(work + 8 * (VALUE + 2))
        choice = table_word(context, at + first)
        if choice < 0:
            return INTERPRET
        number += choice * table_word(context, row + t.VARIANTS)
    if kind == CALL and first & 3 != 0:
        return INTERPRET
    if word_at(work + 8 * PLACE) == TO_PC:
        kind = LEAVE
    return kind | number << 8


@kernel_function
def target_of(word, kind, pc):
    """Where a jump to a literal address leads."""
    if kind == GOTO_RELATIVE:
        return (pc + I(np.int16((word >> 8) & 0xFFFF))) & WORD
    return (word >> 8) & 0xFFFF if kind == CALL else word & 0xFFFF


@kernel_function
def push_leader(context, index):
    work = word_at(context + 8 * I(base.WORK))
    count = word_at(work + 8 * STACK_COUNT)
    if count < MOST_STACK:
        set_word(work + 8 * (STACK + count), index)
        set_word(work + 8 * STACK_COUNT, count + 1)


@kernel_function
def may_change(context, index):
    """Whether a word has changed so often that it is the interpreter's."""
    return byte_at(word_at(context + 8 * I(base.CHANGES)) + index) >= base.CHANGES_ALLOWED


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


@kernel_function
def move_pin(context, first, place, register):
    """Store a pinned register in the context, or load it."""
    set_hole(context, HOME_HOLE, 4 * register)
    emit(context, first + place)


@kernel_function
def pin_of(context, mode, register):
    places = table_word(context, I(t.PLACES))
    return table_word(context, places + 256 * mode + register)


@kernel_function
def emit_instruction(context, mode, word, pc, number, executed):
    """The code of an instruction that has a stencil, once `form_of` has looked at it."""
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    row = I(t.ROWS) + (word >> 24) * t.ROW_FIELDS
    avr = pin_of(context, mode, I(AVR))
    if table_word(context, row + t.AVR_READ) != 0 and avr != 0:
        move_pin(context, STORES, avr, I(AVR))
    for k in range(3):
        at = row + t.OPERANDS + k * t.OPERAND_FIELDS
        if table_word(context, at) == 0:
            break
        place = word_at(work + 8 * (PLACE + k))
        if place & SPILLED != 0 and table_word(context, at + t.READS) != 0:
            move_pin(context, STORES, place & 0xFF, word_at(work + 8 * (VALUE + k)))
    for k in range(3):
        value = word_at(work + 8 * (VALUE + k))
        set_hole(context, LITERAL_HOLE + k, value)
        set_hole(context, HOME_HOLE + k, 4 * value)
    set_hole(context, AVR_HOLE, I(4 * AVR))
    set_hole(context, HERE_HOLE, pc)
    leaves = table_word(context, row + t.LEAVES)
    reason = leaves
    if leaves == abi.EXIT_READ or leaves == abi.EXIT_WRITE:
        operand = table_word(context, row + t.SLOT_OPERAND)
        register = I(0x18)
        if operand != t.STACK_SLOT:
            register = I(32)
            if word_at(work + 8 * (PLACE + operand)) != LITERAL_PLACE:
                register = word_at(work + 8 * (VALUE + operand))
        slot = 2 * register + I(leaves == abi.EXIT_WRITE)
        set_hole(context, SLOT_HOLE, 8 * (abi.SLOTS + abi.SLOT_FIELDS * slot))
        reason |= slot << 8
    if leaves != 0:
        resume = word_at(context + 8 * I(base.CODE_RUN)) + word_at(context + 8 * I(base.CODE_USED))
        set_hole(context, EXIT_HOLE, site(context, pc, executed, reason, resume))
    emit(context, number)
    for k in range(3):
        at = row + t.OPERANDS + k * t.OPERAND_FIELDS
        if table_word(context, at) == 0:
            break
        place = word_at(work + 8 * (PLACE + k))
        if place & SPILLED != 0 and table_word(context, at + t.WRITES) != 0:
            move_pin(context, LOADS, place & 0xFF, word_at(work + 8 * (VALUE + k)))
    if table_word(context, row + t.AVR_WRITTEN) != 0 and avr != 0:
        move_pin(context, LOADS, avr, I(AVR))


@kernel_function
def jump_to(context, low, words, first, mmu, pc, target):
    """What a jump to a virtual address is filled in with."""
    to = (target >> 2) - low
    if to < 0 or to >= words or (mmu != 0 and (target ^ pc) >> 10 != 0):
        return target | FAR_BIT
    return first + to


@kernel_function
def go_on_at(context, low, words, first, mode, mmu, pc):
    """A block ends and goes on at pc. Where the next one follows at once there is no jump."""
    work = word_at(context + 8 * I(base.WORK))
    to = jump_to(context, low, words, first, mmu, pc - 4, pc)
    set_hole(context, JUMP_HOLE, to)
    if to & FAR_BIT == 0:
        flags = word_at(context + 8 * I(base.FLAGS))
        owners = word_at(context + 8 * (I(base.OWNERS) + mode))
        if byte_at(flags + to) & (LEADER | SEEN) == LEADER | SEEN and half_at(owners + 4 * to) == 0:
            set_word(work + 8 * FALLS, ONE)
            return
    emit(context, GOTO_CODE)


@kernel_function
def emit_block(context, arena, mode, mmu, low, words, first, start):
    """Make the block at an arena index; how many words it has."""
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    flags = word_at(context + 8 * I(base.FLAGS))
    owners = word_at(context + 8 * (I(base.OWNERS) + mode))
    end = first + words
    block = word_at(context + 8 * I(base.BLOCK_COUNT)) + 1
    set_word(context + 8 * I(base.BLOCK_COUNT), block)
    first_fix = word_at(work + 8 * FIX_COUNT)
    start_pc = (low + start - first) << 2
    head_site = site(context, start_pc, NOTHING, I(abi.EXIT_BUDGET), NOTHING)
    set_hole(context, COUNT_HOLE, NOTHING)
    set_hole(context, COUNTER_HOLE, 8 * (abi.COUNTERS + block))
    set_hole(context, EXIT_HOLE, head_site)
    head = emit(context, HEAD)
    index = start
    executed = NOTHING
    # 0 behind a condition.
    not_skipped = ONE
    going_on = True
    while going_on:
        pc = (low + index - first) << 2
        set_word(work + 8 * (ADDRESS + index - start), word_at(context + 8 * I(base.CODE_USED)))
        if index > start and ends_before(context, owners, flags, index, end):
            go_on_at(context, low, words, first, mode, mmu, pc)
            break
        if mmu != 0 and index > start and pc & 0x3FF == 0:
            set_hole(context, JUMP_HOLE, pc | FAR_BIT)
            emit(context, GOTO_CODE)
            break
        word = I(arena[U(index)])
        row = I(t.ROWS) + (word >> 24) * t.ROW_FIELDS
        variant = NOTHING
        if table_word(context, row + t.FLAGS) != 0:
            room = I(MOST_STRAIGHT - 2) - executed
            variant = ONE - flags_needed(context, arena, mode, index, room, end)
        form = form_of(context, word, mode)
        kind = form & 0xFF
        changes = may_change(context, index)
        if (kind == SKIP and index + 2 >= end) or (
            kind == SKIP and mmu != 0 and (pc & 0x3FF) >= 0x3F8
        ):
            kind = INTERPRET
        if executed >= MOST_STRAIGHT and kind == SKIP:
            kind = INTERPRET
        if not_skipped and (
            executed >= MOST_STRAIGHT or (executed >= MOST_STRAIGHT - 8 and kind == SKIP)
        ):
            set_byte(flags + index, byte_at(flags + index) | LEADER)
            go_on_at(context, low, words, first, mode, mmu, pc)
            break
        if kind == INTERPRET or kind == ENDS or changes:
            reason = I(abi.EXIT_INTERPRET)
            if changes and index + 1 < end and may_change(context, index + 1):
                reason = I(abi.EXIT_DECODED)
            set_hole(context, JUMP_HOLE, site(context, pc, executed, reason, NOTHING))
            emit(context, GOTO_CODE)
            at = work + 8 * (FIXES + FIX_FIELDS * (word_at(work + 8 * FIX_COUNT) - 1))
            set_word(at + 8, TO_SITE)
            # A word that changes all the time is nobody's.
            index += 0 if changes else 1
            # Where it may be skipped it is paid for like the others; its exit gives that back.
            executed += 1 - not_skipped
            break
        executed += 1
        index += 1
        not_skipped = ONE
        if kind == SKIP:
            set_hole(context, SKIP_HOLE, index + 1)
            follower = I(arena[U(index)])
            next_kind = form_of(context, follower, mode) & 0xFF
            if (
                (next_kind == GOTO or next_kind == GOTO_RELATIVE)
                and not ends_before(context, owners, flags, index, end)
                and not may_change(context, index)
            ):
                set_word(
                    work + 8 * (ADDRESS + index - start), word_at(context + 8 * I(base.CODE_USED))
                )
                target = target_of(follower, next_kind, pc + 4)
                to = jump_to(context, low, words, first, mmu, pc + 4, target)
                set_hole(context, JUMP_HOLE, to)
                emit(context, (form >> 8) + 1)
                executed += 1
                index += 1
                set_word(
                    work + 8 * (ADDRESS + index - start), word_at(context + 8 * I(base.CODE_USED))
                )
                go_on_at(context, low, words, first, mode, mmu, pc + 8)
                break
            not_skipped = NOTHING
            unpaid = ends_before(context, owners, flags, index, end)
            emit(context, (form >> 8) + (TWO if unpaid else NOTHING))
            continue
        if kind == GOTO or kind == GOTO_RELATIVE or kind == CALL:
            target = target_of(word, kind, pc)
            set_hole(context, JUMP_HOLE, jump_to(context, low, words, first, mmu, pc, target))
        if kind == GOTO or kind == GOTO_RELATIVE:
            emit(context, GOTO_CODE)
            break
        emit_instruction(context, mode, word, pc, (form >> 8) + variant, executed - 1)
        going_on = kind == PLAIN
    finish_block(context, mode, block, start, index, executed, head, head_site, first_fix)
    return index - start


@kernel_function
def finish_block(context, mode, block, start, index, executed, head, head_site, first_fix):
    """Fill in what depends on the block's end: its instructions, skips, budget given back."""
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    written = word_at(context + 8 * I(base.CODE_WRITTEN))
    # The head's number of instructions is the first thing that is filled in there.
    tables = word_at(context + 8 * I(base.STENCILS))
    row = tables + 8 * (word_at(tables + 8 * t.STENCIL_TABLE) + 4 * HEAD)
    fill = tables + 8 * (word_at(tables + 8 * t.FILL_TABLE) + 4 * word_at(row + 16))
    set_half(written + head + word_at(fill), executed)
    sites = word_at(context + 8 * abi.SITES)
    for number in range(head_site, word_at(context + 8 * I(base.SITE_COUNT))):
        at = sites + 8 * abi.SITE_FIELDS * number + 8
        set_word(at, executed - word_at(at))
    for k in range(first_fix, word_at(work + 8 * FIX_COUNT)):
        at = work + 8 * (FIXES + FIX_FIELDS * k)
        if word_at(at + 8) == TO_SKIPPED:
            target = word_at(at + 16)
            if target < index:
                place = word_at(at)
                to = word_at(work + 8 * (ADDRESS + target - start))
                set_half(written + place, to - (place + 4))
                set_word(at + 8, I(-1))
            else:
                set_word(at + 8, TO_CODE)
    row = word_at(context + 8 * I(base.BLOCKS)) + 8 * base.BLOCK_FIELDS * block
    set_word(row, start)
    set_word(row + 8 * base.BLOCK_WORDS, index - start)
    set_word(row + 8 * base.BLOCK_CODE, head)
    set_word(row + 8 * base.BLOCK_MODE, mode)
    owners = word_at(context + 8 * (I(base.OWNERS) + mode))
    for k in range(start, index):
        set_half(owners + 4 * k, block)


@kernel_function
def stub(context, number):
    """The code of an exit."""
    set_hole(context, SITE_HOLE, number)
    return emit(context, STUB)


@kernel_function
def fill_in(context, mode, low, first):
    """Fill in the distances that were left open, with exits where there is no code."""
    stay_apart()
    work = word_at(context + 8 * I(base.WORK))
    written = word_at(context + 8 * I(base.CODE_WRITTEN))
    tables = word_at(context + 8 * (I(base.TABLES) + mode))
    run = word_at(context + 8 * I(base.CODE_RUN))
    k = NOTHING
    # Exits by the table need an exit themselves: the list grows meanwhile.
    while k < word_at(work + 8 * FIX_COUNT):
        at = work + 8 * (FIXES + FIX_FIELDS * k)
        k += 1
        place = word_at(at)
        kind = word_at(at + 8)
        target = word_at(at + 16)
        if kind == TO_SITE:
            to = stub(context, target)
        elif kind != TO_CODE:
            continue
        elif target & FAR_BIT != 0:
            pc = target & WORD
            set_hole(context, LITERAL_HOLE, pc)
            set_hole(context, EXIT_HOLE, site(context, pc, NOTHING, I(abi.EXIT_JUMP), NOTHING))
            to = emit(context, FAR)
        else:
            code = word_at(tables + 8 * target)
            to = code - run
            if code == 0:
                pc = (low + target - first) << 2
                to = stub(context, site(context, pc, NOTHING, I(abi.EXIT_JUMP), NOTHING))
                count = word_at(context + 8 * I(base.LINK_COUNT))
                if count < word_at(context + 8 * I(base.ROOM_LINKS)):
                    link = word_at(context + 8 * I(base.LINKS)) + 8 * base.LINK_FIELDS * count
                    set_word(link, target | mode << 40)
                    set_word(link + 8, place)
                    set_word(context + 8 * I(base.LINK_COUNT), count + 1)
        set_half(written + place, to - (place + 4))
    set_word(work + 8 * FIX_COUNT, NOTHING)


@kernel_function
def link(context):
    """Jumps to code that has been made meanwhile go there now."""
    stay_apart()
    links = word_at(context + 8 * I(base.LINKS))
    written = word_at(context + 8 * I(base.CODE_WRITTEN))
    run = word_at(context + 8 * I(base.CODE_RUN))
    kept = NOTHING
    for k in range(word_at(context + 8 * I(base.LINK_COUNT))):
        at = links + 8 * base.LINK_FIELDS * k
        target = word_at(at)
        place = word_at(at + 8)
        tables = word_at(context + 8 * (I(base.TABLES) + (target >> 40)))
        code = word_at(tables + 8 * (target & ((ONE << 40) - 1)))
        if code != 0:
            set_half(written + place, code - run - (place + 4))
        else:
            to = links + 8 * base.LINK_FIELDS * kept
            set_word(to, target)
            set_word(to + 8, place)
            kept += 1
    set_word(context + 8 * I(base.LINK_COUNT), kept)


@kernel_function
def begin(context):
    """Make the code that is not the guest's, in empty memory."""
    set_word(context + 8 * I(base.CODE_USED), NOTHING)
    set_word(context + 8 * I(base.SITE_COUNT), I(INDIRECT_SITE))
    site(context, NOTHING, NOTHING, I(abi.EXIT_INDIRECT), NOTHING)
    run = word_at(context + 8 * I(base.CODE_RUN))
    set_word(context + 8 * abi.ENTRY, run + emit(context, ENTER_CODE))
    leave = emit(context, EXIT_CODE)
    set_word(context + 8 * abi.COMMON_EXIT, run + leave)
    set_hole(context, COMMON_HOLE, leave)
    set_hole(context, LEAVE_HOLE, stub(context, I(INDIRECT_SITE)))


@kernel_function
def translate_from(
    context,
    state,
    arena,
    entries,
    marks,
    snapshot,
    code_pages,
    pc,
    mode,
    mmu,
    low,
    words,
    first,
    limit,
):
    """Translate what can be reached from pc; how many instructions, 0 if there is no room."""
    start = first + (pc >> 2) - low
    discover(context, arena, mode, mmu, low, words, first, start, limit)
    work = word_at(context + 8 * I(base.WORK))
    lowest = word_at(work + 8 * STACK)
    highest = word_at(work + 8 * (STACK + 1))
    end = first + words
    flags = word_at(context + 8 * I(base.FLAGS))
    pages = word_at(context + 8 * I(base.PAGES))
    tables = word_at(context + 8 * (I(base.TABLES) + mode))
    run = word_at(context + 8 * I(base.CODE_RUN))
    blocks = word_at(context + 8 * I(base.BLOCKS))
    settle_skips(context, arena, mode, first, end, lowest, highest)
    for k in range(lowest, highest + 1):
        if byte_at(flags + k) & LEADER != 0 and entries[U(k)] & 0xFF == ENTER:
            # A translated region is entered there.
            set_byte(flags + k, I(LEADER))
    set_word(work + 8 * FIX_COUNT, NOTHING)
    kind = page_kind(low - first, mmu)
    done = NOTHING
    first_block = word_at(context + 8 * I(base.BLOCK_COUNT)) + 1
    set_word(work + 8 * FALLS, NOTHING)
    index = lowest
    while index <= highest:
        if byte_at(flags + index) & (LEADER | SEEN) != LEADER | SEEN:
            index += 1
            continue
        # What is still to be made: exits of the jumps that are open, and of the blocks.
        open_ends = word_at(work + 8 * FIX_COUNT)
        exits = open_ends + word_at(context + 8 * I(base.BLOCK_COUNT)) - first_block + 2
        if (
            open_ends > MOST_FIXES
            or word_at(context + 8 * I(base.CODE_USED)) + BYTES_OF_EXIT * exits + BYTES_OF_BLOCK
            > word_at(context + 8 * I(base.CODE_SIZE))
            or word_at(context + 8 * I(base.SITE_COUNT)) + exits + 2 * abi.MOST_INSTRUCTIONS
            > word_at(context + 8 * I(base.ROOM_SITES))
            or word_at(context + 8 * I(base.BLOCK_COUNT)) + 2
            > word_at(context + 8 * I(base.ROOM_BLOCKS))
        ):
            break
        set_word(work + 8 * FALLS, NOTHING)
        size = emit_block(context, arena, mode, mmu, low, words, first, index)
        row = blocks + 8 * base.BLOCK_FIELDS * word_at(context + 8 * I(base.BLOCK_COUNT))
        set_word(tables + 8 * index, run + word_at(row + 8 * base.BLOCK_CODE))
        mark_code(state, arena, marks, snapshot, code_pages, index, size, I(MARK_NATIVE))
        entries[U(index)] = ENTER_NATIVE
        for page in range(index // PAGE_WORDS, (index + max(size, ONE) - 1) // PAGE_WORDS + 1):
            set_word(pages + 8 * page, kind)
        done += size
        index += max(size, ONE)
    if word_at(work + 8 * FALLS) != 0:
        # The room has ended in between.
        emit(context, GOTO_CODE)
    for block in range(first_block, word_at(context + 8 * I(base.BLOCK_COUNT)) + 1):
        row = blocks + 8 * base.BLOCK_FIELDS * block
        at = word_at(row)
        out = stub(
            context,
            site(context, (low + at - first) << 2, NOTHING, I(abi.EXIT_JUMP), NOTHING),
        )
        set_word(row + 8 * base.BLOCK_OUT, out)
    for k in range(lowest, highest + 1):
        set_byte(flags + k, NOTHING)
    fill_in(context, mode, low, first)
    link(context)
    for k in range(12):
        set_word(context + 8 * (I(base.WINDOWS_SEEN) + k), I(-1))
    at = context + 8 * I(base.TRANSLATED_COUNT)
    set_word(at, word_at(at) + done)
    return done
