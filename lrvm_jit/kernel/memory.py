"""Memory access of the compiled kernel: mapping table, MMU, windows, the bus.

Functions here return a word (>= 0), or PENDING, or RAISED; see `layout`. Every one of them can
be repeated after PENDING: they change nothing that matters before the last component has
answered.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    ANSWER,
    BUS,
    CACHEABLE,
    CLEAN_GENERATION,
    CLEAN_HIGH,
    CLEAN_LOW,
    CLEAN_WINDOWS,
    ENTER,
    EXCEPTIONS,
    LAST_WINDOW,
    LOG,
    LOG_COUNT,
    LOG_POSITION,
    MAPPING_BASE,
    MAPPING_COMPONENT,
    MAPPING_COUNT,
    MAPPING_END,
    MAPPING_FIELDS,
    MAPPING_FIRST,
    MAPPING_OFFSET,
    MAPPING_READ,
    MAPPING_WRITE,
    MAPPINGS,
    MARK_CODE,
    MARK_NATIVE,
    MARK_TABLE,
    MARK_TRANSLATED,
    NEXT_PC,
    NOTICE_MODE,
    NOTICE_UNMAPPED,
    NOTICED,
    NOTICED_ACCESS,
    NOTICES_WANTED,
    PAGE_WORDS,
    PLAIN,
    REQUEST_COMPONENT,
    REQUEST_KIND,
    REQUEST_OFFSET,
    REQUEST_VALUE,
    RESUME,
    RESUME_STEP,
    STALE_HIGH,
    STALE_LOW,
    SWAP_VALUE,
    SWAPPED,
    TABLES_HIGH,
    TABLES_LOW,
    TOUCHED,
    UNMAPPED,
    UNTOUCHED,
    WIDENING,
    WINDOW_BASE,
    WINDOW_BYTES,
    WINDOW_FIELDS,
    WINDOW_KEY,
    WINDOW_LOW,
    WINDOW_OFFSET,
    WINDOW_SLOTS,
    WINDOWS,
    WORD,
)
from ..exceptions import ExceptionCode
from ..isa.table import Reg
from .build.jit import kernel_function
from .native_code import native_word_changed
from .typed import (
    DONE,
    EXECUTE,
    NONE,
    PENDING,
    RAISED,
    READ,
    REQUEST_READ,
    REQUEST_SWAP,
    REQUEST_WRITE,
    WRITE,
    ZERO,
    I,
    U,
)

PC = int(Reg.PC)
ET = int(Reg.ET)
ERA = int(Reg.ERA)
EV = int(Reg.EV)
MTT = int(Reg.MTT)
PDA = int(Reg.PDA)
SMT = int(Reg.SMT)

UNALIGNED = np.int64(ExceptionCode.UNALIGNED_ADDRESS)
REFUSED = np.int64(ExceptionCode.MMU_REFUSED_READ)
HARDWARE = np.int64(ExceptionCode.HARDWARE)

FIRST_WINDOW = np.int64(WINDOWS)
FIRST_REGION = np.int64(MAPPINGS)
GENERATION_LIMIT = 1 << 62
MOST_PAGES_WIDENED = 1024


@kernel_function
def raise_exception(regs, state, code, data):
    """Raise an exception of the instruction at `pc` (isa.md: Exceptions)."""
    supervisor = I(regs[SMT] != 0)
    regs[ET] = np.uint32(supervisor << 24 | code << 16 | data)
    regs[ERA] = regs[PC]
    state[NEXT_PC] = I(regs[EV])
    regs[SMT] = 1
    state[EXCEPTIONS] += 1
    if supervisor == 0:
        state[WINDOW_KEY] |= I(1) << 32
        state[NOTICED] ^= state[NOTICES_WANTED] & NOTICE_MODE
    return RAISED


@kernel_function
def flush_windows(regs, state):
    """Forget every cached translation, and take note of the current mode."""
    key = (((state[WINDOW_KEY] >> 33) + 1) << 33) | (I(regs[SMT] != 0) << 32)
    if key >= GENERATION_LIMIT:
        for k in range(WINDOWS, MAPPINGS):
            state[k] = 0
        key &= (I(1) << 33) - 1
        key |= I(1) << 33
    state[WINDOW_KEY] = key
    state[WIDENING] = 1


@kernel_function
def forget_clean_windows(state):
    """A word within a clean window has been marked."""
    for k in range(CLEAN_WINDOWS, MAPPINGS):
        state[k] = 0
    state[CLEAN_GENERATION] += 1
    state[CLEAN_LOW] = GENERATION_LIMIT
    state[CLEAN_HIGH] = 0


@kernel_function
def find_mapping(state, address):
    """Index in `state` of the mapping row that holds the address, or -1 where nothing is mapped."""
    at = FIRST_REGION
    for _ in range(state[MAPPING_COUNT]):
        if address < state[U(at + MAPPING_END)]:
            return at if address >= state[U(at + MAPPING_FIRST)] else NONE
        at += MAPPING_FIELDS
    return NONE


@kernel_function
def logged(state, value):
    """What this read gave when the instruction was first attempted; else `value`, kept.

    A component may change memory while it serves an instruction. Its repetition must find what
    it found before, as every access happens once, in program order.
    """
    position = state[LOG_POSITION]
    state[LOG_POSITION] = position + 1
    if position < state[LOG_COUNT]:
        return state[U(LOG + position)]
    state[U(LOG + position)] = value
    state[LOG_COUNT] = position + 1
    return value


@kernel_function
def note_unmapped(state, address, access):
    """There is no component at a physical address: count the READ, WRITE or EXECUTE."""
    state[U(UNMAPPED + (access & WRITE))] += 1
    if state[NOTICES_WANTED] & NOTICE_UNMAPPED and not state[NOTICED] & NOTICE_UNMAPPED:
        state[NOTICED] |= NOTICE_UNMAPPED
        state[NOTICED_ACCESS] = access << 32 | address


@kernel_function
def unmapped_word(state, address, access):
    """What a READ or EXECUTE finds where no component is: 0 (memory.md: Physical memory map)."""
    if state[LOG_POSITION] == state[LOG_COUNT]:
        note_unmapped(state, address, access)
    return logged(state, ZERO)


@kernel_function
def request(state, kind, component, offset, value):
    """The component's answer if it has been given already, else PENDING with a request made."""
    position = state[LOG_POSITION]
    if position < state[LOG_COUNT]:
        state[LOG_POSITION] = position + 1
        return state[U(LOG + position)]
    state[REQUEST_COMPONENT] = component
    state[REQUEST_OFFSET] = offset
    state[REQUEST_VALUE] = value
    state[SWAPPED] = 0
    state[UNTOUCHED] = 0
    state[RESUME] = RESUME_STEP
    state[ANSWER] = 0
    state[REQUEST_KIND] = kind
    return PENDING


