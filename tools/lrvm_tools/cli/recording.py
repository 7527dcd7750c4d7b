"""`--record`: writing down what comes from outside during a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrvm_jit import Motherboard
from lrvm_jit.debug import Recorder

from .options import InputError


@contextmanager
def recording_to(path: Path | None, board: Motherboard, program: Path | None) -> Iterator[None]:
    """Record the board's runs in this block, if there is a file to do so."""
    if path is None:
        yield
        return
    if program is not None and path.exists() and path.samefile(program):
        raise InputError(f"{path} is the program itself; choose another output")
    try:
        with Recorder(board, path):
            yield
    except OSError as error:
        if error.filename is None:
            raise
        raise InputError(f"cannot write {error.filename}: {error.strerror}") from None
