"""Algorithms on directed graphs, given as successors by node."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def component_of(graph: Mapping[Node, Sequence[Node]], start: Node) -> set[Node]:
    """The strongly connected component of `start`: what it reaches and is reached from."""
    before: dict[Node, list[Node]] = {}
    for node, targets in graph.items():
        for target in targets:
            before.setdefault(target, []).append(node)
    ahead = _reached(graph, start)
    behind = _reached(before, start)
    return ahead & behind


def _reached(graph: Mapping[Node, Sequence[Node]], start: Node) -> set[Node]:
    found = {start}
    stack = [start]
    while stack:
        for target in graph.get(stack.pop(), ()):
            if target not in found:
                found.add(target)
                stack.append(target)
    return found


def back_edge_targets(graph: Mapping[Node, Sequence[Node]], roots: Iterable[Node]) -> set[Node]:
    """Nodes that close a cycle in a depth-first search from the roots: each cycle has one."""
    targets: set[Node] = set()
    done: set[Node] = set()
    for root in roots:
        if root in done:
            continue
        path = {root}
        stack = [(root, iter(graph.get(root, ())))]
        while stack:
            node, following = stack[-1]
            for target in following:
                if target in path:
                    targets.add(target)
                elif target not in done:
                    path.add(target)
                    stack.append((target, iter(graph.get(target, ()))))
                    break
            else:
                stack.pop()
                path.discard(node)
                done.add(node)
    return targets


def reverse_postorder(graph: Mapping[Node, Sequence[Node]], roots: Iterable[Node]) -> list[Node]:
    """The nodes reached from the roots, each before those that follow it where there is no
    cycle."""
    done: list[Node] = []
    seen: set[Node] = set()
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(graph.get(root, ())))]
        while stack:
            node, following = stack[-1]
            for target in following:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(graph.get(target, ()))))
                    break
            else:
                stack.pop()
                done.append(node)
    return done[::-1]


def longest_paths(
    edges: Mapping[Node, Sequence[tuple[Node | None, int]]], sizes: Mapping[Node, int]
) -> dict[Node, int]:
    """For each node of an acyclic graph the longest way from it, its own size included.

    An edge is (target, length); the target None ends the way.
    """
    lengths: dict[Node, int] = {}
    for root in edges:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [
                target for target, _ in edges[node] if target is not None and target not in lengths
            ]
            if missing and node not in lengths:
                stack.extend(missing)
                continue
            stack.pop()
            lengths[node] = sizes[node] + max(
                (
                    length + (0 if target is None else lengths[target])
                    for target, length in edges[node]
                ),
                default=0,
            )
    return lengths
