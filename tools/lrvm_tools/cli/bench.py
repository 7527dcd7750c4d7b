"""`lrvm bench`."""

from __future__ import annotations

import importlib

import click

from .options import InputError


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Measure how fast this machine runs programs.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def bench(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Hand over to `python -m lrvm_jit.bench`, with all arguments and its own --help."""
    # Imported here: it loads the compiled kernel, which no other command may wait for.
    module = importlib.import_module("lrvm_jit.bench.__main__")
    try:
        code = module.main(list(arguments))
    except OSError as error:
        if error.filename is None:
            raise
        raise InputError(f"cannot write {error.filename}: {error.strerror}") from None
    ctx.exit(code or 0)
