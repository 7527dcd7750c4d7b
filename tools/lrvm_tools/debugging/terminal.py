"""The debugger in a terminal, a line at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lrvm_jit.debug import Debugger

from ..machines import Host
from . import views
from .commands import COMMANDS, CommandError, Commands, Quit

PROMPT = "(lrvm) "
_HISTORY_LINES = 1000


class DebugHost(Host):
    """The outside world of a debugged machine: its text begins lines of its own."""

    def __init__(self) -> None:
        self._unfinished = False

    def show(self, text: str) -> None:
        if text:
            super().show(text)
            self._unfinished = not text.endswith("\n")

    def say(self, text: str) -> None:
        """Say something about the program."""
        if not text:
            return
        if self._unfinished:
            sys.stdout.write("\n")
            self._unfinished = False
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


class Terminal:
    """Reads commands and shows what they answer."""

    def __init__(self, debugger: Debugger, host: DebugHost) -> None:
        self.commands = Commands(debugger)
        self._host = host
        debugger.say = host.say

    def batch(self, lines: Iterable[str]) -> str | None:
        """Carry out commands up to the first that fails, and answer what was wrong with it."""
        try:
            for line in lines:
                if line.strip():
                    self._host.say(self.commands.execute(line))
        except Quit:
            raise
        except CommandError as error:
            return f"{line.strip()}: {error}"
        return None

    def interact(self) -> None:
        """Read commands until `quit` or the end of the input."""
        debugger = self.commands.debugger
        history = _prepare_readline(debugger)
        self._host.say(
            f"{views.place_text(debugger, debugger.pc)}\n"
            f"  {views.instruction_text(debugger, debugger.pc)}\n"
            "`help` lists the commands, `run` runs the program, `quit` leaves."
        )
        try:
            while True:
                try:
                    self._host.say(self.commands.execute(input(PROMPT)))
                except CommandError as error:
                    self._host.say(f"error: {error}")
                except KeyboardInterrupt:
                    self._host.say("")
        except (EOFError, Quit):
            pass
        finally:
            if history is not None:
                _save_history(history)


def _prepare_readline(debugger: Debugger) -> Path | None:
    """Editing, history and completion, where there is a readline and a terminal; the file of the
    history."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    try:
        import readline
    except ImportError:
        return None
    names = [*COMMANDS, *debugger.program.symbols, *views.register_names()]

    def complete(text: str, state: int) -> str | None:
        first = not readline.get_line_buffer()[: readline.get_begidx()].strip()
        pool = list(COMMANDS) if first else names
        matching = sorted({name for name in pool if name.startswith(text)})
        return matching[state] if state < len(matching) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n[]()+-*/%<>=!&|^~,")
    readline.parse_and_bind("tab: complete")
    try:
        from platformdirs import user_state_path

        path = user_state_path("lrvm_jit") / "debug_history"
        with suppress(OSError):
            readline.read_history_file(path)
    except (ImportError, OSError, RuntimeError):
        return None
    return path


def _save_history(path: Path) -> None:
    import readline

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.set_history_length(_HISTORY_LINES)
        readline.write_history_file(path)
