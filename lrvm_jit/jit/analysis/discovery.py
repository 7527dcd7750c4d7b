"""Discovery: the region of an address where time is spent.

Which instructions it has is chosen first (`choice`). Then blocks are made of them, called
functions once for each way they were called (see `region.Context`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ...core.layout import TRANSLATION_ENTRIES
from ...isa.semantics import execute
from ...isa.symbolic import Linear, SymbolicTarget
from ...isa.table import Access, Reg
from ..options import FIRST_LIMIT
from .choice import PART, Choice, Code, choose, return_sites
from .graphs import back_edge_targets, longest_paths
from .instructions import Flow, GuestInstruction, instruction_at, written_registers
from .profile import NOTHING_KNOWN, Profile
from .region import Block, BlockKey, Context, Edge, JumpTable, PlainMemory, Region
from .tables import read_table, table_base, words_of

MOST_CALL_DEPTH = 6
MOST_RETURN_SITES = 24
LONGEST_DISPATCH = 16
"""Instructions up to an indirect jump that are copied to each jump that leads to them,"""
MOST_COPIES = 16
"""unless it has more targets: each copy leads to all of them."""
MOST_ADDRESSES = 720
"""Different instructions in a region."""
CONSTANT_WITHIN = 4
"""Instructions before a computed jump that may have made its target from literals."""


class Discovery:
    """Finds the region of an address.

    `word_at(pc)` gives the guest word at a virtual address, or None where the region may not
    reach. `limit` is the number of instructions the region may have, counting copies. `profile` is
    what was seen to run. `registers` are the CPU's where the region is about to be entered; without
    them only tables at literal addresses are found. `taken(pc)` tells whether other regions have an
    instruction, `fixed(pc)` whether that must stay so. `plain` is the board's memory.
    """

    def __init__(
        self,
        word_at: Callable[[int], int | None],
        supervisor: bool,
        limit: int,
        profile: Profile = NOTHING_KNOWN,
        enter_at_start: bool = False,
        registers: Sequence[int] = (),
        taken: Callable[[int], bool] = lambda pc: False,
        fixed: Callable[[int], bool] = lambda pc: False,
        plain: tuple[PlainMemory, ...] = (),
    ) -> None:
        self._word_at = word_at
        self._supervisor = supervisor
        self._limit = limit
        self._profile = profile
        self._enter_at_start = enter_at_start
        self._registers = registers
        self._plain = plain
        self._code = Code(self._at, self._targets, profile.heat, taken, fixed)
        self._tables: dict[Linear, JumpTable | None] = {}
        self._listed: dict[int, tuple[int, ...]] = {}
        """Words of jump tables, by the addresses of their jumps."""
        self._kept: dict[int, int] | None = None
        self._instructions: dict[int, GuestInstruction | None] = {}
        self._goals: dict[int, tuple[int, ...]] = {}
        self._words: dict[int, int] = {}

    def region(self, start: int) -> Region | None:
        """The region of an address; None if there is nothing to translate."""
        while True:
            known = dict(self._listed)
            region = self._region(start)
            # What stands in a table is a target, too, although no jump has been seen to go there.
            if self._listed == known:
                return region
            self._goals.clear()
            self._tables.clear()
            self._words.clear()

    def _most_addresses(self) -> int:
        """Different instructions that the region may have."""
        if not self._profile.heat:
            return min(self._limit, max(MOST_ADDRESSES, self._limit // 2))
        return min(self._limit, PART if self._limit <= FIRST_LIMIT else MOST_ADDRESSES)

    def _region(self, start: int) -> Region | None:
        self._kept = None
        choice = choose(self._code, start, self._most_addresses())
        if not choice.chosen:
            return None
        entries = self._entries(start, choice)
        if not entries:
            return None
        leaders = self._leaders(choice.chosen, entries)
        deepest = MOST_CALL_DEPTH if choice.whole else 1
        for depth in range(deepest, -1, -1):
            blocks = self._blocks(choice, entries, leaders, depth)
            if sum(len(block.instructions) for block in blocks.values()) <= self._limit:
                break
        else:
            blocks = self._blocks(choice, entries, leaders, 0, copy_dispatch=False)
        keys: list[BlockKey] = [(entry, ()) for entry in entries]
        self._mark_heads(blocks, keys)
        executed = [one for block in blocks.values() for one in block.instructions]
        words = {one.pc: one.word for one in executed}
        words |= self._words
        accesses = {
            one.pc: self._profile.accesses[one.pc]
            for one in executed
            if one.pc in self._profile.accesses and one.row and one.row.memory is not Access.NONE
        }
        own = frozenset(words.keys() - choice.leaves)
        return Region(
            self._supervisor,
            entries,
            blocks,
            words,
            self._plain,
            accesses,
            own,
            is_cut=choice.is_cut or (choice.whole and depth < deepest),
        )

    # --- instructions ------------------------------------------------------------------------

    def _at(self, pc: int) -> GuestInstruction | None:
        """The instruction at an address; None where the region may not reach."""
        if pc not in self._instructions:
            word = None if pc & 3 else self._word_at(pc)
            one = None if word is None else instruction_at(pc, word, self._supervisor)
            self._instructions[pc] = one
        return self._instructions[pc]

    def _targets(self, pc: int) -> tuple[int, ...]:
        """Where the computed jump at an address is expected to go: as far as it has been seen, or
        as literals and tables say."""
        if pc not in self._goals:
            seen = dict.fromkeys(self._profile.targets_of(pc))
            constant = self._constant(pc)
            if constant is not None:
                seen = {constant: None} | seen
            seen |= dict.fromkeys(self._listed.get(pc, ()))
            self._goals[pc] = tuple(seen)
        return self._goals[pc]

    def _constant(self, pc: int) -> int | None:
        """The target of a computed jump or call if the instructions before it make it of literals.

        Only where to expect it to go: another way to the jump may bring something else.
        """
        jump = self._at(pc)
        if jump is None or jump.flow not in (Flow.DYNAMIC, Flow.CALL_DYNAMIC):
            return None
        lines = [jump]
        while len(lines) <= CONSTANT_WITHIN:
            one = self._at((lines[-1].pc - 4) & 0xFFFF_FFFF)
            if one is None or one.flow is not Flow.NEXT:
                break
            lines.append(one)
        done = SymbolicTarget()
        for one in reversed(lines):
            assert one.decoded is not None
            done.pc = one.pc
            execute(done, one.decoded.instruction, one.decoded.operands)
        return None if done.jump_target is None else done.jump_target.known

    # --- entries and blocks ------------------------------------------------------------------

    def _entries(self, start: int, choice: Choice) -> list[int]:
        """Where the region can be entered: at each cycle's head, after what the interpreter
        executes, and where code from elsewhere comes in."""
        chosen = choice.chosen
        sites = return_sites(self._code, sorted(chosen))
        graph: dict[int, list[int]] = {}
        entries: set[int] = set()
        for pc in sorted(chosen):
            instruction = self._at(pc)
            assert instruction is not None
            after = self._code.successors(instruction)
            if instruction.flow is Flow.RETURN:
                after = [*after, *sites]
            if instruction.flow is Flow.INTERPRET:
                entries.update(target for target in after if target in chosen)
                after = []
            graph[pc] = [target for target in after if target in chosen]
        # A second root for each part that the first one does not reach.
        heads = back_edge_targets(graph, sorted(chosen))
        entries |= heads - choice.leaves
        entries |= choice.doors
        if self._enter_at_start or not entries:
            entries.add(start)
        heat = self._profile.heat
        translatable = [pc for pc in sorted(entries) if (one := self._at(pc)) and one.translatable]
        if heat and len(translatable) > TRANSLATION_ENTRIES:
            translatable.sort(key=lambda pc: -heat.get(pc, 0))
        if self._enter_at_start and start in translatable:
            translatable.remove(start)
            translatable.insert(0, start)
        return sorted(translatable[:TRANSLATION_ENTRIES])

    def _leaders(self, chosen: set[int], entries: list[int]) -> set[int]:
        """Addresses at which a block must begin."""
        leaders = set(entries)
        for pc in chosen:
            instruction = self._at(pc)
            assert instruction is not None
            if instruction.flow is not Flow.NEXT:
                leaders.update(self._code.successors(instruction))
        return leaders & chosen

    def _blocks(
        self,
        choice: Choice,
        entries: list[int],
        leaders: set[int],
        depth: int,
        copy_dispatch: bool = True,
    ) -> dict[BlockKey, Block]:
        """The graph with calls followed `depth` deep; not whole, if that exceeds the limit."""
        chosen = choice.chosen
        sites = [
            site
            for site in return_sites(self._code, sorted(chosen))
            if site in chosen and (choice.whole or self._calls_inside(site - 4, choice))
        ][:MOST_RETURN_SITES]
        blocks: dict[BlockKey, Block] = {}
        queue: deque[BlockKey] = deque((entry, ()) for entry in entries)
        count = 0
        while queue and (count <= self._limit or not copy_dispatch):
            key = queue.popleft()
            if key in blocks:
                continue
            block = self._block(key, choice, leaders, sites, depth, copy_dispatch)
            blocks[key] = block
            count += len(block.instructions)
            queue.extend(edge.key for edge in block.edges if edge.inside)
        return blocks

    def _calls_inside(self, pc: int, choice: Choice) -> bool:
        """Whether a call leads to a function of the region that is no leaf."""
        one = self._at(pc)
        assert one is not None
        return any(to in choice.chosen - choice.leaves for to in self._code.callees(one))

    def _block(
        self,
        key: BlockKey,
        choice: Choice,
        leaders: set[int],
        sites: list[int],
        depth: int,
        copy_dispatch: bool,
    ) -> Block:
        pc, context = key
        chosen = choice.chosen
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
                deeper = (*context, after) if len(context) < depth else ()
                block.edges = [
                    edge(at, deeper if choice.whole or at in choice.leaves else ())
                    for at in self._code.callees(instruction)
                    if flow is Flow.CALL or at in chosen
                ]
            elif flow is Flow.RETURN:
                if context and context[-1] in chosen:
                    block.edges = [edge(context[-1], context[:-1])]
                else:
                    targets = self._targets(instruction.pc) if choice.whole else ()
                    known = {*sites, *(at for at in targets if at in chosen)}
                    block.edges = [edge(at, ()) for at in sorted(known)]
            elif flow is Flow.DYNAMIC:
                targets = self._targets(instruction.pc)
                block.edges = [edge(at) for at in sorted(targets) if at in chosen]
                block.table = self._table(block, self._unchanged(chosen))
            return block

    def _table(self, block: Block, kept: dict[int, int]) -> JumpTable | None:
        """The table of the jump at a block's end, if it has one."""
        base = table_base(block.instructions, kept)
        if base is None:
            return None
        if base not in self._tables:
            jump = block.instructions[-1].pc
            targets = self._targets(jump)
            table = read_table(base, kept, targets, self._word_at, self._may_begin)
            self._tables[base] = table
            if table is not None:
                self._words |= words_of(table)
                self._listed[jump] = tuple(dict.fromkeys(table.targets))
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
                return 1 < len(self._targets(pc)) <= MOST_COPIES
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
