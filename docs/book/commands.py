"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

from typing import Any

import click

from lrvm_tools.cli.app import cli


def commands(_: str = "") -> str:
    """Every subcommand with what `--help` prints."""
    return "\n\n".join(_pages(cli, "lrvm", click.Context(cli, info_name="lrvm"), 2))


def _pages(command: click.Command, name: str, context: click.Context, level: int) -> list[str]:
    # As the command line makes it: a command keeps the help option of the first context that asks.
    settings: dict[str, Any] = {**cli.context_settings, "max_content_width": 88}
    with context.scope():
        text = command.get_help(click.Context(command, info_name=name, **settings))
    pages = [f"{'#' * level} {name}\n\n```text\n{text}\n```"]
    if isinstance(command, click.Group):
        for child in sorted(command.list_commands(context)):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                pages += _pages(found, f"{name} {child}", context, 3)
    return pages
