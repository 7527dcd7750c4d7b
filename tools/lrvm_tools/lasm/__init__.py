"""The LASM assembler.

>>> from lrvm_tools.lasm import assemble_program
>>> program = assemble_program("start: cpy a0, end\\nhalt\\nend:")
>>> program.bytes.hex(), program.symbols
('0c000008f0000000', {'start': 0, 'end': 8})
"""

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
