"""Ready-made components of batches: output and input of characters, for all lanes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy
from numpy.typing import NDArray

from ..arguments import optional_number
from ..core.metadata import Category
from ..core.register_map import DeviceCommand, MappedRegister, RegisterAccess
from ..exceptions import HardwareCode, HardwareError
from ..isa.table import WORD_MASK
from .component import FINE, Errors, LaneNumbers, Words
from .components import StandardBatchComponent
from .mapped_arrays import check_mapped, is_mapped

if TYPE_CHECKING:
    from .lane_arrays import LaneArrays

REPLACEMENT: Final = 0xFFFD
"""Stands for what is no Unicode scalar value."""
FIRST_CAPACITY: Final = 1024


class CharOutput(StandardBatchComponent):
    """Collects the characters that each lane writes; 4 bytes, for programs a `CharDisplay`.

    Writing word 0 puts out a character, reading raises hardware error 0x21; name and metadata are
    those of a `CharDisplay`. What is no Unicode scalar value counts as one character and shows as
    U+FFFD. The guest's RESET takes nothing back; `Batch.reset` and `clear` forget all of it.

    With a `limit`, writing raises hardware error 0x30 for a lane that has written so many
    characters. Without one, memory grows by 8 to 16 bytes for each character written.
    """

    sees_lanes = False

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

    def put(self, lane: int, text: str) -> None:
        """Add text to what a lane has written: that of another display of its machine.

        With a `limit` what fits is taken, and hardware error 0x30 raised for the rest.
        """
        lane = self._lane(lane)
        words = words_of_text(text)
        with self._lock:
            room = len(words)
            if self._limit is not None:
                room = min(room, self._limit - int(self._written[lane]))
                self._written[lane] += room
            self._append(numpy.full(room, lane, numpy.int64), words[:room])
        if room < len(words):
            raise HardwareError(HardwareCode.PHYSICAL_WRITE_ERROR)

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
        return text_of_words(self.words(lane))

    def texts(self) -> list[str]:
        """The texts of all lanes."""
        with self._lock:
            self._sort()
            text = text_of_words(self._words[: self._count])
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
    `counts`, (n,), only so many words of a row count. Without rows there is no input before `load`
    or `load_texts`. The guest's RESET clears word 0 and goes on in the row; `Batch.reset` begins
    anew.
    """

    sees_lanes = False

    name = "Word Input"
    size = 16
    registers: tuple[MappedRegister, ...] = (
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
        self,
        rows: NDArray[Any] | None = None,
        counts: NDArray[Any] | None = None,
        *,
        hw_id: int | None = None,
    ) -> None:
        super().__init__(hw_id)
        self._is_empty = rows is None
        self.load(numpy.zeros((0, 0), numpy.uint32) if rows is None else rows, counts)

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, hw_id: int | None = None) -> WordInput:
        """Input of characters: a text for each lane."""
        rows, counts = rows_of_texts(texts)
        return cls(rows, counts, hw_id=hw_id)

    def load_texts(self, texts: Sequence[str]) -> None:
        """Other texts: those of the first lanes; all others have none. Not during a run."""
        rows, counts = rows_of_texts(texts, self._n)
        self.load(rows, counts)

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
        if self._is_empty:
            self.load(numpy.zeros((lanes.n, 0), numpy.uint32))
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


class CharInput(WordInput):
    """Lets each lane read a text of its own; for programs a `CharKeyboard`, with its 8 bytes.

    `CharInput.from_texts(texts)`, or `CharInput()` and `load_texts` before a run. At its end a
    lane gets 0 by command 0x01, as from a keyboard at the end of its input.
    """

    name = "Synchronous Character Keyboard"
    size = 8
    registers = WordInput.registers[:2]

    def take(self, lane: int, end: str | None = None) -> str:
        """For another keyboard of a lane's machine, which reads the same text: the next character,
        or the text up to the next `end`, with it. Empty at the end of the input."""
        lane = self._lane(lane)
        first, last = int(self._taken[lane]), int(self._counts[lane])
        if end is None:
            last = min(last, first + 1)
        else:
            found = numpy.flatnonzero(self._rows[lane, first:last] == ord(end))
            if len(found):
                last = first + int(found[0]) + 1
        self._taken[lane] = last
        return text_of_words(self._rows[lane, first:last])


def _longer(array: NDArray[numpy.uint32], length: int) -> NDArray[numpy.uint32]:
    longer = numpy.empty(length, numpy.uint32)
    longer[: len(array)] = array
    return longer


def words_of_text(text: str) -> Words:
    """The code points of a text. UnicodeEncodeError for lone surrogates, which are none."""
    return numpy.frombuffer(text.encode("utf-32-le"), "<u4").astype(numpy.uint32, copy=False)


def rows_of_texts(texts: Sequence[str], n: int | None = None) -> tuple[Words, NDArray[numpy.int64]]:
    """Texts as rows of words, and the lengths of the rows: `n` of them, the last ones empty."""
    coded = [words_of_text(text) for text in texts]
    n = len(coded) if n is None else n
    if len(coded) > n:
        raise ValueError(f"there are {len(coded)} texts for {n} lanes")
    counts = numpy.zeros(n, numpy.int64)
    counts[: len(coded)] = [len(row) for row in coded]
    rows = numpy.zeros((n, int(counts.max(initial=0))), numpy.uint32)
    for row, words in zip(rows, coded, strict=False):
        row[: len(words)] = words
    return rows, counts


def text_of_words(words: Words) -> str:
    """Words as code points; U+FFFD for those that are no Unicode scalar value."""
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
