"""Other spellings: of instructions, and names for numbers (lasm.md: Aliases, Constants)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from ..records import dataclass
from .table import DIV_SIGNED, Condition, Flag, HwdInfo, Reg


@dataclass(frozen=True, slots=True)
class Alias:
    """Another spelling of an instruction.

    `operands` holds, for each operand of the instruction, a fixed register or literal, or the
    number of the alias's own parameter that stands there.
    """

    name: str
    instruction: str
    operands: tuple[Reg | int | Param, ...]

    @property
    def parameters(self) -> int:
        """How many operands the alias takes."""
        return len({item for item in self.operands if isinstance(item, Param)})


class Param(Enum):
    """Parameter of an alias."""

    FIRST = 0
    SECOND = 1


def _if2_alias(name: str, condition: Condition) -> Alias:
    return Alias(name, "if2", (Param.FIRST, Param.SECOND, int(condition)))


ALIASES: Final[tuple[Alias, ...]] = (
    Alias("zro", "xor", (Param.FIRST, Param.FIRST)),
    Alias("inc", "add", (Param.FIRST, 1)),
    Alias("dec", "sub", (Param.FIRST, 1)),
    Alias("jp", "cpy", (Reg.PC, Param.FIRST)),
    Alias("ret", "pop", (Reg.PC,)),
    Alias("ifeq", "if", (int(Flag.ZF),)),
    Alias("ifnq", "ifn", (int(Flag.ZF),)),
    Alias("ifls", "if", (int(Flag.CF),)),
    Alias("ifge", "ifn", (int(Flag.CF),)),
    Alias("ifgt", "if2", (int(Flag.ZF), int(Flag.CF), int(Condition.NOR))),
    Alias("ifle", "if2", (int(Flag.ZF), int(Flag.CF), int(Condition.OR))),
    _if2_alias("ifor", Condition.OR),
    _if2_alias("ifand", Condition.AND),
    _if2_alias("ifxor", Condition.XOR),
    _if2_alias("ifnor", Condition.NOR),
    _if2_alias("ifnand", Condition.NAND),
    _if2_alias("ifleft", Condition.LEFT),
    _if2_alias("ifright", Condition.RIGHT),
)

CONSTANTS: Final[dict[str, int]] = {
    **{flag.name: int(flag) for flag in Flag},
    "DIV_USG": 0x00,
    "DIV_SIG": DIV_SIGNED,
    "DIV_ZRO_FRB": 0x00,
    "DIV_ZRO_MIN": 0x04,
    "DIV_ZRO_ZRO": 0x08,
    "DIV_ZRO_MAX": 0x0C,
    "DIV_OFW_FRB": 0x00,
    "DIV_OFW_MIN": 0x01,
    "DIV_OFW_ZRO": 0x02,
    "DIV_OFW_MAX": 0x03,
    **{f"CMP_{condition.name}": int(condition) for condition in Condition},
    **{f"HWD_{info.name}": int(info) for info in HwdInfo},
}
"""The named constants of the assembly language."""
