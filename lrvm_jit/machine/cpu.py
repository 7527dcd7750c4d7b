"""The CPU as Python sees it: its state, whatever engine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
from numpy.typing import NDArray

from ..exceptions import GuestException
from ..isa.table import Reg
from ..kernel import layout
from .registers import Registers, result_for

if TYPE_CHECKING:
    from .motherboard import Motherboard
    from .stop import Stop


class CpuState:
    """The CPU's arrays, which every engine works on; `lrvm_jit.kernel.layout` describes them.

    `regs` is uint32[33], `state` int64. A CPU that was never reset is halted.
    """

    def __init__(self, regions: int) -> None:
        """`regions`: how many rows the region table may need."""
        self.regs: NDArray[numpy.uint32] = numpy.zeros(layout.REGISTER_SLOTS, numpy.uint32)
        self.state: NDArray[numpy.int64] = numpy.zeros(
            layout.REGIONS + regions * layout.REGION_FIELDS, numpy.int64
        )
        self.state[layout.HALTED] = 1
        self.state[layout.WINDOW_KEY] = 1 << 33
        self.state[layout.VERIFY] = layout.VERIFY_CHANGES
        self._clear_flags()

    def reset(self) -> None:
        """Reset state (isa.md: Registers)."""
        self.regs[:] = 0
        self.regs[Reg.SMT] = 1
        self.state[layout.CYCLES] = 0
        self.state[layout.HALTED] = 0
        self.state[layout.RESUME] = layout.RESUME_NONE
        self.state[layout.LOG_COUNT] = 0
        self.state[layout.VERIFY] |= layout.VERIFY_CHANGES
        self._clear_flags()

    def _clear_flags(self) -> None:
        lazy = result_for(0)
        assert lazy is not None
        self.state[layout.FLAGS_EXPLICIT] = 0
        self.state[layout.FLAG_RESULT], self.state[layout.FLAG_OVERFLOW] = lazy


class Cpu:
    """Registers, cycle counter and single steps of a board's CPU."""

    def __init__(self, board: Motherboard, state: CpuState) -> None:
        self._board = board
        self._state = memoryview(state.state)  # type: ignore[arg-type]
        self.regs = Registers(state.regs, state.state)

    @property
    def cycles(self) -> int:
        """Instructions attempted since the reset; in a component, the current one included."""
        return int(self._state[layout.CYCLES])

    @property
    def halted(self) -> bool:
        """Whether the CPU is halted. May be set."""
        return bool(self._state[layout.HALTED])

    @halted.setter
    def halted(self, value: bool) -> None:
        self._state[layout.HALTED] = int(bool(value))

    @property
    def exception(self) -> GuestException | None:
        """The last exception, as `et` holds it, or None if there was none since the reset."""
        word = self.regs["et"]
        return GuestException.from_word(word) if word else None

    def step(self) -> Stop:
        """Attempt one instruction."""
        return self._board.run(max_cycles=1)

    def __repr__(self) -> str:
        return f"<Cpu cycle {self.cycles}{', halted' if self.halted else ''}>\n{self.regs!r}"
