"""Where the variables of optimised code are.

LLVM tells where a variable takes another value (`#dbg_value`). The selection turns that into a
mark, `Pseudo.VALUE`, with the registers that have the value; a mark reads nothing, so code is the
same with and without it. The allocation names the machine's registers instead, of values that are
still needed there. From a mark on, the variable is there until something else is written to that
place: `spread` follows that through the function, and leaves marks where a variable goes, and at
the beginnings of blocks. The emission makes ranges of words of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..executable import PlaceKind
from .liveness import accesses
from .machine_code import (
    IndirectJump,
    Location,
    MachineBlock,
    MachineFunction,
    Return,
    TableJump,
    ValueRange,
    targets_of,
)
from .target import Instr, Pseudo

_RECORD: Final = re.compile(
    r"#dbg_value\((?P<value>.*), (?P<variable>!\d+), (?P<expression>!DIExpression\(.*?\)|!\d+), "
    r"(?P<position>!\d+)\)$"
)
_OPERAND: Final = re.compile(
    r"(?:i(?P<bits>\d+)|\w+) "
    r'(?:%(?P<name>[\w.$-]+|"[^"]+")|(?P<number>-?\d+)|(?P<truth>true|false)|null)$'
)
_SEVERAL: Final = (
    Pseudo.CONST,
    Pseudo.ADDR,
    Pseudo.FRAME,
    Pseudo.FLOAD,
    Pseudo.INCOMING,
    Pseudo.ASM,
)
"""Instructions that may become several words, so that their result is gone at the first of them."""

_State = dict[str, Location]
"""The places of variables, by their metadata nodes."""


@dataclass(frozen=True, slots=True)
class ValueRecord:
    """A variable takes a value: that of a name in the IR, a number, or one that is nowhere."""

    variable: str
    name: str | None
    number: int | None
    """Not negative: as many bits as the value has."""


def value_record(text: str, metadata: Mapping[str, str]) -> ValueRecord | None:
    """What a debug record says; None if it is about something else, or an inlined function."""
    match = _RECORD.match(text)
    if match is None or "inlinedAt:" in metadata.get(match["position"], ""):
        return None
    operand = _OPERAND.match(match["value"])
    # An expression says how the value follows from the operand.
    if operand is None or match["expression"] != "!DIExpression()":
        return ValueRecord(match["variable"], None, None)
    if operand["name"] is not None:
        return ValueRecord(match["variable"], operand["name"].strip('"'), None)
    number = int(operand["number"] or operand["truth"] == "true")
    return ValueRecord(match["variable"], None, number % (1 << int(operand["bits"] or 32)))


def spread(function: MachineFunction) -> None:
    """Mark where variables are when a block begins, and where they are no more."""
    blocks = function.blocks
    if not any(instr[0] == Pseudo.VALUE for block in blocks for instr in block.code):
        return
    before: dict[str, list[str]] = {block.label: [] for block in blocks}
    for block in blocks:
        for target in targets_of(block.end):
            before[target].append(block.label)
    unknown = {blocks[0].label, *function.exported.values()}
    begins: dict[str, _State] = {}
    ends: dict[str, _State] = {}
    work = [block.label for block in reversed(blocks)]
    by_label = {block.label: block for block in blocks}
    while work:
        label = work.pop()
        state: _State = {}
        if label not in unknown:
            # Blocks that have not been looked at say nothing yet.
            known = [ends[one] for one in before[label] if one in ends]
            if known:
                first, *others = known
                state = {
                    variable: place
                    for variable, place in first.items()
                    if all(other.get(variable) == place for other in others)
                }
        if label in ends and begins[label] == state:
            continue
        begins[label] = state
        end = dict(state)
        for instr in by_label[label].code:
            _follow(instr, end)
        if ends.get(label) != end:
            ends[label] = end
            work += targets_of(by_label[label].end)
    for block in blocks:
        _mark(block, begins.get(block.label, {}))


def _follow(instr: Instr, state: _State) -> list[str]:
    """Change the places as an instruction does; the variables that are nowhere after it."""
    if instr[0] == Pseudo.VALUE:
        if instr[2] is None:
            state.pop(instr[1], None)
        else:
            state[instr[1]] = instr[2]
        return []
    if not state or instr[0] == Pseudo.LINE:
        return []
    written: Iterable[int]
    if instr[0] == Pseudo.FSTORE:
        gone = [
            variable
            for variable, place in state.items()
            if place[0] is PlaceKind.FRAME and place[1] == instr[1]
        ]
    else:
        written = set(accesses(instr)[1])
        gone = [
            variable
            for variable, (kind, value, second) in state.items()
            if kind is PlaceKind.REGISTER and (value in written or second in written)
        ]
    for variable in gone:
        del state[variable]
    return gone


def _mark(block: MachineBlock, begin: _State) -> None:
    state = dict(begin)
    code: list[Instr] = [[Pseudo.VALUE, variable, place] for variable, place in begin.items()]
    for instr in block.code:
        gone: list[Instr] = [[Pseudo.VALUE, one, None] for one in _follow(instr, state)]
        code += [*gone, instr] if instr[0] in _SEVERAL else [instr, *gone]
    block.code = code


@dataclass(slots=True)
class ValueRanges:
    """Makes ranges of words of the marks that an emission comes to."""

    found: list[ValueRange] = field(default_factory=list)
    _open: dict[str, tuple[int, Location]] = field(default_factory=dict)

    def mark(self, word: int, variable: str, place: Location | None) -> None:
        """From a word on, a variable is at a place, or nowhere."""
        known = self._open.get(variable)
        if known is not None and known[1] == place:
            return
        self._close(variable, word)
        if place is not None:
            self._open[variable] = (word, place)

    def end_block(self, word: int) -> None:
        """Nothing is known any more."""
        for variable in list(self._open):
            self._close(variable, word)

    def _close(self, variable: str, word: int) -> None:
        known = self._open.pop(variable, None)
        if known is None or known[0] == word:
            return
        first, place = known
        self.found.append(ValueRange(variable, first, word, place))


def ends_before_its_words(block: MachineBlock) -> bool:
    """Whether the words at a block's end change registers, as those do that restore them."""
    return isinstance(block.end, Return | TableJump | IndirectJump)
