"""Four LRVM processors add up an array in a RAM that they share, with SRM as the lock.

They reach it over channels, with a query for each access, or directly, as plain memory. The
schedulers run them in threads or in turns. The sum is the same.
"""

from __future__ import annotations

from pathlib import Path

from lrvm_jit.modular import LrvmProcessor, Machine, Port, SharedRam
from lrvm_tools.lasm import assemble_file

SHARED = 0x10000
LOCK, NEXT, SUM, COUNT, NUMBERS = range(5)
"""Words of the shared RAM, as the program knows them."""

PROGRAM = Path(__file__).with_name("four_processors.lasm")


def add_up(numbers: list[int], scheduler: str, *, direct: bool) -> int:
    """The sum of the numbers, whose count is a multiple of 16."""
    ram = SharedRam(4 * (NUMBERS + len(numbers)), image=[0, 0, 0, len(numbers), *numbers])
    program = assemble_file(PROGRAM)
    processors = [
        LrvmProcessor(
            program,
            ram_size=0x400,
            ports={SHARED: ram.direct() if direct else Port(0, ram.size)},
        )
        for _ in range(4)
    ]
    machine = Machine(peripherals=[ram], processors=processors)
    machine.run(scheduler=scheduler).join()
    return int(ram.words[SUM])


def main() -> None:
    numbers = list(range(1, 1601))
    for scheduler in ("threads", "cooperative"):
        for direct in (False, True):
            how = "as plain memory" if direct else "over channels"
            print(f"{scheduler}, {how}: {add_up(numbers, scheduler, direct=direct)}")


if __name__ == "__main__":
    main()
