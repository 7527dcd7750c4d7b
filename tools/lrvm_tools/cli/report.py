"""How the command shows things: tables and colours on a terminal, plain text elsewhere, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..lasm import AssemblyError

if TYPE_CHECKING:
    from rich.console import Console


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


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output."""
    if not sys.stdout.isatty():
        click.echo(f"{title}\n{_plain_table(columns, rows)}", nl=False)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    # Text objects: a name in [brackets] is no markup.
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console_of(sys.stdout).print(table)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    grid = [columns, *rows]
    widths = [max(len(row[at]) for row in grid) for at in range(len(columns))]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in grid
    ]
    return "".join(f"{line}\n" for line in lines)


def console_of(stream: TextIO) -> Console:
    """A rich console on a stream that is a terminal; it honours NO_COLOR and TERM=dumb."""
    from rich.console import Console

    return Console(file=stream, highlight=False)


def diagnostics_of(error: Exception) -> list[dict[str, Any]]:
    """The errors of a program that does not assemble, for JSON; nothing for other errors."""
    if not isinstance(error, AssemblyError):
        return []
    fields = ("path", "line", "column", "end_column", "message", "hint")
    return [{field: getattr(item, field) for field in fields} for item in error.diagnostics]
