"""Data layout of the compiled kernel: what stands where in its arrays.

The kernel works on nine flat arrays and nothing else, so that it can be compiled for any
target that numba knows:

===========  ========  ==========================================================================
array        dtype     content
===========  ========  ==========================================================================
regs         uint32    the 32 registers in code order, and one more that is always 0
state        int64     the fields below, then the window table, then the region table
arena        uint32    the physical memory of all memory-like components, one after the other
entries      int64     the decoded form of each arena word, 0 = not decoded yet
marks        uint8     one byte of `MARK_*` bits for each arena word
snapshot     uint32    for words marked as code: the word that was decoded
code_pages   int64     list of the 256-word arena pages that hold code, then one flag per page
breakpoints  int64     virtual addresses, ascending
translations int64     rows of `TRANSLATION_FIELDS`, one for each translated region of guest code
===========  ========  ==========================================================================

This module imports neither numpy nor numba, so that the Python side can read the layout without
loading the compiler.
"""

from __future__ import annotations

from typing import Final

from ..isa.table import FlagRule

WORD: Final = 0xFFFF_FFFF
ZERO_REGISTER: Final = 32
"""Index in `regs` of the register that is always 0: literals are `regs[zero] + immediate`."""
REGISTER_SLOTS: Final = 33

# --- state fields ---------------------------------------------------------------------------
CYCLES: Final = 0
HALTED: Final = 1
BUDGET: Final = 2
"""Instructions that the current run may still attempt."""
FLAG_RESULT: Final = 3
"""Result of the last flag-setting operation, its carry in bit 32."""
FLAG_OVERFLOW: Final = 4
"""Bit 31 is OF."""
FLAGS_EXPLICIT: Final = 5
"""1 while `regs[af]` holds flags that no result has (set by the host)."""
LAST_PC: Final = 6
"""Address of the last instruction attempted."""
NEXT_PC: Final = 7
STOP_ON_EXCEPTION: Final = 8
VERIFY: Final = 9
"""VERIFY_*: what the host may have changed; to be checked before running."""
VERIFY_CHANGES: Final = 1
"""Memory words or registers."""
WINDOW_KEY: Final = 10
"""(generation * 2 + supervisor) << 32; an older window never matches."""
CACHEABLE: Final = 11
"""1 if the last translation may be kept: its table entries lie in the arena."""
REGION_COUNT: Final = 12
CODE_PAGE_COUNT: Final = 13
BREAKPOINT_COUNT: Final = 14
SKIP_BREAKPOINT: Final = 15
"""1: the breakpoint at pc has been reported, so the next instruction is executed all the same."""
NO_FUSION: Final = 16
"""1: decode every word alone."""
NATIVE_CONTEXT: Final = 25
"""Address of the board's native context (`native_abi`), or 0."""
PREVIOUS_PC: Final = 30
"""LAST_PC before the instruction whose request is pending."""
REQUEST_KIND: Final = 31
"""One of `REQUEST_*` below."""
REQUEST_COMPONENT: Final = 17
REQUEST_OFFSET: Final = 18
REQUEST_VALUE: Final = 19
RESUME: Final = 20
"""How the pending request goes on, one of `RESUME_*`."""
RESUME_REGISTER: Final = 21
"""Destination of a direct read."""
ANSWER: Final = 22
"""The component's answer: a word, or -1 - hardware error."""
LOG_POSITION: Final = 23
LOG_COUNT: Final = 24
LOG: Final = 32
"""What the instruction in progress has read so far, from the arena and from components, in
program order: at most three words for its fetch and six for its data, and one answer to a write."""
LOG_SIZE: Final = 16

FETCH_LOW: Final = 48
"""The fetch window that has been opened last: its first virtual address in words."""
FETCH_WORDS: Final = 49
FETCH_BASE: Final = 50

