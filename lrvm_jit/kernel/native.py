"""Running native code.

`lrvm_jit.core.native_abi` explains how native code and kernel meet. A board without a native
context (0 in `state[NATIVE_CONTEXT]`) has none.
"""

from __future__ import annotations

import numpy as np

from ..core import baseline_layout as base
from ..core import layout
from ..core import native_abi as abi
from ..core.layout import (
    ARENA_ADDRESS,
    BONUS,
    BUDGET,
    CLEAN_GENERATION,
    ENTER,
    EXIT_ADDRESS,
    EXIT_LEFT,
    EXIT_ROW,
    EXITS,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    NATIVE_CONTEXT,
    PAGE_WORDS,
    RESUMED_AT,
    STALE_HIGH,
    TRANSLATED,
    TRANSLATION_FIELDS,
    TRANSLATION_FUNCTION,
    WINDOW_BASE,
    WINDOW_BYTES,
    WINDOW_KEY,
    WINDOW_LOW,
    WISHED,
    WORD,
)
from ..isa.table import Reg
from .addresses import (
    address_of,
    byte_at,
    enter_native,
    load_registers,
    set_byte,
    set_word,
    store_registers,
    word_at,
)
from .build.hints import stay_apart, unlikely
from .build.jit import kernel_function
from .native_code import drop_native, leave_alone, page_kind
from .translations import clean_window, fill_slot, grant_all_wishes, may_enter, note_refusal
from .typed import NONE, READ, WRITE, I, U
from .windows import find_window

EXIT_JUMP, EXIT_BUDGET, EXIT_INDIRECT, EXIT_INTERPRET, EXIT_READ, EXIT_WRITE = map(
    np.int64,
    (
        abi.EXIT_JUMP,
        abi.EXIT_BUDGET,
        abi.EXIT_INDIRECT,
        abi.EXIT_INTERPRET,
        abi.EXIT_READ,
        abi.EXIT_WRITE,
    ),
)
EXIT_DECODED = np.int64(abi.EXIT_DECODED)
FILLED, MARKED, NOT_PLAIN = map(np.int64, range(3))
REGION_DYNAMIC, REGION_STACK = map(np.int64, (layout.EXIT_DYNAMIC, layout.EXIT_STACK))
STALE, NOT_ENTERED, MISSING, LEFT_ALONE = map(np.int64, (-1, layout.NOT_ENTERED, 8, 9))
"""`run_native`'s answers if regions are out of date, if the region does not fit, if there is no
native code for pc, and if it is not worth entering."""

SSP = int(Reg.SSP)
USP = int(Reg.USP)
PC = int(Reg.PC)
MTT = int(Reg.MTT)

# Offsets in the native context, in bytes, and sizes of rows.
EXECUTED_AT = np.int64(8 * base.EXECUTED)
EXITS_AT = np.int64(8 * base.EXITS)
EXIT_ADDRESS_AT = np.int64(8 * abi.EXIT_ADDRESS)
EXIT_PC_AT = np.int64(8 * abi.EXIT_PC)
EXIT_REASON_AT = np.int64(8 * abi.EXIT_REASON)
EXIT_SITE_AT = np.int64(8 * abi.EXIT_SITE)
FETCH_BASE_AT = np.int64(8 * abi.FETCH_BASE)
FETCH_DELTA_AT = np.int64(8 * abi.FETCH_DELTA)
FETCH_LENGTH_AT = np.int64(8 * abi.FETCH_LENGTH)
FETCH_LOW_AT = np.int64(8 * abi.FETCH_LOW)
FETCH_TABLE_AT = np.int64(8 * abi.FETCH_TABLE)
FETCH_WORDS_AT = np.int64(8 * abi.FETCH_WORDS)
OWNERS_AT = np.int64(8 * base.OWNERS)
LEFT_AT = np.int64(8 * abi.LEFT)
MIX_AT = np.int64(8 * abi.MIX)
PAGES_AT = np.int64(8 * base.PAGES)
REGISTERS_AT = np.int64(8 * abi.REGISTERS)
RESULT_AT = np.int64(8 * abi.RESULT)
ROWS_AT = np.int64(8 * abi.ROWS)
SITES_AT = np.int64(8 * abi.SITES)
SITE_BYTES = np.int64(8 * abi.SITE_FIELDS)
SITE_REASON_AT = np.int64(8 * abi.SITE_REASON)
SITE_REFUND_AT = np.int64(8 * abi.SITE_REFUND)
SITE_RESUME_AT = np.int64(8 * abi.SITE_RESUME)
SLOTS_AT = np.int64(8 * abi.SLOTS)
SLOT_BYTES = np.int64(8 * abi.SLOT_FIELDS)
SLOT_CLEAN_AT = np.int64(8 * abi.SLOT_CLEAN)
SLOT_COUNT = np.int64(abi.SLOT_COUNT)
SLOT_KEY_AT = np.int64(8 * abi.SLOT_KEY)
SP_HOME_AT = np.int64(8 * (abi.PIN_HOMES + abi.SP_PIN))
STATE_AT = np.int64(8 * abi.STATE)
STENCILS_AT = np.int64(8 * base.STENCILS)
TABLES_AT = np.int64(8 * base.TABLES)
VISITS_AT = np.int64(8 * base.VISITS)
WINDOWS_SEEN_AT = np.int64(8 * base.WINDOWS_SEEN)
WINDOW_NEXT_AT = np.int64(8 * base.WINDOW_NEXT)


