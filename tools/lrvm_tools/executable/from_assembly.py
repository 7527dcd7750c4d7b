"""Executables from LASM programs."""

from __future__ import annotations

from pathlib import Path

import numpy

from ..lasm import Assembly
from .debug_info import LineRow
from .executable import Executable, Segment, Symbol, SymbolKind
from .machine import MachineDescription


def executable_of(assembly: Assembly, name: str, machine: MachineDescription) -> Executable:
    """An assembled program, for a machine that has its component at address 0.

    Its lines are those of the statements that put something into the output.
    """
    words = numpy.array(assembly.words)
    files: dict[str, int] = {}
    rows: list[LineRow] = []
    for item in sorted(assembly.items, key=lambda item: item.address):
        if not item.data or item.address % 4:
            continue
        file = files.setdefault(item.path, len(files))
        row = LineRow(item.address, file, item.line)
        if not rows or (rows[-1].file, rows[-1].line) != (file, item.line):
            rows.append(row)
    symbols = tuple(
        Symbol(
            entry.name,
            entry.value & 0xFFFF_FFFF,
            0,
            SymbolKind.LABEL if entry.is_label else SymbolKind.VALUE,
        )
        for entry in assembly.entries
        if entry.is_label or -(1 << 31) <= entry.value < 1 << 32
    )
    return Executable(
        (Segment(0, words, 4 * len(words), executable=True),),
        machine,
        symbols,
        name=name,
        files=tuple(files),
        rows=tuple(rows),
        producer="lrvm asm",
        folder=str(Path.cwd()),
        sources=tuple(files)[:1],
    )