@kernel_function
def bus_access(regs, state, at, address, kind, value):
    """READ or WRITE of a component through the bus, at the row `at`."""
    count = state[LOG_POSITION]
    answer = request(
        state,
        kind,
        state[U(at + MAPPING_COMPONENT)],
        state[U(at + MAPPING_OFFSET)] + address - state[U(at + MAPPING_FIRST)],
        value,
    )
    if answer < 0 and state[LOG_POSITION] != count:
        return raise_exception(regs, state, HARDWARE, -1 - answer)
    return answer


@kernel_function
def mark_table_entry(state, marks, index):
    """From now on a store to this word flushes the windows."""
    marks[U(index)] |= MARK_TABLE
    if state[TABLES_HIGH] == 0:
        state[TABLES_LOW] = index
    state[TABLES_LOW] = min(state[TABLES_LOW], index)
    state[TABLES_HIGH] = max(state[TABLES_HIGH], index + 1)
    if state[CLEAN_LOW] <= index < state[CLEAN_HIGH]:
        forget_clean_windows(state)


@kernel_function
def table_entry(regs, state, arena, marks, address):
    """Read a page-table entry from physical memory (memory.md: MMU)."""
    if address & 3:
        return raise_exception(regs, state, UNALIGNED, address & 3)
    at = find_mapping(state, address)
    if at < 0:
        state[CACHEABLE] = 0
        return unmapped_word(state, address, READ)
    access = state[U(at + MAPPING_READ)]
    if access == PLAIN:
        index = U(state[U(at + MAPPING_BASE)] + ((address - state[U(at + MAPPING_FIRST)]) >> 2))
        if not marks[index] & MARK_TABLE:
            mark_table_entry(state, marks, I(index))
        return logged(state, I(arena[index]))
    state[CACHEABLE] = 0
    if access == BUS:
        return bus_access(regs, state, at, address, REQUEST_READ, ZERO)
    return raise_exception(regs, state, HARDWARE, access)


