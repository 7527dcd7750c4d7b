"""What the baseline tier keeps in the words of the native context that are its own.

Words that name an array hold its address in the host's memory. Code is written at one address and
executed at another one, both of the same pages.
"""

from __future__ import annotations

from typing import Final

from .native_abi import BASELINE, BASELINE_WORDS
from .numbering import Numbering

_words = Numbering(BASELINE)

CODE_WRITTEN: Final = _words.field()
"""Where machine code is written,"""
CODE_RUN: Final = _words.field()
"""where it is executed,"""
CODE_USED: Final = _words.field()
"""bytes that are in use,"""
CODE_SIZE: Final = _words.field()
"""and that there are."""
SITE_COUNT: Final = _words.field()
BLOCK_COUNT: Final = _words.field()
"""Blocks so far; the first one has number 1."""
LINK_COUNT: Final = _words.field()
TABLES: Final = _words.field(2)
"""For userland and supervisor mode: an int64 for each arena word, see `native_abi`; 0 until the
mode has code."""
OWNERS: Final = _words.field(2)
"""For both modes: an int32 for each arena word, the block that it is part of, or 0."""
BLOCKS: Final = _words.field()
"""Rows of"""
_block = Numbering()
BLOCK_START: Final = _block.field()
"""arena index of the first word, 0 with no words if the block has gone;"""
BLOCK_WORDS: Final = _block.field()
BLOCK_CODE: Final = _block.field()
"""where its code begins: bytes from CODE_RUN;"""
BLOCK_OUT: Final = _block.field()
"""the code that leaves for what now begins at its first word;"""
BLOCK_MODE: Final = _block.field()
BLOCK_FIELDS: Final = _block.size
LINKS: Final = _words.field()
"""Jumps to code that is not there. Rows of"""
_link = Numbering()
LINK_TARGET: Final = _link.field()
"""arena index, from bit 40 on the mode;"""
LINK_PLACE: Final = _link.field()
"""where in the code the distance stands."""
LINK_FIELDS: Final = _link.size
CHANGES: Final = _words.field()
"""A uint8 for each arena word: how often it has changed while it was translated."""
PAGES: Final = _words.field()
"""An int64 for each arena page: how its code was made (`kernel.native_code.page_kind`), or 0."""
EXECUTED: Final = _words.field()
"""Instructions that native code has executed."""
EXITS: Final = _words.field(8)
"""How often it has been left, by `native_abi.EXIT_*`: eight counts."""
WINDOWS_SEEN: Final = _words.field(12)
"""Fetch windows of which all code is known to fit: four of first virtual word, words, arena index;
and"""
WINDOW_NEXT: Final = _words.field()
"""which of these goes next."""
TRANSLATED_COUNT: Final = _words.field()
"""Instructions translated so far."""
DROPPED: Final = _words.field()
"""Blocks that have gone since their code has changed."""
STENCILS: Final = _words.field()
"""The patcher's tables (`jit.baseline.tables`), int64,"""
STENCIL_CODE: Final = _words.field()
"""and the stencils' machine code."""
FLAGS: Final = _words.field()
"""A uint8 for each arena word: what discovery has found."""
WORK: Final = _words.field()
"""The patcher's own memory, int64[WORK_WORDS]."""
ROOM_BLOCKS: Final = _words.field()
"""How many blocks,"""
ROOM_SITES: Final = _words.field()
"""exits and"""
ROOM_LINKS: Final = _words.field()
"""open jumps there is room for."""
VISITS: Final = _words.field()
"""A uint8 for each arena word: how often native code that was entered there has soon left again,
or LEFT_ALONE."""
ALONE_COUNT: Final = _words.field()
"""How many arena words are left to the interpreter: they stand in"""
ALONE: Final = _words.field()
"""an int64[MOST_ALONE], with ALONE_CHANGED added to those that have changed too often."""

SHORT_VISIT: Final = 20
"""Fewer instructions than these are executed faster by the interpreter than native code is entered
and left."""
LEFT_ALONE: Final = 64
"""After so many short visits the interpreter goes on where native code begins, until the engine has
it tried again."""
MOST_ALONE: Final = 1 << 10
ALONE_CHANGED: Final = 1 << 40

WORK_WORDS: Final = 1 << 15
CHANGES_ALLOWED: Final = 4
"""A word that has changed so often while it was translated is left to the interpreter, until the
engine has it tried again."""

assert _words.size <= BASELINE + BASELINE_WORDS

REQUEST_WORDS: Final = 10
"""What the patcher is asked: address of the kernel's context, of the native one; pc, mode, whether
the MMU is on; the fetch window: first virtual word, words, arena index; most instructions; and one
of the following, some of which have other words there:"""
TRANSLATE: Final = 0
BEGIN: Final = 1
"""Begin with empty memory."""
DROP: Final = 2
"""Drop the code that the arena word in the place of pc is part of."""
REGION: Final = 3
"""Have native code go on in a region: arena index, mode, pc, the row's offset in bytes, number of
the region's entry."""
