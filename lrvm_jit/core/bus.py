"""What components answer to the CPU: READ, WRITE, hardware information, RESET.

Both engines serve the bus through this one room.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import SupportsIndex

from ..exceptions import ExceptionCode, HardwareError
from ..isa.table import RESET_SELECTION, WORD_MASK, HwdInfo, ResetSelection
from .bus_tap import BusTap
from .component import Component
from .mapping import MemoryMap
from .metadata import Metadata, name_bytes


class GuestError(Exception):
    """An exception for the guest, found on the Python side: its code and 16 bits of data."""

    def __init__(self, code: int, data: int) -> None:
        super().__init__(code, data)
        self.code = int(code)
        self.data = data & 0xFFFF


def refusal_before(error: BaseException, *functions: Callable[..., object]) -> HardwareError | None:
    """The HardwareError that one of these functions of an engine was about to deal with when
    another exception came: a component has refused an access, which is an answer. None if there
    is none; the component may have raised and caught others itself."""
    refusal = error.__context__
    if not isinstance(refusal, HardwareError) or refusal.__traceback__ is None:
        return None
    code = refusal.__traceback__.tb_frame.f_code
    return (
        refusal
        if any(code is getattr(function, "__code__", None) for function in functions)
        else None
    )


class Bus:
    """The components of a board by id."""

    def __init__(
        self, components: Sequence[Component], metadata: Sequence[Metadata], mappings: MemoryMap
    ) -> None:
        self.components = components
        self.metadata = metadata
        self._mappings = mappings
        self._words = [item.words() for item in metadata]
        self.tap: BusTap | None = None
        """What stands between the guest and the components."""
        self.resetting = 0
        """The component that RESET has come to."""
        self._names = [name_bytes(component.name) for component in components]

    def reader(self, component: int) -> Callable[[int], int]:
        """READ of a component as the guest reaches it: through the tap, if there is one."""
        read, tap = self.components[component].read, self.tap
        return read if tap is None else lambda offset: tap.read(component, offset, read)

    def writer(self, component: int) -> Callable[[int, int], None]:
        """WRITE of a component as the guest reaches it."""
        write, tap = self.components[component].write, self.tap
        if tap is None:
            return write
        return lambda offset, word: tap.write(component, offset, word, write)

    def swapper(self, component: int) -> Callable[[int, int], int] | None:
        """The component's `swap` as the guest reaches it; None if it has none."""
        swap, tap = self.components[component].swap, self.tap
        if swap is None or tap is None:
            return swap
        return lambda offset, word: tap.swap(component, offset, word, swap)

    def guest_read(self, component: int, offset: int) -> int:
        """READ by the guest. ValueError if the component answers something that is no word."""
        return self.word(component, offset, self.reader(component)(offset))

    def guest_write(self, component: int, offset: int, word: int) -> None:
        """WRITE by the guest."""
        self.writer(component)(offset, word)

    def read(self, component: int, offset: int) -> int:
        """READ by the host. ValueError if the component answers something that is no word."""
        return self.word(component, offset, self.components[component].read(offset))

    def swap(self, component: int, offset: int, word: int) -> int:
        """WRITE and READ of the old word in one, for a component that can."""
        swap = self.swapper(component)
        assert swap is not None
        return self.word(component, offset, swap(offset, word))

    def word(self, component: int, offset: int, answer: SupportsIndex) -> int:
        """A component's answer as an int. ValueError, or TypeError, if it is no word."""
        try:
            word = operator.index(answer)
        except TypeError:
            # Not through `arguments`, as this is done for every access: 240 ns in all.
            raise TypeError(self._no_word(component, offset, answer)) from None
        if not 0 <= word <= WORD_MASK:
            raise ValueError(self._no_word(component, offset, answer))
        return word

    def _no_word(self, component: int, offset: int, answer: object) -> str:
        return (
            f"{self.components[component].name} answered {answer!r} to a read at offset "
            f"{offset}; a word is an integer from 0 to {WORD_MASK}"
        )

    def write(self, component: int, offset: int, word: int) -> None:
        """WRITE by the host."""
        self.components[component].write(offset, word)

    def hardware_information(self, component: int, info: int) -> int:
        """The value of HWD (isa.md: HWD). Raises GuestError."""
        if component == 0 and info == HwdInfo.COUNT:
            return len(self.components)
        if component >= len(self.components):
            raise GuestError(ExceptionCode.UNKNOWN_COMPONENT, component)
        name = self._names[component]
        mapping = self._mappings.of(component)
        if info in _METADATA_WORD:
            return self._words[component][_METADATA_WORD[info]]
        if info == HwdInfo.NAME_LEN:
            return len(name)
        if HwdInfo.NAME_W1 <= info <= HwdInfo.NAME_W8:
            at = 4 * (info - HwdInfo.NAME_W1)
            return int.from_bytes(name[at : at + 4].ljust(4, b"\0"), "big")
        if info == HwdInfo.IS_MAPPED:
            return int(mapping is not None)
        if info in (HwdInfo.MAP_START, HwdInfo.MAP_END):
            if mapping is None:
                raise GuestError(ExceptionCode.COMPONENT_NOT_MAPPED, component)
            return mapping.first if info == HwdInfo.MAP_START else mapping.last + 3
        raise GuestError(ExceptionCode.UNKNOWN_HARDWARE_INFORMATION, info)

    def reset(self, mode: int, operand: int) -> None:
        """The components' part of RESET: `mode` selects, `operand` is avr. Raises GuestError."""
        selection = mode & RESET_SELECTION
        if selection == ResetSelection.ONE and operand >= len(self.components):
            raise GuestError(ExceptionCode.UNKNOWN_COMPONENT, operand)
        chosen = _RESET_SELECTIONS.get(selection)
        if chosen is not None:
            for index, component in enumerate(self.components):
                if chosen(index, operand):
                    self.resetting = index
                    if self.tap is None:
                        component.reset()
                    else:
                        self.tap.reset(index, component.reset)


_METADATA_WORD: dict[int, int] = {
    HwdInfo.UID_UPPER: 0,
    HwdInfo.UID_LOWER: 1,
    HwdInfo.SIZE: 2,
    HwdInfo.CAT: 3,
    HwdInfo.TYPE: 4,
    HwdInfo.MODEL: 5,
    HwdInfo.DATA_UPPER: 6,
    HwdInfo.DATA_LOWER: 7,
}

_RESET_SELECTIONS: dict[int, Callable[[int, int], bool]] = {
    ResetSelection.ALL: lambda index, operand: True,
    ResetSelection.ONE: lambda index, operand: index == operand,
    ResetSelection.ALL_BUT_ONE: lambda index, operand: index != operand,
    ResetSelection.UP_TO: lambda index, operand: index <= operand,
    ResetSelection.FROM: lambda index, operand: index >= operand,
}
