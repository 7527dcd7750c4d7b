"""Exceptions that nobody handles: the rule by which a run ends that would go on for ever.

A guest that never set `ev`, and a board on which nothing was mapped, come from their first
exception to address 0, and from there back to the same exception, without end and without a word.
A run without a cycle limit ends with reason `unhandled` when

- an exception is taken while `ev` is 0,
- the 32 registers are then what they were after one of the last eight such exceptions of this
  run, which with `et` and `era` means: the same exception at the same address,
- and in between there was no store, no access to a component, and no CYCLES.

Then nothing that the guest can see has changed, so it would do the same again, for ever. Reading
plain memory (the windows of a component) is no access. A store counts wherever it goes, unless
it is refused without asking the component. HWD and RESET ask components, and an access to a
watched word counts as one to a component.

Engines keep `layout.UNTOUCHED`; the kernel has its own version of this in `kernel/exceptions.py`.
"""

from __future__ import annotations

from collections import deque

from ..exceptions import GuestException
from ..isa.table import Reg
from . import layout
from .mapping import MemoryMap


class UnhandledExceptions:
    """The rule for an engine in Python: the registers after exceptions with `ev` at 0."""

    def __init__(self, state: memoryview) -> None:
        self._state = state
        self._seen: deque[tuple[int, ...]] = deque(maxlen=layout.SNAPSHOT_ROWS)

    def touched(self) -> None:
        """Something besides the registers may have changed."""
        self._state[layout.UNTOUCHED] = 0

    def comes_back(self, registers: tuple[int, ...]) -> bool:
        """An exception has been taken; whether the run ends by the rule."""
        if not self._state[layout.UNHANDLED_WANTED] or registers[Reg.EV]:
            return False
        if not self._state[layout.UNTOUCHED]:
            self._seen.clear()
            self._state[layout.UNTOUCHED] = 1
        if registers in self._seen:
            return True
        self._seen.append(registers)
        return False


def advice(exception: GuestException, address: int, mappings: MemoryMap, paged: bool) -> str:
    """What to do about an exception that comes again and again: a sentence or two.

    `address` is the instruction's, `paged` whether the MMU was on.
    """
    if not any(True for _ in mappings):
        return (
            "Nothing is mapped, so every word reads as 0, which is no instruction: call "
            "board.map_contiguous(0), or board.map(address, id) for each component, before the run"
        )
    unmapped = mappings.find(address) is None and not paged
    where = (
        f"Nothing is mapped at 0x{address:08X}, where the CPU was: see board.mappings, and map the "
        "program there or jump elsewhere; an "
        if unmapped
        else "An "
    )
    return (
        f"{where}exception goes to the address in ev, which is 0: set ev to a handler first "
        "(cpy ev, handler), or mend what raises it"
    )
