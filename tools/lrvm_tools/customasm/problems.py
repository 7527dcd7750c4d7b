"""What can go wrong, and how it is told: messages with a place, and messages inside them.

Three things may keep an expression from having a value, each an exception of its own:
`Problem` is an error that ends the assembly, `UnknownValueError` means that something is not known
yet and the next pass may know it, and `FailedValueError` says that an assertion or a range does not
hold, which only drops the match of a rule that needed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .diagnostics import AssemblyError, Diagnostic
from .limits import DIAGNOSTICS
from .source import Source, Span


class Problem(Exception):  # noqa: N818 - notes are problems as well
    """An error or a note at a place (None: it has none), and what it contains."""

    def __init__(
        self,
        span: Span | None,
        text: str,
        *inner: Problem,
        hint: str = "",
        kind: str = "error",
    ) -> None:
        super().__init__(span, text, *inner)
        self.span = span
        self.text = text
        self.inner = inner
        self.hint = hint
        self.kind = kind

    def __str__(self) -> str:
        return self.text

    def diagnostic(self) -> Diagnostic:
        """The problem as users of the assembler get it."""
        notes = tuple(problem.diagnostic() for problem in self.inner)
        if self.span is None:
            made = Diagnostic("", 0, 0, 0, self.text, self.hint, "")
        else:
            made = Diagnostic.at(self.span, self.text, self.hint)
        return replace(made, kind=self.kind, notes=notes)


def note(span: Span | None, text: str, *inner: Problem, hint: str = "") -> Problem:
    """A problem of the kind that explains another one."""
    return Problem(span, text, *inner, hint=hint, kind="note")


class UnknownValueError(Exception):
    """A value that is not known yet."""


class FailedValueError(Exception):
    """A value that does not exist because an assertion or a range check failed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem.text


class ParseError(Exception):
    """A syntax error at an offset of the text that is being parsed."""

    def __init__(self, start: int, end: int, text: str) -> None:
        super().__init__(start, end, text)
        self.start = start
        self.end = end
        self.text = text

    def __str__(self) -> str:
        return self.text


class StoppedError(Exception):
    """Raised where assembling cannot go on; what is wrong stands in the log."""


class Log:
    """The problems found so far.

    As the original does, the assembly stops at the first one unless the caller of `add` says
    that it can go on, or unless everything is to be told (`keep_going`).
    """

    def __init__(self, keep_going: bool = False) -> None:
        self.keep_going = keep_going
        self.problems: list[Problem] = []
        self._omitted = 0
        self._known: set[tuple[Span | None, str]] = set()

    def add(self, problem: Problem) -> None:
        """Note a problem; the same at the same place counts once."""
        key = (problem.span, problem.text)
        if key in self._known:
            return
        self._known.add(key)
        if len(self.problems) < DIAGNOSTICS:
            self.problems.append(problem)
        else:
            self._omitted += 1

    def stop(self, problem: Problem) -> None:
        """Note a problem after which the assembly goes on only if everything is to be told."""
        self.add(problem)
        if not self.keep_going:
            raise StoppedError

    def check(self) -> None:
        """End of a phase: stop if anything was noted."""
        if self.problems:
            raise StoppedError

    def error(self) -> AssemblyError:
        """The exception that tells everything."""
        return AssemblyError([problem.diagnostic() for problem in self.problems], self._omitted)


class Origin:
    """Where a text that is parsed stands in a source: `span` finds the place of its parts."""

    __slots__ = ("base", "source")

    def __init__(self, source: Source, base: int = 0) -> None:
        self.source = source
        self.base = base

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, self.base + start, self.base + end)

    def problem(self, error: ParseError) -> Problem:
        """A syntax error as a problem at its place."""
        return Problem(self.span(error.start, error.end), error.text)


def flattened(diagnostic: Diagnostic) -> Iterator[Diagnostic]:
    """A diagnostic and all that it contains."""
    yield diagnostic
    for inner in diagnostic.notes:
        yield from flattened(inner)
