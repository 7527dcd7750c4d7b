"""Native code of the baseline tier goes when its words change (`core.native_abi`)."""

from __future__ import annotations

import numpy as np

from ..core import baseline_layout as base
from ..core.layout import NATIVE_CONTEXT
from .addresses import byte_at, half_at, set_byte, set_half, set_word, word_at
from .build.hints import cold_path, stay_apart
from .build.jit import kernel_function
from .typed import I

JUMP_OPCODE = np.int64(0xE9)

ALONE_CHANGED = np.int64(base.ALONE_CHANGED)

# Offsets in the native context, in bytes, and sizes of rows.
ALONE_AT = np.int64(8 * base.ALONE)
ALONE_COUNT_AT = np.int64(8 * base.ALONE_COUNT)
BLOCKS_AT = np.int64(8 * base.BLOCKS)
BLOCK_BYTES = np.int64(8 * base.BLOCK_FIELDS)
BLOCK_CODE_AT = np.int64(8 * base.BLOCK_CODE)
BLOCK_MODE_AT = np.int64(8 * base.BLOCK_MODE)
BLOCK_OUT_AT = np.int64(8 * base.BLOCK_OUT)
BLOCK_WORDS_AT = np.int64(8 * base.BLOCK_WORDS)
CHANGES_ALLOWED = np.int64(base.CHANGES_ALLOWED)
CHANGES_AT = np.int64(8 * base.CHANGES)
CODE_WRITTEN_AT = np.int64(8 * base.CODE_WRITTEN)
DROPPED_AT = np.int64(8 * base.DROPPED)
LINKS_AT = np.int64(8 * base.LINKS)
LINK_BYTES = np.int64(8 * base.LINK_FIELDS)
LINK_COUNT_AT = np.int64(8 * base.LINK_COUNT)
OWNERS_AT = np.int64(8 * base.OWNERS)
ROOM_LINKS_AT = np.int64(8 * base.ROOM_LINKS)
TABLES_AT = np.int64(8 * base.TABLES)


@kernel_function
def page_kind(delta, mmu):
    """What stands in PAGES for code made at a difference of virtual address in words and arena
    index, with or without MMU: with it, code relies on no page but its own."""
    return delta << 2 | mmu << 1 | 1


@kernel_function
def drop_block(context, block):
    """Take a block's code away: what jumps there leaves, or goes to what is made in its place."""
    stay_apart()
    row = word_at(context + BLOCKS_AT) + BLOCK_BYTES * block
    start = word_at(row)
    words = word_at(row + BLOCK_WORDS_AT)
    mode = word_at(row + BLOCK_MODE_AT)
    place = word_at(row + BLOCK_CODE_AT)
    if words == 0:
        return
    set_word(row, I(0))
    set_word(row + BLOCK_WORDS_AT, I(0))
    set_word(word_at(context + TABLES_AT + 8 * mode) + 8 * start, I(0))
    owners = word_at(context + OWNERS_AT + 8 * mode)
    for index in range(start, start + words):
        set_half(owners + 4 * index, I(0))
    code = word_at(context + CODE_WRITTEN_AT) + place
    set_byte(code, JUMP_OPCODE)
    set_half(code + 1, word_at(row + BLOCK_OUT_AT) - (place + 5))
    count = word_at(context + LINK_COUNT_AT)
    if count < word_at(context + ROOM_LINKS_AT):
        link = word_at(context + LINKS_AT) + LINK_BYTES * count
        set_word(link, start | mode << 40)
        set_word(link + 8, place + 1)
        set_word(context + LINK_COUNT_AT, count + 1)
    at = context + DROPPED_AT
    set_word(at, word_at(at) + 1)


@kernel_function
def drop_native(context, index):
    """Take away the code of the blocks that an arena word is part of. Whether there was any."""
    found = False
    for mode in range(2):
        owners = word_at(context + OWNERS_AT + 8 * mode)
        if owners != 0:
            block = half_at(owners + 4 * index)
            if block != 0:
                drop_block(context, block)
                found = True
    return found


@kernel_function
def leave_alone(context, at, count, most, word):
    """Set the count in the byte at an address, and if that is the most have the engine know of an
    arena word. Where there is no room to tell it nothing changes."""
    if count == most:
        alone = word_at(context + ALONE_COUNT_AT)
        if alone == base.MOST_ALONE:
            return
        set_word(word_at(context + ALONE_AT) + 8 * alone, word)
        set_word(context + ALONE_COUNT_AT, alone + 1)
    set_byte(at, count)


@kernel_function
def native_word_changed(state, index):
    """A word that was translated is another one now."""
    cold_path()
    context = state[NATIVE_CONTEXT]
    if context != 0 and drop_native(context, index):
        at = word_at(context + CHANGES_AT) + index
        changes = byte_at(at) + 1
        if changes <= CHANGES_ALLOWED:
            leave_alone(context, at, changes, CHANGES_ALLOWED, index | ALONE_CHANGED)
