"""The CPU's state, whatever engine runs it."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

from ..isa.table import RESET_REGISTERS, Reg
from . import layout
from .registers import result_for


class CpuState:
    """The CPU's arrays, which every engine works on; `lrvm_jit.core.layout` describes them.

    `regs` is uint32[33], `state` int64. A CPU that was never reset is halted.
    """

    def __init__(self, rows: int) -> None:
        """`rows`: how many the mapping table may need."""
        lengths = layout.lengths(0, rows, 0)
        self.regs: NDArray[numpy.uint32] = numpy.zeros(lengths["regs"], numpy.uint32)
        self.state: NDArray[numpy.int64] = numpy.zeros(lengths["state"], numpy.int64)
        # The same memory for Python code: reading a memoryview costs a third of reading an array,
        # and it refuses values that do not fit.
        self.regs_view = memoryview(self.regs)  # type: ignore[arg-type]
        self.state_view = memoryview(self.state)  # type: ignore[arg-type]
        self.state[layout.HALTED] = 1
        self.state[layout.WINDOW_KEY] = 1 << 33
        self.state[layout.VERIFY] = layout.VERIFY_CHANGES
        self._clear_flags()

    def reset(self) -> None:
        """Reset state (isa.md: Registers)."""
        self.regs[:] = 0
        for register, value in RESET_REGISTERS.items():
            self.regs[register] = value
        self.state[layout.CYCLES_BEFORE] += self.state[layout.CYCLES]
        self.state[layout.CYCLES] = 0
        self.state[layout.HALTED] = 0
        self.state[layout.SKIP_BREAKPOINT] = 0
        self.state[layout.RESUME] = layout.RESUME_NONE
        self.state[layout.LOG_COUNT] = 0
        self.host_changed()
        self._clear_flags()

    @property
    def never_reset(self) -> bool:
        """Whether the CPU is as after switching on: halted, before its first instruction."""
        state = self.state_view
        return not state[layout.CYCLES] and bool(
            state[layout.HALTED] and not self.regs_view[Reg.SMT]
        )

    def host_changed(self) -> None:
        """Have the engine check what it has decoded and translated before it goes on."""
        self.state_view[layout.VERIFY] |= layout.VERIFY_CHANGES

    @property
    def attempted(self) -> int:
        """Instructions attempted since the board was made, whatever became of the counter."""
        state = self.state_view
        return state[layout.CYCLES_BEFORE] + state[layout.CYCLES]

    def _clear_flags(self) -> None:
        lazy = result_for(0)
        assert lazy is not None
        self.state[layout.FLAGS_EXPLICIT] = 0
        self.state[layout.FLAG_RESULT], self.state[layout.FLAG_OVERFLOW] = lazy
