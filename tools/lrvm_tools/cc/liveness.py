"""Liveness: where registers are needed, and which are live where blocks end."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .machine_code import (
    IndirectJump,
    MachineBlock,
    Return,
    TableJump,
    targets_of,
)
from .target import (
    AVR,
    CALLER_SAVED,
    CPY_I,
    CPY_R,
    FIRST_VIRTUAL,
    LEA_FORMS,
    READS,
    WEA_FORMS,
    WRITES,
    Instr,
    Pseudo,
)


class Ranges:
    """Positions where something is needed: sorted, disjoint, half open."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def overlaps(self, other: Ranges) -> bool:
        few, many = (self, other) if len(self.starts) <= len(other.starts) else (other, self)
        starts, ends = many.starts, many.ends
        if not few.starts:
            return False
        if few.ends[-1] <= starts[0] or ends[-1] <= few.starts[0]:
            return False
        count = len(starts)
        for start, end in zip(few.starts, few.ends, strict=True):
            place = bisect_right(starts, start)
            if (place and ends[place - 1] > start) or (place < count and starts[place] < end):
                return True
        return False

    def add(self, other: Ranges) -> None:
        """Take in ranges that do not overlap."""
        if len(other.starts) * 8 < len(self.starts):
            for start, end in zip(other.starts, other.ends, strict=True):
                place = bisect_left(self.starts, start)
                self.starts.insert(place, start)
                self.ends.insert(place, end)
            return
        pairs = sorted(
            [*zip(self.starts, self.ends, strict=True), *zip(other.starts, other.ends, strict=True)]
        )
        self.starts, self.ends = [], []
        for start, end in pairs:
            if self.ends and self.ends[-1] == start:
                self.ends[-1] = end
            else:
                self.starts.append(start)
                self.ends.append(end)

    @property
    def length(self) -> int:
        return sum(self.ends) - sum(self.starts)


def accesses(instr: Instr) -> tuple[Iterable[int], Iterable[int]]:
    """The registers that an instruction reads and writes, implied ones too."""
    form = instr[0]
    if form < 256:
        reads = [instr[place] for place in READS[form]]
        writes = [instr[place] for place in WRITES[form]]
        if form in LEA_FORMS:
            writes.append(AVR)
        elif form in WEA_FORMS:
            reads.append(AVR)
        return reads, writes
    if form == Pseudo.CALL:
        return instr[2], CALLER_SAVED
    if form == Pseudo.CALLR:
        return (instr[1], *instr[2]), CALLER_SAVED
    if form == Pseudo.ASM:
        writes = [*instr[2], AVR, *instr[1].plan.clobbers]
        return instr[3], writes
    return [instr[place] for place in READS[form]], [instr[place] for place in WRITES[form]]


def end_reads(block: MachineBlock) -> tuple[int, ...]:
    end = block.end
    if isinstance(end, Return):
        return end.registers
    if isinstance(end, TableJump | IndirectJump):
        return (end.register,)
    return ()


def live_out(blocks: list[MachineBlock]) -> dict[str, list[int]]:
    """The virtual registers that are live where each block ends, by label."""
    exposed: dict[str, set[int]] = {}
    written: dict[str, set[int]] = {}
    across: set[int] = set()
    for block in blocks:
        reads: set[int] = set()
        writes: set[int] = set()
        for instr in block.code:
            if instr[0] == CPY_R:
                if instr[2] not in writes:
                    reads.add(instr[2])
                writes.add(instr[1])
                continue
            if instr[0] == CPY_I:
                writes.add(instr[1])
                continue
            read, write = accesses(instr)
            for register in read:
                if register not in writes:
                    reads.add(register)
            writes.update(write)
        for register in end_reads(block):
            if register not in writes:
                reads.add(register)
        exposed[block.label] = {one for one in reads if one >= FIRST_VIRTUAL}
        across |= exposed[block.label]
        written[block.label] = writes
    # Sets of registers as bits of integers.
    bit = {register: 1 << place for place, register in enumerate(across)}
    names = list(across)
    needs = {label: sum(bit[one] for one in found) for label, found in exposed.items()}
    kills = {
        label: ~sum(bit[one] for one in found if one in bit) for label, found in written.items()
    }
    before: dict[str, list[str]] = {block.label: [] for block in blocks}
    following = {block.label: targets_of(block.end) for block in blocks}
    for label, targets in following.items():
        for target in targets:
            before[target].append(label)
    live_in = dict(needs)
    outs = dict.fromkeys(needs, 0)
    work = [block.label for block in blocks]
    waiting = set(work)
    while work:
        label = work.pop()
        waiting.discard(label)
        out = 0
        for target in following[label]:
            out |= live_in[target]
        outs[label] = out
        new = needs[label] | (out & kills[label])
        if new != live_in[label]:
            live_in[label] = new
            for other in before[label]:
                if other not in waiting:
                    waiting.add(other)
                    work.append(other)
    result = {}
    for label, out in outs.items():
        found_registers = []
        while out:
            low = out & -out
            found_registers.append(names[low.bit_length() - 1])
            out ^= low
        result[label] = found_registers
    return result
