"""`lrvm warm`."""

from __future__ import annotations

from pathlib import Path

import click

from .options import InputError
from .report import print_error


@click.command(short_help="Compile ahead what the first machine would wait for.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep it there; processes find it with LRVM_JIT_CACHE_DIR. Default: beside the package if "
    "that can be written, else in your cache folder.",
)
def warm(folder: Path | None) -> None:
    """Compile the kernel and the loops of batches and traces for this processor.

    For images and shared installations: run it once as the owner of the installation, and every
    user starts without a compiler, from a read-only place and without a home directory. What is
    there already is not compiled again.

    \b
    Examples:
      lrvm warm
      lrvm warm --folder /opt/lrvm-code     then LRVM_JIT_CACHE_DIR=/opt/lrvm-code
    """
    # Imported here: no other command needs it.
    from lrvm_jit.warm import warm as prepare

    try:
        prepare(folder, print_error)
    except OSError as error:
        raise InputError(str(error)) from None
