"""Where the operands of a stencil are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...core.native_abi import PINS

MEMORY: Final = 0
"""In the context; 1 to PINS: in a pinned register."""
SP_CLASS: Final = PINS + 1
PC: Final = PINS + 2
"""The destination is pc."""
LITERAL: Final = PINS + 3
ABSENT: Final = PINS + 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a register is; `home` names the hole for its place in the context."""

    kind: int
    home: str = ""
