"""The LASM assembler."""

from .assembler import assemble, assemble_file, assemble_program, assemble_program_file
from .assembly import Assembly, Emitted, Place, SourceRow, SymbolEntry
from .errors import AssemblyError, Diagnostic

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
