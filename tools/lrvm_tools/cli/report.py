"""How the command shows things: tables and colours on a terminal, plain text elsewhere, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from ..lasm import AssemblyError, Diagnostic

if TYPE_CHECKING:
    from rich.console import Console

_GAP: Final = 2
"""Spaces between the columns of a table."""


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_error(text: str) -> None:
    """An error on stderr; on a terminal `error:` and the marks of diagnostics stand out."""
    if not sys.stderr.isatty():
        click.echo(text, err=True)
        return
    from rich.text import Text

    shown = Text(text)
    shown.highlight_regex(r"(?m)\b(internal )?error:", "bold red")
    shown.highlight_regex(r"(?m)^\s+\^+$", "red")
    shown.highlight_regex(r"(?m)^hint:", "bold cyan")
    console_of(sys.stderr).print(shown, soft_wrap=True)


def print_warning(text: str) -> None:
    """A warning on stderr."""
    click.echo(text, err=True)


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, fold_last: bool = False
) -> None:
    """A table on standard output.

    A terminal that is too narrow shows as many columns as fit; `fold_last` breaks the lines of
    the last column instead.
    """
    if not sys.stdout.isatty():
        click.echo(f"{title}\n{_plain_table(columns, rows)}", nl=False)
        return
    from rich.table import Table
    from rich.text import Text

    console = console_of(sys.stdout)
    widths = _widths(columns, rows)
    count = len(columns)
    while not fold_last and count > 1 and sum(widths[:count]) + _GAP * (count - 1) > console.width:
        count -= 1
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold underline")
    for column in columns[:count]:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text objects: a name in [brackets] is no markup.
        table.add_row(*(Text(cell) for cell in row[:count]))
    console.print(Text(title, "bold"))
    console.print(table)
    if count < len(columns):
        console.print(Text(f"(no room for: {', '.join(columns[count:])})", "dim"))


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = _widths(columns, rows)
    lines = [
        (" " * _GAP)
        .join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        .rstrip()
        for row in (columns, *rows)
    ]
    return "".join(f"{line}\n" for line in lines)


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]


def console_of(stream: TextIO) -> Console:
    """A rich console on a stream that is a terminal; it honours NO_COLOR and TERM=dumb."""
    from rich.console import Console

    return Console(file=stream, highlight=False)


def can_animate(stream: TextIO) -> bool:
    """Whether a stream is a terminal on which a line can be drawn again and again."""
    return stream.isatty() and console_of(stream).is_interactive


def diagnostics_of(error: Exception) -> list[dict[str, Any]]:
    """The errors of a program that does not assemble, for JSON; nothing for other errors."""
    if not isinstance(error, AssemblyError):
        return []
    return [_fields(item) for item in error.diagnostics]


def _fields(item: Diagnostic) -> dict[str, Any]:
    names = ("path", "line", "column", "end_column", "message", "hint")
    fields: dict[str, Any] = {name: getattr(item, name) for name in names}
    if item.notes:
        fields["notes"] = [{"kind": inner.kind, **_fields(inner)} for inner in item.notes]
    return fields
