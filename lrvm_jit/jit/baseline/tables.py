"""The patcher's tables: for each first byte of an instruction word, which stencil it takes.

All of it is one int64 array. Its first words say where the parts begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

from ...core import native_abi as abi
from ...isa.table import (
    BY_OPCODE,
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    READ_ONLY_REGISTERS,
    REGISTER_COUNT,
    TRANSLATION_REGISTERS,
    Access,
    Control,
    Implicit,
    Instruction,
    Op,
    Reg,
)
from .forms import (
    CONDITION_NUMBERS,
    CONDITIONS,
    DIVISION_MODES,
    HELPERS,
    forms_of,
    literal_range,
    place_sets,
)
from .operands import MEMORY, PC, SP_CLASS

# What the words at the beginning say.
STENCIL_TABLE, FILL_TABLE, PLACES, IF_CHOICES, IFN_CHOICES, IF2_CHOICES, MODE_CHOICES = range(7)
BYTE: Final = 2
"""In the third column of FILL_TABLE: one byte is filled in, not four."""
HELPER: Final = 8
"""From here on the number of each helper in `forms.HELPERS`."""
ROWS: Final = 32
"""Start of the rows, one for each first byte. Columns:"""
KIND: Final = 0
STENCIL: Final = 1
"""The first stencil;"""
VARIANTS: Final = 2
"""stencils for one combination of places and one choice, and"""
CHOICES: Final = 3
"""choices."""
CHOOSES: Final = 4
"""How the choice is made: one of CHOICE_*."""
FLAGS: Final = 5
"""1 if it sets the flags."""
LEAVES: Final = 6
"""1 if it may be left in the middle; for loads EXIT_READ, for stores EXIT_WRITE."""
SLOT_OPERAND: Final = 7
"""Which operand's register chooses the window slot; 3: the stack pointer."""
AVR_READ: Final = 8
AVR_WRITTEN: Final = 9
OPERANDS: Final = 10
"""Three groups of columns, one for each operand:"""
SOURCE: Final = 0
"""0: there is none, 1: a register, 2: a literal;"""
SHIFT: Final = 1
"""of the register's code or the literal;"""
MASK: Final = 2
LOW: Final = 3
HIGH: Final = 4
"""of literals: those for which there are stencils;"""
READS: Final = 5
WRITES: Final = 6
INDEX: Final = 7
"""for each place, which of the operand's stencils it takes; -1 where there is none;"""
PLACE_COUNT: Final = PC + 1
STRIDE: Final = INDEX + PLACE_COUNT
"""how far apart these are, in stencils."""
OPERAND_FIELDS: Final = STRIDE + 1
ROW_FIELDS: Final = OPERANDS + 3 * OPERAND_FIELDS

INTERPRET, PLAIN, SKIP, GOTO, GOTO_RELATIVE, CALL, LEAVE, CALL_REGISTER, ENDS = range(9)
"""Kinds: for the interpreter; goes on to the next instruction; may skip it; jumps or calls to a
literal address; jumps or calls through the table; for the interpreter, which does not come back to
what follows."""
NO_CHOICE, CHOICE_IF, CHOICE_IFN, CHOICE_IF2, CHOICE_MODE = range(5)

INTERPRETED: Final = 255
"""A place of a register that is the interpreter's."""
USER_READS, SUPERVISOR_READS, USER_WRITES, SUPERVISOR_WRITES = (256 * k for k in range(4))
"""Where in PLACES the places of registers begin, by mode and access."""

STACK_SLOT: Final = 3


def make_tables(
    names: Sequence[str],
    stencils: Sequence[Sequence[int]],
    fills: Sequence[Sequence[int]],
    pins: Sequence[Reg],
) -> list[int]:
    """The tables for boards with these pinned registers. `names` of the stencils in the order of
    `stencils`, which has four words for each, as `fills` has (see `making.read_stencils`)."""
    numbers = {name: number for number, name in enumerate(names)}
    parts: list[Sequence[int]] = [[0] * ROWS]
    for first in range(256):
        parts.append(_row(first, numbers))
    header = parts[0]
    assert isinstance(header, list)

    def add(place: int, words: Sequence[int]) -> None:
        header[place] = sum(map(len, parts))
        parts.append(words)

    add(STENCIL_TABLE, [word for row in stencils for word in row])
    add(FILL_TABLE, [word for row in fills for word in row])
    add(PLACES, _places(pins))
    add(IF_CHOICES, _choices(Op.IF))
    add(IFN_CHOICES, _choices(Op.IFN))
    add(IF2_CHOICES, _choices(Op.IF2))
    modes = [
        DIVISION_MODES.index(m & 0x1F) if m & 0x1F in DIVISION_MODES else -1 for m in range(256)
    ]
    add(MODE_CHOICES, modes)
    for number in range(len(HELPERS)):
        header[HELPER + number] = number
    return [word for part in parts for word in part]


