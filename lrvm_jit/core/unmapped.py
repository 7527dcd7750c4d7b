"""Accesses to addresses where no component is mapped.

A read there gives 0 and a write is ignored (memory.md: Physical memory map), so a program with a
wrong address goes on without a word. Every such access is counted (`Motherboard.stats`); what
else becomes of it is the board's `unmapped`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ..records import dataclass
from . import layout
from .mapping import MemoryMap


class Unmapped(StrEnum):
    """What becomes of a run that accesses an address where nothing is mapped.

    >>> from lrvm_jit import Unmapped
    >>> Unmapped.STOP == "stop"
    True
    """

    IGNORE = "ignore"
    """It goes on."""
    WARN = "warn"
    """It goes on; the first such access of each run is told by an `UnmappedWarning`."""
    STOP = "stop"
    """It ends after the instruction, with reason `unmapped` and the access in `Stop.unmapped`."""

    @classmethod
    def of(cls, value: str) -> Unmapped:
        """The choice that a user names. ValueError says which there are."""
        try:
            return cls(value)
        except ValueError:
            names = ", ".join(repr(str(one)) for one in cls)
            raise ValueError(f"unmapped is {value!r}; it must be one of {names}") from None


class UnmappedWarning(RuntimeWarning):
    """The guest has accessed an address where no component is mapped.

    >>> import warnings
    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> program = assemble("cpy ac0, 0x1000\\nwsa ac0, 1\\nhalt")
    >>> with Motherboard([BootRom(program)], unmapped="warn") as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     with warnings.catch_warnings(record=True) as told:
    ...         warnings.simplefilter("always")
    ...         _ = board.run()
    >>> told[0].category.__name__
    'UnmappedWarning'
    """


@dataclass(frozen=True, slots=True)
class UnmappedAccess:
    """An access to an address where no component is mapped: the physical address, and `access`,
    one of "read" (page-table entries, too), "write" and "execute".

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> program = assemble("cpy ac0, 0x1000\\nwsa ac0, 1\\nhalt")
    >>> with Motherboard([BootRom(program)], unmapped="stop") as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     stop = board.run()
    >>> stop.unmapped.access, hex(stop.unmapped.address)
    ('write', '0x1000')
    """

    address: int
    access: str

    def __str__(self) -> str:
        return f"{self.access} of 0x{self.address:08X}, where nothing is mapped"


_ACCESSES: Final = {layout.READ: "read", layout.WRITE: "write", layout.EXECUTE: "execute"}


def noticed_access(state: memoryview) -> UnmappedAccess:
    """The first unmapped access that an engine has noticed."""
    packed = state[layout.NOTICED_ACCESS]
    return UnmappedAccess(packed & layout.WORD, _ACCESSES[packed >> 32])


def advice(access: UnmappedAccess, mappings: MemoryMap) -> str:
    """What is mapped instead, around the address: a sentence."""
    ranges = list(mappings)
    if not ranges:
        return "Nothing is mapped at all: call board.map_contiguous(0), or map each component"
    below = [one for one in ranges if one.first <= access.address]
    above = [one for one in ranges if one.first > access.address]
    near = [f"component {one.component} at {one}" for one in below[-1:] + above[:1]]
    return f"The nearest that is mapped: {', '.join(near)}"
