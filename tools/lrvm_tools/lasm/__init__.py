"""The LASM assembler."""

from ..customasm.assembly import Assembly, Emitted, Place, SourceRow, SymbolEntry
from ..customasm.diagnostics import AssemblyError, Diagnostic
from .assembler import assemble, assemble_file, assemble_program, assemble_program_file

__all__ = [
    "Assembly",
    "AssemblyError",
    "Diagnostic",
    "Emitted",
    "Place",
    "SourceRow",
    "SymbolEntry",
    "assemble",
    "assemble_file",
    "assemble_program",
    "assemble_program_file",
]