@kernel_function
def translate(regs, state, arena, marks, address, access):
    """Physical address of a virtual one for READ, WRITE or EXECUTE (memory.md: MMU)."""
    # What a repeated instruction reads from the log may be out of date for the next one.
    state[CACHEABLE] = I(state[LOG_POSITION] == state[LOG_COUNT])
    if regs[MTT] == 0:
        return address
    user = I(regs[SMT] == 0)
    pass_through = I(1) << (31 - user)
    permission = I(1) << (29 - 3 * user - access)
    entry_address = (I(regs[PDA]) + (address >> 22) * 4) & WORD
    level = 0
    while True:
        entry = table_entry(regs, state, arena, marks, entry_address)
        if entry < 0:
            return entry
        if entry & pass_through:
            return address
        if not entry & permission:
            return raise_exception(regs, state, REFUSED + access, address & 0xFFFF)
        number = entry & 0xFF_FFFF
        if level == 1:
            return (number * 1024 + (address & 0x3FF)) & WORD
        entry_address = (number * 16384 + ((address >> 10) & 0xFFF) * 4) & WORD
        level = 1


@kernel_function
def window_slot(address, access):
    """Where in `state` the window for an address and a kind of access is kept."""
    return FIRST_WINDOW + (((address >> 10) & (WINDOW_SLOTS - 1)) + access * WINDOW_SLOTS) * (
        WINDOW_FIELDS
    )


@kernel_function
def probe(regs, state, arena, marks, address, access):
    """Physical address of a virtual one if its table entries lie in the arena and allow the
    access, else -1. Raises nothing; a store to one of these entries will flush the windows."""
    user = I(regs[SMT] == 0)
    pass_through = I(1) << (31 - user)
    permission = I(1) << (29 - 3 * user - access)
    entry_address = (I(regs[PDA]) + (address >> 22) * 4) & WORD
    for level in range(2):
        at = find_mapping(state, entry_address)
        if entry_address & 3 or at < 0 or state[U(at + MAPPING_READ)] != PLAIN:
            return NONE
        index = state[U(at + MAPPING_BASE)] + ((entry_address - state[U(at + MAPPING_FIRST)]) >> 2)
        if not marks[U(index)] & MARK_TABLE:
            mark_table_entry(state, marks, index)
        entry = I(arena[U(index)])
        if entry & pass_through:
            return address
        if not entry & permission:
            return NONE
        number = entry & 0xFF_FFFF
        if level == 0:
            entry_address = (number * 16384 + ((address >> 10) & 0xFFF) * 4) & WORD
    return (number * 1024 + (address & 0x3FF)) & WORD


