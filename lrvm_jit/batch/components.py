"""Ready-made components of batches: random numbers and a clock, for all lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import numpy
from numpy.typing import NDArray

from ..arguments import number_within, whole_number
from ..core.metadata import Category, Metadata, hardware_id
from ..core.register_map import MappedRegister, RegisterAccess
from ..isa.table import WORD_MASK
from .component import BatchComponent, LaneNumbers, Words

if TYPE_CHECKING:
    from .lane_arrays import LaneArrays


class StandardBatchComponent(BatchComponent):
    """A batch component whose size, category and type belong to its class.

    `hw_id` is the 64-bit hardware id; by default it is made from the name.
    """

    size: ClassVar[int]
    category: ClassVar[Category]
    type_code: ClassVar[int]

    def __init__(self, hw_id: int | None = None) -> None:
        self._metadata = Metadata(
            hardware_id=hardware_id(self.name) if hw_id is None else whole_number("hw_id", hw_id),
            size=self.size,
            category=self.category,
            type=self.type_code,
        )
        self._n: int | None = None
        self._closed = False

    def metadata(self) -> Metadata:
        return self._metadata

    def plug_in(self, lanes: LaneArrays) -> None:
        """ValueError if the component is part of a batch already."""
        if self._n is not None and not self._closed:
            raise ValueError(f"{self.name} already belongs to another batch; make a new one")
        self._closed = False
        self._n = lanes.n

    def close(self) -> None:
        """Let it be part of another batch. What it has collected stays until then."""
        self._closed = True

    def _lane(self, lane: int) -> int:
        """The lane's number as an int. IndexError if there is no such lane."""
        number = whole_number("lane", lane)
        if not 0 <= number < (self._n or 0):
            raise IndexError(f"there is no lane {number} among {self._n or 0}")
        return number


class RandomSource(StandardBatchComponent):
    """Random words; 4 bytes: reading word 0 answers the next one, writing raises error 0x31.

    A lane's words depend on the seed, the lane's number and how many it has read before, and on
    nothing else: `words(lane, count)` tells them in advance. They are good for simulations, but
    no secrets. A lane's words begin again after 2^32 of them. The guest's RESET goes on with the
    next word, `Batch.reset` begins anew.

    `seed` is from 0 to 2^64 - 1.
    """

    sees_lanes = False

    name = "Random Source"
    size = 4
    registers = (MappedRegister(0, "RANDOM", RegisterAccess.READ, "a random word, each time"),)
    category = Category.UNCATEGORIZED
    type_code = 0

    def __init__(self, seed: int, *, hw_id: int | None = None) -> None:
        seed = number_within("seed", seed, 0, (1 << 64) - 1)
        super().__init__(hw_id)
        keys = _mixed(numpy.array([seed], numpy.uint64) + _ODD * numpy.array([1, 2], numpy.uint64))
        self._key, self._second_key = keys[:1], keys[1:]

    def plug_in(self, lanes: LaneArrays) -> None:
        super().plug_in(lanes)
        self._taken: NDArray[numpy.uint32] = numpy.zeros(lanes.n, numpy.uint32)

    def words(self, lane: int, count: int, first: int = 0) -> Words:
        """The words of a lane from its number `first` on: (count,) uint32."""
        lane, count = whole_number("lane", lane), whole_number("count", count)
        first = whole_number("first", first)
        if not 0 <= lane <= WORD_MASK or count < 0 or first < 0 or first + count > 1 << 32:
            raise ValueError(
                f"no words {first} to {first + count} of lane {lane}; all are from 0 to 2^32"
            )
        numbers = numpy.arange(first, first + count, dtype=numpy.uint64)
        return self._numbers(numpy.full(count, lane, numpy.uint64), numbers)

    def _numbers(
        self, lanes: NDArray[numpy.uint64], numbers: NDArray[numpy.uint64]
    ) -> NDArray[numpy.uint32]:
        # A permutation of all pairs of lane and number, another one for each seed: lanes cannot
        # overlap, as parts of one long sequence could.
        pairs = (lanes << _U64(32) | numbers) * _ODD + self._key
        return (_mixed(_mixed(pairs) + self._second_key) >> _U64(32)).astype(numpy.uint32)

    def read(self, lanes: LaneNumbers, offsets: Words) -> Words:
        numbers = self._taken[lanes]
        self._taken[lanes] = numbers + numpy.uint32(1)
        return self._numbers(lanes.astype(numpy.uint64), numbers.astype(numpy.uint64))

    def rewind(self) -> None:
        self._taken[:] = 0


