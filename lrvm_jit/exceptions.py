"""Guest exceptions and hardware exceptions as typed values (specification: Exceptions)."""

from __future__ import annotations

from typing import Final

from .arguments import number_within
from .isa.codes import ExceptionCode, HardwareCode
from .isa.table import READ_ONLY_REGISTERS, REGISTER_COUNT, REGISTER_NAMES
from .records import dataclass

__all__ = ["ExceptionCode", "GuestException", "HardwareCode", "HardwareError"]


_HARDWARE_SENTENCES: Final = {
    HardwareCode.UNKNOWN: "Unknown hardware error",
    HardwareCode.UNSPECIFIED_SYNCHRONISATION: "Synchronisation failed",
    HardwareCode.TIME_SYNCHRONISATION: "Time synchronisation failed",
    HardwareCode.UNKNOWN_OPERATION: "Unknown operation 0x{data:02X}",
    HardwareCode.UNSUPPORTED_OPERATION: "Unsupported operation 0x{data:02X}",
    HardwareCode.PHYSICAL_READ_ERROR: "Reading from the medium failed",
    HardwareCode.NOT_READABLE: "The address is not readable",
    HardwareCode.PHYSICAL_WRITE_ERROR: "Writing to the medium failed",
    HardwareCode.NOT_WRITABLE: "The address is not writable",
}

_SENTENCES: Final = {
    ExceptionCode.UNKNOWN_OPCODE: "Unknown opcode 0x{data:02X}",
    ExceptionCode.UNKNOWN_REGISTER: "Unknown register 0x{data:02X}",
    ExceptionCode.REGISTER_NOT_READABLE: "Register {register} cannot be read{where}",
    ExceptionCode.REGISTER_NOT_WRITABLE: "Register {register} cannot be written{where}",
    ExceptionCode.UNALIGNED_ADDRESS: "Unaligned memory address (offset {data} in its word)",
    ExceptionCode.MMU_REFUSED_READ: "MMU refused a read at an address ending in 0x{data:04X}",
    ExceptionCode.MMU_REFUSED_WRITE: "MMU refused a write at an address ending in 0x{data:04X}",
    ExceptionCode.MMU_REFUSED_EXECUTE: (
        "MMU refused an execution at an address ending in 0x{data:04X}"
    ),
    ExceptionCode.SUPERVISOR_ONLY: "Instruction 0x{data:02X} is for supervisor mode only",
    ExceptionCode.DIVISION_BY_ZERO: "Division by zero",
    ExceptionCode.OVERFLOWING_DIVISION: "Overflowing division",
    ExceptionCode.BAD_FLAG: "Unknown flag {data}",
    ExceptionCode.BAD_CONDITION: "Unknown IF2 condition {data}",
    ExceptionCode.UNKNOWN_COMPONENT: "Unknown component id 0x{data:04X}",
    ExceptionCode.UNKNOWN_HARDWARE_INFORMATION: "Unknown hardware information 0x{data:04X}",
    ExceptionCode.COMPONENT_NOT_MAPPED: "Component 0x{data:04X} is not mapped",
    ExceptionCode.INTERRUPTION: "Interruption 0x{data:04X}",
}


class HardwareError(Exception):
    """Raised by a component to refuse an access: the guest sees exception 0xA0.

    `code` and `data` are bytes; `code` is usually a `HardwareCode`. ValueError if either is
    outside 0..255.

    >>> from lrvm_jit import HardwareCode, HardwareError
    >>> print(HardwareError(HardwareCode.UNKNOWN_OPERATION, 7))
    Unknown operation 0x07
    """

    def __init__(self, code: int, data: int = 0) -> None:
        self.code = number_within("hardware error code", code, 0, 0xFF)
        self.data = number_within("hardware error data", data, 0, 0xFF)
        super().__init__(self.code, self.data)

    @property
    def word(self) -> int:
        """The 16 bits that the guest finds in `et`."""
        return self.code << 8 | self.data

    @classmethod
    def from_word(cls, word: int) -> HardwareError:
        """The error of these 16 bits."""
        return cls((word >> 8) & 0xFF, word & 0xFF)

    def __str__(self) -> str:
        try:
            return _HARDWARE_SENTENCES[HardwareCode(self.code)].format(data=self.data)
        except ValueError:
            return f"Hardware error 0x{self.code:02X} with data 0x{self.data:02X}"


def _register(code: int) -> str:
    """A register as messages name it: `era (0x1B)`."""
    number = f"0x{code:02X}"
    return f"{REGISTER_NAMES[code]} ({number})" if code < REGISTER_COUNT else number


@dataclass(frozen=True, slots=True)
class GuestException:
    """An exception that the CPU raised: the mode it came from, its code and 16 bits of data.

    >>> from lrvm_jit import GuestException
    >>> print(GuestException.from_word(0x010A_0000))
    Division by zero
    """

    supervisor: bool
    code: int
    data: int

    @property
    def word(self) -> int:
        """The value of `et` (specification: Exceptions)."""
        return (1 if self.supervisor else 0) << 24 | self.code << 16 | self.data

    @classmethod
    def from_word(cls, word: int) -> GuestException:
        """The exception of an `et` value."""
        return cls(bool(word >> 24 & 1), word >> 16 & 0xFF, word & 0xFFFF)

    @property
    def mode(self) -> str:
        """`supervisor` or `userland`."""
        return "supervisor" if self.supervisor else "userland"

    @property
    def _where(self) -> str:
        """In which mode a register is refused; nothing if that is so in both."""
        always = (
            self.code == ExceptionCode.REGISTER_NOT_WRITABLE and self.data in READ_ONLY_REGISTERS
        )
        return "" if always else f" in {self.mode} mode"

    @property
    def hardware(self) -> HardwareError | None:
        """The component's error if this is a hardware exception, else None."""
        return HardwareError.from_word(self.data) if self.code == ExceptionCode.HARDWARE else None

    def __str__(self) -> str:
        if self.code == ExceptionCode.HARDWARE:
            return f"Hardware exception: {self.hardware}"
        try:
            return _SENTENCES[ExceptionCode(self.code)].format(
                data=self.data, register=_register(self.data), where=self._where
            )
        except ValueError:
            return f"Unknown exception 0x{self.code:02X} with data 0x{self.data:04X}"
