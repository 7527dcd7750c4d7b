"""The output: bits written at positions, each position once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ..customasm.source import Span
from .errors import AlreadyReportedError, SourceError
from .limits import ADDRESS_SPACE, OUTPUT_BYTES


class Output:
    """Collects the output; what is skipped is zero if something follows it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.bit_length = 0
        # Used ranges of bits in order, as parallel lists; a range that continues the one before
        # is merged with it, so that a program without `#addr` has a single one.
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._spans: list[Span] = []
        self._overfull = False

    def contents(self) -> bytes:
        """Everything written, the last byte filled up with zeros."""
        return bytes(self._data)

    def write(self, position: int, parts: Sequence[tuple[int, int]], span: Span) -> bytes:
        """Write parts, each a value and its number of bits, one after the other from a position
        in bits on; return the bytes that hold them, zeros around.

        Raises SourceError if the place is taken or too far away.
        """
        bits = sum(size for _, size in parts)
        if not bits:
            return b""
        self._use(position, bits, span)
        start = position // 8
        end = (position + bits + 7) // 8
        if end > OUTPUT_BYTES:
            if self._overfull:
                raise AlreadyReportedError
            self._overfull = True
            message = f"the output would be {end} bytes long; at most {OUTPUT_BYTES} can be written"
            raise SourceError(span, message)
        self.bit_length = max(self.bit_length, position + bits)
        data = _pack(parts, position % 8)
        if end > len(self._data):
            self._data.extend(bytes(end - len(self._data)))
        # Other statements may have bits in the first and the last byte.
        first, last = self._data[start], self._data[end - 1]
        self._data[start:end] = data
        self._data[start] |= first
        self._data[end - 1] |= last
        return data

    def write_word(self, position: int, word: int, span: Span) -> bytes:
        """Write a word of 32 bits, as `write` does."""
        data = self._data
        if position != 8 * len(data) or not self._ends or position != self._ends[-1]:
            return self.write(position, ((word, 32),), span)
        if len(data) + 4 > OUTPUT_BYTES:
            return self.write(position, ((word, 32),), span)
        self._ends[-1] = self.bit_length = position + 32
        written = word.to_bytes(4, "big")
        data += written
        return written

    def reserve(self, position: int, bits: int, span: Span) -> None:
        """Take a place without writing to it. Raises SourceError if it is taken."""
        if bits:
            self._use(position, bits, span)

    def _use(self, position: int, bits: int, span: Span) -> None:
        end = position + bits
        if end > 8 * ADDRESS_SPACE:
            raise SourceError(span, f"address 0x{end // 8:x} does not fit into 32 bits")
        if self._ends and position == self._ends[-1]:
            self._ends[-1] = end
            return
        index = bisect_right(self._starts, position)
        if index and self._ends[index - 1] > position:
            raise _overlap(position, self._spans[index - 1], span)
        if index < len(self._starts) and self._starts[index] < end:
            raise _overlap(self._starts[index], self._spans[index], span)
        self._starts.insert(index, position)
        self._ends.insert(index, end)
        self._spans.insert(index, span)


def _pack(parts: Sequence[tuple[int, int]], offset: int) -> bytes:
    """The bytes of parts that follow each other after `offset` zero bits."""
    chunks = []
    pending, count = 0, offset
    for value, bits in parts:
        pending = pending << bits | value & ((1 << bits) - 1)
        count += bits
        whole, rest = divmod(count, 8)
        if whole:
            chunks.append((pending >> rest).to_bytes(whole, "big"))
            pending &= (1 << rest) - 1
            count = rest
    if count:
        chunks.append(bytes((pending << (8 - count),)))
    return b"".join(chunks)


def _overlap(position: int, first: Span, span: Span) -> SourceError:
    return SourceError(
        span,
        f"address 0x{position // 8:x} has output already",
        f"it belongs to what starts at {first.place}; an `#addr` went back over it",
    )
