"""The typed assembler: instructions and programs as Python values (lasm.md: Typed assembler).

>>> from lrvm_tools.program import Instr, Program, Reg
>>> Program([Instr.inc(Reg.A0), Instr.halt()]).encode().tolist()
[469762049, 4026531840]
"""

from lrvm_jit.isa import DecodingError, EncodingError, Reg

from .data import Data, Word
from .extended import read_word, read_word_to, set_register, write_literal, write_register
from .instr import Instr
from .labels import Label, LabelError
from .program import Item, Program

__all__ = [
    "Data",
    "DecodingError",
    "EncodingError",
    "Instr",
    "Item",
    "Label",
    "LabelError",
    "Program",
    "Reg",
    "Word",
    "read_word",
    "read_word_to",
    "set_register",
    "write_literal",
    "write_register",
]
