"""What a component tells about itself: name and eight words (memory.md: Components)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from ..arguments import whole_number, whole_numbers
from ..records import dataclass

NAME_BYTES: Final = 32
METADATA_WORDS: Final = 8


class Category(IntEnum):
    """Metadata word 3.

    >>> from lrvm_jit import Category
    >>> hex(Category.DISPLAY)
    '0x11000'
    """

    DEBUG = 0x0000_0100
    CLOCK = 0x0000_1000
    DISPLAY = 0x0001_1000
    KEYBOARD = 0x0001_6000
    MEMORY = 0x0002_1000
    STORAGE = 0x0002_2000
    PLATFORM_SPECIFIC = 0xEEEE_EEEE
    UNCATEGORIZED = 0xFFFF_FFFF


_TYPE_NAMES: Final[dict[tuple[int, int], str]] = {
    (Category.DEBUG, 0x100): "Basic",
    (Category.CLOCK, 0x1): "Realtime",
    (Category.DISPLAY, 0x1): "Number",
    (Category.DISPLAY, 0x10): "Character",
    (Category.DISPLAY, 0x100): "Buffered",
    (Category.KEYBOARD, 0x100): "ReadCharSynchronous",
    (Category.KEYBOARD, 0x1000): "ReadLineSynchronous",
    (Category.MEMORY, 0x100): "Ram",
    (Category.STORAGE, 0x100): "Readonly",
    (Category.STORAGE, 0x11): "Flash",
    (Category.STORAGE, 0x21): "Persistent",
}


def type_name(category: int, code: int) -> str:
    """The name of a component type (metadata word 4), or its number in hexadecimal."""
    return _TYPE_NAMES.get((category, code), f"0x{code:X}")


def hardware_id(name: str) -> int:
    """A stable 64-bit hardware id from a name: FNV-1a of its UTF-8 bytes (tools.md).

    >>> from lrvm_jit import hardware_id
    >>> f"{hardware_id('RAM'):016X}"
    'A06CC719FF1503A3'
    """
    value = 0xCBF2_9CE4_8422_2325
    for byte in name.encode():
        value = ((value ^ byte) * 0x0000_0100_0000_01B3) & 0xFFFF_FFFF_FFFF_FFFF
    return value


def name_bytes(name: str) -> bytes:
    """The name as the guest sees it: UTF-8, cut to 32 bytes at a character boundary."""
    return name.encode()[:NAME_BYTES].decode(errors="ignore").encode()


@dataclass(frozen=True, slots=True)
class Metadata:
    """The eight metadata words as fields.

    `hardware_id` and `data` are 64 bits, `size` is in bytes, the others are words.

    >>> from lrvm_jit import Category, Metadata
    >>> Metadata(hardware_id=1, size=8, category=Category.CLOCK, type=1).size
    8
    """

    hardware_id: int
    size: int
    category: int
    type: int
    model: int = 0
    data: int = 0

    def __post_init__(self) -> None:
        for field, bits in (
            ("hardware_id", 64),
            ("size", 32),
            ("category", 32),
            ("type", 32),
            ("model", 32),
            ("data", 64),
        ):
            value = getattr(self, field)
            number = whole_number(f"metadata {field}", value)
            if not 0 <= number < 1 << bits:
                raise ValueError(f"metadata {field} {number} does not fit {bits} bits")
            if not isinstance(value, int):
                object.__setattr__(self, field, number)

    def words(self) -> tuple[int, ...]:
        """The eight words in the specification's order."""
        return (
            self.hardware_id >> 32,
            self.hardware_id & 0xFFFF_FFFF,
            self.size,
            int(self.category),
            int(self.type),
            self.model,
            self.data >> 32,
            self.data & 0xFFFF_FFFF,
        )

    @classmethod
    def from_words(cls, words: Sequence[int]) -> Metadata:
        """The metadata of eight words. ValueError for another count or a value over 32 bits."""
        words = whole_numbers("metadata", "a metadata word", words)
        if len(words) != METADATA_WORDS:
            raise ValueError(f"metadata has {METADATA_WORDS} words, not {len(words)}")
        for word in words:
            if not 0 <= word <= 0xFFFF_FFFF:
                raise ValueError(f"metadata word {word} is outside 0..0xFFFFFFFF")
        return cls(
            hardware_id=words[0] << 32 | words[1],
            size=words[2],
            category=words[3],
            type=words[4],
            model=words[5],
            data=words[6] << 32 | words[7],
        )
