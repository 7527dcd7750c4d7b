"""Data layout of the compiled kernel: what stands where in its arrays.

The kernel works on the flat arrays of `ARRAYS` and nothing else, so that it can be compiled for
any target that numba knows. `core/kernel_arrays.py` makes them.

To add a field of `state`: a line `NAME: Final = _state.field()`, or `.field(words)`, with what it
means below, in the part that it belongs to. What belongs to a lane of a batch comes first: the
CPU, then the request; the rest is the worker's. All numbers are derived; nobody else counts.
To add an array: a row of `ARRAYS`, its length in `lengths`, its name in `KernelArrays`, and a
parameter of `kernel.dispatch.dispatch` in that place.

This module imports neither numpy nor numba, so that the Python side can read the layout without
loading the compiler.
"""

from __future__ import annotations

from typing import Final

from ..isa.table import FlagRule
from ..records import dataclass
from . import native_abi
from .numbering import Numbering


@dataclass(frozen=True, slots=True)
class ArrayLayout:
    """One of the kernel's arrays: one dimension, C order."""

    name: str
    dtype: str
    """As numpy names it."""
    per_lane: bool
    """Whether each lane of a batch has contents of its own; if not, the lanes that run in the
    same arrays share them: what has been made of code that is equal."""
    content: str


ARRAYS: Final = (
    ArrayLayout("regs", "uint32", True, "the 32 registers in code order, and one that is always 0"),
    ArrayLayout(
        "state",
        "int64",
        True,
        "the fields below; the first LANE_FIELDS belong to the lane, the window table and the "
        "mapping table to the worker",
    ),
    ArrayLayout("arena", "uint32", True, "the memory of all memory-like components, in a row"),
    ArrayLayout("ops", "int64", False, "the decoded form of each arena word, 0 = not decoded yet"),
    ArrayLayout("marks", "uint8", False, "one byte of `MARK_*` bits for each arena word"),
    ArrayLayout("snapshot", "uint32", False, "of words marked as code: the word that was decoded"),
    ArrayLayout(
        "code_pages",
        "int64",
        False,
        "list of the 256-word arena pages that hold code, then one flag per page",
    ),
    ArrayLayout("breakpoints", "int64", False, "virtual addresses, ascending"),
    ArrayLayout(
        "translations",
        "int64",
        False,
        "rows of `TRANSLATION_FIELDS`, one for each translated region of guest code, then notes",
    ),
)
"""The kernel's arrays, in the order of its parameters and of its context."""

CONTEXT_WORDS: Final = 2 * len(ARRAYS)
"""A context is an int64 array: address and length of each array."""

WORD: Final = 0xFFFF_FFFF
ZERO_REGISTER: Final = 32
"""Index in `regs` of the register that is always 0: literals are `regs[zero] + immediate`."""
REGISTER_SLOTS: Final = 33

# --- state fields ---------------------------------------------------------------------------
_state = Numbering()

# The CPU, as it is between two instructions.
CYCLES: Final = _state.field()
HALTED: Final = _state.field()
FLAG_RESULT: Final = _state.field()
"""Result of the last flag-setting operation, its carry in bit 32."""
FLAG_OVERFLOW: Final = _state.field()
"""Bit 31 is OF."""
FLAGS_EXPLICIT: Final = _state.field()
"""1 while `regs[af]` holds flags that no result has (set by the host)."""
LAST_PC: Final = _state.field()
"""Address of the last instruction attempted."""

# The request: what a component must answer, and the instruction in progress. A lane that waits
# takes these fields along; they stand in a row.
REQUEST_FIRST: Final = _state.size
NEXT_PC: Final = _state.field()
PREVIOUS_PC: Final = _state.field()
"""LAST_PC before the instruction whose request is pending."""
REQUEST_KIND: Final = _state.field()
"""One of `REQUEST_*` below."""
REQUEST_COMPONENT: Final = _state.field()
REQUEST_OFFSET: Final = _state.field()
REQUEST_VALUE: Final = _state.field()
RESUME: Final = _state.field()
"""How the pending request goes on, one of `RESUME_*`."""
RESUME_REGISTER: Final = _state.field()
"""Destination of a direct read."""
ANSWER: Final = _state.field()
"""The component's answer: a word, or -1 - hardware error."""
SWAPPED: Final = _state.field()
"""1 if the answer to REQUEST_SWAP is that to a `swap`: the store of the SRM is done as well."""
LOG_POSITION: Final = _state.field()
LOG_COUNT: Final = _state.field()
LOG_SIZE: Final = 16
LOG: Final = _state.field(LOG_SIZE)
"""What the instruction in progress has read so far, from the arena and from components, in
program order: at most three words for its fetch and six for its data, and one answer to a write."""
REQUEST_FIELDS: Final = _state.size - REQUEST_FIRST

