"""Ready-made components of batches: output, input, random numbers and a clock, for all lanes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy
from numpy.typing import NDArray

from ..arguments import number_within, optional_number, whole_number
from ..core.metadata import Category, Metadata, hardware_id
from ..core.register_map import DeviceCommand, MappedRegister, RegisterAccess
from ..exceptions import HardwareCode
from ..isa.table import WORD_MASK
from .component import FINE, BatchComponent, Errors, LaneNumbers, Words
from .mapped_arrays import check_mapped, is_mapped

if TYPE_CHECKING:
    from .lane_arrays import LaneArrays

REPLACEMENT: Final = 0xFFFD
"""Stands for what is no Unicode scalar value."""
FIRST_CAPACITY: Final = 1024


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


class CharOutput(StandardBatchComponent):
    """Collects the characters that each lane writes; 4 bytes, for programs a `CharDisplay`.

    Writing word 0 puts out a character, reading raises hardware error 0x21; name and metadata are
    those of a `CharDisplay`. What is no Unicode scalar value counts as one character and shows as
    U+FFFD. The guest's RESET takes nothing back; `Batch.reset` and `clear` forget all of it.

    With a `limit`, writing raises hardware error 0x30 for a lane that has written so many
    characters. Without one, memory grows by 8 to 16 bytes for each character written.
    """

    name = "Character Display"
    size = 4
    registers = (
        MappedRegister(0, "CHARACTER", RegisterAccess.WRITE, "adds a word to the lane's output"),
    )
    category = Category.DISPLAY
    type_code = 0x10

    def __init__(self, limit: int | None = None, *, hw_id: int | None = None) -> None:
        limit = optional_number("limit", limit, 0)
        super().__init__(hw_id)
        self._limit = limit
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        # Characters with their lanes: sorted by lane up to `_sorted`, then as they came.
        self._lanes: NDArray[numpy.uint32] = numpy.zeros(0, numpy.uint32)
        self._words: Words = numpy.zeros(0, numpy.uint32)
        self._count = self._sorted = 0
        self._starts: NDArray[numpy.int64] = numpy.zeros((self._n or 0) + 1, numpy.int64)
        if self._limit is not None:
            self._written: NDArray[numpy.int64] = numpy.zeros(self._n or 0, numpy.int64)

    def plug_in(self, lanes: LaneArrays) -> None:
        super().plug_in(lanes)
        self._forget()

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors | None:
        with self._lock:
            if self._limit is None:
                self._append(lanes, words)
                return None
            full = self._written[lanes] >= self._limit
            self._written[lanes[~full]] += 1
            self._append(lanes[~full], words[~full])
            return numpy.where(full, HardwareCode.PHYSICAL_WRITE_ERROR << 8, FINE).astype(
                numpy.int32
            )

    def _append(self, lanes: LaneNumbers, words: Words) -> None:
        end = self._count + len(words)
        if end > len(self._words):
            capacity = max(2 * len(self._words), end, FIRST_CAPACITY)
            self._lanes = _longer(self._lanes, capacity)
            self._words = _longer(self._words, capacity)
        self._lanes[self._count : end] = lanes
        self._words[self._count : end] = words
        self._count = end

    def _sort(self) -> None:
        """Bring each lane's characters together, in the order in which it has written them."""
        if self._sorted == self._count:
            return
        lanes, words = self._lanes[: self._count], self._words[: self._count]
        order = numpy.argsort(lanes, kind="stable")
        lanes[:] = lanes[order]
        words[:] = words[order]
        numpy.cumsum(numpy.bincount(lanes, minlength=self._n or 0), out=self._starts[1:])
        self._sorted = self._count

    def words(self, lane: int) -> Words:
        """The words that a lane has written: (characters,) uint32."""
        lane = self._lane(lane)
        with self._lock:
            self._sort()
            return self._words[self._starts[lane] : self._starts[lane + 1]].copy()

    def text(self, lane: int) -> str:
        """The text that a lane has written."""
        return _text(self.words(lane))

    def texts(self) -> list[str]:
        """The texts of all lanes."""
        with self._lock:
            self._sort()
            text = _text(self._words[: self._count])
            ends = self._starts.tolist()
        return [text[first:end] for first, end in itertools.pairwise(ends)]

    def lengths(self) -> NDArray[numpy.int64]:
        """How many characters each lane has written: (n,) int64."""
        with self._lock:
            self._sort()
            return numpy.diff(self._starts)

    def array(self, width: int | None = None) -> Words:
        """The words of all lanes as (n, width) uint32, with zeros after what a lane has written.

        `width` is by default that of the longest output; longer ones are cut.
        """
        width = optional_number("width", width, 0)
        with self._lock:
            self._sort()
            lengths = numpy.diff(self._starts)
            if width is None:
                width = int(lengths.max(initial=0))
            result: Words = numpy.zeros((len(lengths), width), numpy.uint32)
            lanes = self._lanes[: self._count]
            columns = numpy.arange(self._count) - self._starts[lanes]
            kept = columns < width
            result[lanes[kept], columns[kept]] = self._words[: self._count][kept]
            return result

    def clear(self) -> None:
        """Forget what has been written."""
        with self._lock:
            self._forget()

    def rewind(self) -> None:
        self.clear()