CLEAN_GENERATION: Final = 51
"""Grows whenever a clean window may have become wrong."""
CLEAN_LOW: Final = 52
CLEAN_HIGH: Final = 53
"""The arena range in which all clean windows of this generation lie."""
TABLES_LOW: Final = 54
TABLES_HIGH: Final = 55
"""The arena range in which all words marked as page-table entries lie."""
STALE_LOW: Final = 56
STALE_HIGH: Final = 57
"""The arena range in which words of translated regions have changed; empty if HIGH is 0."""
ARENA_ADDRESS: Final = 58
"""Where the arena lies in the host's memory."""
SOFT_BUDGET: Final = 59
"""1: a translated region that lacks budget for its next loop may end the slice early."""
FIRST_SIGHT: Final = 60
"""1: stop with STOP_TRANSLATE before a word that has not been decoded yet ..."""
FIRST_SIGHT_PASSED: Final = 61
"""... unless it is at this address."""
EXIT_LEFT: Final = 62
"""What a region leaves behind: the budget left,"""
EXIT_ADDRESS: Final = 63
"""and the virtual address that was outside its window slot."""
TRANSLATED: Final = 64
"""Instructions that translated regions have executed."""
EXITS: Final = 65
"""Start of the counts of region exits, by `EXIT_*`."""
EXIT_KINDS: Final = 8
EXIT_FLAGS: Final = 73
"""The flags as a region leaves them: `FLAGS_*`,"""
EXIT_X: Final = 74
"""and two words."""
EXIT_Y: Final = 75
BONUS: Final = 76
"""Instructions that only translated regions may execute, besides BUDGET: a slice is short for
the interpreter's slowest path, which would be too short for them."""
TARGETS_NOTED: Final = 77
"""1: some region has been left often enough to ask whether it should be made in another way."""
TARGETS_INTERVAL: Final = 64
EXITS_NOTED: Final = 1024
"""A multiple of so many exits of a region, of whatever kind, is noted in TARGETS_NOTED, too."""
WIDENING: Final = 78
"""Pages by which the next window may grow to either side."""
LAST_WINDOW: Final = 79
"""Start of three fields: the window made last for READ, WRITE and EXECUTE, by its place here."""

CYCLES_BEFORE: Final = 82
"""Instructions attempted up to the last reset of the CPU: with CYCLES those since the board was
made, whatever the guest does to its counter."""
EXCEPTIONS: Final = 83
"""Exceptions and interruptions raised since the board was made."""
MUTED_COUNT: Final = 84
"""Exceptions at which STOP_ON_EXCEPTION does not stop; they stand in"""
MUTED: Final = 88
"""as `et << 32 | era`."""
MOST_MUTED: Final = 64

UNHANDLED_WANTED: Final = 85
"""1: stop with STOP_UNHANDLED when the machine comes back to an exception that nobody handles."""
UNTOUCHED: Final = 86
"""1 from such an exception to the next store, component access or CYCLES. Meanwhile there are no
windows for stores, so that the first one comes to the slow step."""
SNAPSHOT_COUNT: Final = 87
"""Such exceptions since UNTOUCHED was last 0; the registers after the last of them stand in"""
SNAPSHOTS: Final = MUTED + MOST_MUTED
"""a ring of"""
SNAPSHOT_ROWS: Final = 8
"""rows of"""
SNAPSHOT_WORDS: Final = 32
"""words, in code order."""

WINDOWS: Final = SNAPSHOTS + SNAPSHOT_ROWS * SNAPSHOT_WORDS
"""Start of the window table. A window is a run of virtual addresses that maps linearly to arena
words or to one component, good for one kind of access under one key."""
WINDOW_SLOTS: Final = 64
WINDOW_FIELDS: Final = 4
WINDOW_LOW: Final = 0
"""First virtual address, plus the key."""
WINDOW_BYTES: Final = 1
WINDOW_BASE: Final = 2
"""Arena index of the first word, or -1 - component id."""
WINDOW_OFFSET: Final = 3
"""The component's byte offset at the first address."""

READ: Final = 0
WRITE: Final = 1
EXECUTE: Final = 2
CLEAN: Final = 3
"""A WRITE window of which no word is marked: translated regions store there without a look at
the marks."""
CLEAN_WINDOWS: Final = WINDOWS + CLEAN * WINDOW_SLOTS * WINDOW_FIELDS

REGIONS: Final = WINDOWS + 4 * WINDOW_SLOTS * WINDOW_FIELDS
"""Start of the region table: mapped address ranges, ascending, none overlapping."""
REGION_FIELDS: Final = 7
REGION_FIRST: Final = 0
REGION_END: Final = 1
REGION_BASE: Final = 2
"""Arena index of the first word (memory), else -1."""
REGION_COMPONENT: Final = 3
REGION_OFFSET: Final = 4
"""The component's byte offset at the first address."""
REGION_READ: Final = 5
REGION_WRITE: Final = 6
PLAIN: Final = -1
"""The access goes to the arena."""
BUS: Final = -2
"""The access goes to the component in Python. A value >= 0 is a hardware error to raise."""

# --- marks of arena words -------------------------------------------------------------------
MARK_CODE: Final = 1
MARK_TABLE: Final = 2
"""The word is a page-table entry that a cached translation relies on."""
MARK_TRANSLATED: Final = 4
"""The word is part of a translated region."""
MARK_NATIVE: Final = 8
"""The word is part of a block of the baseline tier."""

PAGE_WORDS: Final = 256
"""Words of an MMU page, and of a code page."""

