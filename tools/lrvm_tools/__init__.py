"""Assembler, disassembler and running tools for the LRVM machine."""

from lrvm_jit import hardware_id

from .disassembly import disassemble
from .lasm import AssemblyError, assemble
from .program import Instr, Label, Program, Reg
from .running import PreparationError, RunConfig, execute, prepare, run

__all__ = [
    "AssemblyError",
    "Instr",
    "Label",
    "PreparationError",
    "Program",
    "Reg",
    "RunConfig",
    "assemble",
    "disassemble",
    "execute",
    "hardware_id",
    "prepare",
    "run",
]
