"""What is known of the words of a vector without looking at them: bounds, and zeros at the end.

Enough to see that `table + ((x & 255) << 2)` lies in a table, so that nobody has to test it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...isa.table import WORD_MASK


@dataclass(frozen=True, slots=True)
class Range:
    """Words from `low` to `high`, all of them multiples of 2**`zeros`."""

    low: int = 0
    high: int = WORD_MASK
    zeros: int = 0


ANYTHING = Range()


def constant(word: int) -> Range:
    """One word alone."""
    return Range(word, word, _zeros(word))


def _zeros(word: int) -> int:
    return (word & -word).bit_length() - 1 if word else 32


def result(name: str, x: Range, y: Range) -> Range:
    """What is known of the result of an operation."""
    match name:
        case "and":
            return Range(0, min(x.high, y.high), max(x.zeros, y.zeros))
        case "add" if x.high + y.high <= WORD_MASK:
            return Range(x.low + y.low, x.high + y.high, min(x.zeros, y.zeros))
        case "shl" if y.low == y.high:
            zeros = min(32, x.zeros + y.low)
            if x.high << y.low <= WORD_MASK:
                return Range(x.low << y.low, x.high << y.low, zeros)
            return Range(zeros=zeros)
        case "lshr" if y.low == y.high:
            return Range(x.low >> y.low, x.high >> y.low, max(0, x.zeros - y.low))
        case "or" | "xor":
            # No bit above the highest of both.
            bits = (x.high | y.high).bit_length()
            return Range(0, (1 << bits) - 1, min(x.zeros, y.zeros))
        case "add" | "sub" | "mul":
            zeros = min(32, x.zeros + y.zeros) if name == "mul" else min(x.zeros, y.zeros)
            return Range(zeros=zeros)
        case _:
            return ANYTHING
