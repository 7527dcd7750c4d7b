"""Discovery: which guest code belongs together, seen from an address where time is spent.

First all instructions that can be reached are followed. If the address lies in a cycle, the
region is that cycle's strongly connected component: it is the same one from wherever in the
loop the look came, so what was compiled for one run serves the next. Otherwise it is what lies
ahead, up to the limit. Then blocks are made of it, called functions once for each way they were
called (see `region.Context`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from ...core.layout import TRANSLATION_ENTRIES
from ...isa.symbolic import Linear
from ...isa.table import Reg
from .graphs import back_edge_targets, component_of, longest_paths
from .instructions import Flow, GuestInstruction, instruction_at, written_registers
from .region import Block, BlockKey, Context, Edge, JumpTable, Region
from .tables import read_table, table_base, words_of

MOST_CALL_DEPTH = 6
MOST_RETURN_SITES = 24
LONGEST_DISPATCH = 16
"""Instructions up to an indirect jump that are copied to each jump that leads to them,"""
MOST_COPIES = 16
"""unless it has more targets: each copy leads to all of them."""


FEWEST_FOLLOWED = 1500
"""Instructions looked at before a region is chosen from them; twice as many as it may have."""


def most_addresses(limit: int) -> int:
    """Different instructions in a region that may have `limit`, counting copies."""
    return min(limit, max(720, limit // 2))


class Discovery:
    """Finds the region of an address.

    `word_at(pc)` gives the guest word at a virtual address, or None where the region may not
    reach. `targets` are addresses that indirect jumps have been seen to go to. `limit` is the
    number of instructions the region may have, counting copies. `registers` are the CPU's where
    the region is about to be entered; without them only tables at literal addresses are found.
    `tables` is whether jump tables are looked for at all. `left_alone` are addresses of jumps that
    are left to the interpreter.
    """

    def __init__(
        self,
        word_at: Callable[[int], int | None],
        supervisor: bool,
        limit: int,
        targets: Iterable[int] = (),
        enter_at_start: bool = False,
        registers: Sequence[int] = (),
        tables: bool = True,
        left_alone: Collection[int] = (),
    ) -> None:
        self._word_at = word_at
        self._supervisor = supervisor
        self._limit = limit
        self._most = most_addresses(limit)
        self._followed = max(FEWEST_FOLLOWED, 2 * self._most)
        self._is_cut = False
        self._targets = set(targets)
        self._enter_at_start = enter_at_start
        self._registers = registers
        self._uses_tables = tables
        self._left_alone = left_alone
        self._tables: dict[Linear, JumpTable | None] = {}
        self._kept: dict[int, int] | None = None
        self._instructions: dict[int, GuestInstruction | None] = {}
        self._words: dict[int, int] = {}

    def region(self, start: int) -> Region | None:
        """The region of an address; None if there is nothing to translate."""
        region = self._region(start)
        # What stands in a table is a target, too, although no jump has been seen to go there yet.
        while not self._targets.issuperset(found := self._words_in_tables()):
            self._targets |= found
            self._tables.clear()
            self._words.clear()
            region = self._region(start)
        return region

    def _words_in_tables(self) -> set[int]:
        return {word for table in self._tables.values() if table for word in table.targets}

    def _region(self, start: int) -> Region | None:
        self._kept = None
        self._is_cut = False
        chosen = self._choose(start)
        if not chosen:
            return None
        entries = self._entries(start, chosen)
        if not entries:
            return None
        leaders = self._leaders(chosen, entries)
        for depth in range(MOST_CALL_DEPTH, -1, -1):
            blocks = self._blocks(chosen, entries, leaders, depth)
            if sum(len(block.instructions) for block in blocks.values()) <= self._limit:
                break
        else:
            blocks = self._blocks(chosen, entries, leaders, 0, copy_dispatch=False)
        keys: list[BlockKey] = [(entry, ()) for entry in entries]
        self._mark_heads(blocks, keys)
        words = {
            instruction.pc: instruction.word
            for block in blocks.values()
            for instruction in block.instructions
        }
        words |= self._words
        return Region(
            self._supervisor, entries, blocks, words, frozenset(self._targets), self._is_cut
        )

    # --- what can be reached -----------------------------------------------------------------

    def _at(self, pc: int) -> GuestInstruction | None:
        """The instruction at an address; None where the region may not reach."""
        if pc not in self._instructions:
            word = None if pc & 3 else self._word_at(pc)
            one = None if word is None else instruction_at(pc, word, self._supervisor)
            if one is not None and pc in self._left_alone:
                one = replace(one, flow=Flow.LEAVE)
            self._instructions[pc] = one
        return self._instructions[pc]

    def _choose(self, start: int) -> set[int]:
        """Addresses of the instructions that belong to the region."""
        order = self._follow(start)
        sites = [
            pc + 4
            for pc in order
            if (one := self._at(pc)) and one.flow in (Flow.CALL, Flow.CALL_DYNAMIC)
        ]
        graph: dict[int, list[int]] = {}
        for pc in order:
            instruction = self._at(pc)
            assert instruction is not None
            after = self._successors(instruction)
            if instruction.flow is Flow.RETURN:
                after = [*after, *sites]
            graph[pc] = [target for target in after if target in order]
        component = component_of(graph, start)
        if len(component) > 1 or start in graph.get(start, ()):
            if len(component) <= self._most:
                return component
            self._is_cut = True
            return set(self._nearest(start, graph, component))
        first = self._at(start)
        if first is None or not first.translatable or not order.keys().isdisjoint(self._left_alone):
            return set()
        self._is_cut = len(order) > self._most
        return set(list(order)[: self._most])

    def _nearest(self, start: int, graph: dict[int, list[int]], within: set[int]) -> list[int]:
        """The part of a set that is reached from `start` first, each block whole."""
        seen: dict[int, None] = {}
        queue = deque([start])
        while queue and len(seen) < self._most:
            pc = queue.popleft()
            if pc in seen or pc not in within:
                continue
            seen[pc] = None
            if len(graph[pc]) == 1:
                queue.appendleft(graph[pc][0])
            else:
                queue.extend(graph[pc])
        return list(seen)

    def _follow(self, start: int) -> dict[int, None]:
        """Addresses reached from `start`, nearest first, each block whole."""
        order: dict[int, None] = {}
        queue = deque([start])
        while queue and len(order) < self._followed:
            pc = queue.popleft()
            if pc in order:
                continue
            instruction = self._at(pc)
            if instruction is None:
                continue
            order[pc] = None
            after = self._successors(instruction)
            if len(after) == 1:
                queue.appendleft(after[0])
            else:
                queue.extend(after)
        return order

    def _successors(self, one: GuestInstruction) -> list[int]:
        """Where an instruction may lead, a return only as far as it has been seen."""
        after = (one.pc + 4) & 0xFFFF_FFFF
        match one.flow:
            case Flow.NEXT | Flow.INTERPRET:
                return [after]
            case Flow.SKIP:
                return [after, (after + 4) & 0xFFFF_FFFF]
            case Flow.JUMP:
                return [one.target]
            case Flow.CALL:
                return [one.target, after]
            case Flow.CALL_DYNAMIC:
                return [*sorted(self._targets), after]
            case Flow.RETURN | Flow.DYNAMIC:
                return sorted(self._targets)
            case Flow.LEAVE:
                return []

    # --- entries and blocks ------------------------------------------------------------------

    def _entries(self, start: int, chosen: set[int]) -> list[int]:
        """Where the interpreter may enter: at each cycle's head, and after what it executed."""
        sites = [
            pc + 4
            for pc in sorted(chosen)
            if (one := self._at(pc)) and one.flow in (Flow.CALL, Flow.CALL_DYNAMIC)
        ]
        graph: dict[int, list[int]] = {}
        entries: set[int] = set()
        for pc in sorted(chosen):
            instruction = self._at(pc)
            assert instruction is not None
            after = self._successors(instruction)
            if instruction.flow is Flow.RETURN:
                after = [*after, *sites]
            if instruction.flow is Flow.INTERPRET:
                entries.update(target for target in after if target in chosen)
                after = []
            graph[pc] = [target for target in after if target in chosen]
        # A second root for each part that the first one does not reach.
        entries |= back_edge_targets(graph, sorted(chosen))
        if self._enter_at_start or not entries:
            entries.add(start)
        translatable = [pc for pc in sorted(entries) if (one := self._at(pc)) and one.translatable]
        if self._enter_at_start and start in translatable:
            translatable.remove(start)
            translatable.insert(0, start)
        return sorted(translatable[:TRANSLATION_ENTRIES])

    def _leaders(self, chosen: set[int], entries: list[int]) -> set[int]:
        """Addresses at which a block must begin."""
        leaders = set(entries) | (chosen & self._targets)
        for pc in chosen:
            instruction = self._at(pc)
            assert instruction is not None
            if instruction.flow is not Flow.NEXT:
                leaders.update(self._successors(instruction))
        return leaders & chosen

    def _blocks(
        self,
        chosen: set[int],
        entries: list[int],
        leaders: set[int],
        depth: int,
        copy_dispatch: bool = True,
    ) -> dict[BlockKey, Block]:
        """The graph with calls followed `depth` deep; not whole, if that exceeds the limit."""
        sites = sorted(
            pc + 4
            for pc in chosen
            if (one := self._at(pc))
            and one.flow in (Flow.CALL, Flow.CALL_DYNAMIC)
            and pc + 4 in chosen
        )[:MOST_RETURN_SITES]
        blocks: dict[BlockKey, Block] = {}
        queue: deque[BlockKey] = deque((entry, ()) for entry in entries)
        count = 0
        while queue and (count <= self._limit or not copy_dispatch):
            key = queue.popleft()
            if key in blocks:
                continue
            block = self._block(key, chosen, leaders, sites, depth, copy_dispatch)
            blocks[key] = block
            count += len(block.instructions)
            queue.extend(edge.key for edge in block.edges if edge.inside)
        return blocks

    def _block(
        self,
        key: BlockKey,
        chosen: set[int],
        leaders: set[int],
        sites: list[int],
        depth: int,
        copy_dispatch: bool,
    ) -> Block:
        pc, context = key
        block = Block(pc, context)

        def edge(target: int, within: Context = context, cycles: int = 0) -> Edge:
            return Edge(target, within, cycles, target in chosen)

        while True:
            instruction = self._at(pc)
            assert instruction is not None
            block.instructions.append(instruction)
            after = (pc + 4) & 0xFFFF_FFFF
            flow = instruction.flow
            if flow is Flow.NEXT:
                if after in chosen and after not in leaders:
                    pc = after
                    continue
                block.edges = [edge(after)]
            elif flow is Flow.SKIP:
                skipped = edge((after + 4) & 0xFFFF_FFFF)
                block.edges = [self._through_jump(edge(after), chosen), skipped]
            elif flow is Flow.JUMP:
                if copy_dispatch and self._dispatches(instruction.target, chosen, leaders):
                    pc = instruction.target
                    continue
                block.edges = [edge(instruction.target)]
            elif flow in (Flow.CALL, Flow.CALL_DYNAMIC):
                inner = (*context, after) if len(context) < depth else ()
                if flow is Flow.CALL:
                    block.edges = [edge(instruction.target, inner)]
                else:
                    block.edges = [edge(at, inner) for at in sorted(self._targets) if at in chosen]
            elif flow is Flow.RETURN:
                if context and context[-1] in chosen:
                    block.edges = [edge(context[-1], context[:-1])]
                else:
                    known = {*sites, *(at for at in self._targets if at in chosen)}
                    block.edges = [edge(at, ()) for at in sorted(known)]
            elif flow is Flow.DYNAMIC:
                block.edges = [edge(at) for at in sorted(self._targets) if at in chosen]
                if self._uses_tables:
                    block.table = self._table(block, self._unchanged(chosen))
            return block

    def _table(self, block: Block, kept: dict[int, int]) -> JumpTable | None:
        """The table of the jump at a block's end, if it has one."""
        base = table_base(block.instructions, kept)
        if base is None:
            return None
        if base not in self._tables:
            table = read_table(base, kept, self._targets, self._word_at, self._may_begin)
            self._tables[base] = table
            if table is not None:
                self._words |= words_of(table)
        return self._tables[base]

    def _may_begin(self, pc: int) -> bool:
        """Whether there is an instruction at an address that is not what follows another one."""
        if pc & 3 or not pc:
            return False
        before, there = self._at(pc - 4), self._at(pc)
        if before is None or there is None or there.op is None:
            return False
        return before.flow in (Flow.JUMP, Flow.RETURN, Flow.DYNAMIC, Flow.LEAVE)

    def _unchanged(self, chosen: set[int]) -> dict[int, int]:
        """The registers that nothing in the region writes, and their values."""
        if self._kept is None:
            written = {
                int(register)
                for pc in chosen
                if (one := self._at(pc))
                for register in written_registers(one)
            }
            self._kept = {
                number: value
                for number, value in enumerate(self._registers)
                if number not in (*written, Reg.PC, Reg.AF)
            }
        return self._kept

    def _dispatches(self, pc: int, chosen: set[int], leaders: set[int]) -> bool:
        """Whether a short block with an indirect jump at its end begins here.

        An interpreter's loop has one. Copied behind each of its handlers, it knows the flags, and
        the processor predicts each copy's jump by itself.
        """
        for position in range(LONGEST_DISPATCH):
            instruction = self._at(pc)
            if instruction is None or pc not in chosen or (position and pc in leaders):
                return False
            if instruction.flow is Flow.DYNAMIC:
                return 1 < len(self._targets) <= MOST_COPIES
            if instruction.flow is not Flow.NEXT or not instruction.translatable:
                return False
            pc = (pc + 4) & 0xFFFF_FFFF
        return False

    def _through_jump(self, edge: Edge, chosen: set[int]) -> Edge:
        """The edge itself, or where the jump leads that is all there is at its end."""
        instruction = self._at(edge.pc)
        if instruction is None or instruction.flow is not Flow.JUMP or not edge.inside:
            return edge
        self._words[instruction.pc] = instruction.word
        target = instruction.target
        return Edge(target, edge.context, edge.cycles + 1, target in chosen)

    @staticmethod
    def _mark_heads(blocks: dict[BlockKey, Block], entries: list[BlockKey]) -> None:
        """Decide where the budget is tested, and against how much."""
        graph = {
            key: [edge.key for edge in block.edges if edge.inside] for key, block in blocks.items()
        }
        heads = back_edge_targets(graph, entries) | set(entries)
        for key in heads:
            blocks[key].head = True
        lengths = {
            key: [
                (None if not edge.inside or edge.key in heads else edge.key, edge.cycles)
                for edge in block.edges
            ]
            for key, block in blocks.items()
        }
        sizes = {key: len(block.instructions) for key, block in blocks.items()}
        for key, need in longest_paths(lengths, sizes).items():
            blocks[key].need = need
