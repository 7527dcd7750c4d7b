"""`.debug_frame`: where a function keeps its caller's registers (DWARF 4, section 6.4).

The canonical frame address is the stack pointer before the CALL, so the return address lies 4
bytes below it. Prologue and epilogue are described as if nothing had been saved yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lrvm_jit.isa.table import Reg

from .binary import ExecutableError, Input, Output
from .debug_info import Frame, Function
from .dwarf_names import FrameOperation

_VERSION: Final = 4
_WORD: Final = 4
_NO_CIE: Final = 0xFFFF_FFFF
_RETURN: Final = int(Reg.PC)
_STACK: Final = int(Reg.SSP)


def encode_frames(functions: Iterable[Function]) -> bytes:
    """The section for the functions that have a frame."""
    described = [function for function in functions if function.frame is not None]
    if not described:
        return b""
    common = Output()
    common.u32(_NO_CIE)
    common.u8(_VERSION)
    common.text("")  # no augmentation
    common.u8(_WORD)  # bytes of an address
    common.u8(0)  # of a segment selector
    common.uleb(_WORD)  # code is counted in words
    common.sleb(-_WORD)  # offsets from the frame address are counted in words, downward
    common.uleb(_RETURN)
    _define(common, _STACK, _WORD)
    common += bytes((FrameOperation.OFFSET | _RETURN, 1))
    section = Output()
    _entry(section, common)
    for function in described:
        assert function.frame is not None
        _entry(section, _description(function, function.frame))
    return bytes(section)


def _description(function: Function, frame: Frame) -> Output:
    out = Output()
    out.u32(0)  # the common part
    out.u32(function.address)
    out.u32(function.size)
    start, end = frame.body or (function.address, function.end)
    address_to_cfa = frame.return_address + _WORD
    if start > function.address:
        _advance(out, start - function.address)
    _define(out, frame.register, frame.offset + address_to_cfa)
    for register, offset in frame.saved:
        out.u8(FrameOperation.OFFSET_EXTENDED_SF)
        out.uleb(register)
        out.sleb((address_to_cfa - offset) // _WORD)
    if end < function.end:
        _advance(out, end - start)
        _define(out, _STACK, _WORD)
        for register, _ in frame.saved:
            out.u8(FrameOperation.RESTORE | register)
    return out


def _define(out: Output, register: int, offset: int) -> None:
    """The frame address is a register plus an offset."""
    if offset >= 0:
        out.u8(FrameOperation.DEF_CFA)
        out.uleb(register)
        out.uleb(offset)
    else:
        out.u8(FrameOperation.DEF_CFA_SF)
        out.uleb(register)
        out.sleb(-(offset // _WORD))


def _advance(out: Output, count: int) -> None:
    out.u8(FrameOperation.ADVANCE_LOC4)
    out.u32(count // _WORD)


def _entry(section: Output, content: Output) -> None:
    content.align(_WORD)  # zeros do nothing
    section.u32(len(content))
    section += content


def decode_frames(section: bytes, bases: dict[int, tuple[int, int]]) -> dict[int, Frame]:
    """The frames by their functions' addresses.

    `bases` has each function's frame base, a register and an offset, as `.debug_info` tells it.
    """
    frames: dict[int, Frame] = {}
    data = Input(section, "the frame table")
    while data:
        entry = data.part(data.u32())
        if entry.u32() == _NO_CIE:
            continue
        address, size = entry.u32(), entry.u32()
        if address in bases:
            frames[address] = _frame(entry, address, size, bases[address])
    return frames


def _frame(entry: Input, address: int, size: int, base: tuple[int, int]) -> Frame:
    here = start = address
    end = address + size
    to_cfa: int | None = None
    saved: list[tuple[int, int]] = []
    while entry:
        code = entry.u8()
        if code == FrameOperation.ADVANCE_LOC4:
            here += entry.u32() * _WORD
        elif code in (FrameOperation.DEF_CFA, FrameOperation.DEF_CFA_SF):
            register = entry.uleb()
            unsigned = code == FrameOperation.DEF_CFA
            offset = entry.uleb() if unsigned else -entry.sleb() * _WORD
            if to_cfa is None:
                if register != base[0]:
                    raise ExecutableError(f"frame of 0x{address:08X}: two registers hold its base")
                start, to_cfa = here, offset - base[1]
            else:
                end = here
        elif code == FrameOperation.OFFSET_EXTENDED_SF:
            register, words = entry.uleb(), entry.sleb()
            saved.append((register, (to_cfa or 0) - words * _WORD))
        elif code != FrameOperation.NOP and code & 0xC0 != FrameOperation.RESTORE:
            raise ExecutableError(f"the frame table has an unknown operation 0x{code:02X}")
    if to_cfa is None:
        raise ExecutableError(f"the frame of 0x{address:08X} is not described")
    return Frame(base[0], base[1], to_cfa - _WORD, tuple(saved), (start, end))
