"""Loops of a function: how deep each block is in them, and what stands in front of them."""

from __future__ import annotations

from ..ir.module import Function, Instruction
from ..target import Instr


def successors(end: Instruction) -> list[str]:
    """The labels that a block's last instruction leads to."""
    if end.op == "switch":
        return [end.extra[0], *(label for _, label in end.extra[1])]
    if end.op in ("br", "jump", "indirectbr"):
        return list(end.extra)
    return []


class Flow:
    """The flow graph of a function's reachable blocks."""

    def __init__(self, function: Function) -> None:
        self.following: dict[str, list[str]] = {}
        self.order: list[str] = []
        """Reachable blocks, each before those it leads to but for loops."""
        self.depth: dict[str, int] = {}
        self.front: dict[str, str] = {}
        """For a block in a loop the block that comes right before its outermost loop."""
        self.front_code: dict[str, list[Instr]] = {}
        self.back_edges: set[tuple[str, str]] = set()
        ends = {block.label: block.instructions[-1] for block in function.blocks}
        for label, end in ends.items():
            self.following[label] = list(dict.fromkeys(successors(end)))
        self._search(function.blocks[0].label)
        self.number = {label: place for place, label in enumerate(self.order)}
        self.before: dict[str, list[str]] = {label: [] for label in self.order}
        for label in self.order:
            for target in self.following[label]:
                self.before[target].append(label)
        self._dominators()
        self._loops()

    def _search(self, entry: str) -> None:
        seen = {entry}
        done: list[str] = []
        stack = [(entry, iter(self.following[entry]))]
        while stack:
            label, rest = stack[-1]
            for target in rest:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(self.following[target])))
                    break
            else:
                stack.pop()
                done.append(label)
        self.order = done[::-1]

    def _dominators(self) -> None:
        """Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm."""
        number = self.number
        parent: list[int | None] = [None] * len(self.order)
        parent[0] = 0
        changed = True
        while changed:
            changed = False
            for place in range(1, len(self.order)):
                new: int | None = None
                for label in self.before[self.order[place]]:
                    other = number[label]
                    if parent[other] is None:
                        continue
                    if new is None:
                        new = other
                        continue
                    one = new
                    while one != other:
                        while one > other:
                            one = parent[one]  # type: ignore[assignment]
                        while other > one:
                            other = parent[other]  # type: ignore[assignment]
                    new = one
                if parent[place] != new:
                    parent[place] = new
                    changed = True
        self.parent = parent

    def dominates(self, one: str, other: str) -> bool:
        first, place = self.number[one], self.number[other]
        while place > first:
            place = self.parent[place]  # type: ignore[assignment]
        return place == first

    def _loops(self) -> None:
        self.depth = dict.fromkeys(self.order, 0)
        bodies: dict[str, set[str]] = {}
        for label in self.order:
            for target in self.following[label]:
                if self.number[target] <= self.number[label] and self.dominates(target, label):
                    self.back_edges.add((label, target))
                    body = bodies.setdefault(target, {target})
                    work = [label]
                    while work:
                        one = work.pop()
                        if one not in body:
                            body.add(one)
                            work.extend(self.before[one])
        for header in sorted(bodies, key=self.number.__getitem__):
            outside = [label for label in self.before[header] if label not in bodies[header]]
            for label in bodies[header]:
                self.depth[label] += 1
                if label not in self.front and len(outside) == 1:
                    self.front[label] = outside[0]
