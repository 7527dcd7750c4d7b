"""Commands that run the program, forward and back."""

from __future__ import annotations

from collections.abc import Callable

from lrvm_jit.debug import Event

from .arguments import Arguments
from .registry import command


class RunningCommands(Arguments):
    """Running, stepping, going back."""

    @command("run [CYCLES]", "r")
    def _run(self, rest: str) -> str:
        """Go on from here until something stops the program, at most by so many instructions.
        The machine starts reset, so the first `run` runs the program; `restart` goes back there."""
        return self._shown(self.debugger.run(self._count(rest, -1) if rest else None))

    @command("continue [TIMES]", "c", "fg", repeats=True)
    def _continue(self, rest: str) -> str:
        """Go on from here; with a number, past so many stops but one."""
        event = self.debugger.continue_()
        for _ in range(self._count(rest) - 1):
            if event.kind not in ("breakpoint", "watchpoint", "exception"):
                break
            event = self.debugger.continue_()
        return self._shown(event)

    @command("step [N]", "s", "si", "stepi", repeats=True)
    def _step(self, rest: str) -> str:
        """Execute N instructions, 1 by default."""
        return self._shown(self.debugger.step(self._count(rest)))

    @command("next [N]", "n", "ni", "nexti", repeats=True)
    def _next(self, rest: str) -> str:
        """Execute N instructions, where a call with all that it leads to counts as one."""
        return self._shown(self.debugger.next(self._count(rest)))

    @command("nextline [N]", "nl", repeats=True)
    def _nextline(self, rest: str) -> str:
        """Go on to another source line, N times, over calls."""
        return self._to_line(self._count(rest), self.debugger.next)

    @command("stepline [N]", "sl", repeats=True)
    def _stepline(self, rest: str) -> str:
        """Go on to another source line, N times, into calls of functions with known lines."""
        return self._to_line(self._count(rest), self._into)

    def _into(self) -> Event:
        """A step; a call of what has no lines counts as one."""
        debugger = self.debugger
        before = debugger.sp
        event = debugger.step()
        if debugger.place(debugger.pc) is None and debugger.sp < before and event.kind == "step":
            return debugger.finish()
        return event

    def _to_line(self, count: int, step: Callable[[], Event]) -> str:
        debugger = self.debugger
        event = None
        for _ in range(max(count, 1)):
            here = debugger.place(debugger.pc)
            while True:
                event = step()
                place = debugger.place(debugger.pc)
                if event.kind not in ("step", "location") or (place and place != here):
                    break
        assert event is not None
        return self._shown(event)

    @command("finish", "fin", repeats=True)
    def _finish(self, rest: str) -> str:
        """Go on until the function in progress has returned."""
        return self._shown(self.debugger.finish())

    @command("until [LOCATION]", "u", "advance", repeats=True)
    def _until(self, rest: str) -> str:
        """Go on to a location; without one, to the next instruction behind this one: out of a
        loop, at its end."""
        return self._shown(self.debugger.until(rest or None))

    @command("restart")
    def _restart(self, rest: str) -> str:
        """Go back to where the session began. Breakpoints stay."""
        return self._shown(self.debugger.restart())

    @command("rstep [N]", "rs", "rsi", "reverse-step", "reverse-stepi", repeats=True)
    def _rstep(self, rest: str) -> str:
        """Take back N instructions, 1 by default."""
        return self._shown(self.debugger.rstep(self._count(rest)))

    @command("rnext [N]", "rn", "rni", "reverse-next", "reverse-nexti", repeats=True)
    def _rnext(self, rest: str) -> str:
        """Take back N instructions, where a call with all that it led to counts as one."""
        return self._shown(self.debugger.rnext(self._count(rest)))

    @command("rcontinue", "rc", "reverse-continue", repeats=True)
    def _rcontinue(self, rest: str) -> str:
        """Go back to the last breakpoint, watchpoint or caught exception, or to the start."""
        return self._shown(self.debugger.rcontinue())

    @command("rfinish", "reverse-finish", repeats=True)
    def _rfinish(self, rest: str) -> str:
        """Go back to the call of the function in progress."""
        return self._shown(self.debugger.rfinish())

    @command("goto POSITION")
    def _goto(self, rest: str) -> str:
        """Go to a position of the run, forward or back: `info history` tells which there are.
        Positions count instructions; they are the cycles, unless the guest resets its counter."""
        return self._shown(self.debugger.go_to(self._count(self._needs(rest, "goto POSITION"))))
