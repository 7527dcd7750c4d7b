"""Data layout of the compiled kernel: what stands where in its arrays.

The kernel works on seven flat arrays and nothing else, so that it can be compiled for any
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
===========  ========  ==========================================================================

This module imports neither numpy nor numba, so that the Python side can read the layout without
loading the compiler.
"""

from __future__ import annotations

from typing import Final

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
VERIFY_ALL: Final = 2
"""The rules of decoding: all of it is forgotten."""
WINDOW_KEY: Final = 10
"""(generation * 2 + supervisor) << 32; an older window never matches."""
CACHEABLE: Final = 11
"""1 if the last translation may be kept: its table entries lie in the arena."""
REGION_COUNT: Final = 12
CODE_PAGE_COUNT: Final = 13
BREAKPOINT_COUNT: Final = 14
SKIP_BREAKPOINT: Final = 15
"""1: execute the first instruction even if a breakpoint stands on it."""
NO_FUSION: Final = 16
"""1: decode every word alone."""
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

WINDOWS: Final = 64
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

REGIONS: Final = WINDOWS + 3 * WINDOW_SLOTS * WINDOW_FIELDS
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
