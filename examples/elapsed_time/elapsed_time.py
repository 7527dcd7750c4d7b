"""The same program on a clock of one's own, which runs as fast as one likes.

Components that depend on the outside world take it as an argument, so that a program which waits
for three seconds can be tested in none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from lrvm_components import BootRom, NumberDisplay, RealtimeClock
from lrvm_jit import Motherboard
from lrvm_tools import RunConfig, run
from lrvm_tools.lasm import assemble_file


def main(monotonic: Callable[[], int] = time.monotonic_ns) -> None:
    program = assemble_file(Path(__file__).with_name("elapsed_time.lasm"))
    components = [BootRom(program), RealtimeClock(monotonic=monotonic), NumberDisplay()]
    with Motherboard(components) as board:
        # Where the program expects them: the addresses of the default machine.
        for component, address in enumerate((0x0000, 0xF020, 0xF080)):
            board.map(address, component)
        board.reset()
        run(board, RunConfig.quiet())


def fast_clock() -> Callable[[], int]:
    """A clock on which every look takes 10 ms."""
    ticks = count(step=10_000_000)
    return lambda: next(ticks)


if __name__ == "__main__":
    print("on a fast clock:")
    main(fast_clock())
    print("on the real one:")
    main()
