"""Physical memory as Python sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number
from ..exceptions import HardwareError
from ..isa.table import WORD_MASK
from .component import MemoryWindow
from .core import Core
from .mapping import ADDRESS_SPACE
from .swap import plain_translation, plain_word

Words = Iterable[int] | NDArray[Any] | bytes | bytearray | memoryview
WORD_BYTES = 4
_ACCESSES = ("read", "write", "execute")


class Memory:
    """Reads and writes physical addresses with the components' own semantics.

    An address is in bytes and a multiple of 4. Where nothing is mapped a read gives 0 and a
    write is ignored; a component that refuses raises `HardwareError`, as it does for the guest.
    """

    def __init__(self, core: Core) -> None:
        self._mappings = core.mappings
        self._bus = core.bus
        self._state = core.state
        self._core = core

    def read(self, address: int) -> int:
        """The word at a physical address."""
        address = self._check("address", address)
        mapping = self._mappings.find(address)
        if mapping is None:
            return 0
        return self._bus.read(mapping.component, address - mapping.first)

    def peek(self, address: int) -> int | None:
        """The word at a physical address without asking a component: None if it is no plain
        memory, or not to be read. Where nothing is mapped it is 0."""
        address = self._check("address", address)
        if self._mappings.find(address) is None:
            return 0
        return plain_word(self._core, address)

    def translate(self, address: int, access: str = "read") -> int | None:
        """The physical address of a virtual one, as the CPU would translate it now.

        `access` is "read", "write" or "execute". None if the MMU refuses it, or if a component
        would have to be asked for a page-table entry.
        """
        address = whole_number("address", address)
        if not 0 <= address < ADDRESS_SPACE:
            raise ValueError(f"address {address} is outside 0..0xFFFFFFFF")
        if access not in _ACCESSES:
            raise ValueError(f"access {access!r} must be one of {', '.join(_ACCESSES)}")
        return plain_translation(self._core, address, _ACCESSES.index(access))

    def write(self, address: int, word: int) -> None:
        """Write one word. ValueError if it is no word."""
        address = self._check("address", address)
        word = whole_number("word", word)
        if not 0 <= word <= WORD_MASK:
            raise ValueError(f"value {word} for address 0x{address:08X} is outside 0..{WORD_MASK}")
        mapping = self._mappings.find(address)
        if mapping is not None:
            self._bus.write(mapping.component, address - mapping.first, word)
            self._state.host_changed()
            self._tell(address, [word])

    def load(self, address: int, words: Words) -> None:
        """Write consecutive words from `address` on.

        A word that plain memory refuses raises `HardwareError` before anything is written.
        """
        data = as_words(words)
        address = self._check_range(address, len(data))
        plain = list(self._plain(address, len(data)))
        for _, _, _, window in plain:
            if window is not None and window.write_error is not None:
                raise HardwareError(window.write_error.code, window.write_error.data)
        for at, count, first, window in plain:
            part = data[at : at + count]
            if window is not None:
                window.words[first : first + count] = part
                self._tell(address + 4 * at, part)
            else:
                for k, word in enumerate(part.tolist()):
                    self.write(address + 4 * (at + k), word)
        self._state.host_changed()

    def _tell(self, address: int, words: Sequence[int] | NDArray[Any]) -> None:
        if self._bus.tap is not None:
            self._bus.tap.memory_written(address, [int(word) for word in words])

    def changed(self) -> None:
        """Say, during a run, that plain memory has been changed in another way than through here.

        Otherwise the engine may go on with instructions as they were.
        """
        self._state.host_changed()

    def dump(self, first: int, last: int) -> NDArray[numpy.uint32]:
        """The words from address `first` to address `last`, both included, as a new array."""
        first, last = self._check("first", first), self._check("last", last)
        if last < first:
            raise ValueError(f"last address 0x{last:08X} is below the first, 0x{first:08X}")
        result = numpy.zeros((last - first) // 4 + 1, numpy.uint32)
        for at, count, start, window in self._plain(first, len(result)):
            if window is not None and window.read_error is None:
                result[at : at + count] = window.words[start : start + count]
            else:
                for k in range(at, at + count):
                    result[k] = self.read(first + 4 * k)
        return result

    def _plain(
        self, address: int, words: int
    ) -> Iterable[tuple[int, int, int, MemoryWindow | None]]:
        """Split a range into parts: position, length, first word in the window, the window.

        The window is None where the words are not plain memory. Unmapped parts are left out.
        """
        at = 0
        while at < words:
            here = address + 4 * at
            mapping = self._mappings.find(here)
            if mapping is None:
                following = [other.first for other in self._mappings if other.first > here]
                at = min([words, *((first - address) // 4 for first in following)])
                continue
            offset = here - mapping.first
            room = min(words - at, (mapping.last + 4 - here) // 4)
            windows = self._bus.components[mapping.component].windows
            inside = [w for w in windows if w.offset <= offset < w.end]
            if inside:
                count = min(room, (inside[0].end - offset) // 4)
                yield at, count, (offset - inside[0].offset) // 4, inside[0]
            else:
                later = [w.offset for w in windows if w.offset > offset]
                count = min([room, *((start - offset) // 4 for start in later)])
                yield at, count, 0, None
            at += count

    def _check_range(self, address: int, words: int) -> int:
        address = self._check("address", address)
        if address + 4 * words > ADDRESS_SPACE:
            raise ValueError(
                f"{words} words at 0x{address:08X} would go past the address space's 0xFFFFFFFF"
            )
        return address

    @staticmethod
    def _check(name: str, address: int) -> int:
        """A word's address as an int."""
        address = whole_number(name, address)
        if not 0 <= address < ADDRESS_SPACE:
            raise ValueError(f"address {address} is outside 0..0xFFFFFFFF")
        if address % 4:
            raise ValueError(f"address 0x{address:08X} is not a multiple of 4")
        return address


def as_words(values: Words) -> NDArray[numpy.uint32]:
    """The values as a uint32 array; bytes are big-endian words.

    ValueError for a number that is no word and for bytes that are no whole words, TypeError for
    what is no whole number.
    """
    if isinstance(values, bytes | bytearray | memoryview):
        raw = bytes(values)
        if len(raw) % WORD_BYTES:
            raise ValueError(f"{len(raw)} bytes are not a whole number of 32-bit words")
        return numpy.frombuffer(raw, ">u4").astype(numpy.uint32)
    if isinstance(values, str):
        raise TypeError(
            f"words must be whole numbers, or bytes, not the string {values[:40]!r}; "
            "lrvm_tools.assemble() makes words of a program's source"
        )
    if isinstance(values, numpy.ndarray):
        if values.dtype == numpy.uint32 and values.ndim == 1:
            return values
        if values.ndim != 1 or (values.size and values.dtype.kind not in "iuO"):
            raise TypeError(
                f"words must be one row of whole numbers, not {values.ndim} dimensions of "
                f"{values.dtype}"
            )
        values = values.tolist()
    elif not isinstance(values, Iterable):
        raise TypeError(f"words must be a sequence of whole numbers, not {values!r}")
    numbers = [whole_number("a word", value) for value in values]
    for position, number in enumerate(numbers):
        if not 0 <= number <= WORD_MASK:
            raise ValueError(f"word {position} is {number}, outside 0..{WORD_MASK}")
    return numpy.array(numbers, numpy.uint32)
