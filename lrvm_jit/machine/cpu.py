"""The CPU as Python sees it."""

from __future__ import annotations

from ..exceptions import GuestException
from ..kernel import layout
from .cpu_state import CpuState
from .registers import Registers
from .runner import Runner
from .stop import Stop


class Cpu:
    """Registers, cycle counter and single steps of a board's CPU."""

    def __init__(self, state: CpuState, runner: Runner) -> None:
        self._runner = runner
        self._state = state.state_view
        self.regs = Registers(state.regs_view, state.state_view)

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
        """Attempt one instruction, even if a breakpoint stands on it."""
        return self._runner.run(1, False, past_breakpoint=True)

    def __repr__(self) -> str:
        return f"<Cpu cycle {self.cycles}{', halted' if self.halted else ''}>\n{self.regs!r}"
