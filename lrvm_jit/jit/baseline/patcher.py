"""Guest code becomes native code: stencils are copied behind each other and filled in.

Compiled like the kernel, and written like it. A request names a place; what can be reached from
there by jumps to literal addresses is translated as a whole, block by block, in the order of
addresses.
"""

from __future__ import annotations

from ...core import baseline_layout as base
from ...core import native_abi as abi
from ...core.layout import ENTER, ENTER_NATIVE, MARK_NATIVE, PAGE_WORDS, WORD
from ...kernel.addresses import byte_at, half_at, set_byte, set_half, set_word, word_at
from ...kernel.build.hints import stay_apart
from ...kernel.build.jit import kernel_function
from ...kernel.decode import mark_code
from ...kernel.native_code import drop_block, drop_native, page_kind
from ...kernel.typed import I, U
from .blocks import emit_block
from .discovery import discover, settle_skips
from .stencil_code import emit, set_hole, site, stub
from .work import (
    BYTES_OF_BLOCK,
    BYTES_OF_EXIT,
    COMMON_HOLE,
    EXIT_CODE,
    EXIT_HOLE,
    FALLS,
    FAR,
    FAR_BIT,
    FIX_COUNT,
    FIX_FIELDS,
    FIXES,
    GOTO_CODE,
    INDIRECT_SITE,
    LEADER,
    LEAVE_HOLE,
    LITERAL_HOLE,
    MOST_FIXES,
    NOTHING,
    ONE,
    REGION_CODE,
    SEEN,
    STACK,
    TO_CODE,
    TO_SITE,
)

__all__ = ["begin", "drop_native", "enter_region", "translate_from"]


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
    leave = emit(context, EXIT_CODE)
    set_word(context + 8 * abi.COMMON_EXIT, run + leave)
    set_hole(context, COMMON_HOLE, leave)
    set_hole(context, LEAVE_HOLE, stub(context, I(INDIRECT_SITE)))


@kernel_function
def translate_from(
    context,
    state,
    arena,
    ops,
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
        if byte_at(flags + k) & LEADER != 0 and ops[U(k)] & 0xFF == ENTER:
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
        ops[U(index)] = ENTER_NATIVE
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


@kernel_function
def enter_region(context, index, mode, pc, row, selector):
    """Have native code that comes to an arena word go on in a region: a block of that one word,
    which the table and all jumps lead to. Whether there was room."""
    if (
        word_at(context + 8 * I(base.CODE_USED)) + 4 * BYTES_OF_EXIT
        > word_at(context + 8 * I(base.CODE_SIZE))
        or word_at(context + 8 * I(base.SITE_COUNT)) + 2 > word_at(context + 8 * I(base.ROOM_SITES))
        or word_at(context + 8 * I(base.BLOCK_COUNT)) + 2
        > word_at(context + 8 * I(base.ROOM_BLOCKS))
    ):
        return NOTHING
    owners = word_at(context + 8 * (I(base.OWNERS) + mode))
    owner = half_at(owners + 4 * index)
    if owner != 0:
        drop_block(context, owner)
    block = word_at(context + 8 * I(base.BLOCK_COUNT)) + 1
    set_word(context + 8 * I(base.BLOCK_COUNT), block)
    out = site(context, pc, NOTHING, I(abi.EXIT_JUMP), NOTHING)
    set_word(word_at(context + 8 * I(base.WORK)) + 8 * FIX_COUNT, NOTHING)
    set_hole(context, LITERAL_HOLE, row)
    set_hole(context, LITERAL_HOLE + 1, selector)
    set_hole(context, EXIT_HOLE, out)
    code = emit(context, REGION_CODE)
    at = word_at(context + 8 * I(base.BLOCKS)) + 8 * base.BLOCK_FIELDS * block
    set_word(at, index)
    set_word(at + 8 * base.BLOCK_WORDS, ONE)
    set_word(at + 8 * base.BLOCK_CODE, code)
    set_word(at + 8 * base.BLOCK_OUT, stub(context, out))
    set_word(at + 8 * base.BLOCK_MODE, mode)
    set_half(owners + 4 * index, block)
    run = word_at(context + 8 * I(base.CODE_RUN))
    set_word(word_at(context + 8 * (I(base.TABLES) + mode)) + 8 * index, run + code)
    fill_in(context, mode, NOTHING, NOTHING)
    link(context)
    return ONE
