"""The state of all lanes, as arrays with a row for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..core import layout
from ..core.registers import flags_of, result_for
from ..isa.table import REGISTER_COUNT, Reg
from . import lane_layout

_PAGE_WORDS: Final = 1024
"""Memory is put back by the page of the host: pages that nobody has written stay as they are."""


@dataclass(frozen=True, slots=True)
class LaneMemory:
    """Memory that each lane has for itself: part of a component, from a word of its window on."""

    component: int
    first_word: int
    rows: NDArray[numpy.uint32]
    """(n, words)."""
    writable: bool


def restore_rows(rows: NDArray[numpy.uint32], words: NDArray[numpy.uint32]) -> None:
    """Make every row equal to `words`, and write only where it is not."""
    if words.any():
        step = max(1, (1 << 18) // len(words))
        for first in range(0, len(rows), step):
            block = rows[first : first + step]
            changed = (block != words).any(axis=1)
            if changed.any():
                block[changed] = words
        return
    flat = rows.reshape(-1)
    whole = len(flat) // _PAGE_WORDS * _PAGE_WORDS
    pages = flat[:whole].reshape(-1, _PAGE_WORDS)
    step = 256
    for first in range(0, len(pages), step):
        block = pages[first : first + step]
        changed = block.any(axis=1)
        if changed.all():
            block[:] = 0
        elif changed.any():
            block[changed] = 0
    flat[whole:] = 0


class LaneArrays:
    """Registers, counters and memory of `n` lanes. Beside registers and memory, 30 bytes a lane.

    - `regs`: (n, 32) uint32, by register code. `af` may be set like any other.
    - `cycles`: (n,) int64; `halted`: (n,) uint8; `last_pc`: (n,) uint32; `reason`: (n,) uint8.
    """

    def __init__(self, n: int, memories: Sequence[LaneMemory]) -> None:
        self.n = n
        self.memories = tuple(memories)
        # By register, as lanes side by side want it; an odd number of cache lines apart, as the
        # registers of a lane would all compete for one place in the cache otherwise.
        lines = -(-n // 16) | 1
        by_code = numpy.zeros((REGISTER_COUNT, 16 * lines), numpy.uint32)
        self.regs: NDArray[numpy.uint32] = by_code[:, :n].T
        self.cycles: NDArray[numpy.int64] = numpy.zeros(n, numpy.int64)
        self.halted: NDArray[numpy.uint8] = numpy.zeros(n, numpy.uint8)
        self.last_pc: NDArray[numpy.uint32] = numpy.zeros(n, numpy.uint32)
        self.reason: NDArray[numpy.uint8] = numpy.zeros(n, numpy.uint8)
        self.flags: NDArray[numpy.int64] = numpy.zeros(n, numpy.int64)
        """The last result, which says more than `af`; it counts where `af` still belongs to it."""
        self.left: NDArray[numpy.int64] = numpy.zeros(n, numpy.int64)
        """Budget left in the current run."""

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """For the time of a run: `regs` and `halted` refuse to be written, with a ValueError.

        A lane that waits for a component has an instruction in progress, and the others are
        copied to and fro, so what a component wrote could be lost.
        """
        guarded = (self.regs, self.halted)
        try:
            for array in guarded:
                array.flags.writeable = False
            yield
        finally:
            for array in guarded:
                array.flags.writeable = True

    @contextmanager
    def brought_up_to_date(self) -> Iterator[None]:
        """During a run, for who has run the lanes elsewhere and writes what has become of them."""
        before = self.regs.flags.writeable
        try:
            self.regs.flags.writeable = self.halted.flags.writeable = True
            yield
        finally:
            self.regs.flags.writeable = self.halted.flags.writeable = before

    def reset(self, lanes: slice | NDArray[numpy.int64] = slice(None)) -> None:
        """CPUs, every one unless some are chosen, to their reset state (isa.md: Registers)."""
        self.regs[lanes] = 0
        self.regs[lanes, Reg.SMT] = 1
        self.cycles[lanes] = 0
        self.halted[lanes] = 0
        self.last_pc[lanes] = 0
        self.reason[lanes] = 0
        no_flags = result_for(0)
        assert no_flags is not None
        self.flags[lanes] = no_flags[0]

    def copy_cpu(
        self, regs: NDArray[numpy.uint32], state: NDArray[numpy.int64], fresh: bool = False
    ) -> None:
        """Every CPU as a machine's CPU is. `fresh`: the arrays have never been written, so zeros
        are there already, and pages that hold nothing else take no memory and no time."""
        result, overflow = int(state[layout.FLAG_RESULT]), int(state[layout.FLAG_OVERFLOW])
        registers = regs[:REGISTER_COUNT].tolist()
        if not state[layout.FLAGS_EXPLICIT]:
            registers[Reg.AF] = flags_of(result, overflow)
        flags = (result & (1 << 33) - 1) | ((overflow >> 31 & 1) << lane_layout.FLAGS_OVERFLOW_BIT)
        parts: tuple[tuple[NDArray[Any], int], ...] = (
            *((self.regs[:, code], word) for code, word in enumerate(registers)),
            (self.flags, flags),
            (self.cycles, int(state[layout.CYCLES])),
            (self.halted, int(state[layout.HALTED])),
            (self.last_pc, int(state[layout.LAST_PC])),
            (self.reason, 0),
        )
        for array, value in parts:
            if value or not fresh:
                array[:] = value
