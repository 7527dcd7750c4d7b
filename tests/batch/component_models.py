"""What the ready-made batch components do, once more for one lane of a single machine."""

from __future__ import annotations

import numpy

from lrvm_components import RealtimeClock
from lrvm_jit import Component, HardwareCode, HardwareError, Metadata, Motherboard
from lrvm_jit.batch import CycleClock, RandomSource, WordInput
from lrvm_jit.batch.components import StandardBatchComponent


class Model(Component):
    """With the name and the metadata of its twin."""

    def __init__(self, twin: StandardBatchComponent) -> None:
        self.name = twin.name
        self._metadata = twin.metadata()

    def metadata(self) -> Metadata:
        return self._metadata


class InputModel(Model):
    def __init__(self, row: list[int]) -> None:
        super().__init__(WordInput(numpy.zeros((1, 1), numpy.uint32)))
        self.row = row
        self.last = 0

    def read(self, offset: int) -> int:
        match offset:
            case 0:
                return self.last
            case 8:
                if not self.row:
                    raise HardwareError(HardwareCode.PHYSICAL_READ_ERROR)
                self.last = self.row.pop(0)
                return self.last
            case 12:
                return len(self.row)
        raise HardwareError(HardwareCode.NOT_READABLE)

    def write(self, offset: int, word: int) -> None:
        if offset != 4:
            raise HardwareError(HardwareCode.NOT_WRITABLE)
        match word:
            case 1:
                self.last = self.row.pop(0) if self.row else 0
            case 2:
                self.last = 0
            case _:
                raise HardwareError(HardwareCode.UNKNOWN_OPERATION, word & 0xFF)

    def reset(self) -> None:
        self.last = 0


MASK = (1 << 64) - 1


def random_word(seed: int, lane: int, number: int) -> int:
    """The definition, in plain numbers."""

    def mixed(x: int) -> int:
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
        x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
        return x ^ x >> 31

    odd = 0x9E3779B97F4A7C15
    first, second = mixed(seed + odd & MASK), mixed(seed + 2 * odd & MASK)
    return mixed(mixed((lane << 32 | number) * odd + first & MASK) + second & MASK) >> 32


class RandomModel(Model):
    def __init__(self, seed: int, lane: int) -> None:
        super().__init__(RandomSource(0))
        self.seed = seed
        self.lane = lane
        self.count = 0

    def read(self, offset: int) -> int:
        self.count += 1
        return random_word(self.seed, self.lane, self.count - 1)


class ClockModel(Model):
    """A `RealtimeClock` whose time is the CPU's counter, and the counter."""

    board: Motherboard | None = None

    def __init__(self, hertz: int, start: int) -> None:
        super().__init__(CycleClock())
        self._hertz = hertz
        self._reset_at = 0
        self._clock = RealtimeClock(
            lambda: start * 10**9 + self._time(self._cycles()),
            lambda: self._time(self._cycles() - self._reset_at),
        )

    def _cycles(self) -> int:
        return 0 if self.board is None else self.board.cpu.cycles

    def _time(self, cycles: int) -> int:
        return cycles * 10**9 // self._hertz

    def read(self, offset: int) -> int:
        if offset < 24:
            return self._clock.read(offset)
        return (self._cycles() >> 32, self._cycles() & 0xFFFF_FFFF)[offset // 4 - 6]

    def reset(self) -> None:
        self._reset_at = self._cycles()
