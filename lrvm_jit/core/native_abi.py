"""The one calling convention of native code: how kernel, baseline and regions meet.

Guest code that has become native runs as functions that jump to each other and never return
before they leave for the kernel. All of them have this type (`jit.native_ir` writes it):

    preserve_nonecc void code(i64 pin 0, i64 budget, i64 result, i64 mix, ptr context, i64 pin 1,
                              i64 scratch 0, i64 scratch 1, i64 sp, i64 pin 2, i64 pin 3)

and end in a `musttail` call of another one, so that the arguments stay in machine registers.

- `context`: an int64 array whose words are named below. It is the board's own and does not move.
  Its machine register is one in which addresses are short (x86-64: rdi, not r12), and the guest's
  registers come first in it: then their offsets take one byte.
- `budget`: instructions that may still be attempted (the kernel keeps one back), never negative
  between blocks. A block subtracts what it may execute at most before it does anything, and leaves
  with EXIT_BUDGET, what it subtracted added again, if that is below 0. Where it then executes less
  it adds the rest.
- `result`, `mix`: the flags. `result` is the kernel's (`kernel.alu`): the last result, carry in
  bit 32; what is above that is not used. OF is bit 31 of `mix ^ result ^ result >> 1`. So after an
  addition or subtraction `mix` is `a ^ b`, after all else that sets CF = OF it is the result.
- pins: guest registers, the same for all code of a board (PIN_REGISTERS of the context); `sp` is
  the stack pointer of the mode. Upper halves are zero. All other guest registers stand in the
  context from REGISTERS on, uint32, in code order; there the places of pinned ones are stale.
- scratch: of no meaning, except that on the way to COMMON_EXIT scratch 0 is what EXIT_ADDRESS is
  to be. They are where the processor's fixed registers are (x86-64: rdx, rcx), so that pins do not
  get in the way of divisions and shifts.

**Jumps.** One table for each mode has an int64 for each arena word: the address of native code
for the guest code that begins there, or 0. FETCH_* describes the part of it that stands for the
fetch window: code at virtual address `pc` is reached by

    inside = rotate_right(pc - FETCH_LOW, 2) as 32 bits; if inside >= FETCH_WORDS: leave, EXIT_JUMP
    code = load(FETCH_TABLE + 8 * inside);               if code == 0:           leave, EXIT_JUMP
    jump to code

The kernel sets these words, and they do not change while native code runs. Code relies on the
fetch window that it was made under for what it jumps to directly: without MMU that is the window,
with the MMU on its own 1 KiB page. What lies beyond is reached by the table only.

**Leaving.** Store EXIT_SITE and jump to the code at COMMON_EXIT, with all arguments as they must be
when the instruction at the exit's pc is about to be attempted: nothing of it has happened. The
common exit stores the arguments in the context and returns to the kernel. A site is a row of the
array at SITES: pc, refund of budget, reason, and where to go on.

- EXIT_JUMP: code for pc is wanted; EXIT_INDIRECT: pc is in EXIT_ADDRESS.
- EXIT_BUDGET: less is left than the block at pc may need.
- EXIT_INTERPRET: the instruction at pc is the interpreter's; afterwards the table is asked again.
- EXIT_READ, EXIT_WRITE + slot << 8: the word that EXIT_ADDRESS tells is outside the window slot.
  The kernel fills the slot and goes on at the site's resume address, budget minus refund again, or
  has the interpreter execute the instruction.
- EXIT_DECODED: the interpreter goes on at pc until it comes to native code.

**Window slots.** Two words from SLOTS on: minus the first virtual address (low half) and number
of words (high half); host address of the first word. `inside = rotate_right(address + low half,
2); inside < number` checks bounds and alignment at once; the word is at host address + 4 * inside.
Slots of stores cover no word that is marked, so a store needs no further look. All are empty
whenever the mode, a translation of addresses or the marks of a word in them has changed.

**Regions** are code of this kind that LLVM has made (`jit.emit`). Scratch 0 is the number of the
entry, scratch 1 the address of the region's row in `translations`; they reach the kernel's arrays
by STATE and ROWS. Where a region begins the table has a few instructions that check whether its row
has been validated as things are (SLOT_KEY, SLOT_CLEAN, FETCH_DELTA), and go on in it. A region
leaves by itself, with site 0: EXIT_PC and EXIT_REASON, a `layout.EXIT_*` with its window slot from
bit 8 on, and no refund.

**Entering.** The kernel (`kernel.native`) fills the context, loads the arguments and calls; it
comes back when the code has left.

Code is made and thrown away only while the kernel does not run native code. Code that goes has
its table entries cleared, and its first bytes become a jump to an exit.
"""

from __future__ import annotations

from typing import Final

from ..isa.table import REGISTER_COUNT, Reg
from .numbering import Numbering

