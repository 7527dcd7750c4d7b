"""What stands where in the context of the tracing loop: int64 words."""

from __future__ import annotations

from typing import Final

KERNEL: Final = 0
"""Address of the kernel's context,"""
ENTER_AT: Final = 1
"""and of its compiled entry point."""
BEFORE: Final = 2
"""Address of `BEFORE_WORDS` words for the CPU's state before the instruction."""
IN_PROGRESS: Final = 3
"""1 while an instruction waits for a component."""
ROWS: Final = 4
"""Address of the columns, 0 if rows are not wanted: int64[COLUMNS][CAPACITY]."""
CAPACITY: Final = 5
COUNT: Final = 6
"""Rows that have been written."""
COUNTS: Final = 7
"""Address of the counters of words, 0 if they are not wanted: int64[WORDS]."""
FIRST: Final = 8
"""The first word's virtual address, divided by 4."""
WORDS: Final = 9
ELSEWHERE: Final = 10
"""Instructions outside the counted words."""
NODES: Final = 11
"""Address of the call tree: int64[NODE_CAPACITY][NODE_FIELDS]. Node 0 is supervisor mode's root,
node 1 userland's."""
NODE_CAPACITY: Final = 12
NODE_COUNT: Final = 13
TABLE: Final = 14
"""Address of a hash table of node numbers plus 1, of TABLE_SIZE entries."""
STACKS: Final = 15
"""Address of the calls in progress: int64[2][MOST_CALLS][2], stack pointer and node."""
DEPTHS: Final = 16
"""Calls in progress, of supervisor mode and, after it, of userland."""
CONTEXT_WORDS: Final = 18

BEFORE_WORDS: Final = 40
REGISTERS: Final = 32
BEFORE_RESULT: Final = 32
BEFORE_OVERFLOW: Final = 33
BEFORE_EXPLICIT: Final = 34
BEFORE_EXCEPTIONS: Final = 35

COLUMNS: Final = 7
CYCLE: Final = 0
PC: Final = 1
WORD: Final = 2
REGISTER: Final = 3
"""Code of the register that was written, or -1."""
VALUE: Final = 4
ADDRESS: Final = 5
"""Virtual address of the data, or -1."""
STORED: Final = 6
"""The word that was stored, or -1."""

NODE_FIELDS: Final = 4
NODE_PARENT: Final = 0
NODE_TARGET: Final = 1
"""The address that was called."""
NODE_COUNT_FIELD: Final = 2
"""Instructions of the function itself."""
NODE_CALLS: Final = 3
MOST_CALLS: Final = 4096
"""Nested calls that are told apart; deeper ones count for the last of them."""
TABLE_SIZE: Final = 1 << 17
MOST_NODES: Final = 1 << 16
