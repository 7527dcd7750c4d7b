"""The process's standard streams: closed ones, full disks behind them, readers that have gone."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import click

from .exit_codes import ExitCode

_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def open_closed() -> None:
    """Put something in the place of standard streams that were closed at the start.

    Else the next files that are opened would get their numbers. An empty input comes from
    nowhere, errors go there; writing to standard output fails, as it does elsewhere.
    """
    modes = {0: ("r", os.O_RDONLY), 1: ("w", os.O_RDONLY), 2: ("w", os.O_WRONLY)}
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        mode, flags = modes[number]
        try:
            os.fstat(number)
        except OSError:
            descriptor = os.open(os.devnull, flags)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
        setattr(sys, name, os.fdopen(number, mode, closefd=False, encoding="utf-8"))


def replace_undecodable() -> None:
    """No text of a guest, whatever the terminal's encoding, may end the machine's run."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


@contextmanager
def watched() -> Iterator[None]:
    """Write what is buffered at the end of the block, and end the command with an exit code if
    standard output, or standard error, takes no more."""
    try:
        try:
            yield
        except (click.exceptions.Exit, SystemExit):
            sys.stdout.flush()
            raise
        # A reader that has gone is noticed here, not when the interpreter exits.
        sys.stdout.flush()
    except BrokenPipeError as error:
        if error.filename is not None:
            raise
        forget()
        raise click.exceptions.Exit(ExitCode.BROKEN_PIPE) from None
    except OSError as error:
        # Errors of files name them, and those of components are the components' own.
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        forget()
        with suppress(OSError):
            click.echo(f"lrvm: error: cannot write the output: {error.strerror}", err=True)
        raise click.exceptions.Exit(ExitCode.BAD_INPUT) from None


def forget() -> None:
    """Let what is still buffered go nowhere, so that the interpreter exits in silence."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            with suppress(OSError, ValueError):  # a stand-in without a file
                os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
