"""Looking at a machine by the names of its program, without touching it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final, Protocol

from ..isa.codec import format_word
from ..isa.table import REGISTER_NAMES, Flag
from ..machine.motherboard import Motherboard
from .expressions import WORD, Expression, ExpressionError, parse
from .program import Place, ProgramInfo
from .stack import Frame, unwind

_FLAGS: Final = {flag.name.lower(): flag.mask for flag in Flag}
_COUNTERS: Final = ("cycles", "position", "mode", "sp")


class DebugError(ValueError):
    """What was asked for cannot be done; the message says why."""


class SourceVariables(Protocol):
    """The variables of a compiled program, by what its language calls them."""

    def knows(self, text: str) -> bool:
        """Whether a text is such a name, with what may follow it."""

    def number(self, text: str) -> int:
        """Its value, if that is a number. ExpressionError."""

    def extent(self, text: str) -> tuple[int, int]:
        """Its virtual address and its words. DebugError if it is in no memory."""


class Inspection:
    """A board and its program: values of names and expressions, memory, code, calls."""

    def __init__(self, board: Motherboard, program: ProgramInfo) -> None:
        self.board = board
        self.program = program
        self.variables: SourceVariables | None = None

    @property
    def position(self) -> int:
        """Instructions attempted since the board was made, unless somebody counts otherwise."""
        return self.board.cpu.attempted

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return int(self.board.cpu.regs.pc)

    @property
    def sp(self) -> int:
        """The stack pointer of the mode."""
        regs = self.board.cpu.regs
        return int(regs.ssp if regs.smt else regs.usp)

    def knows(self, name: str) -> bool:
        """Whether expressions may use a name."""
        lower = name.lower()
        return (
            lower in REGISTER_NAMES
            or (self.variables is not None and self.variables.knows(name))
            or name in self.program.symbols
            or lower in _FLAGS
            or lower in _COUNTERS
        )

    def value(self, name: str) -> int:
        """The value of a name in expressions."""
        lower = name.lower()
        cpu = self.board.cpu
        if lower in REGISTER_NAMES:
            return int(cpu.regs[lower])
        if self.variables is not None and self.variables.knows(name):
            return self.variables.number(name)
        if name in self.program.symbols:
            return self.program.symbols[name]
        if lower in _FLAGS:
            return int(bool(cpu.regs.af & _FLAGS[lower]))
        match lower:
            case "cycles":
                return cpu.cycles
            case "position":
                return self.position
            case "mode":
                return int(bool(cpu.regs.smt))
            case "sp":
                return self.sp
        raise ExpressionError(f"there is no register, symbol or flag {name!r}")

    def word(self, address: int) -> int:
        """The word at a virtual address, looked at without asking a component.

        ExpressionError if that cannot be.
        """
        word = self.peek(address)
        if word is not None:
            return word
        if address % 4:
            raise ExpressionError(f"address 0x{address:08X} is not a multiple of 4")
        physical = self.board.memory.translate(address)
        if physical is None:
            raise ExpressionError(f"the MMU does not let 0x{address:08X} be read")
        mapping = self.board.mappings.find(physical)
        name = "a component" if mapping is None else self.board.components[mapping.component].name
        raise ExpressionError(
            f"0x{address:08X} belongs to {name}: reading it would be an access of its own"
        )

    def peek(self, address: int) -> int | None:
        """The word at a virtual address, None if it is no plain memory that may be read."""
        if address % 4 or not 0 <= address <= WORD:
            return None
        physical = self.board.memory.translate(address)
        return None if physical is None else self.board.memory.peek(physical)

    def parse(self, text: str) -> Expression:
        """An expression over this machine. ExpressionError."""
        return parse(text, self)

    def evaluate(self, text: str) -> int:
        """The value of an expression (`lrvm_jit.debug.expressions`). ExpressionError."""
        return self.parse(text)(self)

    def address_of(self, text: str) -> int:
        """The address that a text names: that of a variable, else the value of an expression; the
        brackets of `[address]` may be there. DebugError, ExpressionError."""
        if text.startswith("[") and text.endswith("]"):
            text = text[1:-1]
        if self.variables is not None and self.variables.knows(text):
            return self.variables.extent(text)[0]
        return self.evaluate(text)

    def locate(self, location: str) -> list[int]:
        """The addresses of a location: `label`, `file:line`, `:line`, `0x20`, or an expression
        such as `label + 8`. DebugError says what is wrong with it."""
        text = location.strip().removeprefix("*")
        name, colon, line = text.rpartition(":")
        if colon and line.strip().isdigit():
            try:
                return self.program.addresses_of_line(name.strip(), int(line))
            except LookupError as error:
                raise DebugError(str(error.args[0])) from None
        behind = self.program.breakpoint_of(text)
        if behind is not None:
            return [behind]
        try:
            address = self.evaluate(text) if text else self.pc
        except ExpressionError as error:
            near = get_close_matches(text, self.program.labels, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise DebugError(f"{location.strip()!r} is no location: {error}{hint}") from None
        if not 0 <= address <= WORD or address % 4:
            hint = f"; line {text} is :{text}" if text.isdigit() else ""
            raise DebugError(
                f"address {address:#x} of {location.strip()!r} is no multiple of 4 within 32 bits"
                + hint
            )
        return [address]

    def backtrace(self) -> list[Frame]:
        """The functions in progress, the innermost first (`lrvm_jit.debug.stack`)."""
        return unwind(self.pc, self.sp, self.peek, self.program)

    def disassemble(self, address: int, count: int) -> list[tuple[int, int | None, str]]:
        """Address, word and text of some instructions."""
        lines = []
        for at in range(address, min(address + 4 * count, 1 << 32), 4):
            word = self.peek(at)
            lines.append((at, word, "(not readable)" if word is None else format_word(word)))
        return lines

    def place(self, address: int) -> Place | None:
        """The source line at a virtual address, which is known while the MMU moves nothing."""
        if self.board.cpu.regs.mtt and self.board.memory.translate(address, "execute") != address:
            return None
        return self.program.place(address)
