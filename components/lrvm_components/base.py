"""What the ready-made components share: sizes, metadata, and a buffer with a command word."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy
from numpy.typing import NDArray

from lrvm_jit import (
    Category,
    Component,
    HardwareCode,
    HardwareError,
    MemoryWindow,
    Metadata,
    StateValue,
    hardware_id,
)
from lrvm_jit.arguments import whole_number

WORD_BYTES: Final = 4
# Metadata word 2 holds the size in bytes, so this is the largest whole number of words.
MAX_SIZE: Final = 2**32 - WORD_BYTES


def checked_size(size: int, least: int = WORD_BYTES) -> int:
    """A component's size in bytes. ValueError unless it is a multiple of 4 within the limits."""
    size = whole_number("size", size)
    if not least <= size <= MAX_SIZE or size % WORD_BYTES:
        raise ValueError(
            f"size {size} must be a multiple of {WORD_BYTES} bytes, from {least} to {MAX_SIZE}"
        )
    return size


class StandardComponent(Component):
    """A component whose name, category and type belong to its class.

    `hw_id` is the 64-bit hardware id; by default it is derived from the name, so all components
    of a class have the same one. ValueError for a bad size or an id that does not fit.
    """

    category: ClassVar[Category]
    type_code: ClassVar[int]

    def __init__(self, size: int, hw_id: int | None) -> None:
        self._metadata = Metadata(
            hardware_id=(hardware_id(self.name) if hw_id is None else whole_number("hw_id", hw_id)),
            size=checked_size(size),
            category=self.category,
            type=self.type_code,
        )

    def metadata(self) -> Metadata:
        return self._metadata

    def save_state(self) -> StateValue:
        """None: these components have no state besides their windows, unless they say so."""
        return None


class CommandBuffer(StandardComponent):
    """A component whose last word takes commands and whose other words are a byte buffer.

    The buffer is a memory window, so the guest fills or reads it without leaving the kernel.
    A subclass overrides `command`.
    """

    def __init__(
        self,
        size: int,
        hw_id: int | None,
        read_error: HardwareError | None = None,
        write_error: HardwareError | None = None,
    ) -> None:
        size = checked_size(size, least=2 * WORD_BYTES)
        super().__init__(size, hw_id)
        words = numpy.zeros(size // WORD_BYTES - 1, numpy.uint32)
        self.windows = (MemoryWindow(0, words, read_error, write_error),)

    @property
    def words(self) -> NDArray[numpy.uint32]:
        """The live buffer, without the command word."""
        return self.windows[0].words

    @property
    def capacity(self) -> int:
        """The buffer's size in bytes, which is also the offset of the command word."""
        return self.windows[0].end

    def write(self, offset: int, word: int) -> None:
        if offset == self.capacity:
            self.command(word)
        else:
            super().write(offset, word)

    def command(self, word: int) -> None:
        """Obey a command. This base refuses them all as unknown operations (0x10)."""
        raise HardwareError(HardwareCode.UNKNOWN_OPERATION, word & 0xFF)

    def reset(self) -> None:
        """Clear the buffer."""
        self.words[:] = 0
