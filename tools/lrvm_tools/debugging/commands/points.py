"""Commands about breakpoints, watchpoints and other stops."""

from __future__ import annotations

from lrvm_jit.debug import ExpressionError
from lrvm_jit.debug.stops import CATCHES

from .. import views
from .arguments import Arguments
from .registry import command


class PointCommands(Arguments):
    """Setting, changing and deleting what stops the program."""

    @command("break [LOCATION] [if CONDITION]", "b")
    def _break(self, rest: str) -> str:
        """Stop before the instruction at a location: a label, file:line, an address.
        With a condition, an expression, only where that is not 0."""
        return self._add_break(rest, temporary=False)

    @command("tbreak [LOCATION] [if CONDITION]", "tb")
    def _tbreak(self, rest: str) -> str:
        """A breakpoint that is deleted by its first stop."""
        return self._add_break(rest, temporary=True)

    def _add_break(self, rest: str, *, temporary: bool) -> str:
        location, condition = self._condition(rest)
        debugger = self.debugger
        points = [
            debugger.break_at(address, condition, temporary=temporary)
            for address in debugger.locate(location)
        ]
        return "\n".join(f"Breakpoint {views.point_text(debugger, point)}" for point in points)

    @command("log LOCATION TEXT", "logpoint", "dprintf")
    def _log(self, rest: str) -> str:
        """Say a text whenever the program comes to a location, without stopping.
        `{expression}` in it is replaced by a value: log loop a0 is {a0}"""
        location, _, text = self._needs(rest, "log LOCATION TEXT").partition(" ")
        text = text.strip()
        if len(text) > 1 and text[0] == text[-1] == '"':
            text = text[1:-1]
        point = self.debugger.break_at(location, log=text)
        return f"Log point {views.point_text(self.debugger, point)}"

    @command("watch TARGET [WORDS] [if CONDITION]")
    def _watch(self, rest: str) -> str:
        """Stop after an instruction that changes a word, one of several, or a register.
        `watch counter`, `watch [counter]`, `watch 0x1000 4 if a0 > 3`; `watch a0` is the
        register (the program then runs step by step, slowly), `watch [a0]` the word at its address.
        `watch component 2`, or its name, stops at writes to a component; `rwatch` and `awatch` at
        reads, and at all accesses."""
        return self._add_watch(rest, "change")

    @command("wwatch ADDRESS [WORDS] [if CONDITION]")
    def _wwatch(self, rest: str) -> str:
        """Stop after an instruction that writes a word, be it with the same value."""
        return self._add_watch(rest, "write")

    @command("rwatch ADDRESS [WORDS] [if CONDITION]")
    def _rwatch(self, rest: str) -> str:
        """Stop after an instruction that reads a word, or is one."""
        return self._add_watch(rest, "read")

    @command("awatch ADDRESS [WORDS] [if CONDITION]")
    def _awatch(self, rest: str) -> str:
        """Stop after an instruction that reads or writes a word."""
        return self._add_watch(rest, "any")

    def _add_watch(self, rest: str, kind: str) -> str:
        target, condition = self._condition(rest)
        self._needs(target, "watch ADDRESS [WORDS] [if CONDITION]")
        first, _, last = target.rpartition(" ")
        words = None
        if first and last.replace("_", "").isalnum() and last[0].isdigit():
            try:
                self.debugger.parse(first)
                words, target = self._number(last, "number of words"), first
            except ExpressionError:
                pass  # `0x1000 + 4`: the number belongs to the expression
        point = self.debugger.watch(target, kind, words=words, condition=condition)
        return f"Watchpoint {views.point_text(self.debugger, point)}"

    @command("delete [NUMBER ...]", "d")
    def _delete(self, rest: str) -> str:
        """Delete breakpoints and watchpoints by their numbers; without one, all."""
        if not rest:
            self.debugger.points.clear()
        for text in rest.split():
            self.debugger.delete(self._number(text, "breakpoint's number"))
        return ""

    @command("enable NUMBER ...")
    def _enable(self, rest: str) -> str:
        """Have breakpoints stop again."""
        return self._switch(rest, True)

    @command("disable NUMBER ...")
    def _disable(self, rest: str) -> str:
        """Keep breakpoints, but do not stop at them."""
        return self._switch(rest, False)

    def _switch(self, rest: str, on: bool) -> str:
        for text in self._needs(rest, "enable NUMBER ...").split():
            self.debugger.point(self._number(text, "breakpoint's number")).enabled = on
        return ""

    @command("condition NUMBER [CONDITION]")
    def _set_condition(self, rest: str) -> str:
        """Give a breakpoint or watchpoint another condition, or none."""
        number, _, text = self._needs(rest, "condition NUMBER [CONDITION]").partition(" ")
        point = self.debugger.point(self._number(number, "breakpoint's number"))
        point.condition = self.debugger.parse(text) if text.strip() else None
        return views.point_text(self.debugger, point)

    @command("ignore NUMBER COUNT")
    def _ignore(self, rest: str) -> str:
        """Pass a breakpoint or watchpoint so many times before it stops."""
        number, _, count = self._needs(rest, "ignore NUMBER COUNT").partition(" ")
        point = self.debugger.point(self._number(number, "breakpoint's number"))
        point.ignore = self._count(self._needs(count, "ignore NUMBER COUNT"))
        return views.point_text(self.debugger, point)

    @command("catch [unhandled|all|off|unmapped|mapped]")
    def _catch(self, rest: str) -> str:
        """Choose what stops the program besides points.
        Exceptions: those taken while ev is 0 (unhandled, the default), all, or none (off).
        Accesses to addresses where nothing is mapped: `catch unmapped`; no more: `catch mapped`.
        """
        debugger = self.debugger
        if rest in ("unmapped", "mapped"):
            debugger.catches_unmapped = rest == "unmapped"
        elif rest:
            debugger.catches = rest
        unmapped = "stop" if debugger.catches_unmapped else "do not stop"
        return (
            f"Exceptions that stop: {debugger.catches} (of {', '.join(CATCHES)}); "
            f"accesses to unmapped addresses {unmapped}"
        )
