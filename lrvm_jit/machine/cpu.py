"""The CPU as Python sees it."""

from __future__ import annotations

from ..core import layout
from ..core.core import Core
from ..core.registers import Registers
from ..core.stop import Stop
from ..exceptions import GuestException
from .runner import Runner


class Cpu:
    """Registers, cycle counter and single steps of a board's CPU.

    What a component changes here during an instruction takes effect after it, and reads back as
    written; if the instruction is undone, so is the change (docs/machine.md).
    """

    def __init__(self, core: Core, runner: Runner) -> None:
        self._runner = runner
        self._pending = core.pending
        self._cpu = core.state
        self._state = core.state.state_view
        self.regs = Registers(core.state.regs_view, core.state.state_view, core.pending)

    @property
    def cycles(self) -> int:
        """Instructions attempted since the reset; in a component, the current one included."""
        return 0 if self._pending.resets else int(self._state[layout.CYCLES])

    @property
    def attempted(self) -> int:
        """Instructions attempted since the board was made, whatever the guest does to `cycles`.
        Restoring a snapshot moves it by as much as the counter."""
        return self._cpu.attempted

    @property
    def pending(self) -> tuple[dict[int, int], bool | None, bool] | None:
        """What the host has written during the instruction in progress, which takes effect after
        it: registers by code, `halted` (None if that was not written), and whether the CPU is to
        be reset first. None if nothing waits."""
        pending = self._pending
        if not pending.waiting:
            return None
        return dict(pending.registers), pending.halted, pending.resets

    @property
    def halted(self) -> bool:
        """Whether the CPU is halted. May be set."""
        pending = self._pending.halted
        return bool(self._state[layout.HALTED]) if pending is None else pending

    @halted.setter
    def halted(self, value: bool) -> None:
        if self._pending.has_to_wait():
            self._pending.set_halted(bool(value))
        else:
            self._state[layout.HALTED] = int(bool(value))

    @property
    def exception(self) -> GuestException | None:
        """The last exception, as `et` holds it, or None if there was none since the reset."""
        word = self.regs["et"]
        return GuestException.from_word(word) if word else None

    def reset(self) -> None:
        """Reset the CPU alone: registers, flags, counter. The components keep what they hold."""
        if self._pending.has_to_wait():
            self._pending.reset_cpu()
        else:
            self._cpu.reset()
            self._state[layout.LAST_PC] = 0

    def step(self) -> Stop:
        """Attempt one instruction, even if a breakpoint stands on it."""
        return self._runner.run(1, False, past_breakpoint=True)

    def __repr__(self) -> str:
        return f"<Cpu cycle {self.cycles}{', halted' if self.halted else ''}>\n{self.regs!r}"
