"""What the command line says of a run: the arguments and options of `lrvm run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """They have the names that they have on the command line, but for the first three."""

    file: Path | None
    arguments: tuple[str, ...]
    machine_file: Path | None
    allow_paths: tuple[Path, ...]
    max_cycles: int | None
    halt_on_exception: bool
    verbose: bool
    quiet: bool
    engine: str | None
    unmapped: str
    record: Path | None
    stats: bool
    files: Path | None
    writable: bool
    ram: int | None
    as_json: bool
