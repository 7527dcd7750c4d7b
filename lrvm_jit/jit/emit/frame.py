"""What the blocks of a native function share while they are generated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...core import layout
from ...isa.table import WORD_MASK, Reg
from ..analysis.region import PlainMemory, Region
from ..analysis.stack import StackAnalysis


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out of the region before an instruction."""

    label: str
    stores: list[str]
    """Code that puts registers, flags and budget where they belong."""
    pc: int
    code: int
    """`EXIT_*`, and the window slot from bit 8 on."""


class Frame:
    """Names, window slots, ways out, and which registers are used, of one function."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.stack_register = int(Reg.SSP if region.supervisor else Reg.USP)
        self.stack = StackAnalysis(region, self.stack_register)
        self.lines: list[str] = []
        self.exits: list[Exit] = []
        self.used: set[int] = set()
        """Registers that are loaded when the function is entered, and"""
        self.written: set[int] = set()
        """those that are stored when it is left."""
        self.probes: set[str] = set()
        """Kinds of access that may ask the kernel's table of windows."""
        self.uses_all_flags = False
        self.flag_kinds: set[int] = set()
        """What instructions of the region set flags by."""
        self.intrinsics: set[str] = {"fshl"}
        self._names = 0
        self._slots: dict[tuple[str, int], int] = {}

    # --- names -------------------------------------------------------------------------------

    def new_name(self) -> str:
        self._names += 1
        return f"%v{self._names}"

    def new_label(self) -> str:
        self._names += 1
        return f"l{self._names}"

    def declare(self, intrinsic: str) -> None:
        self.intrinsics.add(intrinsic)

    # --- windows -----------------------------------------------------------------------------

    def slot(self, access: str, pc: int) -> int:
        """The window slot of an access: one for each instruction, while there are enough."""
        known = self._slots.get((access, pc))
        if known is not None:
            return known
        number = len(set(self._slots.values()))
        # The reserve leaves at least one of each kind.
        reserved = number >= layout.TRANSLATION_SLOT_COUNT - 3
        same = [slot for (kind, _), slot in self._slots.items() if kind == access]
        if number >= layout.TRANSLATION_SLOT_COUNT or (reserved and same):
            number = same[pc // 4 % len(same)]
        self._slots[access, pc] = number
        return number

    def slot_of(self, access: str, pc: int) -> int:
        """The slot of an access, NO_SLOT where only its instruction's plain memory is used.

        Stores keep off words that are code, so they have slots, one for each memory."""
        memories = self.region.accesses.get(pc, ())
        if access == "read" and memories:
            return layout.NO_SLOT
        if access == "write" and len(memories) == 1:
            return self.slot(access, memories[0])
        return self.slot(access, pc)

    def windows(
        self, value: Callable[[str], str], access: str, pc: int
    ) -> list[tuple[int | str, int | str, str]]:
        """Where an access may go, the usual place first: for each, what to add to an address to
        get its distance from the window's beginning, and the size in words and host address.

        They never change while the region runs, so LLVM may load them when it likes. `value`
        makes a new IR value.
        """
        slot = self.slot_of(access, pc)
        if slot != layout.NO_SLOT:
            return [self.slot_fields(value, slot)]
        memories = [self.region.plain[number] for number in self.region.accesses[pc]]
        return [self.plain_fields(value, memory) for memory in memories]

    def plain_fields(
        self, value: Callable[[str], str], memory: PlainMemory
    ) -> tuple[int, int, str]:
        """The same of plain memory."""
        base = value(f"getelementptr i8, ptr %arena, i64 {4 * memory.base}")
        return -memory.address & WORD_MASK, memory.words, base

    def slot_fields(self, value: Callable[[str], str], slot: int) -> tuple[str, str, str]:
        """The same of a slot's window."""
        at = 8 * (layout.TRANSLATION_SLOTS + slot * layout.SLOT_FIELDS)

        def load(kind: str, offset: int) -> str:
            pointer = value(f"getelementptr i8, ptr %row, i64 {at + offset}")
            return value(f"load {kind}, ptr {pointer}, align 4, !invariant.load !2")

        return load("i32", 0), load("i32", 4), load("ptr", 8 * layout.SLOT_ADDRESS)
