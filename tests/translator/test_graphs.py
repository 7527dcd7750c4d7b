"""The graph algorithms of discovery, on random graphs, against naive ones.

Budgets are tested only where these say: a cycle without a tested block would never end, and a
path longer than the one tested for would run past the budget.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lrvm_jit.jit.analysis.graphs import back_edge_targets, component_of, longest_paths

Graph = dict[int, list[int]]
Weighted = dict[int, list[tuple[int | None, int]]]

MOST_NODES = 9


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph: loops of one node, parallel edges, parts that nothing reaches."""
    nodes = range(draw(st.integers(1, MOST_NODES)))
    successors = st.lists(st.sampled_from(nodes), max_size=4)
    return {node: draw(successors) for node in nodes}


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> tuple[Weighted, dict[int, int]]:
    """Edges with lengths from lower to higher nodes or out, in any order; and nodes' sizes."""
    nodes = draw(st.permutations(range(draw(st.integers(1, MOST_NODES)))))
    edges: Weighted = {}
    for position, node in enumerate(nodes):
        targets = st.one_of(st.none(), st.sampled_from([*nodes[position + 1 :], None]))
        edges[node] = draw(st.lists(st.tuples(targets, st.integers(0, 3)), max_size=4))
    order = draw(st.permutations(list(edges)))
    sizes = {node: draw(st.integers(0, 20)) for node in edges}
    return {node: edges[node] for node in order}, sizes


def reached(graph: Graph, start: int) -> set[int]:
    """All nodes that a way of one edge or more leads to."""
    found: set[int] = set()
    before = -1
    while before != len(found):
        before = len(found)
        found |= {target for node in [start, *found] for target in graph.get(node, [])}
    return found


def has_cycle(graph: Graph) -> bool:
    return any(node in reached(graph, node) for node in graph)


def longest(edges: Weighted, sizes: dict[int, int], node: int) -> int:
    ways = [
        length + (0 if target is None else longest(edges, sizes, target))
        for target, length in edges[node]
    ]
    return sizes[node] + max(ways, default=0)


@given(graphs(), st.integers(0, MOST_NODES - 1))
def test_a_component_is_what_reaches_and_is_reached(graph: Graph, start: int) -> None:
    start %= len(graph)
    both = {node for node in reached(graph, start) if start in reached(graph, node)}
    assert component_of(graph, start) == both | {start}


@given(graphs(), st.integers(0, MOST_NODES - 1))
def test_a_component_is_the_same_from_each_of_its_nodes(graph: Graph, start: int) -> None:
    """A loop is one region from wherever in it the look came."""
    start %= len(graph)
    component = component_of(graph, start)
    assert all(component_of(graph, node) == component for node in component)


@given(graphs(), st.data())
def test_each_cycle_has_a_back_edge_target(graph: Graph, data: st.DataObject) -> None:
    """With the edges into the targets gone, no cycle that the roots reach is left."""
    roots = data.draw(st.lists(st.sampled_from(list(graph)), max_size=4))
    targets = back_edge_targets(graph, roots)
    visited = set(roots).union(*(reached(graph, root) for root in roots))
    cut = {node: [one for one in graph[node] if one not in targets] for node in visited}
    assert not has_cycle(cut)


@given(graphs(), st.data())
def test_back_edge_targets_are_in_cycles(graph: Graph, data: st.DataObject) -> None:
    """None is there without need: each lies in a cycle, and code without cycles has none."""
    roots = data.draw(st.lists(st.sampled_from(list(graph)), max_size=4))
    assert all(node in reached(graph, node) for node in back_edge_targets(graph, roots))


@given(acyclic_graphs())
def test_longest_paths(graph: tuple[Weighted, dict[int, int]]) -> None:
    """The way that costs most is found, whatever the order of nodes and edges."""
    edges, sizes = graph
    assert longest_paths(edges, sizes) == {node: longest(edges, sizes, node) for node in edges}


@settings(max_examples=20)
@given(st.integers(1, 3000), st.booleans())
def test_long_chains(length: int, closed: bool) -> None:
    """No recursion: a region may be one long row of blocks, and a row may be a ring."""
    graph = {node: [node + 1] for node in range(length - 1)}
    graph[length - 1] = [0] if closed else []
    assert len(component_of(graph, 0)) == (length if closed else 1)
    assert back_edge_targets(graph, [0]) == ({0} if closed else set())
    edges: Weighted = {node: [(node + 1, 0)] for node in range(length - 1)}
    edges[length - 1] = [(None, 5)]
    assert longest_paths(edges, dict.fromkeys(edges, 1))[0] == length + 5


def test_many_ways_are_no_burden() -> None:
    """Diamonds in a row have more ways than could be counted; each node is looked at once."""
    edges: Weighted = {}
    for k in range(0, 3 * 200, 3):
        edges |= {k: [(k + 1, 0), (k + 2, 1)], k + 1: [(k + 3, 0)], k + 2: [(k + 3, 0)]}
    edges[3 * 200] = [(None, 0)]
    assert longest_paths(edges, dict.fromkeys(edges, 1))[0] == 3 * 200 + 1
    graph = {node: [target for target, _ in after if target] for node, after in edges.items()}
    assert back_edge_targets(graph, [0]) == set()
