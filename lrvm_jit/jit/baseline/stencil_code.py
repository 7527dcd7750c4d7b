"""Copying stencils and filling them in: the patcher's lowest part.

Compiled like the kernel, and written like it, as are `words`, `discovery`, `blocks`, `patcher`.
"""

from __future__ import annotations

from ...core import baseline_layout as base
from ...core import native_abi as abi
from ...kernel.addresses import set_byte, set_half, set_word, word_at
from ...kernel.build.hints import stay_apart
from ...kernel.build.jit import kernel_function
from ...kernel.typed import I
from . import tables as t
from .work import (
    EXIT_HOLE,
    FIRST_CODE_HOLE,
    FIX_COUNT,
    FIX_FIELDS,
    FIXES,
    HOLE,
    LEAVE_HOLE,
    SITE_HOLE,
    SKIP_HOLE,
    STUB,
    TO_CODE,
    TO_SITE,
    TO_SKIPPED,
)


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
        if word_at(fill + 16) == t.BYTE:
            set_byte(written + place, value)
        elif hole < FIRST_CODE_HOLE:
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
def stub(context, number):
    """The code of an exit."""
    set_hole(context, SITE_HOLE, number)
    return emit(context, STUB)
