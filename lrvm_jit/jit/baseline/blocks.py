"""The native code of one block."""

from __future__ import annotations

from ...core import baseline_layout as base
from ...core import native_abi as abi
from ...kernel.addresses import byte_at, half_at, set_byte, set_half, set_word, word_at
from ...kernel.build.hints import stay_apart
from ...kernel.build.jit import kernel_function
from ...kernel.typed import I, U
from . import tables as t
from .discovery import ends_before, flags_needed
from .stencil_code import emit, set_hole, site, table_word
from .words import form_of, known_target, may_change, pin_of, target_of
from .work import (
    ADDRESS,
    AVR,
    AVR_HOLE,
    CALL,
    CALL_OP,
    CALL_REGISTER,
    COUNT_HOLE,
    COUNTER_HOLE,
    ENDS,
    EXIT_HOLE,
    FALLS,
    FAR_BIT,
    FIX_COUNT,
    FIX_FIELDS,
    FIXES,
    GOTO,
    GOTO_CODE,
    GOTO_RELATIVE,
    HEAD,
    HERE_HOLE,
    HOME_HOLE,
    INTERPRET,
    JUMP_HOLE,
    LEADER,
    LEAVE,
    LITERAL_HOLE,
    LITERAL_PLACE,
    LOADS,
    MOST_STRAIGHT,
    NOTHING,
    ONE,
    PLACE,
    PLAIN,
    SEEN,
    SKIP,
    SKIP_HOLE,
    SLOT_HOLE,
    SPILLED,
    STORES,
    TO_CODE,
    TO_SITE,
    TO_SKIPPED,
    TWO,
    VALUE,
)


@kernel_function
def move_pin(context, first, place, register):
    """Store a pinned register in the context, or load it."""
    set_hole(context, HOME_HOLE, 4 * register)
    emit(context, first + place)


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
        elif kind == CALL_REGISTER or kind == LEAVE:
            target = known_target(arena, start, index - 1)
            if target >= 0 and kind == CALL_REGISTER:
                word = I(CALL_OP) << 27
                form = form_of(context, word, mode)
                kind = CALL
            elif target >= 0:
                kind = GOTO
        if kind == GOTO or kind == GOTO_RELATIVE or kind == CALL:
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