def _choices(op: Op) -> list[int]:
    """The number of the condition by flag, or by 64 * first + 8 * second flag + condition."""
    keys: list[tuple[Op, int, int, int]]
    if op is Op.IF2:
        keys = [(op, a, b, c) for a, b, c in product(range(8), repeat=3)]
    else:
        keys = [(op, a, 0, 0) for a in range(256)]
    return [CONDITION_NUMBERS.get(key, -1) for key in keys]


def _places(pins: Sequence[Reg]) -> list[int]:
    place_of = {int(register): number + 1 for number, register in enumerate(pins)}
    words = []
    for writes, supervisor in product((False, True), repeat=2):
        pinned = place_of | ({int(Reg.SSP): SP_CLASS} if supervisor else {})
        refused = {int(Reg.AF)}
        if writes:
            refused |= {*map(int, READ_ONLY_REGISTERS), *map(int, TRANSLATION_REGISTERS)}
        end = REGISTER_COUNT
        if not supervisor:
            end = FIRST_PRIVILEGED_WRITE if writes else FIRST_PRIVILEGED_READ
        for code in range(256):
            if code >= end or code in refused:
                words.append(INTERPRETED)
            elif code == Reg.PC:
                words.append(PC if writes else INTERPRETED)
            else:
                words.append(pinned.get(code, MEMORY))
    return words


def _row(first: int, numbers: dict[str, int]) -> list[int]:
    """The row of a first byte."""
    words = [0] * ROW_FIELDS
    row = BY_OPCODE.get(first >> 3)
    if row is None or row.control in (Control.EXCEPTION, Control.HALT, Control.RESET):
        words[KIND] = ENDS
        return words
    literals = tuple(
        operand.kind.name != "REG" and not first >> (2 - number) & 1
        for number, operand in enumerate(row.operands)
    )
    if row.opcode is Op.JPR and literals[0]:
        words[KIND] = GOTO_RELATIVE
        return words
    sets = place_sets(row.opcode, literals)
    if sets is None:
        return words
    forms = [numbers[form.name] for form in forms_of(row.opcode, literals)]
    assert forms == list(range(forms[0], forms[0] + len(forms)))
    words[STENCIL] = forms[0]
    _fill_row(words, row, literals, len(forms), sets)
    return words


def _fill_row(
    words: list[int],
    row: Instruction,
    literals: tuple[bool, ...],
    count: int,
    sets: list[tuple[int, ...]],
) -> None:
    chooses = {Op.IF: CHOICE_IF, Op.IFN: CHOICE_IFN, Op.IF2: CHOICE_IF2}.get(row.opcode, NO_CHOICE)
    choices = len(CONDITIONS)
    if any(operand.constants == "division" for operand in row.operands):
        chooses, choices = CHOICE_MODE, len(DIVISION_MODES)
    words[CHOOSES] = chooses
    words[CHOICES] = 1 if chooses == NO_CHOICE else choices
    words[FLAGS] = row.writes_flags
    words[VARIANTS] = 3 if row.skips else 2 if row.writes_flags else 1
    words[KIND] = _kind(row, literals)
    words[AVR_READ] = Implicit.READS_AVR in row.implicit
    words[AVR_WRITTEN] = Implicit.WRITES_AVR in row.implicit
    words[SLOT_OPERAND] = STACK_SLOT
    if row.memory is not Access.NONE:
        words[LEAVES] = abi.EXIT_WRITE if row.memory.stores else abi.EXIT_READ
        if row.stack == 0:
            words[SLOT_OPERAND] = next(
                number for number, operand in enumerate(row.operands) if operand.name == "addr"
            )
    elif chooses == CHOICE_MODE:
        words[LEAVES] = abi.EXIT_INTERPRET
    stride = words[VARIANTS] * words[CHOICES]
    shift = 24
    columns = []
    for number, operand in enumerate(row.operands):
        at = OPERANDS + number * OPERAND_FIELDS
        shift -= 8 * operand.kind.size
        columns.append(at)
        words[at + READS] = operand.role.reads
        words[at + WRITES] = operand.role.writes
        if literals[number]:
            words[at + SOURCE] = 2
            words[at + SHIFT] = shift
            words[at + MASK] = (1 << 8 * operand.kind.size) - 1
            words[at + LOW], words[at + HIGH] = literal_range(row.opcode, number)
        else:
            words[at + SOURCE] = 1
            words[at + SHIFT] = shift + 8 * (operand.kind.size - 1)
            words[at + MASK] = 0xFF
        for place in range(PLACE_COUNT):
            known = place in sets[number]
            words[at + INDEX + place] = sets[number].index(place) if known else -1
    for number, at in reversed(list(enumerate(columns))):
        words[at + STRIDE] = stride
        stride *= len(sets[number])
    assert stride == count


def _kind(row: Instruction, literals: tuple[bool, ...]) -> int:
    if row.skips:
        return SKIP
    if row.control is Control.CALL:
        return CALL if literals[0] else CALL_REGISTER
    if row.control is Control.JUMP:
        return LEAVE
    return PLAIN
