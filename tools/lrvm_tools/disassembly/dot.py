"""Control-flow graphs in the DOT language of Graphviz."""

from __future__ import annotations

from typing import Final

from .flow import ExitKind
from .graph import ControlFlowGraph

_STYLES: Final = {
    ExitKind.NEXT: "style=solid",
    ExitKind.SKIP: 'style=dashed, label="skip"',
    ExitKind.JUMP: "style=bold",
    ExitKind.CALL: 'style=dotted, label="call"',
}


def to_dot(graph: ControlFlowGraph) -> str:
    """The graph as a DOT document."""
    outside = set(graph.outside)
    lines = [
        "digraph control_flow {",
        '    node [shape=box, fontname="monospace", fontsize=10];',
        '    edge [fontname="monospace", fontsize=9];',
    ]
    for address, texts in graph.nodes.items():
        label = "".join(f"{_escape(text)}\\l" for text in texts)
        style = ", style=dashed" if address in outside else ""
        lines.append(f'    {_node(address)} [label="{label}"{style}];')
    for edge in graph.edges:
        ends = f"{_node(edge.source)} -> {_node(edge.target)}"
        lines.append(f"    {ends} [{_STYLES[edge.kind]}];")
    return "\n".join([*lines, "}", ""])


def _node(address: int) -> str:
    return f"at_{address:08x}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"")