@kernel_function
def widen_window(regs, state, arena, marks, slot, at, physical, access):
    """Let a page's window reach over its neighbours as far as they are mapped side by side.

    `physical` is what the window's first address is mapped to. Each window may grow twice as far
    as the one before, so a guest that changes its tables all the time does not pay for it.
    """
    low = state[U(slot + WINDOW_LOW)] - state[WINDOW_KEY]
    size = state[U(slot + WINDOW_BYTES)]
    first = state[U(at + MAPPING_FIRST)]
    end = state[U(at + MAPPING_END)]
    pages = state[WIDENING]
    state[WIDENING] = min(2 * pages, MOST_PAGES_WIDENED)
    for _ in range(pages):
        above = low + size
        if above & 0x3FF or above > WORD or physical + size >= end:
            break
        if probe(regs, state, arena, marks, above, access) != physical + size:
            break
        size = min(size + 1024, end - physical)
    for _ in range(pages):
        if low & 0x3FF or low == 0 or physical - 1024 < first:
            break
        if probe(regs, state, arena, marks, low - 1024, access) != physical - 1024:
            break
        low -= 1024
        physical -= 1024
        size += 1024
        state[U(slot + WINDOW_OFFSET)] -= 1024
        if state[U(slot + WINDOW_BASE)] >= 0:
            state[U(slot + WINDOW_BASE)] -= PAGE_WORDS
    state[U(slot + WINDOW_LOW)] = low + state[WINDOW_KEY]
    state[U(slot + WINDOW_BYTES)] = size


@kernel_function
def fill_window(regs, state, arena, marks, address, physical, at, access, base):
    """Remember how `address` was resolved: the row's whole range, or with the MMU on its part
    of the page and of the neighbours that are mapped alike."""
    if not state[CACHEABLE]:
        return
    first = state[U(at + MAPPING_FIRST)]
    end = state[U(at + MAPPING_END)]
    if regs[MTT] != 0:
        first = max(first, physical & ~I(0x3FF))
        end = min(end, (physical | 0x3FF) + 1)
    moved = first - state[U(at + MAPPING_FIRST)]
    slot = window_slot(address, access)
    state[U(slot + WINDOW_LOW)] = state[WINDOW_KEY] + first + address - physical
    state[U(slot + WINDOW_BYTES)] = end - first
    state[U(slot + WINDOW_BASE)] = base + (moved >> 2) if base >= 0 else base
    state[U(slot + WINDOW_OFFSET)] = state[U(at + MAPPING_OFFSET)] + moved
    state[U(LAST_WINDOW + access)] = slot
    if regs[MTT] != 0:
        widen_window(regs, state, arena, marks, slot, at, first, access)


@kernel_function
def share_window(state, address, access):
    """Whether the window made last holds the address; then it is this address's as well."""
    last = state[U(LAST_WINDOW + access)]
    if last == 0:
        return False
    inside = state[WINDOW_KEY] + address - state[U(last + WINDOW_LOW)]
    if U(inside) >= U(state[U(last + WINDOW_BYTES)]):
        return False
    slot = window_slot(address, access)
    for k in range(WINDOW_FIELDS):
        state[U(slot + k)] = state[U(last + k)]
    return True


@kernel_function
def refill(regs, state, arena, marks, address, access):
    """Make the window for an address, if that needs nothing slower: without MMU, or with one
    that has been made for a neighbour."""
    if regs[MTT] != 0:
        share_window(state, address, access)
        return
    at = find_mapping(state, address)
    if address & 3 or at < 0:
        return
    rights = state[U(at + (MAPPING_WRITE if access == WRITE else MAPPING_READ))]
    state[CACHEABLE] = 1
    if rights == PLAIN:
        fill_window(
            regs, state, arena, marks, address, address, at, access, state[U(at + MAPPING_BASE)]
        )
    elif rights == BUS and access != EXECUTE:
        component = state[U(at + MAPPING_COMPONENT)]
        fill_window(regs, state, arena, marks, address, address, at, access, -1 - component)


