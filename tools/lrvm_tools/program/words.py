"""Machine code in the forms users hold it: bytes, uint32 arrays, sequences of ints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lrvm_jit.arguments import not_a_number
from lrvm_jit.isa.table import WORD_MASK

from .operands import as_integer

Image = bytes | bytearray | memoryview | npt.NDArray[np.integer[Any]] | Sequence[int]
"""Big-endian bytes, or one integer per word."""


def split_image(image: Image) -> tuple[list[int], bytes]:
    """The words of an image, and the last one to three bytes if they are no whole word."""
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
        whole = len(data) & ~3
        return np.frombuffer(data[:whole], ">u4").tolist(), data[whole:]
    if isinstance(image, np.ndarray):
        if image.ndim != 1 or image.dtype.kind not in "iu" or image.dtype.itemsize < 4:
            raise TypeError(
                f"words must be a one-dimensional array of 32-bit integers, "
                f"not {image.ndim} dimensions of {image.dtype}"
            )
        image = image.tolist()
    return [_word(value, 4 * index) for index, value in enumerate(image)], b""


def whole_words(image: Image) -> list[int]:
    """The words of an image; ValueError if it does not end with a whole one."""
    words, rest = split_image(image)
    if rest:
        raise ValueError(f"{4 * len(words) + len(rest)} bytes are not whole words of 4 bytes")
    return words


def _word(value: object, address: int) -> int:
    word = as_integer(value)
    if word is None:
        raise not_a_number(f"the word at 0x{address:08x}", value)
    if not 0 <= word <= WORD_MASK:
        raise ValueError(f"the word at 0x{address:08x} is {word}, outside 0..0x{WORD_MASK:x}")
    return word


def value_of_word(value: object, what: str) -> int:
    """`value` as a word, negative ones as two's complement. ValueError, or TypeError, naming
    `what`."""
    word = as_integer(value)
    if word is None:
        raise not_a_number(what, value)
    if not -(WORD_MASK + 1) // 2 <= word <= WORD_MASK:
        raise ValueError(
            f"{what} must be an integer in {-(WORD_MASK + 1) // 2}..0x{WORD_MASK:x}, not {value!r}"
        )
    return word & WORD_MASK
