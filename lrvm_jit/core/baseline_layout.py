"""What the baseline tier keeps in the words of the native context that are its own.

Words that name an array hold its address in the host's memory. Code is written at one address and
executed at another one, both of the same pages.
"""

from __future__ import annotations

from typing import Final

from .native_abi import BASELINE, STATE

CODE_WRITTEN: Final = BASELINE
"""Where machine code is written,"""
CODE_RUN: Final = BASELINE + 1
"""where it is executed,"""
CODE_USED: Final = BASELINE + 2
"""bytes that are in use,"""
CODE_SIZE: Final = BASELINE + 3
"""and that there are."""
SITE_COUNT: Final = BASELINE + 4
BLOCK_COUNT: Final = BASELINE + 5
"""Blocks so far; the first one has number 1."""
LINK_COUNT: Final = BASELINE + 6
TABLES: Final = BASELINE + 7
"""For userland and supervisor mode: an int64 for each arena word, see `native_abi`; 0 until the
mode has code."""
OWNERS: Final = BASELINE + 9
"""For both modes: an int32 for each arena word, the block that it is part of, or 0."""
BLOCKS: Final = BASELINE + 11
"""Rows of"""
BLOCK_START: Final = 0
"""arena index of the first word, 0 with no words if the block has gone;"""
BLOCK_WORDS: Final = 1
BLOCK_CODE: Final = 2
"""where its code begins: bytes from CODE_RUN;"""
BLOCK_OUT: Final = 3
"""the code that leaves for what now begins at its first word;"""
BLOCK_MODE: Final = 4
BLOCK_FIELDS: Final = 5
LINKS: Final = BASELINE + 12
"""Jumps to code that is not there. Rows of"""
LINK_TARGET: Final = 0
"""arena index, from bit 40 on the mode;"""
LINK_PLACE: Final = 1
"""where in the code the distance stands."""
LINK_FIELDS: Final = 2
CHANGES: Final = BASELINE + 13
"""A uint8 for each arena word: how often it has changed while it was translated."""
PAGES: Final = BASELINE + 14
"""An int64 for each arena page: how its code was made (`kernel.native_code.page_kind`), or 0."""
EXECUTED: Final = BASELINE + 15
"""Instructions that native code has executed."""
EXITS: Final = BASELINE + 16
"""How often it has been left, by `native_abi.EXIT_*`: eight counts."""
WINDOWS_SEEN: Final = BASELINE + 24
"""Fetch windows of which all code is known to fit: four of first virtual word, words, arena index;
and"""
WINDOW_NEXT: Final = BASELINE + 36
"""which of these goes next."""
TRANSLATED_COUNT: Final = BASELINE + 37
"""Instructions translated so far."""
DROPPED: Final = BASELINE + 38
"""Blocks that have gone since their code has changed."""
STENCILS: Final = BASELINE + 39
"""The patcher's tables (`jit.baseline.tables`), int64,"""
STENCIL_CODE: Final = BASELINE + 40
"""and the stencils' machine code."""
FLAGS: Final = BASELINE + 41
"""A uint8 for each arena word: what discovery has found."""
WORK: Final = BASELINE + 42
"""The patcher's own memory, int64[WORK_WORDS]."""
ROOM_BLOCKS: Final = BASELINE + 43
"""How many blocks,"""
ROOM_SITES: Final = BASELINE + 44
"""exits and"""
ROOM_LINKS: Final = BASELINE + 45
"""open jumps there is room for."""
VISITS: Final = BASELINE + 46
"""A uint8 for each arena word: how often native code that was entered there has soon left again,
or LEFT_ALONE."""
ALONE_COUNT: Final = BASELINE + 47
"""How many arena words are left to the interpreter: they stand in"""
ALONE: Final = BASELINE + 48
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

assert BASELINE + 49 <= STATE

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