LANE_FIELDS: Final = _state.size
"""Fields that belong to a lane; those that follow belong to the worker in whose arrays it runs."""

# The run.
BUDGET: Final = _state.field()
"""Instructions that the current run may still attempt."""
BONUS: Final = _state.field()
"""Instructions that only translated regions may execute, besides BUDGET: a slice is short for
the interpreter's slowest path, which would be too short for them."""
SOFT_BUDGET: Final = _state.field()
"""1: a translated region that lacks budget for its next loop may end the slice early."""
STOP_ON_EXCEPTION: Final = _state.field()
VERIFY: Final = _state.field()
"""VERIFY_*: what the host may have changed; to be checked before running."""
VERIFY_CHANGES: Final = 1
"""Memory words or registers."""
WINDOW_KEY: Final = _state.field()
"""(generation * 2 + supervisor) << 32; an older window never matches."""
CACHEABLE: Final = _state.field()
"""1 if the last translation may be kept: its table entries lie in the arena."""
MAPPING_COUNT: Final = _state.field()
CODE_PAGE_COUNT: Final = _state.field()
BREAKPOINT_COUNT: Final = _state.field()
SKIP_BREAKPOINT: Final = _state.field()
"""1: the breakpoint at pc has been reported, so the next instruction is executed all the same."""
NO_SUPERINSTRUCTIONS: Final = _state.field()
"""1: decode every word alone."""
EAGER: Final = _state.field()
"""1: stop with STOP_TRANSLATE before a word that has not been decoded yet ..."""
EAGER_PASSED: Final = _state.field()
"""... unless it is at this address."""
CYCLES_BEFORE: Final = _state.field()
"""Instructions attempted up to the last reset of the CPU: with CYCLES those since the board was
made, whatever the guest does to its counter."""
EXCEPTIONS: Final = _state.field()
"""Exceptions and interruptions raised since the board was made."""
UNMAPPED: Final = _state.field(2)
"""Reads of addresses where no component is mapped, since the board was made, and writes."""
NOTICES_WANTED: Final = _state.field()
"""NOTICE_*: after an instruction that does this, stop with STOP_NOTICE."""
NOTICED: Final = _state.field()
"""NOTICE_*: what of that has happened."""
NOTICED_ACCESS: Final = _state.field()
"""The first unmapped access of that: its physical address, READ, WRITE or EXECUTE in bits 32-33."""

SWAPS_WANTED: Final = _state.field()
"""1: some component has `swap`, so SRM asks with REQUEST_SWAP where its store is sure to follow."""
SWAP_VALUE: Final = _state.field()
"""The word that the SRM in progress is about to store; -1 of other instructions, and if it must
not be read."""

# Windows and clean memory.
FETCH_LOW: Final = _state.field()
"""The fetch window that has been opened last: its first virtual address in words."""
FETCH_WORDS: Final = _state.field()
FETCH_BASE: Final = _state.field()
REACH_LOW: Final = _state.field()
"""Its first virtual address in words, and"""
REACH_WORDS: Final = _state.field()
"""its length, if there were no breakpoints, between which a fetch window lies."""
CLEAN_GENERATION: Final = _state.field()
"""Grows whenever a clean window may have become wrong."""
CLEAN_LOW: Final = _state.field()
CLEAN_HIGH: Final = _state.field()
"""The arena range in which all clean windows of this generation lie."""
TABLES_LOW: Final = _state.field()
TABLES_HIGH: Final = _state.field()
"""The arena range in which all words marked as page-table entries lie."""
STALE_LOW: Final = _state.field()
STALE_HIGH: Final = _state.field()
"""The arena range in which words of translated regions have changed; empty if HIGH is 0."""
ARENA_ADDRESS: Final = _state.field()
"""Where the arena lies in the host's memory."""
NATIVE_CONTEXT: Final = _state.field()
"""Address of the board's native context (`native_abi`), or 0."""
WIDENING: Final = _state.field()
"""Pages by which the next window may grow to either side."""
LAST_WINDOW: Final = _state.field(3)
"""Start of three fields: the window made last for READ, WRITE and EXECUTE, by its place here."""

