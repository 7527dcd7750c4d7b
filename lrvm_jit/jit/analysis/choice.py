"""Which instructions become one region.

A program that is small altogether becomes a region as it is: the strongly connected part around an
address, calls included. Of everything else a region is a function, or the hottest part of it, and
only what has been seen to run. What else it leads to has regions of its own, which are reached
without the dispatcher, or is interpreted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from .graphs import component_of
from .instructions import Flow, GuestInstruction

WHOLE = 100
"""Instructions of a program that becomes one region whatever of it has run."""
FOLLOWED = 400
"""Instructions looked at before that is known not to be so."""
PART = 160
"""Instructions of a function that become one region at first."""
LEAF = 20
"""Instructions of a function that becomes a part of its callers' regions."""
SHARE = 0.003
"""How much of a function's time must be new for the whole to be made again."""
DETOUR = 16
"""Instructions of a way that has not been seen to be taken, and comes back, at most."""
TINY = 12
"""Instructions that are not worth a region of their own."""
FARTHEST = 1 << 14
"""Bytes to either side of an address in which the rest of its function may be."""


@dataclass(slots=True)
class Choice:
    """Addresses of the instructions that belong together."""

    chosen: set[int]
    leaves: set[int] = field(default_factory=set)
    """Those of functions that are here for their callers only."""
    whole: bool = True
    """Whether calls are followed to wherever they lead within the region."""
    doors: set[int] = field(default_factory=set)
    """Where code from elsewhere is known to come in."""
    is_cut: bool = False
    """Whether it is a part of a function that is too large."""


@dataclass(frozen=True, slots=True)
class Code:
    """Instructions, where they lead, and what is known of their running."""

    at: Callable[[int], GuestInstruction | None]
    targets: Callable[[int], Iterable[int]]
    heat: Mapping[int, int]
    taken: Callable[[int], bool]
    """Whether another region has the instruction at an address already,"""
    fixed: Callable[[int], bool]
    """and whether one has it that is not to be made again."""

    def successors(self, one: GuestInstruction) -> list[int]:
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
                return [*self.targets(one.pc), after]
            case Flow.RETURN | Flow.DYNAMIC:
                return list(self.targets(one.pc))
            case Flow.LEAVE:
                return []

    def within(self, one: GuestInstruction) -> list[int]:
        """Where the function that an instruction is in goes on."""
        match one.flow:
            case Flow.CALL | Flow.CALL_DYNAMIC:
                return [(one.pc + 4) & 0xFFFF_FFFF]
            case Flow.RETURN:
                return []
            case _:
                return self.successors(one)

    def callees(self, one: GuestInstruction) -> list[int]:
        """What an instruction calls."""
        if one.flow is Flow.CALL:
            return [one.target]
        return list(self.targets(one.pc)) if one.flow is Flow.CALL_DYNAMIC else []


def choose(code: Code, start: int, most: int) -> Choice:
    """What becomes one region with the instruction at `start`, at most `most` addresses."""
    order, is_all = _follow(code, start, max(FOLLOWED, 2 * most) if not code.heat else FOLLOWED)
    small = min(most, WHOLE) if code.heat else most
    graph = _graph(code, order)
    component = component_of(graph, start) if start in graph else set()
    cyclic = len(component) > 1 or start in graph.get(start, ())
    if code.heat and (not is_all or len(component if cyclic else order) > small):
        return _function(code, start, most)
    if cyclic:
        if len(component) <= small:
            return Choice(component)
        return Choice(_nearest(start, graph, component, small))
    first = code.at(start)
    if first is None or not first.translatable:
        return Choice(set())
    return Choice(set(list(order)[:small]))


def _follow(code: Code, start: int, most: int) -> tuple[dict[int, None], bool]:
    """Addresses reached from `start`, nearest first, each block whole; whether that is all."""
    order: dict[int, None] = {}
    queue = deque([start])
    while queue:
        pc = queue.popleft()
        if pc in order:
            continue
        if len(order) >= most:
            return order, False
        instruction = code.at(pc)
        if instruction is None:
            continue
        order[pc] = None
        after = code.successors(instruction)
        if len(after) == 1:
            queue.appendleft(after[0])
        else:
            queue.extend(after)
    return order, True


