"""What the functions of the patcher share: their memory, and constants as numba wants them."""

from __future__ import annotations

import numpy as np

from ...core import baseline_layout as base
from ...core import native_abi as abi
from ...isa.table import Op
from .forms import HELPER_NUMBERS
from .operands import LITERAL, MEMORY
from .operands import PC as PC_PLACE
from .target import CODE_HOLES, HOLES

# The patcher's own memory: words of WORK.
HOLE = 0
"""The value of each hole."""
PLACE = 32
"""Of the instruction looked at: where its operands are, with bit 8 set if they must be moved;"""
VALUE = 36
"""their registers' codes, or literals."""
FIX_COUNT = 40
STACK_COUNT = 41
FALLS = 42
"""1 after a block that goes on with what is made next."""
ADDRESS = 64
"""Where the code of each word of a block begins."""
STACK = 1024
FIXES = 1 << 13
"""Distances to fill in: place in the code, kind, target."""
FIX_FIELDS = 3
MOST_FIXES = (base.WORK_WORDS - FIXES) // FIX_FIELDS - 4 * abi.MOST_INSTRUCTIONS
MOST_STACK = FIXES - STACK

TO_CODE, TO_SITE, TO_SKIPPED = map(np.int64, range(3))
"""Kinds of these: to the block at an arena index, to an exit, past the instruction skipped."""

SEEN, LEADER = 1, 2
"""What discovery notes of a word: it was looked at; a block begins there."""

HEAD, GOTO_CODE, STUB, FAR, EXIT_CODE, REGION_CODE = (
    np.int64(HELPER_NUMBERS[name])
    for name in ("head", "goto", "stub", "far", "leave_native", "enter_region")
)
STORES = np.int64(HELPER_NUMBERS["store1"] - 1)
LOADS = np.int64(HELPER_NUMBERS["load1"] - 1)
FIRST_CODE_HOLE = HOLES.index(CODE_HOLES[0])
SKIP_HOLE, JUMP_HOLE, EXIT_HOLE, LEAVE_HOLE, COMMON_HOLE = (
    np.int64(HOLES.index(name)) for name in ("skip", "jump", "exit", "leave", "common_exit")
)
LITERAL_HOLE, HOME_HOLE, AVR_HOLE, SLOT_HOLE, HERE_HOLE, COUNT_HOLE, COUNTER_HOLE, SITE_HOLE = (
    np.int64(HOLES.index(name))
    for name in ("literal0", "home0", "home3", "slot", "here", "count", "counter", "site")
)

(
    INTERPRET,
    PLAIN,
    SKIP,
    GOTO,
    GOTO_RELATIVE,
    CALL,
    LEAVE,
    CALL_REGISTER,
    ENDS,
) = map(np.int64, range(9))
LITERAL_PLACE, MEMORY_PLACE, TO_PC, SPILLED = map(np.int64, (LITERAL, MEMORY, PC_PLACE, 1 << 8))
CPY, JPR, AVR = int(Op.CPY), int(Op.JPR), 0x15
ADD, BOR, SHL, CALL_OP = int(Op.ADD), int(Op.BOR), int(Op.SHL), int(Op.CALL)
IF, IFN, IF2 = int(Op.IF), int(Op.IFN), int(Op.IF2)
LOOK_AHEAD = 12
MOST_STRAIGHT = abi.MOST_INSTRUCTIONS - 2
ONE, TWO, NOTHING = map(np.int64, (1, 2, 0))
FAR_BIT = np.int64(1 << 60)
"""In a target: not an arena index but a virtual address, to be reached by the table."""
INDIRECT_SITE = 1
BYTES_OF_EXIT = 96
BYTES_OF_BLOCK = 160 * abi.MOST_INSTRUCTIONS
"""More than these ever take."""
