"""Where sections go, and how long their code gets.

Jumps, calls and addresses take one word while their targets lie below 64 KiB (or near, for jumps).
All begin short; those that do not fit grow, which moves others, until nothing changes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Final

from .objects import Fixup, Kind, Section
from .target import (
    ADD_I,
    CALL_I,
    CALL_R,
    CPY_I,
    CPY_R,
    JPR_I,
    SCRATCH,
    SHL_I,
    encode,
    form,
)

SHORT: Final = 0x10000
_PC = 0x16
_LONG: Final = {Kind.JUMP: 4, Kind.CONDITIONAL_JUMP: 6, Kind.CALL: 4, Kind.ADDRESS: 3}
_JP = form("cpy", "ri")


class PlacedCode:
    """A section of code with its address and the length of each of its fixups."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.address = 0
        self.fixups = sorted(section.fixups)
        self.places = [fixup[0] for fixup in self.fixups]
        self.long = bytearray(len(self.fixups))
        self.grown: list[int] = [0] * (len(self.fixups) + 1)
        """Words that the fixups before each one have grown by."""

    @property
    def size(self) -> int:
        """In bytes."""
        return 4 * (len(self.section.words) + self.grown[-1])

    def position(self, word: int) -> int:
        """The address of a word of the section."""
        return self.address + 4 * (word + self.grown[bisect_left(self.places, word)])

    def grow(self, resolve: Callable[[Any], int]) -> bool:
        """Make those fixups long whose targets are too far; whether there are any."""
        changed = False
        for number, (place, kind, target, addend, _) in enumerate(self.fixups):
            if self.long[number]:
                continue
            if isinstance(target, int):
                address = self.position(self.section.labels[target])
            else:
                address = resolve(target) + addend
            if 0 <= address < SHORT:
                continue
            if kind <= Kind.CONDITIONAL_JUMP:
                here = self.address + 4 * (place + self.grown[number])
                if -0x7F00 <= address - here <= 0x7F00:
                    continue
            self.long[number] = 1
            changed = True
        if changed:
            total = 0
            for number, fixup in enumerate(self.fixups):
                self.grown[number] = total
                if self.long[number]:
                    total += _LONG[Kind(fixup[1])] - 1
            self.grown[-1] = total
        return changed

    def words(self, resolve: Callable[[Any], int]) -> list[int]:
        """The final code."""
        result: list[int] = []
        begin = 0
        source = self.section.words
        for number, fixup in enumerate(self.fixups):
            place, _, target, addend, _ = fixup
            result += source[begin:place]
            begin = place + 1
            if isinstance(target, int):
                address = self.position(self.section.labels[target])
            else:
                address = (resolve(target) + addend) & 0xFFFF_FFFF
            here = self.address + 4 * len(result)
            result += _fixed(fixup, address, here, bool(self.long[number]))
        result += source[begin:]
        return result


def _fixed(fixup: Fixup, address: int, here: int, is_long: bool) -> list[int]:
    """The words of a fixup."""
    kind, register = fixup[1], fixup[4]
    if kind == Kind.ADDRESS:
        return _address(register, address) if is_long else [encode([CPY_I, register, address])]
    if kind == Kind.CALL:
        if is_long:
            return [*_address(SCRATCH, address), encode([CALL_R, SCRATCH])]
        return [encode([CALL_I, address])]
    if not is_long:
        if address < SHORT:
            return [encode([_JP, _PC, address])]
        return [encode([JPR_I, (address - here) & 0xFFFF])]
    jump = [*_address(SCRATCH, address), encode([CPY_R, _PC, SCRATCH])]
    if kind == Kind.CONDITIONAL_JUMP:
        # The skip leaves the first of them out.
        return [encode([JPR_I, 8]), encode([JPR_I, 4 * (len(jump) + 1)]), *jump]
    return jump


def _address(register: int, address: int) -> list[int]:
    """Three words that set a register, whatever the address is."""
    return [
        encode([CPY_I, register, address >> 16]),
        encode([SHL_I, register, 16]),
        encode([ADD_I, register, address & 0xFFFF]),
    ]


def align(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def place_data(sections: Sequence[Section], offset: int, addresses: dict[int, int]) -> int:
    """Give sections of data addresses from `offset` on, small ones first; the end."""
    for section in sorted(sections, key=lambda one: one.size):
        offset = align(offset, section.align)
        addresses[id(section)] = offset
        offset += section.size
    return offset
