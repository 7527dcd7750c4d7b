"""What stands where in the context of the tracing loop: int64 words."""

from __future__ import annotations

from typing import Final

from ..core.numbering import Numbering

_context = Numbering()
KERNEL: Final = _context.field()
"""Address of the kernel's context,"""
ENTER_AT: Final = _context.field()
"""and of its compiled entry point."""
BEFORE: Final = _context.field()
"""Address of `BEFORE_WORDS` words for the CPU's state before the instruction."""
IN_PROGRESS: Final = _context.field()
"""1 while an instruction waits for a component."""
ROWS: Final = _context.field()
"""Address of the columns, 0 if rows are not wanted: int64[COLUMNS][CAPACITY]."""
CAPACITY: Final = _context.field()
COUNT: Final = _context.field()
"""Rows that have been written."""
COUNTS: Final = _context.field()
"""Address of the counters of words, 0 if they are not wanted: int64[WORDS]."""
FIRST: Final = _context.field()
"""The first word's virtual address, divided by 4."""
WORDS: Final = _context.field()
ELSEWHERE: Final = _context.field()
"""Instructions outside the counted words."""
NODES: Final = _context.field()
"""Address of the call tree: int64[NODE_CAPACITY][NODE_FIELDS]. Node 0 is supervisor mode's root,
node 1 userland's."""
NODE_CAPACITY: Final = _context.field()
NODE_COUNT: Final = _context.field()
TABLE: Final = _context.field()
"""Address of a hash table of node numbers plus 1, of TABLE_SIZE entries."""
STACKS: Final = _context.field()
"""Address of the calls in progress: int64[2][MOST_CALLS][2], stack pointer and node."""
DEPTHS: Final = _context.field(2)
"""Calls in progress, of supervisor mode and, after it, of userland."""
CONTEXT_WORDS: Final = _context.size

REGISTERS: Final = 32
_before = Numbering(REGISTERS)
BEFORE_RESULT: Final = _before.field()
BEFORE_OVERFLOW: Final = _before.field()
BEFORE_EXPLICIT: Final = _before.field()
BEFORE_EXCEPTIONS: Final = _before.field()
BEFORE_WORDS: Final = _before.size

_column = Numbering()
CYCLE: Final = _column.field()
PC: Final = _column.field()
WORD: Final = _column.field()
REGISTER: Final = _column.field()
"""Code of the register that was written, or -1."""
VALUE: Final = _column.field()
ADDRESS: Final = _column.field()
"""Virtual address of the data, or -1."""
STORED: Final = _column.field()
"""The word that was stored, or -1."""
COLUMNS: Final = _column.size

_node = Numbering()
NODE_PARENT: Final = _node.field()
NODE_TARGET: Final = _node.field()
"""The address that was called."""
NODE_COUNT_FIELD: Final = _node.field()
"""Instructions of the function itself."""
NODE_CALLS: Final = _node.field()
NODE_FIELDS: Final = _node.size
MOST_CALLS: Final = 4096
"""Nested calls that are told apart; deeper ones count for the last of them."""
TABLE_SIZE: Final = 1 << 17
MOST_NODES: Final = 1 << 16