# --- why the kernel returns -----------------------------------------------------------------
STOP_BUDGET: Final = 0
STOP_HALTED: Final = 1
STOP_EXCEPTION: Final = 2
STOP_BREAKPOINT: Final = 3
REQUEST_READ: Final = 4
REQUEST_WRITE: Final = 5
REQUEST_HWD: Final = 6
REQUEST_RESET: Final = 7
STOP_STALE: Final = 8
"""Words of translated regions have changed: those regions must go before any is entered."""
STOP_TRANSLATE: Final = 9
"""FIRST_SIGHT is set and the word at pc has not been decoded yet."""
STOP_UNHANDLED: Final = 10
"""See UNHANDLED_WANTED."""

RESUME_NONE: Final = 0
RESUME_STEP: Final = 1
"""Execute the instruction again; its earlier answers are in the log."""
RESUME_READ: Final = 2
"""Put the answer into a register and go on."""
RESUME_WRITE: Final = 3
"""The write is done, go on."""

# --- results of the kernel's inner functions: a word, or one of these -----------------------
PENDING: Final = -1
"""A component must answer first; nothing has been changed."""
RAISED: Final = -2
"""An exception has been raised."""
DONE: Final = 0
HALT: Final = 1
RESTART: Final = 2
"""The CPU has been reset; the cycle counter starts at 0."""

# --- rows of translated regions -----------------------------------------------------------------
TRANSLATION_FUNCTION: Final = 0
"""Address of the native function; 0 in a free row."""
TRANSLATION_KEY: Final = 1
"""The WINDOW_KEY and"""
TRANSLATION_CLEAN: Final = 2
"""the CLEAN_GENERATION for which the row has been validated; its window slots rely on both."""
TRANSLATION_LOW: Final = 3
"""The region's words, as virtual addresses in words: first,"""
TRANSLATION_HIGH: Final = 4
"""and past the last."""
TRANSLATION_DELTA: Final = 5
"""Arena index minus virtual address in words."""
TRANSLATION_MODE: Final = 6
"""1 if translated for supervisor mode."""
TRANSLATION_DYNAMIC: Final = 7
"""How often an indirect jump has left the region for an unexpected target; the last targets
stand in TRANSLATION_TARGETS."""
TRANSLATION_WISHED: Final = 8
"""1 if a window slot has a wish."""
TRANSLATION_SLOTS_USED: Final = 9
TRANSLATION_LEFT: Final = 10
"""How often the region has been left, at the end of the budget aside, and"""
TRANSLATION_EXECUTED: Final = 11
"""the instructions that it has executed."""
TRANSLATION_ORIGINALS: Final = 16
"""For each entry of the region, the decoded form that stood there before."""
TRANSLATION_ENTRIES: Final = 64
ENTER: Final = 37
"""Handler of an entry where a region can be entered: row number in bits 8-23, number of the
region's entry in 24-31, the budget that the way ahead needs in 32-47."""
ENTER_NATIVE: Final = 38
"""Handler of an entry where native code of the baseline begins."""
TRANSLATION_TARGETS: Final = TRANSLATION_ORIGINALS + TRANSLATION_ENTRIES
TRANSLATION_TARGET_COUNT: Final = 256
TRANSLATION_SLOTS: Final = TRANSLATION_TARGETS + TRANSLATION_TARGET_COUNT
"""Window slots: what the region's memory accesses use. Three int64 each: minus the first virtual
address (to be added: that leaves the address in its register) modulo 2^32 in the low half
and size in words in the high half (0: empty); address of the first word in the host's memory;
index in `state` of the window that served an access this slot did not, or 0."""
SLOT_FIELDS: Final = 3
SLOT_SPAN: Final = 0
SLOT_ADDRESS: Final = 1
SLOT_WISH: Final = 2
TRANSLATION_SLOT_COUNT: Final = 24
TRANSLATION_FIELDS: Final = TRANSLATION_SLOTS + SLOT_FIELDS * TRANSLATION_SLOT_COUNT

# --- why a translated region was left -------------------------------------------------------
EXIT_JUMP: Final = 0
"""To code outside the region."""
EXIT_BUDGET: Final = 1
"""The budget may not suffice for the path ahead."""
EXIT_DYNAMIC: Final = 2
"""An indirect jump went where none was expected."""
EXIT_INTERPRET: Final = 3
"""The instruction at pc is for the interpreter: it is rare, or it raises an exception."""
EXIT_READ: Final = 4
"""A load, store, or stack access is outside its window slot: memory not seen before, code, a
page table, a component, or an exception."""
EXIT_WRITE: Final = 5
EXIT_STACK: Final = 6
NOT_ENTERED: Final = 7
"""The region does not fit where the loop met it."""

# --- flags in translated regions ----------------------------------------------------------------
FLAGS_RAW: Final = int(FlagRule.RESULT)
"""The first word is the result, of the second bit 0 is CF and bit 1 OF."""
FLAGS_ADD: Final = int(FlagRule.ADD)
"""The flags of adding the two words, and so on."""
FLAGS_SUB: Final = int(FlagRule.SUB)
FLAGS_MUL: Final = int(FlagRule.MUL)
