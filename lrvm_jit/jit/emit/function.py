"""Generates the native function of a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core import layout
from ...isa.semantics import execute
from ..analysis.flag_kinds import flag_kinds
from ..analysis.instructions import Flow, GuestInstruction
from ..analysis.loops import CountedLoop, counted_loop
from ..analysis.region import SYMBOL, Block, BlockKey, Edge, JumpTable, Region
from ..analysis.tables import load_of, loaded_register
from .builder import Builder, Value
from .counted_code import FEWEST_ROUNDS, emit_pointers, emit_rounds
from .frame import Frame
from .onwards import hand_on, head, take_over
from .runtime import DECLARATIONS, HELPERS
from .table_code import emit_index, measure_table


@dataclass(frozen=True, slots=True)
class Generated:
    """The IR module of a region, and whether LLVM's vectoriser can do something for it."""

    text: str
    has_loops: bool


def generate(region: Region) -> Generated:
    """The IR module of a region: one function `region`, see `kernel.translations`."""
    function = RegionFunction(region)
    text = function.text()
    return Generated(text, function.has_loops)


class RegionFunction:
    """The function while it is generated."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.frame = Frame(region)
        self.lines = self.frame.lines
        self.has_loops = False
        self._way_round: tuple[BlockKey | None, str] = (None, "")
        """A counted loop, and where its ordinary rounds begin."""
        self._tables: dict[tuple[JumpTable, int], str] = {}
        """Names of jump tables, each with the slot through which it is read."""
        self._labels = {key: f"b{number}" for number, key in enumerate(region.blocks)}
        self._outside: dict[int, str] = {}
        self._kinds = flag_kinds(region)
        self._pending: list[list[str]] = []

    # --- blocks ------------------------------------------------------------------------------

    def text(self) -> str:
        for key, block in self.region.blocks.items():
            self._block(key, block)
        body = self.lines
        entry = self._entry()
        leave = self._leave()
        header = [
            *(DECLARATIONS[name] for name in sorted(self.frame.intrinsics)),
            *(HELPERS[f"window_{access}"] for access in sorted(self.frame.probes)),
            HELPERS["all_flags"] if self.frame.uses_all_flags else "",
            HELPERS["cycles"] if any("@cycles" in line for line in body) else "",
            head(SYMBOL),
        ]
        return "\n".join(
            [
                *header,
                *entry,
                *body,
                *leave,
                "}",
                '!0 = !{!"branch_weights", i32 2000, i32 1}',
                '!1 = !{!"branch_weights", i32 1, i32 2000}',
                "!2 = !{}",
                # There is no C library to call.
                'attributes #0 = { "no-builtins" }',
                "",
            ]
        )

    def _block(self, key: BlockKey, block: Block) -> None:
        self.lines.append(f"{self._labels[key]}:")
        loop = counted_loop(block) if block.head else None
        if loop is not None:
            self._counted(key, block, loop)
        build = Builder(self.frame, block, self._kinds[key])
        build.begin()
        build.pc = block.pc
        if block.head:
            enough = build.value(f"icmp sge i64 {build.budget_left}, {block.need}")
            away = build.leave(layout.EXIT_BUDGET)
            go_on = self.frame.new_label()
            self.lines.append(f"  br i1 {enough}, label %{go_on}, label %{away}, !prof !0")
            self.lines.append(f"{go_on}:")
        for position, instruction in enumerate(block.instructions):
            build.pc = instruction.pc
            build.executed = position
            if block.table is not None and instruction is load_of(block.instructions):
                self._by_table(build, block, block.table)
            if not instruction.translatable:
                label = build.leave(layout.EXIT_INTERPRET)
                self.lines.append(f"  br label %{label}")
                return
            self._instruction(build, instruction)
            build.done(instruction)
        self._go_on(build, block)

    def _counted(self, key: BlockKey, block: Block, loop: CountedLoop) -> None:
        """The rounds of a loop that need no checks, before the block itself."""
        self.has_loops = True
        build = Builder(self.frame, block, self._kinds[key])
        build.begin()
        rounds = emit_rounds(build, loop, block.need)
        worth = build.value(f"icmp ugt i64 {rounds}, {FEWEST_ROUNDS}")
        ready, again, done, body = (self.frame.new_label() for _ in range(4))
        self.lines += [f"  br i1 {worth}, label %{ready}, label %{body}", f"{ready}:"]
        pointers = emit_pointers(build, loop)
        after = self.frame.new_name()
        self.lines += [
            f"  br label %{again}",
            f"{again}:",
            f"  %n{again} = phi i64 [ 0, %{ready} ], [ {after}, %{again} ]",
        ]
        build = Builder(self.frame, block, self._kinds[key])
        build.begin()
        build.unchecked = pointers
        build.round = f"n{again}"
        for position, instruction in enumerate(block.instructions[:-1]):
            build.pc, build.executed = instruction.pc, position
            self._instruction(build, instruction)
        build.end(0)
        finished = self.frame.new_name()
        self.lines += [
            f"  {after} = add nuw i64 %n{again}, 1",
            f"  {finished} = icmp eq i64 {after}, {rounds}",
            f"  br i1 {finished}, label %{done}, label %{again}",
            f"{done}:",
        ]
        cost = build.value(f"mul i64 {rounds}, {loop.cycles}")
        left = build.value(f"sub i64 {build.budget_left}, {cost}")
        self.lines += [f"  store i64 {left}, ptr %left", f"  br label %{body}", f"{body}:"]
        self._way_round = (key, body)

    def _instruction(self, build: Builder, instruction: GuestInstruction) -> None:
        """One instruction."""
        assert instruction.decoded is not None
        execute(build, instruction.decoded.instruction, instruction.decoded.operands)

    def _go_on(self, build: Builder, block: Block) -> None:
        """Leave a block by its edges."""
        count = len(block.instructions)
        last = block.last
        assert last is not None
        if last.flow is Flow.SKIP:
            executed, skipped = block.edges
            condition = build.skip_condition
            if executed.cycles == skipped.cycles:
                build.end(count + executed.cycles)
                ways = [self._way(executed, 0, build), self._way(skipped, 0, build)]
            else:
                build.end(0)
                ways = [
                    self._way(executed, count + executed.cycles, build),
                    self._way(skipped, count + skipped.cycles, build),
                ]
            self.lines.append(f"  br i1 {condition}, label %{ways[0]}, label %{ways[1]}")
            self._place_ways()
            return
        if last.flow in (Flow.NEXT, Flow.JUMP, Flow.CALL):
            (edge,) = block.edges
            build.end(count + edge.cycles)
            self.lines.append(f"  br label %{self._way(edge, 0, build)}")
            self._place_ways()
            return
        target = build.jump_target
        assert target is not None
        build.end(count)
        # Past a table that cannot be elsewhere a jump is rare: the way back into the region is not
        # worth its code.
        surely = block.table is not None and not block.table.base.terms
        self._dynamic(build, target, () if surely else block.edges)
        self._place_ways()

    def _by_table(self, build: Builder, block: Block, table: JumpTable) -> None:
        """The jump at a block's end as a choice by the index, instead of the load of its target.

        What comes after it is for an index outside the table, and while the table does not stand
        where it is known to be or cannot be read (`measure_table`).
        """
        load = block.instructions[build.executed]
        plain = any(memory.holds(table.address) for memory in self.region.plain)
        slot = layout.NO_SLOT if plain else self.frame.slot("read", load.pc)
        name = self._tables.setdefault((table, slot), f"table{len(self._tables)}")
        known, impossible, go_on = (self.frame.new_label() for _ in range(3))
        position = build.rotate(emit_index(build, load, table))
        length = build.value(f"load i32, ptr %{name}")
        within = build.compare("ult", position, length)
        wide = build.value(f"zext i32 {position} to i64")
        self.lines += [
            f"  br i1 {within}, label %{known}, label %{go_on}, !prof !0",
            f"{known}:",
        ]
        build.end(len(block.instructions))
        if load is not block.last:
            self._load_from(build, name, wide, loaded_register(load))
        inside = {edge.pc: edge for edge in block.edges if edge.inside}
        cases = []
        for number, pc in enumerate(table.targets):
            way = self._way(inside[pc], 0, build) if pc in inside else self._unseen(pc)
            cases.append((number, way))
        self._switch(wide, impossible, cases, "i64")
        self.lines += [f"{impossible}:", "  unreachable", f"{go_on}:"]

    def _load_from(self, build: Builder, table: str, position: Value, register: int) -> None:
        """Load a word of a table that is known to be readable."""
        self.frame.used.add(register)
        self.frame.written.add(register)
        first = build.value(f"load ptr, ptr %{table}_at")
        at = build.value(f"getelementptr i32, ptr {first}, i64 {position}")
        word = build.value(f"load i32, ptr {at}, align 4")
        self.lines.append(f"  store i32 {word}, ptr %r{register}")

    def _unseen(self, pc: int) -> str:
        """Label of the way out to an address in a table that no jump has been seen to go to."""
        label = self.frame.new_label()
        self._pending.append([f"{label}:", *_leave_for(pc)])
        return label

    def _switch(
        self, value: Value, other: str, cases: Sequence[tuple[int, str]], kind: str = "i32"
    ) -> None:
        ways = " ".join(f"{kind} {number}, label %{label}" for number, label in cases)
        # Told that all are alike, LLVM does not test for the one that leads back first.
        weights = ", ".join(["i32 0", *["i32 1"] * len(cases)])
        self.lines.append(
            f"  switch {kind} {value}, label %{other} [{ways}], "
            f'!prof !{{!"branch_weights", {weights}}}'
        )

    def _dynamic(self, build: Builder, target: Value, edges: Sequence[Edge]) -> None:
        """An indirect jump: to one of the expected targets, or out of the region."""
        if isinstance(target, int):
            # A return address that is known to be on the stack.
            for edge in edges:
                if edge.pc == target:
                    self.lines.append(f"  br label %{self._way(edge, 0, build)}")
                    return
        other = self.frame.new_label()
        if len(edges) == 1:
            expected = build.compare("eq", target, edges[0].pc)
            way = self._way(edges[0], 0, build)
            self.lines.append(f"  br i1 {expected}, label %{way}, label %{other}, !prof !0")
        elif edges:
            # Relative to the lowest and in words, so that LLVM can make a table of them.
            lowest = min(edge.pc for edge in edges)
            inside = build.op("sub", target, lowest)
            turned = build.rotate(inside)
            self._switch(
                turned,
                other,
                [((edge.pc - lowest) // 4, self._way(edge, 0, build)) for edge in edges],
            )
        else:
            self.lines.append(f"  br label %{other}")
        self.lines += [f"{other}:", *_leave_for(target)]

    def _way(self, edge: Edge, cycles: int, build: Builder) -> str:
        """Label of the way along an edge, on which `cycles` more are paid."""
        if not edge.inside:
            goal = self._way_out(edge.pc)
        elif self._way_round[0] == edge.key == build.block.key:
            goal = self._way_round[1]
        else:
            goal = self._labels[edge.key]
        if not cycles:
            return goal
        label = self.frame.new_label()
        left = self.frame.new_name()
        self._pending.append(
            [
                f"{label}:",
                f"  {left} = sub i64 {build.budget_left}, {cycles}",
                f"  store i64 {left}, ptr %left",
                f"  br label %{goal}",
            ]
        )
        return label

    def _place_ways(self) -> None:
        for lines in self._pending:
            self.lines += lines
        self._pending = []

    def _way_out(self, pc: int) -> str:
        """Label of the jump to an address outside the region."""
        if pc not in self._outside:
            self._outside[pc] = self.frame.new_label()
        return self._outside[pc]

    # --- frame -------------------------------------------------------------------------------

    def _entry(self) -> list[str]:
        """Take over, then go to the entry asked for."""
        lines = take_over(self.frame)
        for (table, slot), name in self._tables.items():
            lines += measure_table(self.frame, table, slot, name)
        labels = [self._labels[entry, ()] for entry in self.region.entries]
        cases = " ".join(f"i64 {number}, label %{label}" for number, label in enumerate(labels))
        lines.append(f"  switch i64 %scratch0, label %{labels[0]} [{cases}]")
        return lines

    def _leave(self) -> list[str]:
        """The ways out, and the one place where registers and budget go back to memory."""
        lines: list[str] = []
        for exit in self.frame.exits:
            lines += [
                f"{exit.label}:",
                *exit.stores,
                f"  store i32 {exit.pc}, ptr %pc",
                f"  store i64 {exit.code}, ptr %code",
                "  br label %leave",
            ]
        for pc, label in self._outside.items():
            lines += [
                f"{label}:",
                f"  store i32 {pc}, ptr %pc",
                f"  store i64 {layout.EXIT_JUMP}, ptr %code",
                "  br label %leave",
            ]
        return [*lines, *hand_on(self.frame)]


def _leave_for(target: Value) -> list[str]:
    """Leave the region for an address that it did not expect."""
    return [
        f"  store i32 {target}, ptr %pc",
        f"  store i64 {layout.EXIT_DYNAMIC}, ptr %code",
        "  br label %leave",
    ]
