"""What can go wrong, and how it is told.

Code that finds a problem raises `SourceError`; the phase that runs it adds the problem to the
`Report` and goes on with the next statement, so that one run tells all it can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..customasm.diagnostics import AssemblyError, Diagnostic
from ..customasm.source import Span
from .limits import DIAGNOSTICS

Hint: TypeAlias = str | Callable[[], str]
"""What may help; a function if finding it takes long, called only if the error is reported."""


class SourceError(Exception):
    """One problem at one place; becomes a diagnostic."""

    def __init__(self, span: Span, message: str, hint: Hint = "") -> None:
        super().__init__(span, message, hint)
        self.span = span
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Functions are seldom such as can be sent to another process.
        hint = self.hint() if callable(self.hint) else self.hint
        return type(self), (self.span, self.message, hint), {**vars(self), "hint": hint}


class UnresolvedError(SourceError):
    """A value that depends on an address which is not known yet; during the layout, a reason to
    look again in the next pass."""


class WholeLanguageError(Exception):
    """A program uses what only `whole` knows: rules, banks, `asm` blocks."""


class AlreadyReportedError(Exception):
    """A consequence of a problem that has been reported; says nothing itself."""


class Report:
    """The errors found so far."""

    def __init__(self) -> None:
        self._found: dict[tuple[Span, str], Diagnostic] = {}
        self._omitted = 0

    def add(self, span: Span, message: str, hint: Hint = "") -> None:
        """Note an error; the same error at the same place counts once."""
        key = (span, message)
        if key in self._found:
            return
        if len(self._found) >= DIAGNOSTICS:
            self._omitted += 1
            return
        self._found[key] = Diagnostic.at(span, message, hint() if callable(hint) else hint)

    def add_error(self, error: SourceError) -> None:
        self.add(error.span, error.message, error.hint)

    def raise_if_any(self) -> None:
        """Raise AssemblyError if an error was found; errors come in source order, file by file
        as the files were first complained about."""
        if not self._found:
            return
        files = {diagnostic.path: None for diagnostic in self._found.values()}
        order = {path: number for number, path in enumerate(files)}
        diagnostics = sorted(
            self._found.values(), key=lambda found: (order[found.path], found.line, found.column)
        )
        raise AssemblyError(diagnostics, self._omitted)