def return_sites(code: Code, pcs: Iterable[int]) -> list[int]:
    """The addresses behind the calls among some instructions."""
    calls = (Flow.CALL, Flow.CALL_DYNAMIC)
    return [pc + 4 for pc in pcs if (one := code.at(pc)) and one.flow in calls]


def _graph(code: Code, order: Mapping[int, None]) -> dict[int, list[int]]:
    """Where each instruction leads, a return to all that have called."""
    sites = return_sites(code, order)
    graph: dict[int, list[int]] = {}
    for pc in order:
        instruction = code.at(pc)
        assert instruction is not None
        after = code.successors(instruction)
        if instruction.flow is Flow.RETURN:
            after = [*after, *sites]
        graph[pc] = [target for target in after if target in order]
    return graph


def _nearest(start: int, graph: dict[int, list[int]], within: set[int], most: int) -> set[int]:
    """The part of a set that is reached from `start` first, each block whole."""
    seen: set[int] = set()
    queue = deque([start])
    while queue and len(seen) < most:
        pc = queue.popleft()
        if pc in seen or pc not in within:
            continue
        seen.add(pc)
        if len(graph[pc]) == 1:
            queue.appendleft(graph[pc][0])
        else:
            queue.extend(graph[pc])
    return seen


# --- functions -----------------------------------------------------------------------------------


def _function(code: Code, start: int, most: int) -> Choice:
    """The function around `start`, or its hottest part: what hangs together without calls."""
    near = [pc for pc in code.heat if abs(pc - start) < FARTHEST]
    called: set[int] = set()
    ways: dict[int, list[int]] = {}
    for pc in near:
        one = code.at(pc)
        if one is None:
            continue
        called.update(code.callees(one))
        ways[pc] = code.within(one)
    before: dict[int, list[int]] = {}
    for pc, after in ways.items():
        one = code.at(pc)
        assert one is not None
        if one.flow in (Flow.JUMP, Flow.DYNAMIC):
            # A jump to where others call is a call that does not come back.
            after = [to for to in after if to not in called or 0 <= pc - to < 8 * PART]
        after = [to for to in after if to in ways]
        ways[pc] = after
        for target in after:
            before.setdefault(target, []).append(pc)
    body = _connected(start, ways, before)
    is_cut = len(body) > most
    if not is_cut:
        body = _without_others(code, start, body, ways)
    else:
        body = _hottest(code, start, body, ways, before, most)
    if not body:
        return Choice(set())
    body |= _detours(code, body, called)
    choice = Choice(set(body), whole=False, is_cut=is_cut)
    _take_leaves(code, choice, most)
    choice.doors = {pc for pc in body if pc in called or pc == start}
    for pc in body:
        outside = [origin for origin in before.get(pc, ()) if origin not in body]
        one = code.at(pc - 4)
        calls = one is not None and one.flow in (Flow.CALL, Flow.CALL_DYNAMIC)
        if outside or (one and calls and not choice.leaves.issuperset(code.callees(one))):
            choice.doors.add(pc)
    return choice


def _without_others(
    code: Code,
    start: int,
    body: set[int],
    ways: Mapping[int, list[int]],
) -> set[int]:
    """Of a function what is to become a region. What regions have of it is made again with the
    rest, if that is worth it."""
    new = sum(code.heat.get(pc, 0) for pc in body if not code.taken(pc))
    share = new / max(1, sum(code.heat.get(pc, 0) for pc in body))
    kept = code.fixed if share >= SHARE else code.taken
    inside = {pc for pc in body if pc == start or not kept(pc)}
    if inside == body or len(inside) >= TINY:
        return inside
    is_loop = any(to <= pc for pc in inside for to in ways.get(pc, ()) if to in inside)
    return inside if is_loop else set()


