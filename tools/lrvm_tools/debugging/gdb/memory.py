"""Memory as a client of GDB's protocol sees it: bytes at virtual addresses, words big-endian.

What belongs to a component that is no plain memory cannot be read: looking must be no access.
"""

from __future__ import annotations

from typing import Final

from lrvm_jit.debug import Debugger

_WORD: Final = 4


def read_memory(debugger: Debugger, address: int, size: int) -> bytes:
    """Bytes from an address on, as far as they can be looked at."""
    data = bytearray()
    first = address & -_WORD
    for at in range(first, min(address + size, 1 << 32), _WORD):
        word = debugger.peek(at)
        if word is None:
            break
        data += word.to_bytes(_WORD, "big")
    return bytes(data[address - first :][:size])


def write_memory(debugger: Debugger, address: int, data: bytes) -> None:
    """Write bytes from an address on. DebugError, ExpressionError or HardwareError for a word that
    refuses it; those before it are written."""
    end = address + len(data)
    for at in range(address & -_WORD, end, _WORD):
        begin, stop = max(at, address), min(at + _WORD, end)
        part = data[begin - address : stop - address]
        if len(part) < _WORD:
            whole = bytearray(debugger.word(at).to_bytes(_WORD, "big"))
            whole[begin - at : stop - at] = part
            part = bytes(whole)
        debugger.set(f"[{at:#x}]", int.from_bytes(part, "big"))