@kernel_function
def load(regs, state, arena, marks, address, access):
    """READ or EXECUTE one word at a virtual address."""
    if address & 3:
        return raise_exception(regs, state, UNALIGNED, address & 3)
    physical = translate(regs, state, arena, marks, address, access)
    if physical < 0:
        return physical
    at = find_mapping(state, physical)
    if at < 0:
        return unmapped_word(state, physical, access)
    rights = state[U(at + MAPPING_READ)]
    if rights == PLAIN:
        base = state[U(at + MAPPING_BASE)]
        if access == READ:
            state[TOUCHED] = physical
        fill_window(regs, state, arena, marks, address, physical, at, access, base)
        index = U(base + ((physical - state[U(at + MAPPING_FIRST)]) >> 2))
        return logged(state, I(arena[index]))
    if rights == BUS:
        kind, value = REQUEST_READ, ZERO
        if access == READ:
            fill_window(
                regs,
                state,
                arena,
                marks,
                address,
                physical,
                at,
                access,
                -1 - state[U(at + MAPPING_COMPONENT)],
            )
            # What the MMU, or a component that has page tables, says to the store is not known
            # before it: then SRM's two accesses remain two.
            if state[SWAP_VALUE] >= 0 and (
                regs[MTT] == 0 or probe(regs, state, arena, marks, address, WRITE) >= 0
            ):
                kind, value = REQUEST_SWAP, state[SWAP_VALUE]
        return bus_access(regs, state, at, physical, kind, value)
    return raise_exception(regs, state, HARDWARE, rights)


@kernel_function
def forget_code(state, ops, marks, index):
    """Undo the decoding that relied on the word: its own op and superinstructions before it. Where
    regions are entered stays known: none is while words of one are out of date."""
    for back in range(4):
        if index >= back and ops[U(index - back)] & 0xFF != ENTER:
            ops[U(index - back)] = 0
    if marks[U(index)] & MARK_TRANSLATED:
        if state[STALE_HIGH] == 0:
            state[STALE_LOW] = index
        state[STALE_LOW] = min(state[STALE_LOW], index)
        state[STALE_HIGH] = max(state[STALE_HIGH], index + 1)
    if marks[U(index)] & MARK_NATIVE:
        native_word_changed(state, index)
    marks[U(index)] &= ~np.uint8(MARK_CODE | MARK_NATIVE)


@kernel_function
def store(regs, state, arena, ops, marks, address, value):
    """WRITE one word at a virtual address; DONE, PENDING or RAISED."""
    if address & 3:
        return raise_exception(regs, state, UNALIGNED, address & 3)
    physical = translate(regs, state, arena, marks, address, WRITE)
    if physical < 0:
        return physical
    at = find_mapping(state, physical)
    if at < 0:
        state[UNTOUCHED] = 0
        note_unmapped(state, physical, WRITE)
        return DONE
    rights = state[U(at + MAPPING_WRITE)]
    if rights == PLAIN:
        state[UNTOUCHED] = 0
        state[TOUCHED] = physical
        base = state[U(at + MAPPING_BASE)]
        index = base + ((physical - state[U(at + MAPPING_FIRST)]) >> 2)
        mark = marks[U(index)]
        if mark & MARK_CODE and I(arena[U(index)]) != value:
            forget_code(state, ops, marks, index)
        arena[U(index)] = np.uint32(value)
        if mark & MARK_TABLE:
            marks[U(index)] &= ~np.uint8(MARK_TABLE)
            flush_windows(regs, state)
        else:
            fill_window(regs, state, arena, marks, address, physical, at, WRITE, base)
        return DONE
    if rights == BUS:
        component = state[U(at + MAPPING_COMPONENT)]
        fill_window(regs, state, arena, marks, address, physical, at, WRITE, -1 - component)
        answer = bus_access(regs, state, at, physical, REQUEST_WRITE, value)
        return answer if answer < 0 else DONE
    return raise_exception(regs, state, HARDWARE, rights)


@kernel_function
def fetch(regs, state, arena, marks):
    """The instruction word at `pc`."""
    return load(regs, state, arena, marks, I(regs[PC]), EXECUTE)
