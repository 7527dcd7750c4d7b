"""A component that works in a thread of its own, while the CPU runs.

The rules for such components are few. The CPU calls `read`, `write` and `reset` from the thread
that runs the board, so whatever the other thread touches as well needs a lock or must be a single
assignment. `reset` may be called at any time. And `close` has to end the thread: it is called
once, when the board is closed; a halted CPU does not stop a component.
"""

from __future__ import annotations

import threading
from pathlib import Path

from lrvm_components import BootRom, BufferedDisplay
from lrvm_jit import (
    Category,
    Component,
    HardwareCode,
    HardwareError,
    Metadata,
    Motherboard,
    hardware_id,
)
from lrvm_tools import RunConfig, run
from lrvm_tools.lasm import assemble_file

COUNT, COMMAND = 0, 4
START, STOP, CLEAR = 1, 2, 3


class Counter(Component):
    """Counts ticks of `interval` seconds while it is running.

    Word 0 reads the number of ticks. Word 1 takes commands: 1 starts, 2 stops, 3 clears;
    another raises hardware error 0x10.
    """

    name = "Asynchronous Counter"

    def __init__(self, interval: float = 0.01) -> None:
        self._interval = interval
        self._ticks = 0
        # One lock guards the ticks and wakes the thread when it has something to do.
        self._changed = threading.Condition()
        self._running = False
        self._closed = False
        self.thread = threading.Thread(target=self._count, name=self.name, daemon=True)
        self.thread.start()

    def metadata(self) -> Metadata:
        return Metadata(hardware_id(self.name), 8, Category.PLATFORM_SPECIFIC, type=1)

    def read(self, offset: int) -> int:
        if offset != COUNT:
            raise HardwareError(HardwareCode.NOT_READABLE)
        with self._changed:
            return self._ticks

    def write(self, offset: int, word: int) -> None:
        if offset != COMMAND:
            raise HardwareError(HardwareCode.NOT_WRITABLE)
        if word not in (START, STOP, CLEAR):
            raise HardwareError(HardwareCode.UNKNOWN_OPERATION, word & 0xFF)
        with self._changed:
            if word == CLEAR:
                self._ticks = 0
            else:
                self._running = word == START
            self._changed.notify()

    def reset(self) -> None:
        with self._changed:
            self._ticks = 0
            self._running = False
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self.thread.join()

    def _count(self) -> None:
        with self._changed:
            while not self._closed:
                # Waiting releases the lock. A notification ends the wait early: no tick then.
                if not self._running:
                    self._changed.wait()
                elif not self._changed.wait(self._interval):
                    self._ticks = (self._ticks + 1) & 0xFFFF_FFFF


def main() -> None:
    program = assemble_file(Path(__file__).with_name("async_counter.lasm"))
    components = [BootRom(program), Counter(), BufferedDisplay(0x100)]
    with Motherboard(components) as board:
        for component, address in enumerate((0x0000, 0x1000, 0x2000)):
            board.map(address, component)
        board.reset()
        run(board, RunConfig.halt_on_ex())


if __name__ == "__main__":
    main()
