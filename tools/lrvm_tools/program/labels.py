"""Labels: names for addresses, defined by standing in a program and used as operands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from typing import ClassVar, Final

from lrvm_jit.arguments import whole_number
from lrvm_jit.isa import Reg

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REGISTER_NAMES: Final = frozenset(str(reg) for reg in Reg)
_KEYWORDS: Final = frozenset(("asm", "true", "false"))
"""Words that mean something else wherever LASM expects an expression."""


class LabelError(ValueError):
    """A label that is unknown, defined twice, misnamed, or too far away for its operand."""


class Half(Enum):
    """Which bits of the address a label operand stands for; the value is its LASM slice."""

    BOTH = ""
    HIGH = "[31:16]"
    LOW = "[15:0]"


@dataclass(frozen=True, slots=True)
class Label:
    """The address called `name`, plus `offset`; or one 16-bit half of it.

    Standing in a program it defines the name, as an operand it refers to it:

    >>> from lrvm_tools.program import Label
    >>> str(Label("table") + 4)
    'table + 0x4'
    >>> str((Label("table") + 4).high)
    '(table + 0x4)[31:16]'

    The names of registers and LASM's keywords are refused, because LASM would read them as such.
    """

    size: ClassVar[int] = 0
    """Bytes that a definition takes in the program."""

    name: str
    offset: int = 0
    half: Half = Half.BOTH

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", whole_number("the offset of a label", self.offset))
        if not _NAME.fullmatch(self.name):
            raise LabelError(
                f"label {self.name!r} must be letters, digits and underscores, no digit first"
            )
        if self.name in _KEYWORDS:
            raise LabelError(f"label {self.name!r} is a keyword of LASM")
        if self.name.lower() in _REGISTER_NAMES:
            raise LabelError(
                f"label {self.name!r} has the name of a register; "
                f"the register itself is Reg.{self.name.upper()}"
            )

    def __add__(self, distance: int) -> Label:
        return replace(self, offset=self.offset + distance)

    def __sub__(self, distance: int) -> Label:
        return self + -distance

    @property
    def is_definition(self) -> bool:
        """True if the label can define its name: no offset, no half."""
        return not self.offset and self.half is Half.BOTH

    @property
    def high(self) -> Label:
        """The high 16 bits of the address."""
        return replace(self, half=Half.HIGH)

    @property
    def low(self) -> Label:
        """The low 16 bits of the address."""
        return replace(self, half=Half.LOW)

    def resolve(self, addresses: Mapping[str, int]) -> int:
        """The value, given every label's address. Raises LabelError for an unknown name."""
        if self.name not in addresses:
            raise LabelError(f"unknown label {self.name!r}{suggestion(self.name, addresses)}")
        value = addresses[self.name] + self.offset
        match self.half:
            case Half.HIGH:
                return value >> 16 & 0xFFFF
            case Half.LOW:
                return value & 0xFFFF
            case Half.BOTH:
                return value

    def __str__(self) -> str:
        text = self.name
        if self.offset:
            text += f" {'-' if self.offset < 0 else '+'} 0x{abs(self.offset):x}"
            if self.half is not Half.BOTH:
                text = f"({text})"
        return text + self.half.value


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known name nearest to `name`, or nothing."""
    nearest = get_close_matches(name, list(known), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
