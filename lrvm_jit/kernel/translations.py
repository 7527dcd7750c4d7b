"""Entering translated regions of guest code, and the windows that they use.

A region is native code made by `lrvm_jit.jit`, which runs as `core.native_abi` says. It reaches
memory through the window slots of its row in `translations`, and leaves with one of `EXIT_*`
whenever it cannot go on. Where it leads to other native code that may run under the same
translation of addresses, it goes on there without coming back first.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    ARENA_ADDRESS,
    CLEAN,
    CLEAN_GENERATION,
    CLEAN_HIGH,
    CLEAN_LOW,
    EXIT_READ,
    EXIT_STACK,
    MOST_REFUSALS,
    NO_SLOT,
    PAGE_WORDS,
    PLAIN_LAYOUT,
    REACH_LOW,
    REACH_WORDS,
    REFUSED,
    SAMPLES_AT,
    SLOT_ADDRESS,
    SLOT_FIELDS,
    SLOT_SPAN,
    SLOT_WISH,
    TABLES_HIGH,
    TABLES_LOW,
    TRANSLATION_CLEAN,
    TRANSLATION_DELTA,
    TRANSLATION_FIELDS,
    TRANSLATION_HIGH,
    TRANSLATION_KEY,
    TRANSLATION_LAYOUT,
    TRANSLATION_LOW,
    TRANSLATION_MODE,
    TRANSLATION_REFUSED,
    TRANSLATION_SLOTS,
    TRANSLATION_SLOTS_USED,
    TRANSLATION_WISHED,
    WINDOW_BASE,
    WINDOW_BYTES,
    WINDOW_KEY,
    WINDOW_LOW,
    WISHED,
)
from .build.hints import cold_path
from .build.jit import kernel_function
from .memory import MTT, window_slot
from .typed import READ, WRITE, ZERO, I, U
from .windows import find_window

CLEAN_KIND = np.int64(CLEAN)
MOST_PAGES = 4096
"""A clean window reaches so many pages at most to either side of the access that asks for it."""


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
def may_enter(regs, state, translations, row, delta):
    """Whether the region of a row may be entered as things are; `delta` is the difference of arena
    index and virtual address in words. Its window slots are fit for use then."""
    if translations[U(row + TRANSLATION_DELTA)] != delta:
        return False
    return (
        translations[U(row + TRANSLATION_KEY)] == state[WINDOW_KEY]
        and translations[U(row + TRANSLATION_CLEAN)] == state[CLEAN_GENERATION]
    ) or _valid(regs, state, translations, row)


@kernel_function
def note_refusal(state, translations, row):
    """The region of a row could not be entered where it was come to."""
    cold_path()
    refused = translations[U(row + TRANSLATION_REFUSED)] + 1
    translations[U(row + TRANSLATION_REFUSED)] = refused
    if refused == MOST_REFUSALS:
        state[REFUSED] = 1


@kernel_function
def grant_all_wishes(state, translations):
    """Grant the wishes of all rows; those that are not valid any more lose theirs when they are
    validated again."""
    cold_path()
    state[WISHED] = 0
    rows = state[SAMPLES_AT]
    for row in range(0, rows, TRANSLATION_FIELDS):
        if (
            translations[U(row + TRANSLATION_WISHED)] != 0
            and translations[U(row + TRANSLATION_KEY)] == state[WINDOW_KEY]
            and translations[U(row + TRANSLATION_CLEAN)] == state[CLEAN_GENERATION]
        ):
            _grant_wishes(state, translations, row)


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
def fill_slot(regs, state, arena, marks, code_pages, translations, row, slot, kind, address):
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
