"""The registers and flags as Python sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number
from ..isa.table import REGISTER_COUNT, REGISTER_NAMES, WORD_MASK, Flag, Reg
from . import layout

if TYPE_CHECKING:
    from .pending import Pending

_CODES = {name: code for code, name in enumerate(REGISTER_NAMES)}


def flags_of(result: int, overflow: int) -> int:
    """`af` of a result with its carry in bit 32 and an overflow value (isa.md: Flags)."""
    word = result & WORD_MASK
    af = 0
    for flag, holds in (
        (Flag.ZF, word == 0),
        (Flag.CF, result >> 32 & 1),
        (Flag.OF, overflow >> 31 & 1),
        (Flag.SF, word >> 31),
        (Flag.EF, not word & 1),
        (Flag.ZUF, word < 1 << 16),
        (Flag.ZLF, not word & 0xFFFF),
    ):
        if holds:
            af |= flag.mask
    return af


def result_for(af: int) -> tuple[int, int] | None:
    """A result and an overflow value that have these flags, or None if no result has."""
    low = 0 if af & Flag.ZLF.mask else 2 if af & Flag.EF.mask else 1
    high = 0x8000 if af & Flag.SF.mask else 0 if af & Flag.ZUF.mask else 1
    result = (1 << 32 if af & Flag.CF.mask else 0) | high << 16 | low
    overflow = 1 << 31 if af & Flag.OF.mask else 0
    return (result, overflow) if flags_of(result, overflow) == af else None


class Registers:
    """The 32 registers, by code, name or attribute: `regs[0]`, `regs["a0"]`, `regs.a0`.

    The host may read and set every one of them, whatever the CPU's mode; values are 0 to
    2^32-1. `numpy.asarray(regs)` gives a copy, `regs[2:5]` a list.

    What a component sets during an instruction takes effect after it (docs/machine.md), if these
    registers are made with a `pending`.
    """

    __slots__ = ("_pending", "_regs", "_state")
    _regs: memoryview
    _state: memoryview
    _pending: Pending | None

    def __init__(self, regs: memoryview, state: memoryview, pending: Pending | None = None) -> None:
        object.__setattr__(self, "_regs", regs)
        object.__setattr__(self, "_state", state)
        object.__setattr__(self, "_pending", pending)

    def _code(self, key: int | str) -> int:
        if isinstance(key, str):
            code = _CODES.get(key.lower())
            if code is None:
                raise KeyError(f"unknown register {key!r}; they are {', '.join(REGISTER_NAMES)}")
            return code
        code = whole_number("a register's code", key)
        if not 0 <= code < REGISTER_COUNT:
            raise IndexError(f"register code {code} is outside 0..{REGISTER_COUNT - 1}")
        return code

    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, slice):
            return [self[code] for code in range(*key.indices(REGISTER_COUNT))]
        code = self._code(key)
        state, pending = self._state, self._pending
        if pending is not None and code in pending.registers:
            return pending.registers[code]
        if code == Reg.AF and not state[layout.FLAGS_EXPLICIT]:
            return flags_of(state[layout.FLAG_RESULT], state[layout.FLAG_OVERFLOW])
        return self._regs[code]

    def __setitem__(self, key: int | str | slice, value: Any) -> None:
        if isinstance(key, slice):
            codes = range(*key.indices(REGISTER_COUNT))
            values = list(value)
            if len(values) != len(codes):
                raise ValueError(f"{len(codes)} registers cannot take {len(values)} values")
            for code, item in zip(codes, values, strict=True):
                self[code] = item
            return
        code = self._code(key)
        word = whole_number(REGISTER_NAMES[code], value)
        if not 0 <= word <= WORD_MASK:
            raise ValueError(f"value {word} for {REGISTER_NAMES[code]} is outside 0..{WORD_MASK}")
        state, pending = self._state, self._pending
        if pending is not None and pending.has_to_wait():
            pending.set_register(code, word)
            return
        self._regs[code] = word
        if code == Reg.AF:
            lazy = result_for(word)
            state[layout.FLAGS_EXPLICIT] = lazy is None
            if lazy is not None:
                state[layout.FLAG_RESULT], state[layout.FLAG_OVERFLOW] = lazy
        elif code == Reg.PC:
            # The CPU is put there anew: a breakpoint there is still to be reported.
            state[layout.SKIP_BREAKPOINT] = 0
        elif code >= Reg.SSP:
            # Mode and translation may have changed.
            state[layout.VERIFY] |= layout.VERIFY_CHANGES

    def __getattr__(self, name: str) -> int:
        if name in _CODES:
            return self[name]  # type: ignore[no-any-return]
        raise AttributeError(f"unknown register {name!r}; they are {', '.join(REGISTER_NAMES)}")

    def __setattr__(self, name: str, value: int) -> None:
        if name not in _CODES:
            raise AttributeError(f"unknown register {name!r}; they are {', '.join(REGISTER_NAMES)}")
        self[name] = value

    def __len__(self) -> int:
        return REGISTER_COUNT

    def __iter__(self) -> Iterator[int]:
        return (self[code] for code in range(REGISTER_COUNT))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("registers cannot be viewed as an array, only copied")
        return numpy.array(list(self), dtype or numpy.uint32)

    def __dir__(self) -> list[str]:
        return [*REGISTER_NAMES]

    def __repr__(self) -> str:
        """Four registers a line, in code order."""
        cells = [
            f"{name:>3} 0x{value:08X}" for name, value in zip(REGISTER_NAMES, self, strict=True)
        ]
        return "\n".join("  ".join(cells[at : at + 4]) for at in range(0, REGISTER_COUNT, 4))
