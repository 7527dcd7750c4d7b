"""Control-flow graphs as SVG drawings."""

from __future__ import annotations

import shutil
import subprocess

from .column import column_svg
from .dot import to_dot
from .graph import ControlFlowGraph


def to_svg(graph: ControlFlowGraph) -> str:
    """The graph as an SVG document, laid out by Graphviz's `dot` if that is on the PATH.

    Elsewhere the blocks stand in one column, see `column_svg`.
    """
    dot = shutil.which("dot")
    if dot is None:
        return column_svg(graph)
    drawn = subprocess.run(
        [dot, "-Tsvg"], input=to_dot(graph), capture_output=True, check=True, encoding="utf-8"
    )
    return drawn.stdout
