"""Bounds that keep hostile or mistaken programs from exhausting time and memory.

Those that CustomASM has as well are marked with the section of the specification.
"""

from __future__ import annotations

from typing import Final

INTEGER_BITS: Final = 800_000_000
"""Largest size of a value, and here of the output (section 3)."""

PRODUCT_WORK: Final = 4_000_000_000_000
"""Bits of one factor times bits of the other (or of divisor and quotient): below a second."""

DECIMAL_DIGITS: Final = 200_000
"""Digits of a decimal number: converting takes time that grows with their square."""

NESTING: Final = 50
"""Expressions inside expressions (section 3)."""

CALL_DEPTH: Final = 25
"""Calls and `asm` blocks inside each other (section 3)."""

PASSES: Final = 10
"""Passes over the program unless the user says otherwise (section 7)."""

BLOCK_NESTING: Final = 100
FILE_NESTING: Final = 64
FILES: Final = 10_000
STATEMENTS: Final = 2_000_000
EXPANSION_ROUNDS: Final = 1000

MATCH_STEPS: Final = 100_000
"""Attempts to match a rule or an expression that one instruction may take."""

MATCHES: Final = 2_000
"""Ways in which one instruction may match."""

EVALUATION_WORK: Final = 100_000
"""Calls of functions and instructions of `asm` blocks, in all passes together,"""

ITEM_WORK: Final = 200
"""and so many more for each instruction and data element of the program."""

DIAGNOSTICS: Final = 100
"""Errors reported at most; the rest is counted."""
