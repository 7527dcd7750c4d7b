"""Entering translated regions of guest code, and the windows that they use.

A region is a native function made by `lrvm_jit.jit`. It works on `regs` and `state` as
the dispatch loop does, reaches memory through the window slots of its row in `translations`, and
leaves with one of `EXIT_*` whenever it cannot go on. Where it leads to another region that may run
under the same translation of addresses, it goes on there without coming back first. The function's
arguments: addresses of `regs`, of `state`, of the row; the budget left; the number of the entry.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..core.layout import (
    ARENA_ADDRESS,
    BONUS,
    BUDGET,
    CLEAN,
    CLEAN_GENERATION,
    CLEAN_HIGH,
    CLEAN_LOW,
    EXIT_ADDRESS,
    EXIT_FLAGS,
    EXIT_LEFT,
    EXIT_READ,
    EXIT_ROW,
    EXIT_STACK,
    EXIT_X,
    EXIT_Y,
    EXITS,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    FLAGS_ADD,
    FLAGS_RAW,
    FLAGS_SUB,
    NO_SLOT,
    PAGE_WORDS,
    PLAIN_LAYOUT,
    REACH_LOW,
    REACH_WORDS,
    SLOT_ADDRESS,
    SLOT_FIELDS,
    SLOT_SPAN,
    SLOT_WISH,
    STALE_HIGH,
    TABLES_HIGH,
    TABLES_LOW,
    TRANSLATED,
    TRANSLATION_CLEAN,
    TRANSLATION_DELTA,
    TRANSLATION_FIELDS,
    TRANSLATION_FUNCTION,
    TRANSLATION_HIGH,
    TRANSLATION_KEY,
    TRANSLATION_LAYOUT,
    TRANSLATION_LOW,
    TRANSLATION_MODE,
    TRANSLATION_SLOTS,
    TRANSLATION_SLOTS_USED,
    TRANSLATION_WISHED,
    TRANSLATIONS_ADDRESS,
    WINDOW_BASE,
    WINDOW_BYTES,
    WINDOW_KEY,
    WINDOW_LOW,
    WORD,
)
from ..core.layout import EXIT_BUDGET as _EXIT_BUDGET
from ..core.layout import EXIT_DYNAMIC as _EXIT_DYNAMIC
from ..core.layout import EXIT_INTERPRET as _EXIT_INTERPRET
from ..core.layout import EXIT_JUMP as _EXIT_JUMP
from ..core.layout import NOT_ENTERED as _NOT_ENTERED
from .alu import add_overflow, multiply, multiply_overflow, sub_overflow
from .build.compat import data_of
from .build.hints import cold_path, stay_apart, unlikely
from .build.jit import kernel_function
from .memory import MTT, window_slot
from .typed import READ, WRITE, ZERO, I, U
from .windows import find_window

EXIT_JUMP, EXIT_BUDGET, EXIT_DYNAMIC, EXIT_INTERPRET, NOT_ENTERED = map(
    np.int64, (_EXIT_JUMP, _EXIT_BUDGET, _EXIT_DYNAMIC, _EXIT_INTERPRET, _NOT_ENTERED)
)
STALE = np.int64(-1)
"""`run_translation`'s answer if regions are out of date."""

CLEAN_KIND = np.int64(CLEAN)
CALLING_CONVENTION = "preserve_nonecc"
"""Of regions (LLVM's name): they go on in one another, and have nothing to save on the way."""
MOST_PAGES = 4096
"""A clean window reaches so many pages at most to either side of the access that asks for it."""


