"""Drawings as SVG: boxes, arrows and text, in few words."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"

# A drawing brings its paper along, so that it can be read on any page, dark ones included.
STYLE = f"""
text {{ font: 13px {FONT}; fill: #1c2733 }}
.small {{ font-size: 11px; fill: #51606e }}
.title {{ font-weight: bold }}
.box {{ fill: #ffffff; stroke: #34495e; stroke-width: 1.2 }}
.tint {{ fill: #e3f1ee }}
.warm {{ fill: #fdf1d8 }}
.none {{ fill: #eef1f4; stroke-dasharray: 4 3 }}
.line {{ fill: none; stroke: #34495e; stroke-width: 1.4 }}
.paper {{ fill: #f7f9fa }}
"""


@dataclass
class Drawing:
    """A picture of `width` by `height` units; the parts are drawn in the order of the calls."""

    width: int
    height: int
    title: str
    style: str = STYLE
    parts: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, width: float, height: float, text: str = "", kind: str = ""
    ) -> None:
        """A rectangle with lines of text in its middle; `kind` are classes of the style."""
        self.parts.append(
            f'<rect class="box {kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
        )
        lines = text.split("\n") if text else []
        top = y + height / 2 + 4.5 - 8 * (len(lines) - 1)
        for number, line in enumerate(lines):
            first = "title" if number == 0 and len(lines) > 1 else ""
            self.text(x + width / 2, top + 16 * number, line, first, "middle")

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        """A line of text whose baseline begins (or has its middle, or ends) at x, y."""
        self.parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}" '
            f'xml:space="preserve">{escape(text)}</text>'
        )

    def arrow(self, *points: tuple[float, float]) -> None:
        """A line through the points, with a head at its end."""
        self.line(*points, head=True)

    def line(self, *points: tuple[float, float], head: bool = False) -> None:
        """A line through the points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        end = ' marker-end="url(#head)"' if head else ""
        self.parts.append(f'<polyline class="line" points="{path}"{end}/>')

    def svg(self) -> str:
        """The whole file."""
        head = (
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#34495e"/></marker>'
        )
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" role="img" aria-label="{escape(self.title)}">',
            f"<title>{escape(self.title)}</title>",
            f"<style>{self.style}</style><defs>{head}</defs>",
            f'<rect class="paper" width="{self.width}" height="{self.height}" rx="8"/>',
            *self.parts,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"
