"""What a component says about its registers: documentation and tools read it, the bus does not."""

from __future__ import annotations

from enum import StrEnum

from ..records import dataclass


class RegisterAccess(StrEnum):
    """What a guest may do with a register. Anything else is a hardware exception.

    >>> from lrvm_jit.core.register_map import RegisterAccess
    >>> RegisterAccess.READ.writable
    False
    """

    READ = "read"
    WRITE = "write"
    READ_WRITE = "read, write"

    @property
    def readable(self) -> bool:
        """Whether loading from it is allowed."""
        return self is not RegisterAccess.WRITE

    @property
    def writable(self) -> bool:
        """Whether storing to it is allowed."""
        return self is not RegisterAccess.READ


@dataclass(frozen=True, slots=True)
class MappedRegister:
    """A register of a component, or a row of equal ones: one line of its register map.

    `offset` is in bytes from the component's first address; a negative one counts from its end.
    `words` is how many words it has, 0 for all up to the next register or the end.

    >>> from lrvm_jit import MappedRegister, RegisterAccess
    >>> MappedRegister(-4, "COMMAND", RegisterAccess.WRITE, "takes commands").span(64)
    (60, 64)
    """

    offset: int
    name: str
    access: RegisterAccess
    meaning: str
    words: int = 1

    def span(self, size: int, end: int | None = None) -> tuple[int, int]:
        """First and last + 1 offset, in bytes, in a component of `size` bytes; `end` is where
        the next register begins."""
        first = self.offset if self.offset >= 0 else size + self.offset
        if self.words:
            return first, first + 4 * self.words
        return first, size if end is None else end


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """A number that a component's command register takes, and what it does then.

    >>> from lrvm_jit import DeviceCommand
    >>> DeviceCommand(0xAA, "SHOW", "shows the text").name
    'SHOW'
    """

    number: int
    name: str
    meaning: str


def spans(registers: tuple[MappedRegister, ...], size: int) -> list[tuple[MappedRegister, range]]:
    """Each register with the offsets of its words, in a component of `size` bytes."""
    starts = [register.span(size)[0] for register in registers]
    ends = [*starts[1:], size]
    return [
        (register, range(*register.span(size, end), 4))
        for register, end in zip(registers, ends, strict=True)
    ]
