"""`lrvm customasm`."""

from __future__ import annotations

import sys

import click


class _Verbatim(click.Command):
    """A command whose words the program reads itself, `--` and `--help` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["words"] = tuple(args)
        return []


@click.command(cls=_Verbatim, add_help_option=False)
@click.pass_context
def customasm(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Assemble for any instruction set, in the CustomASM language."""
    # Imported here: the other commands do not need it.
    from ..customasm.driver import Driver
    from .version import version

    driver = Driver(version(), sys.stdout, sys.stderr, lambda: sys.stdout.buffer)
    ctx.exit(driver.run(words))
