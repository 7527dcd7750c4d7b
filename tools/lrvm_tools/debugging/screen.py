"""The debugger on a whole screen: source, disassembly, registers, stack and commands side by side.

It has the commands of the line debugger (`commands.py`) and shows more of what they lead to. Needs
the extra `tui`. The machine runs in a thread of its own, so the screen stays alive and can stop it.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, RichLog, Static

from lrvm_jit.debug import Breakpoint, Debugger

from ..machines import Host
from . import views
from .commands import CommandError, Commands, Quit

_LINES: Final = 20
"""Those of a pane before it is laid out."""
_STACK_WORDS: Final = 12
_REGISTER_COLUMNS: Final = 3
_NARROW: Final = 110
"""Columns of a screen below which registers that are 0 are left out, in less columns."""
_CHOICES: Final = ("Stack", "Memory", "Components")
"""What one pane shows, one after the other."""
_HISTORY: Final = 1000
_WELCOME: Final = (
    "`help` lists the commands; an empty line repeats the last one. F5 continue, F10 next, "
    "F11 step, with Shift: backward."
)


class ScreenHost(Host):
    """The outside world of a machine on the screen: its text goes to the log, and what it reads is
    typed in the command line while it waits."""

    def __init__(self) -> None:
        self.app: DebuggerScreen | None = None
        self._typed: queue.Queue[str] = queue.Queue()
        self._rest = ""
        self.ended = False

    def show(self, text: str) -> None:
        if self.app is not None and text:
            self.app.from_machine(text)

    def typed(self, line: str) -> None:
        """Give the guest a line, or the end of its input."""
        self._typed.put(line)

    def read_line(self) -> str:
        if self.ended or self.app is None:
            return ""
        self.app.wants_input(True)
        line = self._typed.get()
        self.app.wants_input(False)
        return line

    def read_character(self) -> str:
        if not self._rest:
            self._rest = self.read_line()
        character, self._rest = self._rest[:1], self._rest[1:]
        return character


class DebuggerScreen(App[None]):
    """The application. `lines` are commands to begin with."""

    TITLE = "lrvm debug"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #upper { height: 3fr; }
    #lower { height: 2fr; }
    .left { width: 1fr; }
    .right { width: 56; }
    .-narrow .right { width: 38; }
    Static { border: round $primary; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #source { height: 3fr; }
    #code { height: 2fr; }
    #registers { height: auto; text-wrap: wrap; }
    #stack { height: 1fr; }
    #points { height: 1fr; }
    RichLog { border: round $primary; height: 1fr; padding: 0 1; }
    Input { border: none; height: 1; padding: 0 1; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as its base has it
        (0, "-narrow"),
        (_NARROW, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "command('continue')", "Continue"),
        Binding("f10", "command('next')", "Next"),
        Binding("f11", "command('step')", "Step"),
        Binding("f12", "command('finish')", "Finish"),
        Binding("shift+f5", "command('rcontinue')", "Back: continue", show=False),
        Binding("f6", "command('rcontinue')", "Back"),
        Binding("shift+f10", "command('rnext')", "Back: next", show=False),
        Binding("f7", "command('rnext')", "Back next"),
        Binding("shift+f11", "command('rstep')", "Back: step", show=False),
        Binding("f8", "command('rstep')", "Back step"),
        Binding("f9", "breakpoint_here", "Breakpoint"),
        Binding("f3", "other_pane", "Stack, memory, components", show=False),
        Binding("escape", "stop", "Stop"),
        Binding("ctrl+q", "leave", "Quit", priority=True),
        Binding("up", "older", "Older command", show=False, priority=True),
        Binding("down", "newer", "Newer command", show=False, priority=True),
    ]

    def __init__(self, debugger: Debugger, host: ScreenHost, lines: Sequence[str] = ()) -> None:
        super().__init__()
        self.debugger = debugger
        self.commands = Commands(debugger)
        self._host = host
        self._lines = list(lines)
        self._shown = _CHOICES[0]
        self._log_rest = ""
        self._typed: list[str] = []
        self._at = 0
        self._waits = False
        self._leaving = False
        self._thread = 0
        debugger.say = lambda text: self.from_machine(f"{text}\n")
        host.app = self

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            with Vertical(classes="left"):
                yield Static(id="source")
                yield Static(id="code")
            with Vertical(classes="right"):
                yield Static(id="registers")
                yield Static(id="points")
        with Horizontal(id="lower"):
            with Vertical(classes="left"):
                yield RichLog(id="log", wrap=True, min_width=0, max_lines=5000)
                yield Input(placeholder="a command, such as: break loop", id="command")
            with Vertical(classes="right"):
                yield Static(id="stack")
        yield Footer()

    def on_mount(self) -> None:
        """Show the machine as it stands."""
        for name, title in (
            ("source", "Source"),
            ("code", "Disassembly"),
            ("registers", "Registers"),
            ("points", "Breakpoints"),
            ("log", "Log"),
        ):
            self.query_one(f"#{name}").border_title = title
        self.query_one(Input).focus()
        self._thread = threading.get_ident()
        # What is written before the panes have their sizes is wrapped for others.
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._say(_WELCOME)
        self.refresh_panes()
        if self._lines:
            self._execute(*self._lines)

    # --- panes -----------------------------------------------------------------------------------

    def refresh_panes(self) -> None:
        """Show where the program stands."""
        debugger = self.debugger
        self.query_one("#source", Static).update(self._source())
        height = self._height("code")
        code = views.disassembly_text(debugger, max(debugger.pc - 4 * height, 0), 2 * height)
        self.query_one("#code", Static).update(_marked(_around_mark(code, height)))
        narrow = self.size.width < _NARROW
        registers = views.registers_text(debugger, _REGISTER_COLUMNS - narrow, without_zeros=narrow)
        self.query_one("#registers", Static).update(_changed(registers))
        pane = self.query_one("#stack", Static)
        pane.border_title = f"{self._shown} (F3: others)"
        pane.update(Text(self._chosen()))
        self.query_one("#points", Static).update(Text(views.points_text(debugger)))
        self.sub_title = f"position {debugger.position}"

    def _chosen(self) -> str:
        """What the pane shows that is chosen by a key."""
        debugger = self.debugger
        match self._shown:
            case "Memory":
                looked_at = self.commands.looked_at
                address = views.data_address(debugger) if looked_at is None else looked_at
                return views.readable_memory_text(debugger, address, self._height("stack"), 2)
            case "Components":
                return views.components_text(debugger)
        return f"{views.backtrace_text(debugger)}\n\n{views.stack_text(debugger, _STACK_WORDS)}"

    def action_other_pane(self) -> None:
        """Show the next of stack, memory and components."""
        self._shown = _CHOICES[(_CHOICES.index(self._shown) + 1) % len(_CHOICES)]
        if not self._is_busy:
            self.refresh_panes()

    def _source(self) -> Text:
        debugger = self.debugger
        place = debugger.place(debugger.pc)
        pane = self.query_one("#source", Static)
        if place is None:
            pane.border_title = "Source"
            return Text("No source line is known here")
        pane.border_title = str(place)
        height = self._height("source")
        text = views.source_text(debugger, place.path, place.line - height, place.line + height)
        if text is None:
            return Text(f"{place.path} cannot be read")
        return _marked(_around_mark(text, height))

    def _height(self, name: str) -> int:
        """Lines that a pane has room for."""
        return self.query_one(f"#{name}", Static).content_size.height or _LINES

    def on_resize(self) -> None:
        """Panes show what they have room for."""
        if self._thread and not self._is_busy:
            self.call_after_refresh(self.refresh_panes)

    # --- the log ---------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        if text:
            self.query_one(RichLog).write(Text(text))

    def from_machine(self, text: str) -> None:
        """Text of the guest, from whatever thread runs it; unfinished lines wait for their end."""
        lines, newline, rest = (self._log_rest + text).rpartition("\n")
        self._log_rest = rest
        if newline:
            self._anywhere(lambda: self._say(lines))

    def wants_input(self, waits: bool) -> None:
        """The guest waits for a line, or does no more."""
        self._waits = waits

        def show() -> None:
            self._say(self._log_rest)
            self._log_rest = ""
            prompt = "the program waits for a line" if waits else "a command"
            self.query_one(Input).placeholder = prompt

        self._anywhere(show)

    def _anywhere(self, function: Callable[[], None]) -> None:
        """Call a function in the screen's thread."""
        if self._thread == threading.get_ident():
            function()
        else:
            self.call_from_thread(function)

    # --- commands --------------------------------------------------------------------------------

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """A line was typed: for the guest if that waits, else a command."""
        line = submitted.value
        submitted.input.value = ""
        if self._waits:
            self._host.typed(f"{line}\n")
            return
        if line.strip():
            self._typed = [*self._typed, line][-_HISTORY:]
        self._at = len(self._typed)
        self._execute(line)

    def action_command(self, line: str) -> None:
        """A command by its key."""
        self._execute(line)

    def action_breakpoint_here(self) -> None:
        """A breakpoint at the next instruction, or none any more."""
        debugger = self.debugger
        here = [
            number
            for number, point in debugger.points.items()
            if isinstance(point, Breakpoint) and point.address == debugger.pc
        ]
        self._execute(f"delete {' '.join(map(str, here))}" if here else f"break 0x{debugger.pc:x}")

    def action_stop(self) -> None:
        """Stop a run in progress."""
        if self._is_busy:
            self.debugger.interrupt()

    def action_leave(self) -> None:
        """End the session, and a run with it."""
        self._host.ended = True
        self._host.typed("")
        if self._is_busy:
            self._leaving = True
            self.debugger.interrupt()
        else:
            self.exit()

    def action_older(self) -> None:
        """The command before."""
        self._recall(-1)

    def action_newer(self) -> None:
        """The command after."""
        self._recall(1)

    def _recall(self, step: int) -> None:
        self._at = min(max(self._at + step, 0), len(self._typed))
        line = self._typed[self._at] if self._at < len(self._typed) else ""
        entry = self.query_one(Input)
        entry.value = line
        entry.cursor_position = len(line)

    @property
    def _is_busy(self) -> bool:
        return any(not worker.is_finished for worker in self.workers if worker.name == "command")

    def _execute(self, *lines: str) -> None:
        if self._is_busy:
            self._say("The program is running; Escape stops it")
            return

        def carry_out() -> None:
            for line in lines:
                self._carry_out(line)

        self.run_worker(carry_out, name="command", thread=True)

    def _carry_out(self, line: str) -> None:
        """In a thread: carry out a command, then show what it has led to."""
        try:
            text = self.commands.execute(line)
        except CommandError as error:
            text = f"error: {error}"
        except Quit:
            self.call_from_thread(self.exit)
            return

        def show() -> None:
            if line.strip():
                self.query_one(RichLog).write(Text(f"> {line.strip()}", style="bold"))
            self._say(self._log_rest)
            self._log_rest = ""
            self._say(text)
            self.refresh_panes()
            if self._leaving:
                self.exit()

        self.call_from_thread(show)


def _around_mark(text: str, height: int) -> str:
    """So many lines, with the one that has the mark in their middle."""
    lines = text.split("\n")
    at = next((n for n, line in enumerate(lines) if line.startswith(views.MARK)), 0)
    first = max(min(at - height // 2, len(lines) - height), 0)
    return "\n".join(lines[first : first + height])


def _marked(text: str) -> Text:
    """Lines of which the one with the mark stands out."""
    shown = Text()
    for number, line in enumerate(text.split("\n")):
        style = "reverse" if line.startswith(views.MARK) else ""
        shown.append(("\n" if number else "") + line, style=style)
    return shown


def _changed(text: str) -> Text:
    """Registers of which those with a star stand out."""
    shown = Text()
    for number, line in enumerate(text.split("\n")):
        if number:
            shown.append("\n")
        # A star, and the cell that it belongs to.
        for part in re.split(r"(\* *\w+ 0x\w+)", line):
            shown.append(part, style="bold yellow" if part.startswith("*") else "")
    return shown