@intrinsic
def _call_native(
    typing_context: Any,
    function: Any,
    regs: Any,
    state: Any,
    translations: Any,
    row: Any,
    left: Any,
    number: Any,
) -> Any:
    """Call the native function at an address; `row` is an index into `translations`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        pointer = ir.PointerType(ir.IntType(8))
        kind = ir.FunctionType(word, [pointer, pointer, pointer, word, word])

        def data(position: int) -> Any:
            return data_of(context, builder, signature.args[position], arguments[position])

        row_data = builder.gep(data(3), [arguments[4]])
        values = [builder.bitcast(value, pointer) for value in (data(1), data(2), row_data)]
        target = builder.inttoptr(arguments[0], ir.PointerType(kind))
        return builder.call(target, [*values, arguments[5], arguments[6]], cconv=CALLING_CONVENTION)

    signature = types.int64(
        types.int64, regs, state, translations, types.int64, types.int64, types.int64
    )
    return signature, generate


@kernel_function
def _valid(regs, state, translations, row):
    """Whether the region may run under the current translation of addresses; then notes that."""
    cold_path()
    if ((state[WINDOW_KEY] >> 32) & 1) != translations[U(row + TRANSLATION_MODE)]:
        return False
    plain = translations[U(row + TRANSLATION_LAYOUT)]
    if plain >= 0 and (plain != state[PLAIN_LAYOUT] or regs[MTT] != 0):
        return False
    low = translations[U(row + TRANSLATION_LOW)]
    high = translations[U(row + TRANSLATION_HIGH)]
    if low < state[REACH_LOW] or high > state[REACH_LOW] + state[REACH_WORDS]:
        return False
    for slot in range(translations[U(row + TRANSLATION_SLOTS_USED)]):
        at = row + TRANSLATION_SLOTS + slot * SLOT_FIELDS
        translations[U(at + SLOT_SPAN)] = 0
        translations[U(at + SLOT_WISH)] = 0
    translations[U(row + TRANSLATION_WISHED)] = 0
    translations[U(row + TRANSLATION_KEY)] = state[WINDOW_KEY]
    translations[U(row + TRANSLATION_CLEAN)] = state[CLEAN_GENERATION]
    return True


@kernel_function
def _grant_wishes(state, translations, row):
    """Move the windows that served accesses outside their slots into the slots."""
    cold_path()
    for slot in range(translations[U(row + TRANSLATION_SLOTS_USED)]):
        at = row + TRANSLATION_SLOTS + slot * SLOT_FIELDS
        window = translations[U(at + SLOT_WISH)]
        if window != 0:
            translations[U(at + SLOT_WISH)] = 0
            low = state[U(window + WINDOW_LOW)] - state[WINDOW_KEY]
            _set_slot(
                state,
                translations,
                at,
                low,
                state[U(window + WINDOW_BYTES)] >> 2,
                state[U(window + WINDOW_BASE)],
            )
    translations[U(row + TRANSLATION_WISHED)] = 0


@kernel_function
def _set_slot(state, translations, at, low, words, base):
    """Make a window slot: `words` from virtual address `low` on are arena words from `base`."""
    translations[U(at + SLOT_SPAN)] = (-low & 0xFFFFFFFF) | words << 32
    translations[U(at + SLOT_ADDRESS)] = state[ARENA_ADDRESS] + 4 * base


@kernel_function
def _page_is_clean(state, code_pages, index):
    """Whether no word of the 256-word arena page with this word is marked."""
    pages = len(code_pages) >> 1
    first = index & ~I(PAGE_WORDS - 1)
    return code_pages[U(pages + index // PAGE_WORDS)] == 0 and (
        first >= state[TABLES_HIGH] or first + PAGE_WORDS <= state[TABLES_LOW]
    )


@kernel_function
def _clean_start(state, marks, code_pages, index, first):
    """The lowest index >= `first` from which on no word up to `index` is marked."""
    for _ in range(MOST_PAGES):
        if _page_is_clean(state, code_pages, index):
            index = max(first, index & ~I(PAGE_WORDS - 1))
        else:
            page = max(first, index & ~I(PAGE_WORDS - 1))
            while index > page and marks[U(index - 1)] == 0:
                index -= 1
            if index > page:
                return index
        if index == first or marks[U(index - 1)] != 0:
            return index
        index -= 1
    return index


@kernel_function
def _clean_end(state, marks, code_pages, index, last):
    """The highest index <= `last` up to which, itself excluded, no word from `index` is marked."""
    for _ in range(MOST_PAGES):
        page = min(last, (index | I(PAGE_WORDS - 1)) + 1)
        if _page_is_clean(state, code_pages, index):
            index = page
        else:
            while index < page and marks[U(index)] == 0:
                index += 1
            if index < page:
                return index
        if index == last:
            return index
    return index


@kernel_function
def clean_window(state, marks, code_pages, address, low, words, base):
    """The part around an address of a WRITE window in which no word is marked, remembered as a
    CLEAN window: first address, words, arena index; no words if the address's own is marked."""
    index = base + ((address - low) >> 2)
    if marks[U(index)] != 0:
        return low, ZERO, base
    start = _clean_start(state, marks, code_pages, index, base)
    end = _clean_end(state, marks, code_pages, index, base + words)
    low += (start - base) << 2
    words = end - start
    state[CLEAN_LOW] = min(state[CLEAN_LOW], start)
    state[CLEAN_HIGH] = max(state[CLEAN_HIGH], end)
    clean = window_slot(address, CLEAN_KIND)
    state[U(clean + WINDOW_LOW)] = low + state[WINDOW_KEY]
    state[U(clean + WINDOW_BYTES)] = words << 2
    state[U(clean + WINDOW_BASE)] = start
    return low, words, start