# What translated regions leave behind.
EXIT_LEFT: Final = _state.field()
"""The budget left,"""
EXIT_ADDRESS: Final = _state.field()
"""the virtual address that was outside its window slot."""
TRANSLATED: Final = _state.field()
"""Instructions that translated regions have executed."""
EXIT_KINDS: Final = 8
EXITS: Final = _state.field(EXIT_KINDS)
"""Start of the counts of region exits, by `EXIT_*`."""
EXIT_ROW: Final = _state.field()
"""Host address of the row of the region that was left: where one region goes on in another, not
the one that was entered."""
OPS_ADDRESS: Final = _state.field()
"""Where `ops`,"""
TRANSLATIONS_ADDRESS: Final = _state.field()
"""and `translations` lie in the host's memory."""
WISHED: Final = _state.field()
"""1 if a row has TRANSLATION_WISHED."""
RESUMED_AT: Final = _state.field()
"""Where a run, or what follows a sample, has begun: the virtual address; -1 once that is past."""
REFUSED: Final = _state.field()
"""1 if a row has MOST_REFUSALS."""
MOST_REFUSALS: Final = 64
"""Where a region stands no other native code does: after so many it goes."""
PLAIN_LAYOUT: Final = _state.field()
"""Number of the board's present plain memory (see TRANSLATION_LAYOUT); -1 if it may have
changed."""

# Samples of what the guest does.
SAMPLES_LEFT: Final = _state.field()
"""So many instructions are to be executed one by one, and noted. The notes stand in `translations`,
the last one first, from"""
SAMPLES_AT: Final = _state.field()
"""on: for each instruction its arena index in the high half and its virtual address in the low
one, and the physical address of the word that it has loaded or stored as data, or -1."""
SAMPLE_FIELDS: Final = 2
MOST_SAMPLES: Final = 512
TOUCHED: Final = _state.field()
"""The physical address of the last word that a step has loaded or stored as data."""

# Exceptions that nobody handles.
UNHANDLED_WANTED: Final = _state.field()
"""1: stop with STOP_UNHANDLED when the machine comes back to an exception that nobody handles."""
UNTOUCHED: Final = _state.field()
"""1 from such an exception to the next store, component access or CYCLES. Meanwhile there are no
windows for stores, so that the first one comes to the slow step."""
MUTED_COUNT: Final = _state.field()
"""Exceptions at which STOP_ON_EXCEPTION does not stop; they stand in"""
MOST_MUTED: Final = 64
MUTED: Final = _state.field(MOST_MUTED)
"""as `et << 32 | era`."""
SNAPSHOT_COUNT: Final = _state.field()
"""Such exceptions since UNTOUCHED was last 0; the registers after the last of them stand in"""
SNAPSHOT_ROWS: Final = 8
SNAPSHOT_WORDS: Final = 32
SNAPSHOTS: Final = _state.field(SNAPSHOT_ROWS * SNAPSHOT_WORDS)
"""a ring of SNAPSHOT_ROWS rows of SNAPSHOT_WORDS words, in code order."""

WINDOW_SLOTS: Final = 64
WINDOW_KINDS: Final = 4
WINDOW_FIELDS: Final = 4
WINDOWS: Final = _state.field(WINDOW_KINDS * WINDOW_SLOTS * WINDOW_FIELDS)
"""Start of the window table. A window is a run of virtual addresses that maps linearly to arena
words or to one component, good for one kind of access under one key."""
_window = Numbering()
WINDOW_LOW: Final = _window.field()
"""First virtual address, plus the key."""
WINDOW_BYTES: Final = _window.field()
WINDOW_BASE: Final = _window.field()
"""Arena index of the first word, or -1 - component id."""
WINDOW_OFFSET: Final = _window.field()
"""The component's byte offset at the first address."""

READ: Final = 0
WRITE: Final = 1
EXECUTE: Final = 2
CLEAN: Final = 3
"""A WRITE window of which no word is marked: translated regions store there without a look at
the marks."""
CLEAN_WINDOWS: Final = WINDOWS + CLEAN * WINDOW_SLOTS * WINDOW_FIELDS

MAPPINGS: Final = _state.size
"""Start of the mapping table: mapped address ranges, ascending, none overlapping. The last part of
`state`, as its length differs from board to board."""
_mapping = Numbering()
MAPPING_FIRST: Final = _mapping.field()
MAPPING_END: Final = _mapping.field()
MAPPING_BASE: Final = _mapping.field()
"""Arena index of the first word (memory), else -1."""
MAPPING_COMPONENT: Final = _mapping.field()
MAPPING_OFFSET: Final = _mapping.field()
"""The component's byte offset at the first address."""
MAPPING_READ: Final = _mapping.field()
MAPPING_WRITE: Final = _mapping.field()
MAPPING_FIELDS: Final = _mapping.size
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
"""EAGER is set and the word at pc has not been decoded yet."""
REQUEST_SWAP: Final = 12
"""The READ of an SRM whose WRITE, of REQUEST_VALUE to the same word, will follow unless SWAPPED
is set with the answer."""
ACCESSES: Final = (REQUEST_READ, REQUEST_WRITE, REQUEST_SWAP)
"""Requests for an access to a component."""
STOP_UNHANDLED: Final = 10
"""See UNHANDLED_WANTED."""

