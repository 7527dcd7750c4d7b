"""The instruction set: one table, and what is derived from it.

>>> from lrvm_jit.isa import Reg, decode, encode, format_word
>>> word = encode("add", Reg.A0, 5)
>>> hex(word), format_word(word), decode(word).instruction.mnemonic
('0x1c000005', 'add a0, 0x5', 'add')
"""

from .codec import (
    Decoded,
    DecodingError,
    EncodingError,
    decode,
    decode_strict,
    encode,
    format_value,
    format_word,
)
from .spellings import ALIASES, CONSTANTS
from .table import BY_MNEMONIC, BY_OPCODE, INSTRUCTIONS, Op, Reg

__all__ = [
    "ALIASES",
    "BY_MNEMONIC",
    "BY_OPCODE",
    "CONSTANTS",
    "INSTRUCTIONS",
    "Decoded",
    "DecodingError",
    "EncodingError",
    "Op",
    "Reg",
    "decode",
    "decode_strict",
    "encode",
    "format_value",
    "format_word",
]
