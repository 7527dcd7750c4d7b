"""The debugger's commands by name: what each is called, takes and does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


class CommandError(ValueError):
    """A command that cannot be carried out; the message is for the user."""


class Quit(Exception):  # noqa: N818
    """The user wants to leave."""


Function = Callable[[Any, str], str | None]
"""A method that carries out a command, given what is written after its name."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it is called, what is written after it, and what it does."""

    name: str
    aliases: tuple[str, ...]
    usage: str
    help: str
    run: Function
    repeats: bool = False
    """Whether an empty line does it again."""

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return self.help.split("\n", 1)[0]


COMMANDS: Final[dict[str, Command]] = {}
"""The commands by name, in the order in which `help` shows them."""
_NAMES: Final[dict[str, Command]] = {}


def command(usage: str, *aliases: str, repeats: bool = False) -> Callable[[Function], Function]:
    """Make a method a command; its docstring is the help."""

    def register(function: Function) -> Function:
        name = re.split(r"[ \[]", usage, maxsplit=1)[0]
        lines = (function.__doc__ or "").strip().splitlines()
        text = "\n".join(line.strip() for line in lines)
        made = Command(name, aliases, usage, text, function, repeats)
        COMMANDS[name] = made
        for key in (name, *aliases):
            _NAMES[key] = made
        return function

    return register


def find_command(name: str) -> Command:
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
