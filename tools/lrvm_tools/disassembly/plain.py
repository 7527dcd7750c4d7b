"""The plain disassembler: one line for each word, nothing analysed."""

from __future__ import annotations

from lrvm_jit.isa import format_word

from ..program.data import format_bytes
from ..program.listing import Line, render
from ..program.words import Image, split_image


def disassemble(words: Image, addresses: bool = False) -> str:
    """One line of LASM for each word of big-endian bytes, a uint32 array or a sequence of ints.

    Assembling the text gives the same bytes, always. `addresses` adds each line's address as a
    comment. Whatever can be an instruction is shown as one; `analyse` tells code from data.

    >>> from lrvm_tools import disassemble
    >>> print(disassemble([0x0C000005, 0xF0000000, 0xF0000001], addresses=True))
    cpy a0, 0x5                             ; 0x00000000
    halt                                    ; 0x00000004
    #d32 0xf0000001                         ; 0x00000008
    """
    image, rest = split_image(words)
    lines = [Line(4 * index, format_word(word)) for index, word in enumerate(image)]
    return render([*lines, *rest_line(rest, 4 * len(image))], addresses)


def rest_line(rest: bytes, address: int) -> list[Line]:
    """The line of the last bytes of an image if they are no whole word."""
    return [Line(address, f"#d {format_bytes(rest)}")] if rest else []
