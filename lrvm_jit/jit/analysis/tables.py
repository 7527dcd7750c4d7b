"""Jump tables: indirect jumps whose target is a word of a table that does not change.

An interpreter's dispatch loads its next handler's address from a table. Where the table stands
is known, from literals and from registers that nothing in the region writes. The region then
relies on the table's words as it does on its code: a store to one of them makes it go. So a jump
needs neither the look into memory nor a comparison with the addresses that it may lead to; the
index chooses among them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ...isa.semantics import execute
from ...isa.symbolic import Linear, SymbolicTarget
from ...isa.table import WORD_MASK, Access, Op, Reg
from .instructions import Flow, GuestInstruction, written_registers
from .region import JumpTable

LONGEST_TABLE = 256
"""Words of a jump table."""
_NOT_LOADED = (Reg.PC, Reg.AF, Reg.SSP, Reg.USP)
"""Writing these has effects of its own."""


def load_of(instructions: Sequence[GuestInstruction]) -> GuestInstruction | None:
    """What loads the target of the jump at the end: the jump itself, or what comes before."""
    jump = instructions[-1]
    if jump.flow is not Flow.DYNAMIC:
        return None
    if _is_load(jump):
        return jump
    # A jump that is nothing but a copy of what was loaded.
    if jump.op is not Op.CPY or len(instructions) < 2:
        return None
    load = instructions[-2]
    if not _is_load(load):
        return None
    register = loaded_register(load)
    return None if register != jump.operands[1] or register in _NOT_LOADED else load


def _is_load(one: GuestInstruction) -> bool:
    return one.row is not None and one.row.memory is Access.LOAD and not one.row.stack


def loaded_register(load: GuestInstruction) -> int:
    """The register that a load writes."""
    (register,) = written_registers(load)
    return int(register)


def table_base(instructions: Sequence[GuestInstruction], kept: Collection[int]) -> Linear | None:
    """Where the table is from which the jump at the end of some instructions takes its target:
    the part of the loaded word's address that is the same each time the region gets here."""
    load = load_of(instructions)
    if load is None:
        return None
    done = SymbolicTarget()
    for one in instructions:
        assert one.decoded is not None
        done.pc = one.pc
        execute(done, one.decoded.instruction, one.decoded.operands)
        if one is load:
            break
    address = done.accesses[-1].address
    base = Linear(address.constant, tuple(term for term in address.terms if term[0] in kept))
    return None if base == address else base


def read_table(
    base: Linear,
    kept: Mapping[int, int],
    targets: Collection[int],
    word_at: Callable[[int], int | None],
    may_begin: Callable[[int], bool],
) -> JumpTable | None:
    """The table at a base, up to the last word that is a target.

    `kept` are the values of registers that the region does not write, `targets` the addresses
    that jumps have been seen to go to, and `may_begin(pc)` tells whether something else may
    begin at an address. What stands behind a table may be a variable: stores to it must not be
    taken for a change of code, nor its value for an address.
    """
    address = base.constant
    for register, factor in base.terms:
        address = (address + kept[register] * factor) & WORD_MASK
    if address & 3:
        return None
    words: list[int] = []
    length = 0
    for pc in range(address, min(address + 4 * LONGEST_TABLE, WORD_MASK), 4):
        word = word_at(pc)
        if word is None:
            break
        if word in targets:
            length = len(words) + 1
        elif not may_begin(word):
            break
        words.append(word)
    return JumpTable(address, tuple(words[:length]), base) if length > 1 else None


def words_of(table: JumpTable) -> dict[int, int]:
    """The words of a table by their virtual addresses."""
    return {table.address + 4 * number: word for number, word in enumerate(table.targets)}
