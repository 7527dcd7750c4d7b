"""The commands of the debugger: one line each, the same in a terminal, a file and `-ex`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lrvm_jit import HardwareError, SnapshotError
from lrvm_jit.debug import DebugError, Debugger, Event, ExpressionError, Place
from lrvm_jit.debug.stops import CATCHES
from lrvm_jit.input_files import read_text

from ..executable.source_view import SourceView
from . import views
from .variables import Variables

_SET: Final = re.compile(r"^(.*?[^=!<>])=(?!=)(.*)$")
_IF: Final = re.compile(r"(?:^|\s)if\s+(.*)$")
_LISTED: Final = 11
"""Lines that `list` shows."""
_NESTED: Final = 20
"""Command files that may run each other."""


class CommandError(ValueError):
    """A command that cannot be carried out; the message is for the user."""


class Quit(Exception):  # noqa: N818
    """The user wants to leave."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it is called, what is written after it, and what it does."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    help: str
    run: Callable[[Commands, str], str | None]
    repeats: bool = False
    """Whether an empty line does it again."""

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return self.help.split("\n", 1)[0]


COMMANDS: Final[dict[str, Command]] = {}
"""The commands by name, in the order in which `help` shows them."""
_NAMES: Final[dict[str, Command]] = {}

_Function = Callable[["Commands", str], str | None]


def command(usage: str, *aliases: str, repeats: bool = False) -> Callable[[_Function], _Function]:
    """Make a method a command; its docstring is the help."""

    def register(function: _Function) -> _Function:
        name = re.split(r"[ \[]", usage, maxsplit=1)[0]
        lines = (function.__doc__ or "").strip().splitlines()
        text = "\n".join(line.strip() for line in lines)
        made = Command(name, aliases, usage, text, function, repeats)
        COMMANDS[name] = made
        for key in (name, *aliases):
            _NAMES[key] = made
        return function

    return register


class Commands:
    """Carries out command lines on a debugger; each answers what is to be shown."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self._variables = debugger.variables = variables_of(debugger)
        self._again: tuple[Command, str] | None = None
        self._listed: tuple[str, int] | None = None
        self._depth = 0

    def execute(self, line: str) -> str:
        """Carry out a line and answer what it shows, without a newline at the end.

        CommandError says what is wrong with it. Quit if it is `quit`.
        """
        text = line.strip()
        if text.startswith("#"):
            return ""
        if not text:
            if self._again is None:
                return ""
            found, rest = self._again
        else:
            match = re.match(r"([A-Za-z][\w-]*)(.*)$", text, re.DOTALL)
            if match is None:
                raise CommandError(f"{text[:40]!r} is no command; `help` lists them")
            found, rest = self.find(match[1]), match[2].strip()
        self._again = (found, rest) if found.repeats else None
        try:
            return found.run(self, rest) or ""
        except (DebugError, ExpressionError, SnapshotError) as error:
            raise CommandError(str(error)) from None
        except HardwareError as error:
            raise CommandError(f"the component refuses: {error}") from None

    @staticmethod
    def find(name: str) -> Command:
        """The command of a name, an alias, or a beginning that only one command has."""
        lower = name.lower()
        if lower in _NAMES:
            return _NAMES[lower]
        matching = [one for key, one in COMMANDS.items() if key.startswith(lower)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            names = ", ".join(one.name for one in matching)
            raise CommandError(f"{name!r} may be {names}")
        raise CommandError(f"there is no command {name!r}; `help` lists them")

    # --- arguments -------------------------------------------------------------------------------

    def _count(self, text: str, otherwise: int = 1) -> int:
        if not text:
            return otherwise
        value = self.debugger.evaluate(text)
        if value < 0:
            raise CommandError(f"{text} is negative: {value}")
        return value

    @staticmethod
    def _number(text: str, what: str) -> int:
        try:
            return int(text, 0)
        except ValueError:
            raise CommandError(f"{text!r} is no {what}") from None

    @staticmethod
    def _needs(text: str, usage: str) -> str:
        if not text:
            raise CommandError(f"something is missing: {usage}")
        return text

    @staticmethod
    def _condition(text: str) -> tuple[str, str | None]:
        """What stands before and after `if`."""
        match = _IF.search(text)
        return (text, None) if match is None else (text[: match.start()].strip(), match[1])

    def _shown(self, event: Event) -> str:
        self._listed = None
        return views.event_text(self.debugger, event)

    # --- running ---------------------------------------------------------------------------------

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

    # --- points ----------------------------------------------------------------------------------

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

    # --- looking ---------------------------------------------------------------------------------

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
        return views.memory_text(self.debugger, address, min(count, 1 << 16), style)

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

    # --- changing, files, help -------------------------------------------------------------------

    @command("set TARGET = EXPRESSION")
    def _set(self, rest: str) -> str:
        """Set a register or a word: `set a0 = 5`, `set [counter] = [counter] + 1`.
        In the past, what came after it is forgotten, and the program goes another way."""
        match = _SET.match(rest)
        if match is None:
            raise CommandError("set TARGET = EXPRESSION: a register, or a word such as [0x1000]")
        debugger = self.debugger
        past = debugger.position < debugger.history.end
        debugger.set(match[1], debugger.evaluate(match[2]))
        shown = self._value(match[1].strip())
        return shown + ("\nWhat came after this is forgotten" if past else "")

    @command("save FILE")
    def _save(self, rest: str) -> str:
        """Write the machine's state to a file: a snapshot."""
        path = Path(self._needs(rest, "save FILE"))
        try:
            self.debugger.board.snapshot().save(path)
        except OSError as error:
            raise CommandError(f"cannot write {path}: {error.strerror}") from None
        return f"Saved in {path}"

    @command("source FILE")
    def _source(self, rest: str) -> str:
        """Carry out the commands in a file, one a line; `#` begins a comment."""
        path = Path(shlex.split(self._needs(rest, "source FILE"))[0])
        try:
            lines = read_text(path).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"cannot read {path}: {error}") from None
        if self._depth == _NESTED:
            raise CommandError(f"{path}: too many command files within each other")
        self._depth += 1
        shown = []
        try:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue  # an empty line repeats only where somebody types
                try:
                    shown.append(self.execute(line))
                except CommandError as error:
                    raise CommandError(f"{path}:{number}: {error}") from None
        finally:
            self._depth -= 1
        return "\n".join(text for text in shown if text)

    @command("help [COMMAND]", "h", "?")
    def _help(self, rest: str) -> str:
        """List the commands, or tell what one of them does."""
        if rest:
            found = self.find(rest.split()[0])
            aliases = f"\nalso: {', '.join(found.aliases)}" if found.aliases else ""
            return f"{found.usage}\n{found.help}{aliases}"
        width = max(len(one.usage) for one in COMMANDS.values())
        lines = [f"{one.usage:{width}}  {one.summary}" for one in COMMANDS.values()]
        lines.append("The beginning of a name is enough. Numbers are decimal, or 0x hexadecimal.")
        return "\n".join(lines)

    @command("quit", "q", "exit")
    def _quit(self, rest: str) -> str:
        """Leave the debugger."""
        raise Quit


def variables_of(debugger: Debugger) -> Variables | None:
    """The variables of a C program; None for another one."""
    view = debugger.program.view
    return Variables(debugger, view) if isinstance(view, SourceView) else None
