"""CustomASM programs as the assembler's users get them: the same result as LASM gives."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from .assembler import Options, Result, assemble
from .assembly import Assembly, Emitted, SymbolEntry
from .files import Files
from .items import DataItem, InstructionItem, LabelItem
from .values import Sized

PathLike: TypeAlias = str | os.PathLike[str]

UNNAMED = "<source>"
"""What messages call a source that is given without a path."""


def assemble_rules(
    text: str, path: PathLike | None = None, include_paths: Iterable[PathLike] = ()
) -> Assembly:
    """Assemble a program in plain CustomASM. Raises AssemblyError."""
    project = None if path is None else Path(path).parent
    files = Files(search=[Path(folder) for folder in include_paths], project=project)
    return assemble_program(text, path, files, Options())


def assemble_program(text: str, path: PathLike | None, files: Files, options: Options) -> Assembly:
    """Assemble the program in a text, which comes from `path`. Raises AssemblyError."""
    name = UNNAMED if path is None else os.fspath(path).replace("\\", "/")
    return assembly_of(assemble([(name, text.removeprefix("\ufeff"))], files, options))


def assembly_of(result: Result) -> Assembly:
    """The result in the form that LASM programs have as well."""
    items = []
    for item in result.items:
        if not isinstance(item, LabelItem | InstructionItem | DataItem):
            continue
        bank = item.bank
        address, offset = divmod(item.position, bank.bits)
        source = item.span.source
        line = item.span.line
        output = None if bank.output is None else bank.output + item.position
        padded = item.value << (-item.size % 8)
        items.append(
            Emitted(
                bank.address + address,
                padded.to_bytes((item.size + 7) // 8, "big"),
                source.path,
                line,
                source.line_text(line),
                offset,
                item.size,
                bank.name if bank.number else "",
                output,
            )
        )
    entries = []
    for symbol in result.symbols:
        value = symbol.value.value if isinstance(symbol.value, Sized) else symbol.value
        if type(value) is int:
            span = symbol.span
            entries.append(
                SymbolEntry(symbol.full_name, value, symbol.is_label, span.source.path, span.line)
            )
    return Assembly(result.data, tuple(items), tuple(entries), result.length)
