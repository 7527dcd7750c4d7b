"""The disassembler: words back to LASM, with what can be found out about them.

>>> from lrvm_tools.disassembly import analyse
>>> print(analyse([0x1C000001, 0x0C160000]).to_lasm())
loc_0000:
    inc a0
    jp loc_0000
"""

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
