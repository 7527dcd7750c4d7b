"""Assembler, disassembler and running tools for the LRVM machine."""

from lrvm_jit import hardware_id

from .disassembly import disassemble
from .lasm import AssemblyError, assemble
from .program import Instr, Label, Program, Reg

__all__ = [
    "AssemblyError",
    "Instr",
    "Label",
    "Program",
    "Reg",
    "assemble",
    "disassemble",
    "hardware_id",
]
