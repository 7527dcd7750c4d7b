"""Measuring: four LRVM processors that share a RAM, with a query per access and directly."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..modular.machine import SchedulerName

SCHEDULERS: Final[tuple[SchedulerName, ...]] = ("threads", "cooperative")
PROCESSORS = 4
SHARED = 0x10000
NUMBERS = 0x10
"""Offset of the numbers in the shared RAM. Before them: the lock and the sum."""

PROGRAM = f"""
; Adds up the numbers rr0 to rr1, a5 times, and each time puts the result into the common sum.
    cpy ac0, {SHARED >> 16}
    shl ac0, 16
    cpy ac1, ac0
    add ac1, {NUMBERS}
round:
    zro a0
    cpy a1, rr0
number:
    lea ac1, a1, 4
    add a0, avr
    inc a1
    cmp a1, rr1
    ifls
    jp number
lock:
    cpy c0, 1
    srm ac0, 0, c0
    cmp c0, 0
    ifnq
    jp lock
    lsa a2, ac0, 4
    add a2, a0
    wsa ac0, 4, a2
    wsa ac0, 0, 0
    dec a5
    ifnq
    jp round
    halt
"""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Instructions a second, of all processors together: the median of the runs."""

    scheduler: SchedulerName
    direct: bool
    size: int
    """Bytes of the shared RAM."""
    instructions: int
    seconds: tuple[float, ...]

    @property
    def mips(self) -> float:
        """Million instructions a second, of the median run."""
        return self.instructions / statistics.median(self.seconds) / 1e6

    def __str__(self) -> str:
        how = "as plain memory" if self.direct else "a query per access"
        return (
            f"{PROCESSORS} LRVM processors, {self.scheduler}, {self.size // 1024} KiB {how}: "
            f"{self.mips:,.3f} MIPS"
        )


def measure_sharing(repeats: int = 5, instructions: int = 400_000_000) -> list[Sharing]:
    """All ways of sharing, `repeats` runs each after one that is not counted, taking turns.

    `instructions` is about what each run executes with direct sharing; with queries it is a
    two-thousandth of that.
    """
    ways = [
        (scheduler, direct, size)
        for scheduler in SCHEDULERS
        for direct, size in ((False, 1 << 16), (True, 1 << 16), (True, 1 << 20))
    ]
    seconds: list[list[float]] = [[] for _ in ways]
    executed = [0] * len(ways)
    for number in range(repeats + 1):
        for at, (scheduler, direct, size) in enumerate(ways):
            wanted = instructions if direct else instructions // 2000
            executed[at], time_needed = _run(scheduler, direct, size, wanted)
            if number:
                seconds[at].append(time_needed)
    return [
        Sharing(scheduler, direct, size, executed[at], tuple(seconds[at]))
        for at, (scheduler, direct, size) in enumerate(ways)
    ]


def _run(scheduler: SchedulerName, direct: bool, size: int, instructions: int) -> tuple[int, float]:
    """One run: instructions executed, and seconds. RuntimeError if the sum is wrong."""
    # The benchmark's other parts must not have to load all of this.
    from lrvm_tools.lasm import assemble

    from ..modular import LrvmProcessor, Machine, Port, SharedRam

    program = assemble(PROGRAM)
    # What a round reads: all of the memory, or as much as fits the instructions.
    share = min((size - NUMBERS) // 4 // PROCESSORS, instructions // (6 * PROCESSORS))
    rounds = max(1, instructions // (6 * PROCESSORS * share))
    numbers = [k % 251 for k in range(PROCESSORS * share)]
    ram = SharedRam(size, image=[0, 0, 0, 0, *numbers])
    processors = [
        LrvmProcessor(
            program,
            ports={SHARED: ram.direct() if direct else Port(0, size)},
            registers={"rr0": k * share, "rr1": (k + 1) * share, "a5": rounds},
        )
        for k in range(PROCESSORS)
    ]
    machine = Machine([ram], processors)
    start = time.perf_counter()
    machine.run(scheduler).join()
    seconds = time.perf_counter() - start
    if ram.words[1] != sum(numbers) * rounds & 0xFFFF_FFFF:
        raise RuntimeError(f"the processors' sum is {ram.words[1]}, which is wrong")
    return sum(processor.board.cpu.cycles for processor in processors), seconds


def main() -> None:
    for sharing in measure_sharing():
        print(sharing)


if __name__ == "__main__":
    main()
