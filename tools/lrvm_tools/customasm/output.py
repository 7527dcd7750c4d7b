"""From items with values to the bits of the output (section 6)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from .banks import Bank
from .items import AmountItem, DataItem, InstructionItem, Item, LabelItem
from .limits import INTEGER_BITS
from .operators import OUT_OF_RANGE
from .problems import Log, Problem, note

_CHUNK_BITS: Final = 1 << 16


class Output:
    """The output: `data` in bytes, the last one filled up with zeros, and its `length` in bits."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.length = 0
        # Used ranges of bits in order, as parallel lists. A range that continues the one before
        # it is merged with it; `_items` tells who used it, by place, for messages.
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._pending: list[tuple[int, int, int]] = []

    def build(self, items: Sequence[Item], banks: Sequence[Bank], log: Log) -> None:
        """Write what items have; the first item that cannot be written is told."""
        custom = len(banks) > 1
        default = banks[0]
        writes: list[tuple[int, int, int]] = []
        for item in items:
            kind = type(item)
            if kind is InstructionItem or kind is DataItem:
                writes_data = True
            elif kind is LabelItem or (kind is AmountItem and item.kind == "res"):  # type: ignore[attr-defined]
                writes_data = False
            else:
                continue
            bank = item.bank
            if custom and bank is default:
                message = "usage of the default bank while custom banks are defined"
                log.stop(Problem(item.span, message))
                continue
            if writes_data and bank.output is None:
                inner = note(bank.name_span, "no `outp` defined for bank")
                message = f"output to non-writable bank `{bank.name}`"
                log.stop(Problem(item.span, message, inner))
                continue
            limit = bank.size_in_bits
            if limit is not None and item.position + item.size > limit:
                inner = note(bank.name_span, "bank defined here:")
                message = f"output out of range for bank `{bank.name}`"
                log.stop(Problem(item.span, message, inner))
                continue
            if bank.output is None or not item.size:
                continue
            start = bank.output + item.position
            if not self._use(start, start + item.size, item, items, log) or not writes_data:
                continue
            if start + item.size > INTEGER_BITS:
                log.stop(Problem(item.span, OUT_OF_RANGE, hint="the output is too long"))
                continue
            writes.append((start, item.size, item.value))
        self._write(writes)
        for bank in banks:
            if bank.filled and bank.output is not None and bank.size is not None:
                end = bank.output + bank.size * bank.bits
                if end > INTEGER_BITS:
                    log.stop(Problem(bank.name_span, OUT_OF_RANGE, hint="the output is too long"))
                    continue
                self.length = max(self.length, end)
        self.data.extend(bytes((self.length + 7) // 8 - len(self.data)))

    def _use(self, start: int, end: int, item: Item, items: Sequence[Item], log: Log) -> bool:
        """Take a range of bits; tell if another item has it."""
        if not self._ends or start >= self._ends[-1]:
            if self._ends and start == self._ends[-1]:
                self._ends[-1] = end
            else:
                self._starts.append(start)
                self._ends.append(end)
            return True
        index = bisect_right(self._starts, start)
        taken = index and self._ends[index - 1] > start
        if taken or (index < len(self._starts) and self._starts[index] < end):
            first = _user(items, start, end, item)
            inner = note(first.span, "overlaps with:") if first is not None else None
            problem = Problem(item.span, "output overlap", *((inner,) if inner else ()))
            log.stop(problem)
            return False
        self._starts.insert(index, start)
        self._ends.insert(index, end)
        return True

    def _write(self, writes: list[tuple[int, int, int]]) -> None:
        """Write values, which do not overlap, at their places."""
        writes.sort()
        data = self.data
        position = 0
        pending = count = 0
        for start, size, value in writes:
            if start != position or count > _CHUNK_BITS:
                data.extend(_packed(pending, count))
                pending = count = 0
                gap = start - 8 * len(data)
                if gap < 0:
                    # The bits before `start` in the last byte stay.
                    pending = data.pop() >> (-gap if -gap < 8 else 0)
                    count = 8 + gap
                else:
                    data.extend(bytes(gap // 8))
                    count = gap % 8
            pending = pending << size | value
            count += size
            position = start + size
        data.extend(_packed(pending, count))
        self.length = position


def _packed(value: int, bits: int) -> bytes:
    """Bits as bytes, the last one filled up with zeros."""
    return (value << (-bits % 8)).to_bytes((bits + 7) // 8, "big")


def _user(items: Iterable[Item], start: int, end: int, item: Item) -> Item | None:
    """The item that uses a range of bits that `item` wants."""
    for other in items:
        if other is item:
            break
        if other.bank.output is None or not other.size:
            continue
        first = other.bank.output + other.position
        if first < end and start < first + other.size:
            return other
    return None