@kernel_function
def _fits(context, mmu, fetch_low, fetch_words, fetch_base):
    """Whether all native code in a fetch window was made for its addresses; where it was not, it
    goes."""
    stay_apart()
    for k in range(4):
        at = context + WINDOWS_SEEN_AT + 24 * I(k)
        if (
            word_at(at) == fetch_low | mmu << 40
            and word_at(at + 8) == fetch_words
            and word_at(at + 16) == fetch_base
        ):
            return
    wanted = page_kind(fetch_low - fetch_base, mmu)
    pages = word_at(context + PAGES_AT)
    first = fetch_base // PAGE_WORDS
    for page in range(first, (fetch_base + fetch_words - 1) // PAGE_WORDS + 1):
        found = word_at(pages + 8 * page)
        if found != 0 and found != wanted:
            for index in range(page * PAGE_WORDS, (page + 1) * PAGE_WORDS):
                drop_native(context, index)
            set_word(pages + 8 * page, I(0))
    next_one = word_at(context + WINDOW_NEXT_AT) & 3
    set_word(context + WINDOW_NEXT_AT, next_one + 1)
    at = context + WINDOWS_SEEN_AT + 24 * next_one
    set_word(at, fetch_low | mmu << 40)
    set_word(at + 8, fetch_words)
    set_word(at + 16, fetch_base)


@kernel_function
def has_baseline(state):
    """Whether the board has code of the baseline tier, or will have."""
    context = state[NATIVE_CONTEXT]
    return context != 0 and word_at(context + STENCILS_AT) != 0


@kernel_function
def _open(context, mode, mmu, fetch_low, fetch_words, fetch_base):
    """Tell native code the fetch window."""
    stay_apart()
    if word_at(context + STENCILS_AT) != 0:
        _fits(context, mmu, fetch_low, fetch_words, fetch_base)
    table = word_at(context + TABLES_AT + 8 * mode)
    set_word(context + FETCH_LOW_AT, fetch_low << 2)
    set_word(context + FETCH_LENGTH_AT, fetch_words)
    set_word(context + FETCH_BASE_AT, fetch_base)
    set_word(context + FETCH_DELTA_AT, fetch_base - fetch_low)
    set_word(context + FETCH_WORDS_AT, fetch_words if table != 0 else I(0))
    set_word(context + FETCH_TABLE_AT, table + 8 * fetch_base)
    home = I(4 * SSP) if mode != 0 else I(4 * USP)
    set_word(context + SP_HOME_AT, home)


@kernel_function
def _empty_slots(context, state):
    """The mode, a translation of addresses, or marks have changed."""
    stay_apart()
    for slot in range(SLOT_COUNT):
        set_word(context + SLOTS_AT + SLOT_BYTES * I(slot), I(0))
    set_word(context + SLOT_KEY_AT, state[WINDOW_KEY])
    set_word(context + SLOT_CLEAN_AT, state[CLEAN_GENERATION])


@kernel_function
def _fill(regs, state, arena, marks, code_pages, context, slot, access, address):
    """Fill a window slot: FILLED, MARKED, or NOT_PLAIN."""
    stay_apart()
    if address & 3:
        return NOT_PLAIN
    window = find_window(regs, state, arena, marks, address, access)
    if window < 0 or state[U(window + WINDOW_BASE)] < 0:
        return NOT_PLAIN
    low = state[U(window + WINDOW_LOW)] - state[WINDOW_KEY]
    words = state[U(window + WINDOW_BYTES)] >> 2
    first = state[U(window + WINDOW_BASE)]
    if access == WRITE:
        low, words, first = clean_window(state, marks, code_pages, address, low, words, first)
        if words == 0:
            return MARKED
    if state[WINDOW_KEY] != word_at(context + SLOT_KEY_AT) or state[CLEAN_GENERATION] != word_at(
        context + SLOT_CLEAN_AT
    ):
        _empty_slots(context, state)
    at = context + SLOTS_AT + SLOT_BYTES * slot
    set_word(at, (-low & WORD) | words << 32)
    set_word(at + 8, state[ARENA_ADDRESS] + 4 * first)
    return FILLED


@kernel_function
def _note_visit(context, index, used):
    """Native code that was entered at an arena word has executed so much before it left."""
    at = word_at(context + VISITS_AT) + index
    visits = byte_at(at)
    if used >= base.SHORT_VISIT:
        set_byte(at, visits >> 1)
        return
    leave_alone(context, at, visits + 1, I(base.LEFT_ALONE), index)


@kernel_function
def missed_address(context, slot):
    """The address at which an access of the baseline's code has missed its window slot."""
    inside = word_at(context + EXIT_ADDRESS_AT) & WORD
    turned = (inside << 2 | inside >> 30) & WORD
    return (turned - word_at(context + SLOTS_AT + SLOT_BYTES * slot)) & WORD


@kernel_function
def run_native(
    regs,
    state,
    arena,
    marks,
    code_pages,
    translations,
    op,
    pc,
    left,
    fetch_low,
    fetch_words,
    fetch_base,
):
    """Run native code from pc on, where `op` is an ENTER or an ENTER_NATIVE: EXIT_*; MISSING,
    LEFT_ALONE, NOT_ENTERED or STALE.

    The flags must be in `state`; afterwards they are there again, pc is in `regs` and the budget
    in EXIT_LEFT. EXIT_INDIRECT is EXIT_JUMP here.
    """
    stay_apart()
    context = state[NATIVE_CONTEXT]
    if unlikely(context == 0):
        return NOT_ENTERED
    if unlikely(state[STALE_HIGH] != 0):
        return STALE
    mode = (state[WINDOW_KEY] >> 32) & 1
    same_slots = (
        word_at(context + SLOT_KEY_AT) == state[WINDOW_KEY]
        and word_at(context + SLOT_CLEAN_AT) == state[CLEAN_GENERATION]
    )
    if unlikely(
        not same_slots
        or word_at(context + FETCH_BASE_AT) != fetch_base
        or word_at(context + FETCH_LOW_AT) != fetch_low << 2
        or word_at(context + FETCH_LENGTH_AT) != fetch_words
    ):
        _open(context, mode, I(regs[MTT] != 0), fetch_low, fetch_words, fetch_base)
        if not same_slots:
            _empty_slots(context, state)
    number = row = I(0)
    index = fetch_base + (pc >> 2) - fetch_low
    visits = word_at(context + VISITS_AT)
    if visits != 0 and byte_at(visits + index) == base.LEFT_ALONE:
        return LEFT_ALONE
    if op & 0xFF == ENTER:
        at = ((op >> 8) & 0xFFFF) * TRANSLATION_FIELDS
        if not may_enter(regs, state, translations, at, fetch_base - fetch_low):
            note_refusal(state, translations, at)
            return NOT_ENTERED
        code = translations[U(at + TRANSLATION_FUNCTION)]
        number = (op >> 24) & 0xFF
        row = address_of(translations) + 8 * at
    else:
        table = word_at(context + TABLES_AT + 8 * mode)
        if unlikely(table == 0):
            return MISSING
        code = word_at(table + 8 * index)
        if code == 0:
            if state[RESUMED_AT] == pc:
                state[RESUMED_AT] = NONE
                # By chance in the midst of a block, or of what will be one: it is not divided.
                return NOT_ENTERED
            return MISSING
    if unlikely(state[WISHED] != 0):
        grant_all_wishes(state, translations)
    set_word(context + STATE_AT, address_of(state))
    set_word(context + ROWS_AT, address_of(translations))
    store_registers(context + REGISTERS_AT, regs)
    bonus = state[BONUS]
    # One is kept back: the last instruction of a run is a slow step.
    budget = left + bonus - 1
    # While native code runs, BUDGET less what is left must be what has been executed: CYCLES relies
    # on it.
    state[BUDGET] += bonus - 1
    result = state[FLAG_RESULT]
    set_word(context + LEFT_AT, budget)
    set_word(context + RESULT_AT, result)
    set_word(context + MIX_AT, state[FLAG_OVERFLOW] ^ result ^ (result >> 1))
    translated = state[TRANSLATED]
    start = pc
    while True:
        enter_native(context, code, number, row)
        site = word_at(context + EXIT_SITE_AT) & WORD
        if site == 0:
            reason = _left_region(regs, state, arena, marks, code_pages, translations, context)
            pc = word_at(context + EXIT_PC_AT)
            refund = I(0)
            break
        at = word_at(context + SITES_AT) + SITE_BYTES * site
        pc = word_at(at)
        refund = word_at(at + SITE_REFUND_AT)
        reason = word_at(at + SITE_REASON_AT)
        code = word_at(at + SITE_RESUME_AT)
        if reason & 0xFF >= EXIT_READ and reason & 0xFF <= EXIT_WRITE and code != 0:
            access = READ if reason & 0xFF == EXIT_READ else WRITE
            address = missed_address(context, reason >> 8)
            found = _fill(
                regs, state, arena, marks, code_pages, context, reason >> 8, access, address
            )
            if found == FILLED:
                continue
            if found == MARKED:
                reason = EXIT_INTERPRET
        break
    address = word_at(context + EXIT_ADDRESS_AT) & WORD
    if reason == EXIT_INDIRECT:
        pc = address
        reason = EXIT_JUMP
    if site != 0:
        address = missed_address(context, reason >> 8)
    state[EXIT_ADDRESS] = address
    reason &= 0xFF
    load_registers(regs, context + REGISTERS_AT)
    regs[PC] = np.uint32(pc)
    result = word_at(context + RESULT_AT)
    state[FLAG_RESULT] = result
    state[FLAG_OVERFLOW] = word_at(context + MIX_AT) ^ result ^ (result >> 1)
    used = budget - (word_at(context + LEFT_AT) + refund)
    # What is used comes from the part that only native code may have, as long as there is any.
    from_bonus = min(used, bonus)
    state[BONUS] = bonus - from_bonus
    state[BUDGET] += from_bonus - (bonus - 1)
    state[EXIT_LEFT] = left - (used - from_bonus)
    at = context + EXECUTED_AT
    set_word(at, word_at(at) + used - (state[TRANSLATED] - translated))
    if site != 0:
        at = context + EXITS_AT + 8 * reason
        set_word(at, word_at(at) + 1)
    # The way into a region whose row does not fit: it must not be taken for ever.
    if reason == EXIT_JUMP and used == 0 and pc == start:
        return NOT_ENTERED
    if visits != 0 and reason != EXIT_BUDGET:
        _note_visit(context, index, used)
    return reason


@kernel_function
def _left_region(regs, state, arena, marks, code_pages, translations, context):
    """A region has been left, not always the one that was entered: EXIT_*."""
    stay_apart()
    reason = word_at(context + EXIT_REASON_AT)
    kind = reason & 0xFF
    state[U(EXITS + kind)] += 1
    if kind == REGION_DYNAMIC:
        return EXIT_JUMP
    if kind < EXIT_READ:
        return kind
    row = (state[EXIT_ROW] - address_of(translations)) >> 3
    address = word_at(context + EXIT_ADDRESS_AT) & WORD
    slot = reason >> 8
    fill_slot(regs, state, arena, marks, code_pages, translations, row, slot, kind, address)
    return EXIT_INTERPRET if kind == REGION_STACK else kind
