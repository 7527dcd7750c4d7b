"""Commands that show something."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lrvm_jit.debug import ExpressionError, Place

from .. import views
from .arguments import Arguments
from .registry import CommandError, command

_LISTED: Final = 11
"""Lines that `list` shows."""


class LookingCommands(Arguments):
    """Values, memory, source, code, calls, the past."""

    @command("print EXPRESSION", "p", "output")
    def _print(self, rest: str) -> str | None:
        """Show the value of an expression, in decimal and hexadecimal.
        Registers (a0), flags (zf), symbols (counter: its address), `cycles`, `position`,
        memory ([counter], [sp + 4]), numbers (10, 0x10, 'a'), and the operators of C.
        `print $registers` is `info registers`. Variables of C programs (compiled with -g) come
        first, with what may follow them in C: `count`, `p.x`, `values[2]`, `node->next`, `*p`."""
        if rest in ("$registers", "registers"):
            return views.registers_text(self.debugger)
        text = self._needs(rest, "print EXPRESSION")
        if self._variables is not None and self._variables.knows(text):
            return f"{text} = {self._variables.evaluate(text)}"
        return self._value(text)

    def _value(self, text: str) -> str:
        return f"{text} = {views.number_text(self.debugger.evaluate(text))}"

    @command("x[/N][x|d|u|c|i] ADDRESS [N]")
    def _x(self, rest: str) -> str:
        """Show words of memory from an address on: x hexadecimal, d decimal, u unsigned,
        c characters, i instructions. `x/8x buffer`, `x sp 4`, `x/i pc`"""
        style, count = "x", 0
        match = re.match(r"/(\d*)([a-z]*)\s*(.*)$", rest)
        if match is not None:
            count = int(match[1] or 0)
            style = match[2].replace("w", "") or "x"
            rest = match[3]
        if style not in ("x", "d", "u", "c", "i"):
            raise CommandError(f"there is no format {style!r}: x, d, u, c or i")
        self._needs(rest, "x/4x ADDRESS")
        if not count:
            first, _, last = rest.rpartition(" ")
            count = 1
            if first and last.isdigit():
                try:
                    self.debugger.parse(first)
                    rest, count = first, int(last)
                except ExpressionError:
                    pass
        known = self._variables is not None and self._variables.knows(rest)
        address = self.debugger.address_of(rest) if known else self.debugger.locate(rest)[0]
        shown = views.memory_text(self.debugger, address, min(count, 1 << 16), style)
        self.looked_at = address
        return shown

    @command("list [LOCATION]", "l", repeats=True)
    def _list(self, rest: str) -> str:
        """Show source lines around a location, or here, then the following ones."""
        debugger = self.debugger
        if self._listed is not None and not rest:
            path, first = self._listed
        else:
            place: Place | None = None
            if rest.isdigit():
                files = [known.path for known in debugger.program.lines.values()]
                place = Place(files[0], int(rest)) if files else None
            else:
                place = debugger.place(debugger.locate(rest)[0])
            if place is None:
                return views.disassembly_text(debugger, debugger.locate(rest)[0], _LISTED)
            path, first = place.path, place.line - _LISTED // 2
        first = max(first, 1)
        text = views.source_text(debugger, path, first, first + _LISTED - 1)
        if text is None:
            raise CommandError(f"the source {path} cannot be read")
        self._listed = path, first + _LISTED
        return text or "No more lines"

    @command("disassemble [LOCATION] [N]", "disas")
    def _disassemble(self, rest: str) -> str:
        """Show instructions from a location on, or from here."""
        first, _, last = rest.rpartition(" ")
        count = 8
        if first and last.isdigit():
            rest, count = first, int(last)
        address = self.debugger.locate(rest)[0]
        return views.disassembly_text(self.debugger, address, min(count, 1 << 16))

    @command("backtrace", "bt", "where")
    def _backtrace(self, rest: str) -> str:
        """Show the functions in progress, the innermost first.
        They are found by the return addresses on the stack."""
        return views.backtrace_text(self.debugger)

    @command("when ADDRESS", "last-change", "lastchange")
    def _when(self, rest: str) -> str:
        """Tell when a word last changed before here, and which instruction did it."""
        debugger = self.debugger
        address = debugger.address_of(self._needs(rest, "when ADDRESS").strip())
        change = debugger.last_change(address)
        if change is None:
            return f"0x{address:08X} has not changed since position {debugger.history.start}"
        return "\n".join(
            [
                f"Last change at position {change.position}, cycle {change.cycles}",
                *list(views.change_lines(debugger, change))[1:],
            ]
        )

    @command("info [TOPIC]", "i")
    def _info(self, rest: str) -> str:
        """Show something: registers, flags, breakpoints, components, stack, symbols [PART],
        history, line, exceptions, locals of a C function, or a register by its name."""
        topic, _, more = rest.partition(" ")
        debugger = self.debugger
        topics: dict[str, Callable[[], str]] = {
            "registers": lambda: views.registers_text(debugger),
            "flags": lambda: views.flags_text(debugger),
            "breakpoints": lambda: views.points_text(debugger),
            "watchpoints": lambda: views.points_text(debugger),
            "components": lambda: views.components_text(debugger),
            "stack": lambda: views.stack_text(debugger),
            "symbols": lambda: views.symbols_text(debugger, more.strip()),
            "history": lambda: views.history_text(debugger),
            "line": lambda: views.instruction_text(debugger, debugger.pc),
            "exceptions": lambda: self._exceptions(),
            "locals": lambda: self._locals(),
        }
        if topic in ("registers", "r", "register", "reg") and more:
            return self._value(more.strip())
        matching = [name for name in topics if topic and name.startswith(topic.lower())]
        if not matching:
            if topic and debugger.knows(topic):
                return self._value(topic)
            raise CommandError(f"`info` knows {', '.join(topics)}")
        return topics[matching[0]]()

    def _locals(self) -> str:
        if self._variables is None:
            raise CommandError("only C programs that were compiled with -g have variables")
        shown = [f"{variable.name} = {text}" for variable, text in self._variables.locals()]
        return "\n".join(shown) or "No variables are known here"

    def _exceptions(self) -> str:
        cpu = self.debugger.board.cpu
        last = cpu.exception
        if last is None:
            return "No exception since the reset"
        where = views.place_text(self.debugger, cpu.regs.era)
        return f"Last exception: {last}, in {last.mode} mode, at {where}"
