"""Bounds that keep hostile or mistaken programs from exhausting time and memory.

Each is far above what a program needs; crossing one is an ordinary diagnostic.
"""

from __future__ import annotations

from typing import Final

INTEGER_BITS: Final = 65536
INTEGER_MAX: Final = 1 << INTEGER_BITS
"""Largest magnitude of an integer (specification: Expressions)."""

ADDRESS_SPACE: Final = 1 << 32
"""Addresses are 32 bits wide; labels and `#res` stay below."""

OUTPUT_BYTES: Final = 64 << 20
FILE_BYTES: Final = 64 << 20

NESTING: Final = 100
"""Expressions inside expressions. The parser takes five Python frames for one, so that it stays
below Python's own recursion limit."""

BLOCK_NESTING: Final = 64
INCLUDE_DEPTH: Final = 64
INCLUDES: Final = 10_000
STATEMENTS: Final = 2_000_000

CALL_DEPTH: Final = 64
WORK: Final = 600_000
"""What evaluating a program may cost: tokens of function bodies and of constants evaluated again,
and what operations on large values count as. About a second; stops exponential recursion."""

LAYOUT_PASSES: Final = 50
CONDITION_ROUNDS: Final = 100
ROUNDS_AT_LEAST: Final = 8
STATEMENT_VISITS: Final = 1_000_000
"""Passes and rounds end earlier in large programs, having visited so many statements in all."""

DIAGNOSTICS: Final = 100
"""Reported at most; the rest is counted."""