STOP_NOTICE: Final = 11
"""NOTICED is not 0."""

NOTICE_UNMAPPED: Final = 1
"""Access to an address where nothing is mapped."""
NOTICE_MODE: Final = 2
"""Change between supervisor mode and userland. Two within an instruction are none."""

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
_row = Numbering()
TRANSLATION_FUNCTION: Final = _row.field()
"""Address of the native function; 0 in a free row."""
TRANSLATION_KEY: Final = _row.field()
"""The WINDOW_KEY and"""
TRANSLATION_CLEAN: Final = _row.field()
"""the CLEAN_GENERATION for which the row has been validated; its window slots rely on both."""
TRANSLATION_DELTA: Final = _row.field()
"""Arena index minus virtual address in words."""
TRANSLATION_LOW: Final = _row.field()
"""The region's words, as virtual addresses in words: first,"""
TRANSLATION_HIGH: Final = _row.field()
"""and past the last."""
TRANSLATION_MODE: Final = _row.field()
"""1 if translated for supervisor mode."""
TRANSLATION_LAYOUT: Final = _row.field()
"""The PLAIN_LAYOUT whose bounds stand in the region's code, which then is for addresses that are
not translated; -1 if it has only window slots."""
TRANSLATION_WISHED: Final = _row.field()
"""1 if a window slot has a wish."""
TRANSLATION_EXECUTED: Final = _row.field()
"""Instructions that the region has executed since somebody has asked."""
TRANSLATION_REFUSED: Final = _row.field()
"""How often native code came to the region and it could not be entered as things were."""
TRANSLATION_SLOTS_USED: Final = _row.field()
TRANSLATION_ENTRIES: Final = 64
"""So many entries a region has at most."""
ENTER: Final = 37
"""Handler of a decoded op where a region can be entered: row number in bits 8-23, number of the
region's entry in 24-31, the budget that the way ahead needs in 32-47."""
ENTER_NATIVE: Final = 38
"""Handler of a decoded op where native code of the baseline begins."""
_slot = Numbering()
SLOT_SPAN: Final = _slot.field()
"""Minus the first virtual address (to be added: that leaves the address in its register) modulo
2^32 in the low half and size in words in the high half (0: empty);"""
SLOT_ADDRESS: Final = _slot.field()
"""address of the first word in the host's memory;"""
SLOT_WISH: Final = _slot.field()
"""index in `state` of the window that served an access this slot did not, or 0."""
SLOT_FIELDS: Final = _slot.size
TRANSLATION_SLOT_COUNT: Final = 64
NO_SLOT: Final = 0xFFFF
"""Instead of the number of a slot, for an access that has none."""
TRANSLATION_SLOTS: Final = _row.field(SLOT_FIELDS * TRANSLATION_SLOT_COUNT)
"""Window slots: what the region's memory accesses use."""
TRANSLATION_FIELDS: Final = _row.size
assert (TRANSLATION_FUNCTION, TRANSLATION_KEY, TRANSLATION_CLEAN, TRANSLATION_DELTA) == (
    native_abi.ROW_FUNCTION,
    native_abi.ROW_KEY,
    native_abi.ROW_CLEAN,
    native_abi.ROW_DELTA,
)

# --- why a translated region was left -------------------------------------------------------
EXIT_JUMP: Final = 0
"""To code outside the region."""
EXIT_BUDGET: Final = 1
"""The budget may not suffice for the path ahead."""
EXIT_DYNAMIC: Final = 2
"""An indirect jump went to code outside the region."""
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


def lengths(arena_words: int, mapping_rows: int, translation_rows: int) -> dict[str, int]:
    """Items of each array of `ARRAYS`, for so much memory, rows of the mapping table and
    translated regions. Of `breakpoints` it is the least: their number is in BREAKPOINT_COUNT."""
    pages = -(-arena_words // PAGE_WORDS)
    return {
        "regs": REGISTER_SLOTS,
        "state": MAPPINGS + mapping_rows * MAPPING_FIELDS,
        "arena": arena_words,
        "ops": arena_words,
        "marks": arena_words,
        "snapshot": arena_words,
        "code_pages": 2 * pages,
        "breakpoints": 1,
        "translations": translation_rows * TRANSLATION_FIELDS,
    }
