"""What the host does to the CPU while an instruction is in progress.

A component is called in the middle of an instruction: operands have been read, results not yet
written, and a component that is slow to answer may make the engine go through the instruction
again. So what the host writes then to registers, `halted` and the rest of the CPU waits here. It
takes effect after the instruction, an exception that this raises included, and reads back as
written from the start. If the instruction is undone, as a component failed, it has not been
written either.
"""

from __future__ import annotations

import threading

from ..isa.table import REGISTER_COUNT, Reg
from . import layout
from .cpu_state import CpuState
from .registers import Registers


class Pending:
    """Writes of the host that wait for the end of the instruction in progress."""

    __slots__ = (
        "_state",
        "cpu",
        "exception",
        "halted",
        "registers",
        "resets",
        "thread",
        "waiting",
        "withdrawn",
    )

    def __init__(self, cpu: CpuState) -> None:
        self.cpu = cpu
        self._state = cpu.state_view
        self.withdrawn = 0
        """Budget that `end_slice` has taken from the slice of a compiled engine."""
        self.thread = 0
        """The thread that runs the CPU, 0 while nobody does."""
        self.exception: int | None = None
        """`et` of an exception before the host's writes after it, for the run's `Stop`."""
        self._forget()

    def _forget(self) -> None:
        self.waiting = False
        """Whether anything has been written."""
        self.registers: dict[int, int] = {}
        self.halted: bool | None = None
        self.resets = False

    def has_to_wait(self) -> bool:
        """Whether an instruction is in progress, so that writes have to wait.

        RuntimeError in another thread than the one that runs the CPU: what is written while
        instructions are executed could be lost.
        """
        if self._state[layout.RESUME] != layout.RESUME_NONE:
            return True
        if self.thread and self.thread != threading.get_ident():
            raise RuntimeError(
                "cannot change the CPU of a board that is running in another thread; "
                "end that run with board.stop() first"
            )
        return False

    def set_register(self, code: int, word: int) -> None:
        """Write a register after the instruction."""
        self.registers[code] = word
        self._wait()

    def set_halted(self, value: bool) -> None:
        """Halt the CPU after the instruction, or have it go on."""
        self.halted = value
        self._wait()

    def reset_cpu(self) -> None:
        """Reset the CPU after the instruction. What is written later is written after that."""
        self.registers = dict.fromkeys(range(REGISTER_COUNT), 0) | {int(Reg.SMT): 1}
        self.halted = False
        self.resets = True
        self._wait()

    def _wait(self) -> None:
        self.waiting = True
        self.end_slice()

    def end_slice(self) -> None:
        """Have a compiled engine's kernel come back right after the instruction in progress.

        It reads its budget when it goes on with the component's answer.
        """
        state = self._state
        self.withdrawn += state[layout.BUDGET] - 1 + state[layout.BONUS]
        state[layout.BUDGET] = 1
        state[layout.BONUS] = 0

    def complete(self, raised: bool) -> None:
        """The instruction is complete, or has raised an exception: carry out what waits."""
        self.exception = self.cpu.regs_view[Reg.ET] if raised else None
        registers, halted, resets = self.registers, self.halted, self.resets
        self._forget()
        if resets:
            self.cpu.reset()
        regs = Registers(self.cpu.regs_view, self._state)
        for code, word in registers.items():
            regs[code] = word
        if halted is not None:
            self._state[layout.HALTED] = halted

    def undo(self) -> None:
        """The instruction has not happened: nor has what waits."""
        if self.waiting:
            self._forget()