@kernel_function
def _fill_slot(regs, state, arena, marks, code_pages, translations, row, slot, kind, address):
    """Make the window that an access has missed, if the memory there is plain and unmarked."""
    cold_path()
    if address & 3:
        return
    window = find_window(regs, state, arena, marks, address, READ if kind == EXIT_READ else WRITE)
    if window < 0 or state[U(window + WINDOW_BASE)] < 0:
        return
    low = state[U(window + WINDOW_LOW)] - state[WINDOW_KEY]
    base = state[U(window + WINDOW_BASE)]
    words = state[U(window + WINDOW_BYTES)] >> 2
    if kind != EXIT_READ:
        if kind == EXIT_STACK:
            # Pushes and pops share a slot, so both must be allowed, in the same place.
            readable = find_window(regs, state, arena, marks, address, READ)
            if readable < 0:
                return
            read_low = state[U(readable + WINDOW_LOW)] - state[WINDOW_KEY]
            read_base = state[U(readable + WINDOW_BASE)]
            if read_base < 0 or (read_base - base) << 2 != read_low - low:
                return
            end = min(low + words * 4, read_low + state[U(readable + WINDOW_BYTES)])
            base = max(base, read_base)
            low = max(low, read_low)
            words = (end - low) >> 2
        low, words, base = clean_window(state, marks, code_pages, address, low, words, base)
        if words == 0:
            return
    if slot == NO_SLOT:
        return
    at = row + TRANSLATION_SLOTS + slot * SLOT_FIELDS
    _set_slot(state, translations, at, low, words, base)
    translations[U(at + SLOT_WISH)] = 0


@kernel_function
def _give_flags(state):
    """Bring the interpreter's flags into the form in which regions hand them on."""
    result = state[FLAG_RESULT]
    state[EXIT_FLAGS] = FLAGS_RAW
    state[EXIT_X] = result & WORD
    state[EXIT_Y] = (result >> 32) & 1 | ((state[FLAG_OVERFLOW] >> 31) & 1) << 1


@kernel_function
def _take_flags(state):
    """Bring the flags of a region into the interpreter's form."""
    kind = state[EXIT_FLAGS]
    x = state[EXIT_X]
    y = state[EXIT_Y]
    if kind == FLAGS_SUB:
        result = x - y
        overflow = sub_overflow(x, y, result)
    elif kind == FLAGS_ADD:
        result = x + y
        overflow = add_overflow(x, y, result)
    elif kind == FLAGS_RAW:
        result = x | (y & 1) << 32
        overflow = (y >> 1) << 31
    else:
        result = multiply(x, y)
        overflow = multiply_overflow(x, y)
    state[FLAG_RESULT] = result
    state[FLAG_OVERFLOW] = overflow


@kernel_function
def run_translation(
    regs,
    state,
    arena,
    marks,
    code_pages,
    translations,
    op,
    left,
    delta,
):
    """Run the region of an ENTER op; EXIT_*, NOT_ENTERED or STALE.

    `delta` is the difference of arena index and virtual address in words. The flags must be in
    `state`; afterwards they are there again, pc is in `regs` and the budget in EXIT_LEFT.
    """
    stay_apart()
    row = ((op >> 8) & 0xFFFF) * TRANSLATION_FIELDS
    if unlikely(state[STALE_HIGH] != 0):
        return STALE
    if translations[U(row + TRANSLATION_DELTA)] != delta:
        return NOT_ENTERED
    if unlikely(
        translations[U(row + TRANSLATION_KEY)] != state[WINDOW_KEY]
        or translations[U(row + TRANSLATION_CLEAN)] != state[CLEAN_GENERATION]
    ) and not _valid(regs, state, translations, row):
        return NOT_ENTERED
    if unlikely(translations[U(row + TRANSLATION_WISHED)] != 0):
        _grant_wishes(state, translations, row)
    function = translations[U(row + TRANSLATION_FUNCTION)]
    _give_flags(state)
    bonus = state[BONUS]
    # While the region runs, BUDGET - left must be what has been executed: CYCLES relies on it.
    state[BUDGET] += bonus
    number = (op >> 24) & 0xFF
    answer = _call_native(function, regs, state, translations, row, left + bonus, number)
    used = left + bonus - state[EXIT_LEFT]
    unused = bonus - min(used, bonus)
    state[BONUS] = unused
    state[BUDGET] -= unused
    state[EXIT_LEFT] -= unused
    state[TRANSLATED] += used
    _take_flags(state)
    code = answer & 0xFF
    state[U(EXITS + code)] += 1
    if code >= EXIT_READ:
        address = state[EXIT_ADDRESS]
        slot = answer >> 8
        # One region may have gone on in another.
        row = (state[EXIT_ROW] - state[TRANSLATIONS_ADDRESS]) >> 3
        _fill_slot(regs, state, arena, marks, code_pages, translations, row, slot, code, address)
        return EXIT_INTERPRET
    return code