CONVENTION: Final = "preserve_nonecc"
PINS: Final = 4
"""Pinned guest registers besides the stack pointer."""
ARGUMENTS: Final = (
    "pin0",
    "budget",
    "result",
    "mix",
    "context",
    "pin1",
    "scratch0",
    "scratch1",
    "sp",
    "pin2",
    "pin3",
)
DEFAULT_PINS: Final = (Reg.A0, Reg.A1, Reg.A2, Reg.AC0)
"""What is pinned where nothing else is known."""

# --- words of the context ---------------------------------------------------------------------
_context = Numbering()
REGISTER_WORDS: Final = (REGISTER_COUNT + 2) // 2
"""For the registers, uint32, with the one that is always 0."""
REGISTERS: Final = _context.field(REGISTER_WORDS)
EXIT_SITE: Final = _context.field()
EXIT_PC: Final = _context.field()
EXIT_REASON: Final = _context.field()
EXIT_ADDRESS: Final = _context.field()
"""For EXIT_INDIRECT the pc; for EXIT_READ and EXIT_WRITE of a site the number of the word from the
window slot's first one on, with the lowest two bits of the byte's as its highest."""
LEFT: Final = _context.field()
"""The budget, the"""
RESULT: Final = _context.field()
"""flags"""
MIX: Final = _context.field()
"""and"""
FETCH_LOW: Final = _context.field()
"""First virtual address of the fetch window, in bytes;"""
FETCH_WORDS: Final = _context.field()
FETCH_TABLE: Final = _context.field()
"""address of the table's entry for its first word."""
COMMON_EXIT: Final = _context.field()
PIN_HOMES: Final = _context.field(PINS + 1)
"""For pin 0, 1, 2, 3 and sp: byte offset of the guest register from the context's beginning."""
SP_PIN: Final = PINS
"""Place of sp among them."""
SLOT_KEY: Final = _context.field()
"""WINDOW_KEY and"""
SLOT_CLEAN: Final = _context.field()
"""CLEAN_GENERATION that the slots rely on."""
SITES: Final = _context.field()
"""Address of the exit sites: int64 rows of"""
_site = Numbering()
SITE_PC: Final = _site.field()
SITE_REFUND: Final = _site.field()
SITE_REASON: Final = _site.field()
"""A reason, and for EXIT_READ and EXIT_WRITE the slot from bit 8 on."""
SITE_RESUME: Final = _site.field()
SITE_FIELDS: Final = _site.size

BASELINE_WORDS: Final = 55
BASELINE: Final = _context.field(BASELINE_WORDS)
"""So many words belong to the baseline tier (`baseline_layout`)."""

STATE: Final = _context.field()
"""The host's address of the kernel's `state`,"""
ROWS: Final = _context.field()
"""and of its `translations`."""
_row = Numbering()
ROW_FUNCTION: Final = _row.field()
"""A row of these begins with the region's code, the WINDOW_KEY,"""
ROW_KEY: Final = _row.field()
ROW_CLEAN: Final = _row.field()
"""CLEAN_GENERATION and"""
ROW_DELTA: Final = _row.field()
"""FETCH_DELTA for which it has been validated."""
FETCH_DELTA: Final = _context.field()
"""Arena index minus virtual address in words in the fetch window,"""
FETCH_BASE: Final = _context.field()
"""the arena index of its first word, and"""
FETCH_LENGTH: Final = _context.field()
"""its words: FETCH_WORDS is 0 while there is no table."""

_slot = Numbering()
SLOT_SPAN: Final = _slot.field()
SLOT_ADDRESS: Final = _slot.field()
SLOT_FIELDS: Final = _slot.size
READ_SLOT: Final = 0
"""Slots of the baseline: 2 * register + kind, where the register is the address's first one."""
WRITE_SLOT: Final = 1
BASELINE_SLOTS: Final = 2 * (REGISTER_COUNT + 1)
REGION_SLOT: Final = BASELINE_SLOTS
"""The first slot that regions may use as they like; of these there are"""
REGION_SLOTS: Final = 190
SLOT_COUNT: Final = BASELINE_SLOTS + REGION_SLOTS
SLOTS: Final = _context.field(SLOT_FIELDS * SLOT_COUNT)
assert SLOTS % 8 == 0, "no slot may lie in two lines of the processor's cache: mend BASELINE_WORDS"

COUNTERS: Final = _context.size
"""How often each block of the baseline was entered, by its number."""
MOST_BLOCKS: Final = 1 << 16
"""There are as many as the board has needed so far."""

# --- why native code was left -------------------------------------------------------------------
_exits = Numbering()
EXIT_JUMP: Final = _exits.field()
EXIT_BUDGET: Final = _exits.field()
EXIT_INDIRECT: Final = _exits.field()
EXIT_INTERPRET: Final = _exits.field()
EXIT_READ: Final = _exits.field()
EXIT_WRITE: Final = _exits.field()
EXIT_DECODED: Final = _exits.field()

MOST_INSTRUCTIONS: Final = 64
"""Of a block of the baseline."""