class CycleClock(StandardBatchComponent):
    """A clock that counts the lane's instructions; 32 bytes, of which a `RealtimeClock` has 24.

    Words 0, 1 and 2 are the UNIX time: seconds (high word, low word) and the nanoseconds of the
    second, if cycle 0 was at second `start` and each instruction takes 1 / `hertz` seconds. Words
    3, 4 and 5 are the time since the last reset of the clock, or of the CPU, in the same form.
    Words 6 and 7 are the cycle counter (high word, low word); word 7 is what the instruction
    CYCLES would answer in the place of the load. Writing raises hardware error 0x31.

    So a program that measures real time gets the same answers in every run. The counter, and with
    it all of this, begins again when the guest resets its CPU. If that leaves the clock out, the
    time since the reset is right only until the counter passes the clock's own last reset.
    """

    sees_lanes = False

    name = "Cycle Clock"
    size = 32
    registers = (
        MappedRegister(0, "SECONDS_HIGH", RegisterAccess.READ, "UNIX time: seconds, high word"),
        MappedRegister(4, "SECONDS_LOW", RegisterAccess.READ, "UNIX time: seconds, low word"),
        MappedRegister(8, "NANOSECONDS", RegisterAccess.READ, "nanoseconds of that second"),
        MappedRegister(12, "ELAPSED_HIGH", RegisterAccess.READ, "since the last reset: seconds"),
        MappedRegister(16, "ELAPSED_LOW", RegisterAccess.READ, "the same, low word"),
        MappedRegister(20, "ELAPSED_NANOSECONDS", RegisterAccess.READ, "nanoseconds of it"),
        MappedRegister(24, "CYCLES_HIGH", RegisterAccess.READ, "the cycle counter, high word"),
        MappedRegister(28, "CYCLES_LOW", RegisterAccess.READ, "the cycle counter, low word"),
    )
    category = Category.CLOCK
    type_code = 0x1

    MAX_HERTZ: Final = 4_000_000_000

    def __init__(
        self, hertz: int = 1_000_000_000, start: int = 0, *, hw_id: int | None = None
    ) -> None:
        hertz = number_within("hertz", hertz, 1, self.MAX_HERTZ)
        start = number_within("start", start, 0, (1 << 62) - 1)
        super().__init__(hw_id)
        self._hertz = hertz
        self._start = start

    def plug_in(self, lanes: LaneArrays) -> None:
        super().plug_in(lanes)
        self._cycles = lanes.cycles
        # A template's CPU may have run before: its clock counts from there, as after a reset.
        self._reset_at: NDArray[numpy.int64] = lanes.cycles.copy()

    def read(self, lanes: LaneNumbers, offsets: Words) -> Words:
        cycles = self._cycles[lanes]
        reset_at = self._reset_at[lanes]
        elapsed = numpy.where(cycles >= reset_at, cycles - reset_at, cycles)
        word = offsets >> 2
        seconds, rest = numpy.divmod(numpy.where(word < 3, cycles, elapsed), self._hertz)
        seconds += numpy.where(word < 3, self._start, 0)
        nanoseconds = rest * 1_000_000_000 // self._hertz
        kinds = [seconds >> 32, seconds, nanoseconds] * 2 + [cycles >> 32, cycles]
        return (numpy.choose(word, kinds) & WORD_MASK).astype(numpy.uint32)

    def reset(self, lanes: LaneNumbers) -> None:
        self._reset_at[lanes] = self._cycles[lanes]


_U64 = numpy.uint64
_ODD: Final = _U64(0x9E37_79B9_7F4A_7C15)


def _mixed(words: NDArray[numpy.uint64]) -> NDArray[numpy.uint64]:
    """Mix 64 bits, reversibly: the finalizer of SplitMix64. A new array."""
    words = (words ^ words >> _U64(30)) * _U64(0xBF58_476D_1CE4_E5B9)
    words = (words ^ words >> _U64(27)) * _U64(0x94D0_49BB_1331_11EB)
    return words ^ words >> _U64(31)
