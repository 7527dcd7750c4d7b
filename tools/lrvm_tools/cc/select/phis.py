"""Phis: copies at the ends of the blocks that lead to them."""

from __future__ import annotations

from ..ir.module import Function, Instruction, Module, Operand
from ..machine_code import (
    Branch,
    IndirectJump,
    Jump,
    MachineBlock,
    TableJump,
    targets_of,
)
from .ends import Ends
from .flow import Flow
from .values import Part


class Phis(Ends):
    def __init__(self, module: Module, source: Function, flow: Flow, check: bool) -> None:
        super().__init__(module, source, flow, check)
        self.edges: dict[tuple[str, str], str] = {}
        """Blocks for the copies on an edge."""

    def connect(self) -> None:
        """Copies of phis at the ends of the blocks that lead to them."""
        phis = {
            block.label: found
            for block in self.reachable
            if (found := [one for one in block.instructions if one.op == "phi"])
        }
        for block in list(self.out.blocks):
            targets = targets_of(block.end)
            if not any(target in phis for target in targets):
                continue
            if isinstance(block.end, Jump):
                self.use(block)
                if block.before_end == 0 or block.before_end > len(block.code):
                    block.before_end = len(block.code)
                self._copies(block.origin, phis[targets[0]])
                continue
            if isinstance(block.end, IndirectJump):
                self._indirect_copies(block, phis)
                continue
            for target in dict.fromkeys(targets):
                if target in phis:
                    self._split(block, target, phis[target])

    def _indirect_copies(self, block: MachineBlock, phis: dict[str, list[Instruction]]) -> None:
        """The targets of a computed goto cannot be told apart before it: all copies are made."""
        self.use(block)
        assert isinstance(block.end, IndirectJump)
        keep = self.copy(block.end.register)
        block.end.register = keep
        pairs: dict[int, Part] = {}
        for target in dict.fromkeys(block.end.targets):
            for phi in phis.get(target, ()):
                value = phi.args[phi.extra.index(block.origin)]
                for register, part in zip(
                    self.values[phi.name], self._incoming(phi, value), strict=True
                ):
                    pairs[register] = part
        self._parallel(pairs)

    def _split(self, block: MachineBlock, target: str, phis: list[Instruction]) -> None:
        """A block of its own for the copies on an edge."""
        label = self.edges.get((block.origin, target))
        if label is None:
            old_depth = min(block.depth, self.flow.depth[target])
            edge = MachineBlock(f"{block.origin}>{target}", block.origin, old_depth)
            self.edges[block.origin, target] = label = edge.label
            if (block.origin, target) in self.flow.back_edges:
                self.out.blocks.insert(self.out.blocks.index(block) + 1, edge)
            else:
                edge.late = True
                self.out.blocks.append(edge)
            self.use(edge)
            self._copies(block.origin, phis)
            edge.before_end = 0
            edge.end = Jump(target)
        end = block.end
        if isinstance(end, Branch):
            end.then = label if end.then == target else end.then
            end.otherwise = label if end.otherwise == target else end.otherwise
        elif isinstance(end, TableJump):
            end.targets = [label if one == target else one for one in end.targets]

    def _copies(self, origin: str, phis: list[Instruction]) -> None:
        pairs: dict[int, Part] = {}
        for phi in phis:
            value = phi.args[phi.extra.index(origin)]
            parts = self._incoming(phi, value)
            for register, part in zip(self.values[phi.name], parts, strict=True):
                pairs[register] = part
        self._parallel(pairs)

    def _incoming(self, phi: Instruction, value: Operand) -> list[Part]:
        if phi.name in self.need_clean and self.is_narrow(phi.type):
            return self.zero_extended(value)
        return self.parts(value)

    def _parallel(self, pairs: dict[int, Part]) -> None:
        """Copies that all read before any is written."""
        pending = {register: part for register, part in pairs.items() if register != part}
        sources: dict[int, int] = {}
        for part in pending.values():
            if part >= 0:
                sources[part] = sources.get(part, 0) + 1
        ready = [register for register in pending if register not in sources]
        while pending:
            if ready:
                register = ready.pop()
                part = pending.pop(register)
                self.set(register, part)
                if part >= 0:
                    sources[part] -= 1
                    if not sources[part] and part in pending:
                        ready.append(part)
                continue
            # Only circles are left: one register's old value is kept elsewhere.
            register = next(iter(pending))
            kept = self.copy(register)
            for other, part in pending.items():
                if part == register:
                    pending[other] = kept
                    sources[kept] = sources.get(kept, 0) + 1
            sources[register] = 0
            ready.append(register)
