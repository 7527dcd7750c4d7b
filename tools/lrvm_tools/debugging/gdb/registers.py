"""The registers that a client of GDB's protocol sees, and their description.

Their numbers are the register codes, their values are sent big-endian.
"""

from __future__ import annotations

from typing import ClassVar, Final

from lrvm_jit.debug import DebugError, Debugger
from lrvm_jit.isa.table import REGISTER_COUNT, REGISTER_NAMES, Flag, Reg

_WORD: Final = 4
_TYPES: Final = {
    Reg.PC: "code_ptr",
    Reg.ERA: "code_ptr",
    Reg.EV: "code_ptr",
    Reg.SSP: "data_ptr",
    Reg.USP: "data_ptr",
    Reg.AF: "lrvm_flags",
}
_GENERIC: Final = {Reg.PC: "pc", Reg.SSP: "sp", Reg.AF: "flags"}
"""What LLDB calls some registers."""


class Registers:
    """The registers of the machine."""

    architecture = ""
    """Elements of the description that stand before the machine's own."""
    numbers: ClassVar[range] = range(REGISTER_COUNT)

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger

    def description(self) -> bytes:
        """The target description, an XML document."""
        flags = "".join(
            f'<field name="{flag.name}" start="{bit}" end="{bit}"/>'
            for flag in Flag
            for bit in (flag.mask.bit_length() - 1,)
        )
        registers = "\n".join(
            f'<reg name="{name}" regnum="{code}" bitsize="32" '
            f'type="{_TYPES.get(Reg(code), "uint32")}" group="{_group(code)}"/>'
            for code, name in enumerate(REGISTER_NAMES)
        )
        return (
            '<?xml version="1.0"?>\n'
            '<!DOCTYPE target SYSTEM "gdb-target.dtd">\n'
            f'<target version="1.0">\n{self.architecture}'
            '<feature name="org.lrvm.core">\n'
            f'<flags id="lrvm_flags" size="4">{flags}</flags>\n'
            f"{registers}\n</feature>\n</target>\n"
        ).encode()

    def information(self, number: int) -> str | None:
        """A register, as LLDB's `qRegisterInfo` asks for it; None beyond the last one."""
        if number >= REGISTER_COUNT:
            return None
        generic = _GENERIC.get(Reg(number))
        return (
            f"name:{REGISTER_NAMES[number]};bitsize:32;offset:{_WORD * number};encoding:uint;"
            f"format:hex;set:{_group(number)};" + (f"generic:{generic};" if generic else "")
        )

    def all(self) -> bytes:
        """All of them, in the order of their numbers."""
        return b"".join(map(self.one, self.numbers))

    def one(self, number: int) -> bytes:
        """The value of a register. DebugError if there is none of this number."""
        if number >= REGISTER_COUNT:
            raise DebugError(f"there is no register {number}")
        return int(self._debugger.board.cpu.regs[number]).to_bytes(_WORD, "big")

    def set_all(self, values: bytes) -> None:
        """Set all that `all` gives. DebugError."""
        before = [self.one(number) for number in self.numbers]
        if len(values) != sum(map(len, before)):
            raise DebugError(f"{len(values)} bytes are not those of all registers")
        at = 0
        for number, old in zip(self.numbers, before, strict=True):
            new = values[at : at + len(old)]
            at += len(old)
            if new != old:
                self.set(number, new)

    def set(self, number: int, value: bytes) -> None:
        """Set a register, unless it has the value: that would be another future for nothing.
        DebugError."""
        before = self.one(number)
        if len(value) != len(before):
            raise DebugError(f"register {number} has {len(before)} bytes, not {len(value)}")
        if value != before:
            self._debugger.set(REGISTER_NAMES[number], int.from_bytes(value, "big"))


def _group(code: int) -> str:
    return "system" if code >= Reg.SSP else "general"


class I386Registers(Registers):
    """The registers of the machine, and besides those of i386, for GDB.

    GDB refuses a description without the registers of an architecture that it has been built for,
    which for most is i386 alone. So it gets those as well: `eip` is the program counter, `esp` the
    stack pointer of the mode, all others are 0.
    """

    _NAMES: Final = (
        *("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags"),
        *("cs", "ss", "ds", "es", "fs", "gs"),
        *(f"st{number}" for number in range(8)),
        *("fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"),
    )
    numbers = range(REGISTER_COUNT + len(_NAMES))
    _TYPES: Final = {"eip": "code_ptr", "esp": "data_ptr"}

    @property
    def architecture(self) -> str:  # type: ignore[override]
        registers = "\n".join(
            f'<reg name="{name}" regnum="{number}" bitsize="{8 * self._size(name)}" '
            f'type="{self._type(name)}"/>'
            for number, name in enumerate(self._NAMES, REGISTER_COUNT)
        )
        return (
            "<architecture>i386</architecture>\n"
            f'<feature name="org.gnu.gdb.i386.core">\n{registers}\n</feature>\n'
        )

    @classmethod
    def _type(cls, name: str) -> str:
        return "i387_ext" if name.startswith("st") else cls._TYPES.get(name, "int32")

    @staticmethod
    def _size(name: str) -> int:
        return 10 if name.startswith("st") else _WORD

    def _own(self, name: str) -> int | None:
        """The code of the machine's register behind one of i386."""
        stack = Reg.SSP if self._debugger.board.cpu.regs.smt else Reg.USP
        return {"eip": int(Reg.PC), "esp": int(stack)}.get(name)

    def one(self, number: int) -> bytes:
        if number < REGISTER_COUNT or number not in self.numbers:
            return super().one(number)
        name = self._NAMES[number - REGISTER_COUNT]
        own = self._own(name)
        return bytes(self._size(name)) if own is None else super().one(own)

    def set(self, number: int, value: bytes) -> None:
        if number >= REGISTER_COUNT and value != self.one(number):
            name = self._NAMES[number - REGISTER_COUNT]
            own = self._own(name)
            if own is None:
                raise DebugError(f"the machine has no register {name}")
            number = own
        super().set(number, value)
