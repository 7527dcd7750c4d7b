"""Notes on errors of components: which one it was, and what the guest was doing there.

An error that comes out of a run has the component's own traceback, which does not say where the
guest stood. `BaseException.add_note` has Python print a line more below the traceback.
"""

from __future__ import annotations

from ..isa.codec import DecodingError, decode
from ..isa.table import WORD_MASK, Access, Implicit, Reg
from . import layout
from .core import Core
from .registers import Registers
from .swap import READ, WRITE, plain_translation, plain_word

EXECUTE = 2


def add_note_once(error: BaseException, text: str) -> None:
    """Add a note to an error, unless it has that note already. Only to an `Exception`: Ctrl-C and
    the like are nobody's error."""
    if isinstance(error, Exception) and text not in getattr(error, "__notes__", ()):
        error.add_note(text)


def access_text(core: Core) -> str:
    """What the component in the request in progress was asked, from where."""
    state, regs = core.state.state_view, core.state.regs_view
    kind = state[layout.REQUEST_KIND]
    at = f"by the instruction at pc 0x{regs[Reg.PC]:08X}"
    if kind == layout.REQUEST_RESET:
        number = core.bus.resetting
        return f"component {number} ({core.components[number].name}), reset {at}"
    number, offset = state[layout.REQUEST_COMPONENT], state[layout.REQUEST_OFFSET]
    what = "write" if kind == layout.REQUEST_WRITE else "read"
    text = f"component {number} ({core.components[number].name}), {what} at offset 0x{offset:X}, "
    mapping = core.mappings.of(number)
    assert mapping is not None
    physical = mapping.first + offset
    if not regs[Reg.MTT]:
        return f"{text}address 0x{physical:08X}, {at}"
    virtual = _virtual_address(core, physical, kind)
    if virtual is not None:
        text += f"virtual address 0x{virtual:08X}, "
    return f"{text}physical address 0x{physical:08X}, {at}"


def _virtual_address(core: Core, physical: int, kind: int) -> int | None:
    """The virtual address of the access in progress. None if it is the MMU's, of a page-table
    entry, or if a component would have to be asked to find it out."""
    pc = core.state.regs_view[Reg.PC]
    code = plain_translation(core, pc, EXECUTE)
    if code == physical and kind != layout.REQUEST_WRITE:
        return pc
    word = None if code is None else plain_word(core, code)
    address = None if word is None else _data_address(core, word)
    access = WRITE if kind == layout.REQUEST_WRITE else READ
    if address is not None and plain_translation(core, address, access) == physical:
        return address
    return None


def _data_address(core: Core, word: int) -> int | None:
    """The virtual address that an instruction loads from or stores to; None if it does neither."""
    # Imported here: errors of components are rare, and every process imports this module.
    from ..isa.semantics import execute, has_body
    from ..isa.symbolic import Linear, SymbolicTarget

    class KnownRegisters(SymbolicTarget):
        """All registers have the values of now."""

        def read(self, register: int) -> Linear:
            return Linear(regs[register])

    try:
        decoded = decode(word)
    except DecodingError:
        return None
    row = decoded.instruction
    regs = Registers(core.state.regs_view, core.state.state_view)
    if row.memory is Access.NONE or not has_body(row.opcode):
        return None
    if Implicit.STACK_POINTER in row.implicit:
        sp: int = regs[Reg.SSP if regs[Reg.SMT] else Reg.USP]
        return sp + min(row.stack, 0) & WORD_MASK
    target = KnownRegisters()
    execute(target, row, decoded.operands)
    return target.accesses[0].address.known
