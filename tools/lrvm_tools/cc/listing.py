"""A linked program as LASM that assembles to the same bytes."""

from __future__ import annotations

import re
from typing import Final

from lrvm_jit.isa import format_word
from lrvm_jit.isa.spellings import CONSTANTS
from lrvm_jit.isa.table import BY_MNEMONIC, Reg

from ..executable import Executable, SymbolKind
from .target import CALL_I, CPY_I

_BAD: Final = re.compile(r"[^A-Za-z0-9_]")
_RESERVED = {*BY_MNEMONIC, *(str(reg) for reg in Reg), *(name.lower() for name in CONSTANTS)}


def to_lasm(executable: Executable) -> str:
    """The program's ROM with labels for functions, variables and the targets of jumps."""
    words = [int(word) for word in executable.words]
    end = 4 * len(words)
    labels: dict[int, list[str]] = {}
    code: list[tuple[int, int]] = []
    taken: set[str] = set()
    for symbol in executable.symbol_table:
        if symbol.kind is SymbolKind.VALUE or symbol.address >= end or symbol.address % 4:
            continue
        name = _BAD.sub("_", symbol.name)
        if not name or name[0].isdigit() or name.lower() in _RESERVED:
            name = f"_{name}"
        while name in taken:
            name += "_"
        taken.add(name)
        labels.setdefault(symbol.address, []).append(name)
        if symbol.kind is SymbolKind.FUNCTION:
            code.append((symbol.address, symbol.address + symbol.size))
    # A function of the assembler has no size: it goes on to the next symbol.
    starts = sorted([*labels, end])
    is_code = bytearray(len(words))
    for begin, finish in code:
        if finish == begin:
            finish = next((one for one in starts if one > begin), end)
        is_code[begin // 4 : finish // 4] = b"\1" * (finish // 4 - begin // 4)
    targets = {
        _target(word)
        for place, word in enumerate(words)
        if is_code[place] and _is_near_jump(word) and not _target(word) & 3 and _target(word) < end
    }
    for address in targets - labels.keys():
        labels[address] = [f"L{address:x}"]
    lines = [f"; {executable.name}", ""]
    for place, word in enumerate(words):
        for name in labels.get(4 * place, ()):
            lines.append(f"{name}:")
        if not is_code[place]:
            lines.append(f"    #d32 0x{word:08x}")
        elif _is_near_jump(word) and _target(word) in labels:
            mnemonic = "call" if word >> 24 == CALL_I else "jp"
            lines.append(f"    {mnemonic} {labels[_target(word)][0]}")
        else:
            lines.append(f"    {format_word(word)}")
    return "\n".join(lines) + "\n"


def _is_near_jump(word: int) -> bool:
    """Whether a word is a call or a jump to a literal address, with no unused bit set."""
    if word >> 24 == CALL_I:
        return not word & 0xFF
    return word >> 24 == CPY_I and word >> 16 & 0xFF == Reg.PC


def _target(word: int) -> int:
    return (word >> 8 if word >> 24 == CALL_I else word) & 0xFFFF
