"""Register allocation.

1. Liveness: for each virtual register the ranges of positions where its value is needed.
2. Coalescing: registers that are copies of each other and never live at the same time become one.
3. Colouring in the order of priority (uses, weighted by loops, per position): each takes a free
   machine register, preferably one that saves a copy.
4. What finds none lives in the frame; its instructions load and store by two scratch registers.
   Constants and addresses are made again instead.

An instruction at position p (even) reads at p and writes at p + 1. Ranges are half open. Whether a
register is free is a binary search in the sorted ranges that it is taken for, so that the time
grows with n log n.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from ..executable import PlaceKind
from .errors import UnsupportedError
from .liveness import Ranges, accesses, end_reads
from .liveness import live_out as find_live_out
from .machine_code import (
    FrameObject,
    IndirectJump,
    Location,
    MachineBlock,
    MachineFunction,
    TableJump,
)
from .target import (
    ADD_R,
    AVR,
    CALLEE_SAVED,
    CPY_I,
    CPY_R,
    FIRST_VIRTUAL,
    FRAME,
    IF2_I,
    IF_I,
    IFN_I,
    LSA_RI,
    MARKS,
    READS,
    SCRATCH,
    SCRATCH_2,
    WRITES,
    WSA_RIR,
    Instr,
    Pseudo,
)

_DROPPABLE = frozenset(
    {CPY_R, CPY_I, Pseudo.CONST, Pseudo.ADDR, Pseudo.FRAME, Pseudo.FLOAD, Pseudo.INCOMING}
)
"""Instructions whose only effect is their result."""

Pool = tuple[int, ...]
FULL_POOL: Pool = (
    10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, AVR, *CALLEE_SAVED
)  # fmt: skip
"""The machine registers that may be given out, those before others that calls destroy."""

_BRANCHY = 8
"""How many times more often than its surroundings the inside of a loop is taken to run."""


def allocate(function: MachineFunction, pool: Pool = FULL_POOL) -> set[int]:
    """Give every virtual register a machine register of `pool` or a place in the frame, and
    rewrite the code. Returns the registers that the function must save for its caller."""
    if function.moves_stack:
        pool = tuple(register for register in pool if register != FRAME)
    return _Allocator(function, pool).run()


class _Allocator:
    def __init__(self, function: MachineFunction, pool: Pool) -> None:
        self.function = function
        self.pool = pool
        self.ranges: dict[int, Ranges] = {}
        self.weight: dict[int, float] = {}
        self.representative: dict[int, int] = {}
        self.joined: set[int] = set()
        self.copies: list[tuple[int, int, int]] = []
        """(weight, target, source) of the copies"""
        self.calls: list[int] = []
        self.colour: dict[int, int] = {}
        self.slots: dict[int, int] = {}

    def run(self) -> set[int]:
        self._measure()
        self._coalesce()
        saved = self._colour_all()
        self._rewrite()
        return saved

    # Liveness.

    def _measure(self) -> None:
        """The ranges of all registers, and how often each is used."""
        blocks = self.function.blocks
        live_out = find_live_out(blocks)
        position = 2 * (sum(len(block.code) for block in blocks) + len(blocks))
        ranges = self.ranges
        weight = self.weight
        backwards: dict[int, list[tuple[int, int]]] = {}
        for block in reversed(blocks):
            factor = min(_BRANCHY**block.depth, _BRANCHY**6)
            if block.late:
                factor = max(factor // 2, 1)
            end = position
            position -= 2
            live: dict[int, int] = dict.fromkeys(live_out[block.label], end)
            for register in end_reads(block):
                live.setdefault(register, position + 1)
                weight[register] = weight.get(register, 0) + factor
            if isinstance(block.end, TableJump):
                backwards.setdefault(AVR, []).append((position + 1, position + 2))
            dead = []
            for place, instr in enumerate(reversed(block.code), 1):
                position -= 2
                form = instr[0]
                if form == Pseudo.VALUE:
                    # Debugging keeps no value; what is dead may have been replaced.
                    parts = instr[2] or ()
                    if any(part >= 0 and part not in live for part in parts):
                        instr[2] = None
                    continue
                if form in _DROPPABLE and instr[1] not in live and instr[1] >= FIRST_VIRTUAL:
                    dead.append(-place)
                    continue
                if form == CPY_R:
                    # By far the most frequent one.
                    target, source = instr[1], instr[2]
                    reads: Iterable[int] = (source,)
                    writes: Iterable[int] = (target,)
                    self.copies.append((factor, target, source))
                else:
                    reads, writes = accesses(instr)
                    if form == Pseudo.CALL or form == Pseudo.CALLR:
                        self.calls.append(position + 1)
                reading = reads
                for register in writes:
                    until = live.pop(register, 0) or position + 2
                    backwards.setdefault(register, []).append((position + 1, until))
                    weight[register] = weight.get(register, 0) + factor
                early = form == Pseudo.ASM and instr[1].plan.any_early
                for register in reading:
                    weight[register] = weight.get(register, 0) + factor
                    if register not in live:
                        live[register] = position + (2 if early else 1)
            for place in reversed(dead):
                del block.code[place]
            for register, until in live.items():
                backwards.setdefault(register, []).append((position, until))
        for register, found in backwards.items():
            one = ranges[register] = Ranges()
            starts, ends = one.starts, one.ends
            for start, until in reversed(found):
                if ends and ends[-1] >= start:
                    ends[-1] = max(ends[-1], until)
                else:
                    starts.append(start)
                    ends.append(until)
        self.calls.reverse()

    # Coalescing.

    def find(self, register: int) -> int:
        representative = self.representative
        while (parent := representative.get(register)) is not None:
            grand = representative.get(parent)
            if grand is not None:
                representative[register] = grand
            register = parent
        return register

    def _coalesce(self) -> None:
        self.copies.sort(key=lambda copy: -copy[0])
        ranges = self.ranges
        for factor, target, source in self.copies:
            if target < FIRST_VIRTUAL or source < FIRST_VIRTUAL:
                continue
            one, other = self.find(target), self.find(source)
            if one == other:
                continue
            if ranges[one].overlaps(ranges[other]):
                continue
            if len(ranges[one].starts) < len(ranges[other].starts):
                one, other = other, one
            ranges[one].add(ranges.pop(other))
            self.representative[other] = one
            self.joined.add(one)
            self.weight[one] = self.weight[one] + self.weight.pop(other) - 2 * factor

    def _crosses_call(self, ranges: Ranges) -> bool:
        calls = self.calls
        for start, end in zip(ranges.starts, ranges.ends, strict=True):
            place = bisect_left(calls, start)
            if place < len(calls) and calls[place] < end:
                return True
        return False

    # Colouring.

    def _colour_all(self) -> set[int]:
        taken = {register: self.ranges.get(register) or Ranges() for register in self.pool}
        hints: dict[int, list[tuple[int, int]]] = {}
        for factor, target, source in self.copies:
            one = self.find(target) if target >= FIRST_VIRTUAL else target
            other = self.find(source) if source >= FIRST_VIRTUAL else source
            if one != other:
                if one >= FIRST_VIRTUAL:
                    hints.setdefault(one, []).append((factor, other))
                if other >= FIRST_VIRTUAL:
                    hints.setdefault(other, []).append((factor, one))
        again = self.function.again
        order = []
        for register, ranges in self.ranges.items():
            if register < FIRST_VIRTUAL:
                continue
            weight = self.weight.get(register, 0)
            if register in again and register not in self.joined:
                weight /= 2
            order.append((-weight / (ranges.length + 8), register))
        order.sort()
        across = tuple(register for register in self.pool if register in CALLEE_SAVED)
        used: set[int] = set()
        colour = self.colour
        for _, register in order:
            ranges = self.ranges[register]
            crosses = self._crosses_call(ranges)
            choices: Iterable[int] = across if crosses else self.pool
            wishes: dict[int, int] = {}
            for factor, partner in hints.get(register, ()):
                wish = partner if partner < FIRST_VIRTUAL else colour.get(partner, -1)
                if wish in taken:
                    wishes[wish] = wishes.get(wish, 0) + factor
            if wishes:
                wanted = sorted(wishes, key=lambda wish: -wishes[wish])
                choices = [*(wish for wish in wanted if wish in choices), *choices]
            for choice in choices:
                # Saving and restoring it costs as much as two uses outside of loops.
                is_new = choice in CALLEE_SAVED and choice not in used
                if is_new and self.weight[register] <= 2 and register not in self.joined:
                    continue
                if not ranges.overlaps(taken[choice]):
                    break
            else:
                continue
            colour[register] = choice
            if choice in CALLEE_SAVED:
                used.add(choice)
            taken[choice].add(ranges)
        return used

    # Rewriting.

    def _slot(self, register: int) -> int:
        slot = self.slots.get(register)
        if slot is None:
            self.function.objects.append(FrameObject(4, 4))
            slot = self.slots[register] = -len(self.function.objects)
        return slot

    def _place(self, register: int) -> int:
        """The machine register of a register, or -1 if it lives in the frame."""
        if register < FIRST_VIRTUAL:
            return register
        return self.colour.get(self.find(register), -1)

    def _load(self, scratch: int, register: int) -> Instr:
        representative = self.find(register)
        again = self.function.again.get(representative)
        if again is not None and representative not in self.joined:
            return [again[0], scratch, *again[2:]]
        return [Pseudo.FLOAD, scratch, ~self._slot(representative), 0]

    def _rewrite(self) -> None:
        colour = {
            register: self._place(register)
            for register in range(FIRST_VIRTUAL, self.function.registers)
        }
        for block in self.function.blocks:
            code: list[Instr] = []
            for instr in block.code:
                form = instr[0]
                if form == Pseudo.CALL or form in MARKS:
                    code.append(instr)
                    continue
                if form == Pseudo.ASM or form == Pseudo.CALLR:
                    self._rewrite_special(instr, code)
                    continue
                reads, writes = READS[form], WRITES[form]
                spilled = False
                for place in {*reads, *writes}:
                    register = instr[place]
                    if register >= FIRST_VIRTUAL:
                        machine = colour[register]
                        if machine < 0:
                            spilled = True
                        else:
                            instr[place] = machine
                if spilled:
                    self._rewrite_spilled(instr, reads, writes, code)
                elif form != CPY_R or instr[1] != instr[2]:
                    code.append(instr)
            block.code = code
            self._rewrite_end(block)
        for block in self.function.blocks:
            for instr in block.code:
                if instr[0] == Pseudo.VALUE and instr[2] is not None:
                    instr[2] = self._location(instr[2])

    def _location(self, parts: list[int]) -> Location | None:
        """Where a value is, when all that is in the frame has its place."""
        if len(parts) == 2:
            low, high = map(self._place, parts) if min(parts) >= 0 else (-1, -1)
            return (PlaceKind.REGISTER, low, high) if min(low, high) >= 0 else None
        if len(parts) != 1:
            return None
        (part,) = parts
        if part < 0:
            return PlaceKind.CONSTANT, ~part, None
        machine = self._place(part)
        if machine >= 0:
            return PlaceKind.REGISTER, machine, None
        representative = self.find(part)
        again = self.function.again.get(representative)
        if again is not None and representative not in self.joined:
            is_number = again[0] in (CPY_I, Pseudo.CONST)
            return (PlaceKind.CONSTANT, again[2], None) if is_number else None
        slot = self.slots.get(representative)
        return None if slot is None else (PlaceKind.FRAME, ~slot, None)

    def _rewrite_spilled(
        self, instr: Instr, reads: tuple[int, ...], writes: tuple[int, ...], code: list[Instr]
    ) -> None:
        form = instr[0]
        representative = self.find(instr[1]) if writes and instr[1] >= FIRST_VIRTUAL else -1
        if (
            form in (Pseudo.CONST, Pseudo.ADDR)
            and representative in self.function.again
            and representative not in self.joined
        ):
            return  # it is made where it is needed
        if form == CPY_R:
            target, source = instr[1], instr[2]
            if target < FIRST_VIRTUAL:
                code.append(self._load(target, source))
                return
            if source >= FIRST_VIRTUAL:
                if self.find(target) == self.find(source):
                    return
                code.append(self._load(SCRATCH, source))
                source = SCRATCH
            code.append([Pseudo.FSTORE, ~self._slot(representative), 0, source])
            return
        if form in (Pseudo.CCPY_R, Pseudo.CCPY_I):
            self._rewrite_conditional(instr, code)
            return
        scratches: dict[int, int] = {}
        free = [SCRATCH_2, SCRATCH]
        wanted = {instr[place] for place in (*reads, *writes) if instr[place] >= FIRST_VIRTUAL}
        if len({self.find(register) for register in wanted}) > 2:
            self._rewrite_three(instr, code)
            return
        loads = []
        for place in reads:
            register = instr[place]
            if register >= FIRST_VIRTUAL:
                register = self.find(register)
                if register not in scratches:
                    scratches[register] = free.pop()
                    loads.append(self._load(scratches[register], register))
        # Behind a skip nothing may stand between it and its instruction.
        skip = code.pop() if code and _is_skip(code[-1]) else None
        code += loads
        store = None
        for place in writes:
            register = instr[place]
            if register >= FIRST_VIRTUAL:
                register = self.find(register)
                if register not in scratches:
                    scratches[register] = free.pop()
                store = [Pseudo.FSTORE, ~self._slot(register), 0, scratches[register]]
        for place in {*reads, *writes}:
            if instr[place] >= FIRST_VIRTUAL:
                instr[place] = scratches[self.find(instr[place])]
        if skip is not None:
            code.append(skip)
        code.append(instr)
        if store is not None:
            code.append(store)

    def _rewrite_conditional(self, instr: Instr, code: list[Instr]) -> None:
        """A copy that a skip may leave out: the skip belongs to what writes."""
        skip = code.pop()
        target = instr[1]
        source = instr[2]
        if instr[0] == Pseudo.CCPY_R and source >= FIRST_VIRTUAL:
            code.append(self._load(SCRATCH, source))
            source = SCRATCH
        if target < FIRST_VIRTUAL:
            code += [skip, [instr[0], target, source]]
            return
        # The old value is kept by writing it again.
        code.append(self._load(SCRATCH_2, target))
        code += [skip, [instr[0], SCRATCH_2, source]]
        code.append([Pseudo.FSTORE, ~self._slot(self.find(target)), 0, SCRATCH_2])

    def _rewrite_three(self, instr: Instr, code: list[Instr]) -> None:
        """A load or store with three registers in the frame: the address is added up first."""
        reads = READS[instr[0]]
        first, second = (place for place in reads[:2])
        code.append(self._load(SCRATCH, instr[first]))
        code.append(self._load(SCRATCH_2, instr[second]))
        code.append([ADD_R, SCRATCH, SCRATCH_2])
        if WRITES[instr[0]]:
            code.append([LSA_RI, SCRATCH, SCRATCH, 0])
            code.append([Pseudo.FSTORE, ~self._slot(self.find(instr[1])), 0, SCRATCH])
        else:
            code.append(self._load(SCRATCH_2, instr[reads[2]]))
            code.append([WSA_RIR, SCRATCH, 0, SCRATCH_2])

    def _rewrite_special(self, instr: Instr, code: list[Instr]) -> None:
        if instr[0] == Pseudo.CALLR:
            register = self._place(instr[1])
            if register < 0:
                code.append(self._load(SCRATCH, instr[1]))
                register = SCRATCH
            instr[1] = register
            code.append(instr)
            return
        free = [SCRATCH_2, SCRATCH]
        scratches: dict[int, int] = {}
        after: list[Instr] = []

        def place(register: int, is_read: bool) -> int:
            machine = self._place(register)
            if machine >= 0:
                return machine
            representative = self.find(register)
            if representative not in scratches:
                if not free:
                    raise UnsupportedError("assembly with more operands than registers")
                scratches[representative] = free.pop()
            scratch = scratches[representative]
            if is_read:
                code.append(self._load(scratch, register))
            else:
                after.append([Pseudo.FSTORE, ~self._slot(representative), 0, scratch])
            return scratch

        operands = [place(register, True) if register >= 0 else register for register in instr[3]]
        results = [place(register, False) for register in instr[2]]
        code.append([Pseudo.ASM, instr[1], results, operands])
        code += after

    def _rewrite_end(self, block: MachineBlock) -> None:
        end: Any = block.end
        if isinstance(end, TableJump | IndirectJump):
            register = self._place(end.register)
            if register < 0:
                block.code.append(self._load(SCRATCH, end.register))
                register = SCRATCH
            end.register = register


def _is_skip(instr: Instr) -> bool:
    return instr[0] in (IF_I, IFN_I, IF2_I)
