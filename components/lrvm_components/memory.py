"""Components that are plain memory: BootROM, RAM and flash memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy
from numpy.typing import NDArray

from lrvm_jit import (
    Category,
    HardwareCode,
    HardwareError,
    MappedRegister,
    MemoryWindow,
    RegisterAccess,
)
from lrvm_jit.core.memory import as_words

from .base import WORD_BYTES, StandardComponent, checked_size

Words: TypeAlias = bytes | bytearray | memoryview | NDArray[Any] | Iterable[int]
"""Memory content: 32-bit words as whole numbers, or their bytes in big-endian order."""


def words_of(content: Words) -> NDArray[numpy.uint32]:
    """A fresh array of the words of `content`.

    ValueError for a number that is no word and for bytes that are no whole words, TypeError for
    what is no whole number.
    """
    words = as_words(content)
    return words.copy() if words is content else words


class _Memory(StandardComponent):
    """Words that the kernel serves by itself, zero where `image` does not reach."""

    registers = (MappedRegister(0, "WORDS", RegisterAccess.READ_WRITE, "the memory", words=0),)

    def __init__(
        self,
        size: int,
        image: NDArray[numpy.uint32],
        hw_id: int | None,
        write_error: HardwareError | None = None,
    ) -> None:
        size = checked_size(size)
        if image.nbytes > size:
            raise ValueError(
                f"content of {image.nbytes} bytes does not fit the {size} bytes of {self.name}"
            )
        super().__init__(size, hw_id)
        words = numpy.zeros(size // WORD_BYTES, numpy.uint32)
        words[: len(image)] = image
        self.windows = (MemoryWindow(0, words, write_error=write_error),)

    @property
    def words(self) -> NDArray[numpy.uint32]:
        """The live content. Plugging in the component moves it: take it anew after that."""
        return self.windows[0].words


class BootRom(_Memory):
    """Read-only memory that holds a program.

    `size` is in bytes and defaults to the program's; what lies past the program reads 0.
    Writes raise hardware error 0x31. ValueError for a program larger than the ROM.

    >>> from lrvm_components import BootRom
    >>> BootRom([1, 2], size=16).words.tolist()
    [1, 2, 0, 0]
    """

    name = "BootROM"
    category = Category.STORAGE
    type_code = 0x100
    registers = (
        MappedRegister(
            0, "WORDS", RegisterAccess.READ, "the program, and zeros to the end of the ROM", words=0
        ),
    )

    def __init__(self, words: Words, size: int | None = None, *, hw_id: int | None = None) -> None:
        program = words_of(words)
        super().__init__(
            program.nbytes if size is None else size,
            program,
            hw_id,
            HardwareError(HardwareCode.NOT_WRITABLE),
        )


class Ram(_Memory):
    """Memory that a reset takes back to its initial image: zeros unless `image` is given.

    `size` is in bytes. ValueError for an image larger than that.

    >>> from lrvm_components import Ram
    >>> ram = Ram(8, image=[7])
    >>> ram.write(4, 5)
    >>> ram.words.tolist()
    [7, 5]
    >>> ram.reset()
    >>> ram.words.tolist()
    [7, 0]
    """

    name = "RAM"
    category = Category.MEMORY
    type_code = 0x100

    def __init__(self, size: int, image: Words = (), *, hw_id: int | None = None) -> None:
        self._image = words_of(image)
        super().__init__(size, self._image, hw_id)

    def reset(self) -> None:
        """Back to the initial image."""
        self.words[: len(self._image)] = self._image
        self.words[len(self._image) :] = 0


class FlashMemory(_Memory):
    """Memory that keeps its content on resets and loses it with the machine.

    `size` is in bytes. ValueError for an image larger than that.

    >>> from lrvm_components import FlashMemory
    >>> flash = FlashMemory(8)
    >>> flash.write(0, 5)
    >>> flash.reset()
    >>> flash.read(0)
    5
    """

    name = "Flash Memory"
    category = Category.STORAGE
    type_code = 0x11

    def __init__(self, size: int, image: Words = (), *, hw_id: int | None = None) -> None:
        super().__init__(size, words_of(image), hw_id)
