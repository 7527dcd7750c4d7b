"""What ended a program that did not end by itself, in words and with its place in the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lrvm_jit import (
    ExceptionCode,
    GuestException,
    HardwareCode,
    HardwareError,
    Motherboard,
    Stop,
    StopReason,
)
from lrvm_jit.core.registers import Registers
from lrvm_jit.isa.codec import DecodingError, decode
from lrvm_jit.isa.table import Reg

from .debug_info import SourcePlace

if TYPE_CHECKING:
    from .executable import Executable

TRAP: Final = "__lrvm_trap"
"""The function of a C program's start code in which the CPU halts after an exception."""

ABORTED, NULL_READ, STACK_OVERFLOW, UNREACHABLE, NULL_CALL = 0x06, 0x10, 0x11, 0x12, 0x13
_INTERRUPTIONS: Final = {
    ABORTED: "aborted",
    NULL_READ: "access through a NULL pointer",
    STACK_OVERFLOW: "the stack has met the heap",
    UNREACHABLE: "code was reached that the compiler took for unreachable",
    NULL_CALL: "call of a NULL pointer",
}
_NULL_PAGE: Final = 0x1000
"""An address below it is one that was made from NULL."""
_MASK: Final = 0xFFFF_FFFF
_DEEPEST: Final = 256
"""Words of the stack that are looked at."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception that ended a program: what it was, and where.

    `address` is that of the instruction; of a call of NULL, that of the call.
    """

    exception: GuestException
    address: int
    what: str
    function: str | None = None
    place: SourcePlace | None = None
    called_from: str | None = None
    """Where the program's own code called what has no lines itself, such as a library function:
    function and place."""

    def __str__(self) -> str:
        return f"exception 0x{self.exception.code:02X}: {self.what}{self.where}"

    @property
    def where(self) -> str:
        """Function, line and address, as they follow what happened."""
        text = where(self.address, self.function, self.place)
        return text + (f", called from {self.called_from}" if self.called_from else "")


def where(address: int, function: str | None, place: SourcePlace | None) -> str:
    """Words for a place in a program, to follow what happened there."""
    text = f" in {function}" if function else ""
    text += f" at {place}" if place else ""
    return f"{text} (address 0x{address:08X})"


@dataclass(frozen=True, slots=True)
class Observed:
    """A machine that has stopped, as far as it is looked at: registers, and words of memory."""

    regs: Registers | Mapping[int | str, int]
    read: Callable[[int], int]


def fault_of(executable: Executable, board: Motherboard, stop: Stop) -> Fault | None:
    """The exception that ended a run, if one did: by the start code's trap, or by the caller's
    wish to stop at exceptions."""
    if stop.exception is None and not (
        stop.reason is StopReason.HALTED and executable.function_at(stop.address) == TRAP
    ):
        return None
    return last_fault(executable, Observed(board.cpu.regs, board.memory.read))


def last_fault(executable: Executable, machine: Observed) -> Fault:
    """The last exception that a machine has raised, if it has raised one."""
    exception = GuestException.from_word(machine.regs["et"])
    address = machine.regs["era"]
    if (exception.code, exception.data) == (ExceptionCode.INTERRUPTION, NULL_CALL):
        address = _caller(machine, address)
    if not any(s.executable and s.address <= address < s.end for s in executable.segments):
        what = "the program has jumped to where it has no code"
    else:
        what = _what(exception, address, machine)
    place = executable.lines.locate(address)
    return Fault(
        exception,
        address,
        what,
        executable.function_at(address),
        place,
        None if place else _called_from(executable, machine),
    )


def _caller(machine: Observed, otherwise: int) -> int:
    """The call whose return address is on the stack."""
    stack = machine.regs["ssp"]
    if stack % 4:
        return otherwise
    return (machine.read(stack) - 4) & _MASK


def _called_from(executable: Executable, machine: Observed) -> str | None:
    """The innermost call in code with lines, among the return addresses on the stack.

    Functions without debug information do not say how large their frames are: what looks like a
    return address is taken for one.
    """
    stack = machine.regs["ssp"]
    if not len(executable.lines) or stack % 4 or machine.regs["mtt"]:
        return None
    for slot in range(stack, min(stack + 4 * _DEEPEST, _MASK), 4):
        try:
            address = machine.read(slot) - 4
            if address % 4 or (place := executable.lines.locate(address)) is None:
                continue
            called = decode(machine.read(address)).instruction.mnemonic == "call"
        except (DecodingError, HardwareError):
            continue
        if called:
            return f"{executable.function_at(address)} at {place}"
    return None


def _what(exception: GuestException, address: int, machine: Observed) -> str:
    code, data = exception.code, exception.data
    target = accessed(machine, address)
    if code == ExceptionCode.INTERRUPTION and data in _INTERRUPTIONS:
        return _INTERRUPTIONS[data]
    if exception.hardware is not None and exception.hardware.code == HardwareCode.NOT_WRITABLE:
        if target is not None and target < _NULL_PAGE:
            return f"store through a NULL pointer, to address {target}"
        if target is not None:
            return f"store to read-only memory at 0x{target:08X}"
    if code == ExceptionCode.UNALIGNED_ADDRESS and target is not None:
        return f"access to 0x{target:08X}, which is no multiple of 4"
    text = str(exception)
    return text[:1].lower() + text[1:] if not text.startswith("MMU") else text


def accessed(machine: Observed, address: int) -> int | None:
    """The address that the load or store at `address` goes to, with the registers as they are."""
    if address % 4 or machine.regs["mtt"]:
        return None
    try:
        decoded = decode(machine.read(address))
    except (DecodingError, HardwareError):
        return None
    rule = _ADDRESSES.get(decoded.instruction.mnemonic)
    if rule is None:
        return None
    regs = machine.regs
    values = [regs[value] if isinstance(value, Reg) else value for value in decoded.operands]
    return rule(values, regs[Reg.SSP]) & _MASK


_ADDRESSES: Final[dict[str, Callable[[Sequence[int], int], int]]] = {
    "lsa": lambda v, sp: v[1] + v[2],
    "lea": lambda v, sp: v[0] + v[1] * v[2],
    "wsa": lambda v, sp: v[0] + v[1],
    "wea": lambda v, sp: v[0] + v[1] * v[2],
    "srm": lambda v, sp: v[0] + v[1],
    "push": lambda v, sp: sp - 4,
    "pop": lambda v, sp: sp,
    "call": lambda v, sp: sp - 4,
}
