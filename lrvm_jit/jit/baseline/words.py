"""What an instruction word takes to become native code."""

from __future__ import annotations

import numpy as np

from ...core import baseline_layout as base
from ...core.layout import WORD
from ...kernel.addresses import byte_at, set_word, word_at
from ...kernel.build.hints import stay_apart
from ...kernel.build.jit import kernel_function
from ...kernel.typed import I, U
from . import tables as t
from .stencil_code import table_word
from .work import (
    ADD,
    BOR,
    CALL,
    CALL_OP,
    CPY,
    ENDS,
    GOTO,
    GOTO_RELATIVE,
    IF,
    IF2,
    IFN,
    INTERPRET,
    LEAVE,
    LITERAL_PLACE,
    MEMORY_PLACE,
    NOTHING,
    ONE,
    PLACE,
    SHL,
    SPILLED,
    TO_PC,
    TWO,
    VALUE,
)


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
def literal_word(word, op, register):
    """Whether a word is `op register, literal`."""
    return word >> 27 == op and word & 0x200_0000 == 0 and (word >> 16) & 0xFF == register


@kernel_function
def known_target(arena, start, index):
    """Where `call r` or `jp r` leads if the words before it, from `start` on, make r of literals:
    `cpy`, or `cpy, shl`, or these with `bor` or `add`. Else -1."""
    stay_apart()
    word = I(arena[U(index)])
    is_call = word >> 27 == CALL_OP
    if not is_call and word >> 27 != CPY:
        return -ONE
    register = (word >> 16) & 0xFF if is_call else (word >> 8) & 0xFF
    value = added = shift = NOTHING
    at = index - 1
    if at >= start and (
        literal_word(I(arena[U(at)]), BOR, register) or literal_word(I(arena[U(at)]), ADD, register)
    ):
        added = I(arena[U(at)])
        at -= 1
    if at >= start and literal_word(I(arena[U(at)]), SHL, register):
        shift = (I(arena[U(at)]) >> 8) & 0xFF
        at -= 1
    if at < start or shift > 31 or not literal_word(I(arena[U(at)]), CPY, register):
        return -ONE
    if at > start:
        before = I(arena[U(at - 1)]) >> 27
        if before == IF or before == IFN or before == IF2:
            # It may not have been executed.
            return -ONE
    value = (I(arena[U(at)]) & 0xFFFF) << shift
    if added != 0 and added >> 27 == BOR:
        value |= added & 0xFFFF
    elif added != 0:
        value += added & 0xFFFF
    value &= WORD
    return value if value & 3 == 0 else -ONE


@kernel_function
def may_change(context, index):
    """Whether a word has changed so often that it is the interpreter's."""
    return byte_at(word_at(context + 8 * I(base.CHANGES)) + index) >= base.CHANGES_ALLOWED


@kernel_function
def pin_of(context, mode, register):
    places = table_word(context, I(t.PLACES))
    return table_word(context, places + 256 * mode + register)
