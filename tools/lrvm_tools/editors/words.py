"""The words of LASM and CustomASM by kind, from the instruction table where it has them."""

from __future__ import annotations

from typing import Final

from lrvm_jit.isa import ALIASES, CONSTANTS, INSTRUCTIONS, Reg
from lrvm_jit.isa.table import Control

_JUMP_ALIASES: Final = ("jp", "ret")
"""Aliases of instructions that are no jumps by themselves: they write pc."""

REGISTERS: Final = tuple(sorted(str(register) for register in Reg))
CONSTANT_NAMES: Final = tuple(sorted(CONSTANTS))
CONTROL: Final = tuple(
    sorted(
        {row.mnemonic for row in INSTRUCTIONS if row.control is not Control.NEXT}
        | {
            alias.name
            for alias in ALIASES
            if alias.name in _JUMP_ALIASES
            or any(
                row.mnemonic == alias.instruction and row.control is not Control.NEXT
                for row in INSTRUCTIONS
            )
        }
    )
)
"""Mnemonics and aliases that decide where execution goes."""
MNEMONICS: Final = tuple(
    sorted(
        ({row.mnemonic for row in INSTRUCTIONS} | {alias.name for alias in ALIASES}) - set(CONTROL)
    )
)
"""All others."""

# fmt: off
DIRECTIVES: Final = (
    "addr", "align", "assert", "bank", "bankdef", "bits", "const", "elif", "else", "fn", "if",
    "include", "labelalign", "noemit", "once", "res", "ruledef", "subruledef",
)
"""Besides those for data: `#d`, `#d8`, ..."""
FUNCTIONS: Final = (
    "ascii", "assert", "bankof", "incbin", "incbinstr", "inchexstr", "le", "sizeof", "strlen",
    "utf8", "utf16be", "utf16le", "utf32be", "utf32le",
)
# fmt: on
KEYWORDS: Final = ("asm", "true", "false")
