"""The disassembler: words back to LASM, with what can be found out about them."""

from .analysis import Disassembly, analyse
from .column import column_svg
from .dot import to_dot
from .flow import ExitKind
from .graph import Block, ControlFlowGraph, Edge
from .plain import disassemble
from .svg import to_svg

__all__ = [
    "Block",
    "ControlFlowGraph",
    "Disassembly",
    "Edge",
    "ExitKind",
    "analyse",
    "column_svg",
    "disassemble",
    "to_dot",
    "to_svg",
]