def _detours(code: Code, body: set[int], called: set[int]) -> set[int]:
    """What has not been seen to run, but is on a short way from the function back to it, or to its
    end: it does run now and then."""
    onwards: dict[int, list[int]] = {}
    distance: dict[int, int] = {}
    queue = deque((to, 1) for pc in sorted(body) for to in _all_ways(code, pc))
    while queue:
        pc, far = queue.popleft()
        if pc in body or pc in distance or far > DETOUR or pc in called or code.taken(pc):
            continue
        one = code.at(pc)
        if one is None or one.flow in (Flow.LEAVE, Flow.DYNAMIC):
            continue
        distance[pc] = far
        onwards[pc] = code.within(one)
        queue.extend((to, far + 1) for to in onwards[pc])
    back = {pc for pc in distance if not onwards[pc] or not body.isdisjoint(onwards[pc])}
    grows = True
    while grows:
        more = {pc for pc in distance if pc not in back and not back.isdisjoint(onwards[pc])}
        back |= more
        grows = bool(more)
    return back


def _all_ways(code: Code, pc: int) -> list[int]:
    one = code.at(pc)
    return [] if one is None or one.flow is Flow.DYNAMIC else code.within(one)


def _connected(
    start: int, ways: Mapping[int, list[int]], before: Mapping[int, list[int]]
) -> set[int]:
    found = {start}
    stack = [start]
    while stack:
        pc = stack.pop()
        for other in (*ways.get(pc, ()), *before.get(pc, ())):
            if other not in found:
                found.add(other)
                stack.append(other)
    return found


def _hottest(
    code: Code,
    start: int,
    body: set[int],
    ways: Mapping[int, list[int]],
    before: Mapping[int, list[int]],
    most: int,
) -> set[int]:
    """From `start` always on to the neighbour that runs most, straight code as a whole; then what
    runs most of the rest, which hangs together by what other regions have."""

    def straight(pc: int) -> list[int]:
        """The instructions that run whenever the one at an address does."""
        block = [pc]
        none: list[int] = []
        while len(after := ways.get(block[-1], none)) == 1 and len(before[after[0]]) == 1:
            if after[0] in block:
                break
            block.append(after[0])
        while len(origins := before.get(block[0], none)) == 1 and len(ways[origins[0]]) == 1:
            if origins[0] in block:
                break
            block.insert(0, origins[0])
        return block

    found: set[int] = set()
    rest = sorted(body, key=lambda pc: (-code.heat.get(pc, 0), pc))
    for seed in (start, *rest):
        queue: list[tuple[int, int]] = [(0, seed)]
        while queue and len(found) < most:
            _, pc = heappop(queue)
            if pc in found or (code.taken(pc) and pc != start):
                continue
            block = [one for one in straight(pc) if not code.taken(one) or one == start]
            if len(found) + len(block) > most:
                # From there on.
                block = block[block.index(pc) :][: most - len(found)]
            found.update(block)
            for one in block:
                for other in (*ways.get(one, ()), *before.get(one, ())):
                    if other not in found:
                        heappush(queue, (-code.heat.get(other, 0), other))
    return found


def _take_leaves(code: Code, choice: Choice, most: int) -> None:
    """Add the small functions that are called and call nothing themselves."""
    copies = len(choice.chosen)
    for pc in sorted(choice.chosen):
        one = code.at(pc)
        assert one is not None
        for target in code.callees(one)[:2]:
            if target in choice.chosen and target not in choice.leaves:
                continue
            leaf = _leaf(code, target)
            if (
                leaf
                and copies + len(leaf) <= 2 * most
                and choice.chosen.isdisjoint(leaf - choice.leaves)
            ):
                copies += len(leaf)
                choice.leaves |= leaf
                choice.chosen |= leaf


def _leaf(code: Code, start: int) -> set[int]:
    """The instructions of the function at an address, none if that is no small leaf."""
    found: set[int] = set()
    stack = [start]
    returns = False
    while stack:
        pc = stack.pop()
        if pc in found or (start in code.heat and pc not in code.heat):
            continue
        one = code.at(pc)
        if one is None or not one.translatable or len(found) >= LEAF:
            return set()
        if one.flow in (Flow.CALL, Flow.CALL_DYNAMIC, Flow.DYNAMIC):
            return set()
        returns = returns or one.flow is Flow.RETURN
        found.add(pc)
        stack += code.within(one)
    return found if returns else set()
