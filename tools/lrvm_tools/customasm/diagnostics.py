"""Errors as users of an assembler get them, and hints at what was meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from .source import Span, printable

_SHOWN_WIDTH = 120
"""Characters of a source line that a message shows."""

_COMPARED = 50
"""Candidates for a misspelt name that are compared closely, which takes long."""
_RANKED = 500
"""Candidates that are put in order for that,"""
_LOOKED_AT = 10_000
"""of so many that are looked at: a program may have far more, and each error asks anew."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error: where it is (counted from 1, `end_column` exclusive), what, and what may help."""

    path: str
    line: int
    column: int
    end_column: int
    message: str
    hint: str
    source_line: str
    kind: str = "error"
    notes: tuple[Diagnostic, ...] = ()
    """What stands inside: why, and where else to look."""

    @classmethod
    def at(cls, span: Span, message: str, hint: str = "") -> Diagnostic:
        """The diagnostic for a span; of a span of several lines it marks the first."""
        line, column = span.line, span.column
        text = span.source.line_text(line)
        width = min(span.end - span.start, len(text) + 1 - column)
        return cls(span.source.path, line, column, column + max(width, 1), message, hint, text)

    def __str__(self) -> str:
        if not self.path:
            lines = [f"{self.kind}: {self.message}"]
        else:
            shown, first, last = self._window()
            # Tabs are kept so that the marks stay below what they mark.
            indent = "".join("\t" if character == "\t" else " " for character in shown[:first])
            lines = [
                f"{self.path}:{self.line}:{self.column}: {self.kind}: {self.message}",
                f"  {printable(shown)}",
                f"  {indent}{'^' * (last - first)}",
            ]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        for inner in self.notes:
            lines.extend(f"  {line}" for line in str(inner).split("\n"))
        return "\n".join(lines)

    def _window(self) -> tuple[str, int, int]:
        """The part of the source line to show, and the marked part of it."""
        first, last = self.column - 1, self.end_column - 1
        start = max(0, min(first - _SHOWN_WIDTH // 3, len(self.source_line) - _SHOWN_WIDTH))
        shown = self.source_line[start : start + _SHOWN_WIDTH]
        return shown, first - start, max(first + 1, min(last, start + len(shown))) - start


class AssemblyError(Exception):
    """A program that does not assemble; lists every error found.

    >>> from lrvm_tools import AssemblyError, assemble
    >>> try:
    ...     assemble("halt 5")
    ... except AssemblyError as error:
    ...     print(error.diagnostics[0].message)
    `halt` takes no operands, 1 given
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], omitted: int = 0) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.omitted: int = omitted
        """How many errors were found beyond those listed."""
        super().__init__(self.diagnostics, omitted)

    def __str__(self) -> str:
        parts = [str(diagnostic) for diagnostic in self.diagnostics]
        if self.omitted:
            parts.append(f"and {self.omitted} more errors")
        return "\n\n".join(parts)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`, if one is like enough to be what was meant."""
    # Imported here: only a failing program needs it.
    from difflib import get_close_matches

    wanted = name.lower()
    first, last = wanted.lstrip(".")[:1], wanted[-1:]
    lengths = range(len(name) - 2, len(name) + 3)
    folded: dict[str, str] = {}
    for candidate in islice(candidates, _LOOKED_AT):
        if len(candidate) in lengths:
            lower = candidate.lower()
            if lower[-1:] == last or lower.lstrip(".")[:1] == first:
                folded[lower] = candidate
    ranked = islice(folded, _RANKED)
    likely = sorted(ranked, key=lambda candidate: -_common_ends(wanted, candidate))
    # One of two characters is enough to take `ao` for `a0`.
    cutoff = 0.5 if len(wanted) == 2 else 0.6
    matches = get_close_matches(wanted, likely[:_COMPARED], n=1, cutoff=cutoff)
    return folded[matches[0]] if matches else None


def _common_ends(one: str, other: str) -> int:
    """How many characters two names share at their start and at their end."""
    return _common_start(one, other) + _common_start(one[::-1], other[::-1])


def _common_start(one: str, other: str) -> int:
    length = 0
    for character, opposite in zip(one, other, strict=False):
        if character != opposite:
            break
        length += 1
    return length


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A hint that names the nearest candidate, or nothing."""
    found = nearest(name, candidates)
    return f"did you mean `{found}`?" if found else ""
