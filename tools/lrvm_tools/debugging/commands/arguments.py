"""What all commands of the debugger have: the debugger, and ways to read their arguments."""

from __future__ import annotations

import re
from typing import Final

from lrvm_jit.debug import Debugger, Event

from .. import views
from ..variables import Variables, variables_of
from .registry import CommandError

_IF: Final = re.compile(r"(?:^|\s)if\s+(.*)$")


class Arguments:
    """A debugger, and the arguments of commands on it."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self._variables: Variables | None = variables_of(debugger)
        debugger.variables = self._variables
        self._listed: tuple[str, int] | None = None
        """Where `list` goes on."""
        self.looked_at: int | None = None
        """The address that `x` was given last."""

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
