"""Return addresses on the guest's stack.

LASM has no frames: CALL pushes the address of the next instruction, and that is all. So a word of
the stack is taken for a return address if a CALL stands before the word that it points to. What
lies beyond the stack pointer is in use, so hardly anything else looks like that. Compiled programs
have frames, which are described: those are followed exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..isa.codec import DecodingError, decode
from ..isa.table import Op, Reg
from .program import ProgramInfo

MOST_WORDS: Final = 1 << 14
"""Words of the stack that are looked at."""
MOST_FRAMES: Final = 1000


@dataclass(frozen=True, slots=True)
class Frame:
    """A function that is in progress. `pc` is where it goes on; `slot` where its return address
    stands on the stack, None for the outermost one."""

    pc: int
    function: str
    start: int
    slot: int | None


def call_target(word: int | None) -> Reg | int | None:
    """Where a word's CALL goes; None if it is no CALL."""
    if word is None or word >> 27 != Op.CALL:
        return None
    try:
        return decode(word).operands[0]
    except DecodingError:
        return None


def unwind(
    pc: int, sp: int, read: Callable[[int], int | None], program: ProgramInfo
) -> list[Frame]:
    """The functions in progress, the innermost first.

    `read` answers the word at a virtual address, None for what is no plain memory.
    """
    frames: list[Frame] = []
    function, start = program.function(pc)
    # Compiled code says where its return addresses are, as long as it knows.
    while program.view is not None and len(frames) < MOST_FRAMES:
        known = program.view.return_slot(pc if not frames else pc - 4, sp)
        word = None if known is None else read(known)
        if (
            known is None
            or word is None
            or call_target(read(word - 4) if word >= 4 else None) is None
        ):
            break
        frames.append(Frame(pc, function, start, known))
        pc, sp = word, known + 4
        function, start = program.function(word - 4)
    for index in range(MOST_WORDS):
        slot = sp + 4 * index
        if slot > 0xFFFF_FFFC or len(frames) == MOST_FRAMES:
            break
        word = read(slot)
        if word is None:
            break
        if word % 4 or word < 4:
            continue
        target = call_target(read(word - 4))
        if target is None:
            continue
        if not isinstance(target, Reg):
            function, start = program.function(target)
        frames.append(Frame(pc, function, start, slot))
        pc = word
        function, start = program.function(word - 4)
    frames.append(Frame(pc, function, start, None))
    return frames