class WordInput(StandardBatchComponent):
    """Lets each lane read its own row of words; 16 bytes, the first 8 as in a `CharKeyboard`.

    | offset | read | written |
    |---|---|---|
    | 0 | the word taken last, 0 before the first | hardware error 0x31 |
    | 4 | hardware error 0x21 | 0x01 takes the next word, 0x02 clears word 0, else error 0x10 |
    | 8 | takes the next word and answers it | error 0x31 |
    | 12 | how many words are left | error 0x31 |

    At the end of its row a lane gets 0 by command 0x01, as from a keyboard at the end of its
    input, and hardware error 0x20 from offset 8; a program that is to stop there asks offset 12
    before it reads.

    `rows` is (n, k), of any integer type with values from 0 to 2^32 - 1; uint32 is used as it is,
    without a copy, so that it can be a memory map (DataError if its file has been cut short). With
    `counts`, (n,), only so many words of a row count. The guest's RESET clears word 0 and goes on
    in the row; `Batch.reset` begins anew.
    """

    name = "Word Input"
    size = 16
    registers = (
        MappedRegister(0, "WORD", RegisterAccess.READ, "the word taken last, 0 before the first"),
        MappedRegister(4, "COMMAND", RegisterAccess.WRITE, "does one of the commands"),
        MappedRegister(8, "NEXT", RegisterAccess.READ, "takes the next word and answers it"),
        MappedRegister(12, "LEFT", RegisterAccess.READ, "how many words are left"),
    )
    commands = (
        DeviceCommand(0x01, "TAKE", "takes the next word; 0 at the end of the row"),
        DeviceCommand(0x02, "CLEAR", "sets WORD to 0"),
    )
    category = Category.KEYBOARD
    type_code = 0x100

    LAST: Final = 0
    COMMAND: Final = 4
    NEXT: Final = 8
    LEFT: Final = 12

    def __init__(
        self, rows: NDArray[Any], counts: NDArray[Any] | None = None, *, hw_id: int | None = None
    ) -> None:
        super().__init__(hw_id)
        self.load(rows, counts)

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, hw_id: int | None = None) -> WordInput:
        """Input of characters: a text for each lane."""
        coded = [numpy.frombuffer(text.encode("utf-32-le"), "<u4") for text in texts]
        counts = numpy.array([len(row) for row in coded], numpy.int64)
        rows = numpy.zeros((len(coded), int(counts.max(initial=0))), numpy.uint32)
        for row, words in zip(rows, coded, strict=True):
            row[: len(words)] = words
        return cls(rows, counts, hw_id=hw_id)

    def load(self, rows: NDArray[Any], counts: NDArray[Any] | None = None) -> None:
        """Other rows for the same number of lanes; all begin at the start. Not during a run."""
        rows = _words_array(rows)
        n = len(rows)
        if self._n is not None and n != self._n and not self._closed:
            raise ValueError(f"there are {n} rows of input for {self._n} lanes")
        if counts is None:
            counts = numpy.full(n, rows.shape[1], numpy.int64)
        else:
            counts = numpy.asarray(counts)
            if counts.shape != (n,) or counts.dtype.kind not in "iu":
                raise ValueError(
                    f"counts have shape {counts.shape} and dtype {counts.dtype}; wanted a whole "
                    f"number for each of {n} rows"
                )
            bad = numpy.flatnonzero((counts < 0) | (counts > rows.shape[1]))
            if len(bad):
                raise ValueError(
                    f"counts[{bad[0]}] is {counts[bad[0]]}, but a row has {rows.shape[1]} words"
                )
            counts = counts.astype(numpy.int64)
        self._rows: Words = rows
        self._is_mapped = is_mapped(rows)
        self._counts: NDArray[numpy.int64] = counts
        self._taken: NDArray[numpy.int64] = numpy.zeros(n, numpy.int64)
        self._last: Words = numpy.zeros(n, numpy.uint32)

    def plug_in(self, lanes: LaneArrays) -> None:
        """ValueError unless there is a row for each lane."""
        if len(self._rows) != lanes.n:
            raise ValueError(f"there are {len(self._rows)} rows of input for {lanes.n} lanes")
        super().plug_in(lanes)
        self._taken[:] = 0
        self._last[:] = 0

    @property
    def taken(self) -> NDArray[numpy.int64]:
        """How many words each lane has taken: (n,) int64."""
        return self._taken.copy()

    @property
    def left(self) -> NDArray[numpy.int64]:
        """How many words each lane has left: (n,) int64."""
        return self._counts - self._taken

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        errors: Errors = numpy.full(len(lanes), FINE, numpy.int32)
        errors[offsets == self.COMMAND] = HardwareCode.NOT_READABLE << 8
        following = numpy.flatnonzero(offsets == self.NEXT)
        if len(following):
            empty = self._take(lanes[following])
            errors[following[empty]] = HardwareCode.PHYSICAL_READ_ERROR << 8
        words = self._last[lanes]
        counting = offsets == self.LEFT
        asking = lanes[counting]
        words[counting] = self._counts[asking] - self._taken[asking]
        return words, errors

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        errors: Errors = numpy.full(len(lanes), HardwareCode.NOT_WRITABLE << 8, numpy.int32)
        commands = offsets == self.COMMAND
        errors[commands] = HardwareCode.UNKNOWN_OPERATION << 8 | (words[commands] & 0xFF)
        errors[commands & ((words == 1) | (words == 2))] = FINE
        taking = lanes[commands & (words == 1)]
        if len(taking):
            self._last[taking[self._take(taking)]] = 0
        self._last[lanes[commands & (words == 2)]] = 0
        return errors

    def _take(self, lanes: LaneNumbers) -> NDArray[numpy.bool_]:
        """Take each lane's next word; true for lanes that have none left."""
        at = self._taken[lanes]
        empty = at >= self._counts[lanes]
        some = lanes[~empty]
        if self._is_mapped:
            check_mapped(self._rows)
        self._last[some] = self._rows[some, at[~empty]]
        self._taken[some] += 1
        return empty

    def reset(self, lanes: LaneNumbers) -> None:
        self._last[lanes] = 0

    def rewind(self) -> None:
        self._taken[:] = 0


