"""The instruction set: one table, and what is derived from it."""

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
from .table import ALIASES, BY_MNEMONIC, BY_OPCODE, CONSTANTS, INSTRUCTIONS, Op, Reg

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
