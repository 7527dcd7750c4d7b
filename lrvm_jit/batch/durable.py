"""Files that are there whole or not at all, whatever ends the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..machine.signals import undisturbed as undisturbed


def part_of(path: Path) -> Path:
    """Where a file is written until it is whole: beside it, as a rename crosses no file system."""
    return path.with_name(f".{path.name}.part")


def put_in_place(part: Path, path: Path) -> None:
    """Give a file that is whole its name, and have both on the disk."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Write a file: it appears when the block ends without an error."""
    part = part_of(path)
    try:
        with part.open("wb") as file:
            yield file
        put_in_place(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
