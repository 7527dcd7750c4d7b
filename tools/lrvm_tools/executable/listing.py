"""What an executable adds to its disassembly: where code starts, names, the source beside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lrvm_jit.input_files import read_text

from ..program import Label
from ..program.labels import LabelError
from .executable import Executable, SymbolKind

_LONGEST: Final = 72
"""Characters of a source line that are shown."""


def entries_of(executable: Executable) -> set[int]:
    """Where code starts: at 0, and at each function."""
    end = 4 * len(executable.words)
    starts = {s.address for s in executable.symbol_table if s.kind is SymbolKind.FUNCTION}
    return {0} | {address for address in starts if address < end and address % 4 == 0}


def names_of(executable: Executable) -> dict[int, str]:
    """A label for each address that has a name. Names are LASM's, and each stands once: what LASM
    would not read as a label is changed."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    ordered = sorted(executable.symbol_table, key=lambda s: (s.is_local, s.kind.value))
    for symbol in ordered:
        if symbol.kind is SymbolKind.VALUE or symbol.address in names or not symbol.name:
            continue
        name = _label(symbol.name)
        while name in taken:
            name += "_"
        taken.add(name)
        names[symbol.address] = name
    return names


def _label(name: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if name[0].isdigit():
        name = "_" + name
    try:
        Label(name)
    except LabelError:
        name += "_"
    return name


def notes_of(executable: Executable) -> dict[int, str]:
    """For the first address of each line's code: file, line, and the line's text if its file can
    be read."""
    texts = [_lines(executable, path) for path in executable.files]
    notes: dict[int, str] = {}
    before: tuple[int, int] | None = None
    for row in executable.lines:
        here = (row.file, row.line)
        if row.line and here != before:
            name = Path(executable.files[row.file]).name
            lines = texts[row.file]
            text = lines[row.line - 1] if row.line <= len(lines) else ""
            notes[row.address] = f"{name}:{row.line}  {text}".rstrip()
        before = here
    return notes


def _lines(executable: Executable, path: str) -> list[str]:
    try:
        text = read_text(Path(executable.folder, path), "replace")
    except (OSError, ValueError):
        return []
    return list(map(_shown, text.splitlines()))


def _shown(line: str) -> str:
    """A line without what a terminal, or LASM in a comment, would take for something else."""
    characters: Iterable[str] = line.strip()[:_LONGEST]
    return "".join(c if c.isprintable() else " " for c in characters)
