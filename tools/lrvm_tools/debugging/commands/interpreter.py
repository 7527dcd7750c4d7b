"""Carrying out command lines: the same in a terminal, a file, `-ex` and elsewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from lrvm_jit import HardwareError, SnapshotError
from lrvm_jit.debug import DebugError, Debugger, ExpressionError
from lrvm_jit.input_files import read_text

from .looking import LookingCommands
from .points import PointCommands
from .registry import COMMANDS, Command, CommandError, Quit, command, find_command
from .running import RunningCommands

_SET: Final = re.compile(r"^(.*?[^=!<>])=(?!=)(.*)$")
_NESTED: Final = 20
"""Command files that may run each other."""


class Commands(RunningCommands, PointCommands, LookingCommands):
    """Carries out command lines on a debugger; each answers what is to be shown."""

    def __init__(self, debugger: Debugger) -> None:
        super().__init__(debugger)
        self._again: tuple[Command, str] | None = None
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
            found, rest = find_command(match[1]), match[2].strip()
        self._again = (found, rest) if found.repeats else None
        try:
            return found.run(self, rest) or ""
        except (DebugError, ExpressionError, SnapshotError) as error:
            raise CommandError(str(error)) from None
        except HardwareError as error:
            raise CommandError(f"the component refuses: {error}") from None

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
            found = find_command(rest.split()[0])
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