class RandomSource(StandardBatchComponent):
    """Random words; 4 bytes: reading word 0 answers the next one, writing raises error 0x31.

    A lane's words depend on the seed, the lane's number and how many it has read before, and on
    nothing else: `words(lane, count)` tells them in advance. They are good for simulations, but
    no secrets. A lane's words begin again after 2^32 of them. The guest's RESET goes on with the
    next word, `Batch.reset` begins anew.

    `seed` is from 0 to 2^64 - 1.
    """

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


def _longer(array: NDArray[numpy.uint32], length: int) -> NDArray[numpy.uint32]:
    longer = numpy.empty(length, numpy.uint32)
    longer[: len(array)] = array
    return longer


def _text(words: Words) -> str:
    wrong = (words > 0x10FFFF) | ((words >= 0xD800) & (words <= 0xDFFF))
    return numpy.where(wrong, REPLACEMENT, words).astype("<u4").tobytes().decode("utf-32-le")


def _words_array(rows: NDArray[Any]) -> Words:
    """Rows of words as (n, k) uint32, as they are if they are that already."""
    rows = numpy.asanyarray(rows)
    if rows.ndim != 2 or rows.dtype.kind not in "iu":
        raise ValueError(
            f"input has shape {rows.shape} and dtype {rows.dtype}; wanted whole numbers of shape "
            "(n, k), a row for each lane: `words[:, None]` is one word for each"
        )
    if rows.dtype != numpy.uint32:
        wrong = numpy.argwhere((rows < 0) | (rows > WORD_MASK))
        if len(wrong):
            lane, column = wrong[0].tolist()
            raise ValueError(
                f"input word {column} of lane {lane} is {rows[lane, column]}; "
                f"a word is 0..{WORD_MASK}"
            )
        rows = rows.astype(numpy.uint32)
    return rows
