"""SRM on a component that exchanges words by itself, in one call.

SRM loads a word, reads a register and stores it. To a component these are a READ and a WRITE,
unless it defines `swap`: then they become one call, made when the load is due. For that an
engine has to know at the load what the store will be. The kernel finds that out by itself; the
reference engine asks here, and notes on errors ask where an access leads.
"""

from __future__ import annotations

from ..isa.table import FIRST_PRIVILEGED_READ, REGISTER_COUNT, WORD_MASK, Reg
from .core import Core
from .registers import Registers

READ, WRITE = 0, 1
"""Positions of the permissions in a page-table entry, among read, write and execute."""


def coming_word(core: Core, address: int, code: int) -> int | None:
    """The word that is stored once an SRM's load from a virtual address has been answered.

    `code` is the register that is stored. None if there will be no store, because the register
    or the MMU refuses it, or if a component has to be asked for a page-table entry before it:
    then load and store remain two accesses.
    """
    regs = core.state.regs_view
    if code >= (REGISTER_COUNT if regs[Reg.SMT] else FIRST_PRIVILEGED_READ):
        return None
    if _entries(core, address, WRITE) is None:
        return None
    return int(Registers(regs, core.state.state_view)[code])


def _pass_through(supervisor: int) -> int:
    return 1 << (31 if supervisor else 30)


def plain_translation(core: Core, address: int, access: int) -> int | None:
    """Physical address of a virtual one; None if the MMU refuses the access, or if an entry is not
    plain memory."""
    entries = _entries(core, address, access)
    if entries is None:
        return None
    if len(entries) < 2 or entries[1] & _pass_through(core.state.regs_view[Reg.SMT]):
        return address
    return ((entries[1] & 0xFF_FFFF) * 1024 + (address & 0x3FF)) & WORD_MASK


def _entries(core: Core, address: int, access: int) -> tuple[int, ...] | None:
    """What the MMU reads for an access (memory.md: MMU); None if it refuses it, or if an entry is
    not plain memory."""
    regs = core.state.regs_view
    if not regs[Reg.MTT]:
        return ()
    supervisor = regs[Reg.SMT]
    permission = 1 << ((29 if supervisor else 26) - access)
    entries: list[int] = []
    at = (regs[Reg.PDA] + (address >> 22) * 4) & WORD_MASK
    while True:
        entry = plain_word(core, at)
        if entry is None:
            return None
        entries.append(entry)
        if entry & _pass_through(supervisor):
            return tuple(entries)
        if not entry & permission:
            return None
        if len(entries) == 2:
            return tuple(entries)
        at = ((entry & 0xFF_FFFF) * 16384 + ((address >> 10) & 0xFFF) * 4) & WORD_MASK


def plain_word(core: Core, address: int) -> int | None:
    """The word at a physical address if that is readable plain memory."""
    mapping = core.mappings.find(address)
    if mapping is None or address % 4:
        return None
    offset = address - mapping.first
    for window in core.components[mapping.component].windows:
        if window.offset <= offset < window.end and window.read_error is None:
            return int(window.words[(offset - window.offset) >> 2])
    return None
