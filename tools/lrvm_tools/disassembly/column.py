"""Control-flow graphs drawn as one column of blocks, without a layout library.

The blocks stand in the order of their addresses, as in a listing. Jumps forward run to their
right, jumps back to their left, each in a lane of its own where others pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Final
from xml.sax.saxutils import escape

from .flow import ExitKind
from .graph import ControlFlowGraph, Edge

# In pixels, for a monospace font of 12.
_CHARACTER: Final = 7.3
_LINE: Final = 15
_PADDING: Final = 8
_GAP: Final = 26
_LANE: Final = 14

_STROKES: Final = {
    ExitKind.NEXT: 'stroke="#333"',
    ExitKind.SKIP: 'stroke="#b60" stroke-dasharray="6 3"',
    ExitKind.JUMP: 'stroke="#05a"',
    ExitKind.CALL: 'stroke="#383" stroke-dasharray="2 3"',
}

_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
    ' font-family="monospace" font-size="12">\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a node stands in the column, and its text."""

    top: int
    lines: tuple[str, ...]

    @property
    def bottom(self) -> int:
        return self.top + _LINE * len(self.lines) + _PADDING


def column_svg(graph: ControlFlowGraph) -> str:
    """The graph as an SVG document with the blocks in one column."""
    boxes = _stack(graph.nodes)
    below = dict(pairwise(boxes))
    straight: list[Edge] = []
    forward: list[Edge] = []
    back: list[Edge] = []
    for edge in graph.edges:
        if edge.kind is ExitKind.NEXT and below.get(edge.source) == edge.target:
            straight.append(edge)
        elif boxes[edge.source].top < boxes[edge.target].top:
            forward.append(edge)
        else:
            back.append(edge)
    right_lanes, left_lanes = _lanes(boxes, forward), _lanes(boxes, back)

    left = _PADDING + _LANE * max(left_lanes.values(), default=0)
    longest = max((len(line) for box in boxes.values() for line in box.lines), default=0)
    right = round(left + _CHARACTER * longest) + 2 * _PADDING
    parts = [
        _HEAD.format(
            width=right + _LANE * max(right_lanes.values(), default=0) + _PADDING,
            height=max((box.bottom for box in boxes.values()), default=0) + _PADDING,
        )
    ]
    outside = set(graph.outside)
    parts += [_box(box, left, right, address in outside) for address, box in boxes.items()]
    for edge in straight:
        start, end = boxes[edge.source].bottom, boxes[edge.target].top
        parts.append(_arrow(edge, f"M{left + 3 * _PADDING} {start}V{end}"))
    for edge, lane in right_lanes.items():
        parts.append(_arrow(edge, _bend(boxes, edge, right, right + _LANE * lane)))
    for edge, lane in left_lanes.items():
        parts.append(_arrow(edge, _bend(boxes, edge, left, left - _LANE * lane)))
    return "\n".join([*parts, "</svg>", ""])


def _stack(nodes: Mapping[int, tuple[str, ...]]) -> dict[int, _Box]:
    boxes: dict[int, _Box] = {}
    top = _PADDING
    for address, lines in nodes.items():
        boxes[address] = _Box(top, lines)
        top = boxes[address].bottom + _GAP
    return boxes


def _lanes(boxes: Mapping[int, _Box], edges: Iterable[Edge]) -> dict[Edge, int]:
    """A lane for each edge, from 1 outwards, so that no two share a stretch of one."""
    lanes: dict[Edge, int] = {}
    taken: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: abs(edge.target - edge.source)):
        low, high = sorted(_ends(boxes, edge))
        lane = next(n for n in count(1) if all(high < a or b < low for a, b in taken[n]))
        taken[lane].append((low, high))
        lanes[edge] = lane
    return lanes


def _ends(boxes: Mapping[int, _Box], edge: Edge) -> tuple[int, int]:
    """Heights at which a bent edge leaves one box and enters the other."""
    return boxes[edge.source].bottom - 5, boxes[edge.target].top + 5


def _bend(boxes: Mapping[int, _Box], edge: Edge, side: int, lane: int) -> str:
    start, end = _ends(boxes, edge)
    return f"M{side} {start}H{lane}V{end}H{side}"


def _box(box: _Box, left: int, right: int, dashed: bool) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    parts = [
        f'<rect x="{left}" y="{box.top}" width="{right - left}" height="{box.bottom - box.top}"'
        f' rx="3" fill="#fafafa" stroke="#888"{dash}/>'
    ]
    for index, line in enumerate(box.lines, 1):
        place = f'x="{left + _PADDING}" y="{box.top + _LINE * index}"'
        parts.append(f'<text {place} xml:space="preserve">{escape(line)}</text>')
    return "\n".join(parts)


def _arrow(edge: Edge, path: str) -> str:
    style = f'fill="none" {_STROKES[edge.kind]} marker-end="url(#tip)"'
    return f'<path d="{path}" {style}><title>{edge.kind.value}</title></path>'
