"""Profiles for other programs and for the eye: flame graphs, speedscope, pprof."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from .profiler import Path, Profile

# --- flame graph ---------------------------------------------------------------------------------

_WIDTH: Final = 1200
_ROW: Final = 18
_MARGIN: Final = 10
_TOP: Final = 40
_NARROWEST: Final = 0.3
_CHARACTER: Final = 7.2
"""Pixels of a character of the flame graph's font."""
_SCRIPT: Final = """
function show(box) {
  document.getElementById("details").textContent = box.querySelector("title").textContent;
}
"""


class _Node:
    """A function in the flame graph, with those that it calls."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self.children: dict[str, _Node] = {}


def _tree(paths: Tally[Path]) -> _Node:
    root = _Node("all")
    for path, cycles in paths.items():
        node = root
        node.total += cycles
        for name in path:
            node = node.children.setdefault(name, _Node(name))
            node.total += cycles
    return root


def flame_graph(profile: Profile, title: str = "") -> str:
    """A flame graph as SVG: the wider a function, the more cycles it and what it calls took."""
    root = _tree(profile.paths)
    boxes: list[str] = []
    deepest = [0]
    room = _WIDTH - 2 * _MARGIN

    def draw(node: _Node, depth: int, start: int) -> None:
        width = room * node.total / max(1, root.total)
        if width < _NARROWEST:
            return
        deepest[0] = max(deepest[0], depth)
        boxes.append(_box(node, depth, _MARGIN + room * start / root.total, width, root.total))
        for child in sorted(node.children.values(), key=lambda one: one.name):
            draw(child, depth + 1, start)
            start += child.total

    if root.total:
        draw(root, 0, 0)
    height = _TOP + (deepest[0] + 1) * _ROW + 40
    heading = escape(title or "Flame graph")
    kind = "all counted" if profile.exact else f"{profile.samples} samples"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="monospace" font-size="12">\n'
        f"<script>{_SCRIPT}</script>\n"
        f'<rect width="100%" height="100%" fill="#fffaf2"/>\n'
        f'<text x="{_WIDTH / 2}" y="24" text-anchor="middle" font-size="16">{heading}</text>\n'
        + "".join(boxes)
        + f'<text id="details" x="{_MARGIN}" y="{height - 12}">{profile.cycles:,} cycles, {kind}'
        "</text>\n</svg>\n"
    )


def _box(node: _Node, depth: int, x: float, width: float, total: int) -> str:
    y = _TOP + depth * _ROW
    share = 100 * node.total / total
    room = int((width - 6) / _CHARACTER)
    name = node.name if len(node.name) <= room else node.name[: max(0, room - 1)] + "…"
    label = f'<text x="{x + 3:.1f}" y="{y + 13}">{escape(name)}</text>' if room >= 3 else ""
    # A name has its colour in every graph, so that two can be compared.
    hue = zlib.crc32(node.name.encode()) % 50 + 10
    return (
        f'<g onmouseover="show(this)"><title>{escape(node.name)}: {node.total:,} cycles, '
        f"{share:.1f} %</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.2):.1f}" height="{_ROW - 1}" '
        f'fill="hsl({hue}, 80%, 68%)"/>{label}</g>\n'
    )


# --- speedscope ----------------------------------------------------------------------------------


def speedscope(profile: Profile, name: str) -> str:
    """The call paths for speedscope.app: a sampled profile, weighted by cycles."""
    numbers: dict[str, int] = {}
    samples = []
    weights = []
    for path, cycles in sorted(profile.paths.items()):
        samples.append([numbers.setdefault(one, len(numbers)) for one in path])
        weights.append(cycles)
    document = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": name,
        "exporter": "lrvm-jit",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": one} for one in numbers]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(document)


# --- pprof ---------------------------------------------------------------------------------------
# profile.proto: the numbers below are those of its fields.


def pprof(profile: Profile) -> bytes:
    """The call paths and source lines for pprof: its protocol buffer, gzipped."""
    strings: dict[str, int] = {"": 0}

    def text(value: str) -> int:
        return strings.setdefault(value, len(strings))

    functions: dict[str, int] = {}
    starts = {profile.program.function(at)[0]: at for at in profile.program.labels.values()}
    for path in profile.paths:
        for name in path:
            functions.setdefault(name, len(functions) + 1)
    message = _field(1, _field(1, text("cycles")) + _field(2, text("count")))
    for path, cycles in sorted(profile.paths.items()):
        locations = b"".join(_varint(functions[name]) for name in reversed(path))
        message += _field(2, _field(1, locations) + _field(2, _varint(cycles)))
    for name, number in functions.items():
        place = profile.program.place(starts[name]) if name in starts else None
        line = 0 if place is None else place.line
        message += _field(
            4,
            _field(1, number)
            + _field(3, starts.get(name, 0))
            + _field(4, _field(1, number) + _field(2, line)),
        )
    for name, number in functions.items():
        place = profile.program.place(starts[name]) if name in starts else None
        path_text = "" if place is None else place.path
        message += _field(
            5,
            _field(1, number)
            + _field(2, text(name))
            + _field(3, text(name))
            + _field(4, text(path_text))
            + _field(5, 0 if place is None else place.line),
        )
    message += _field(11, _field(1, text("cycles")) + _field(2, text("count"))) + _field(12, 1)
    message += b"".join(_field(6, value.encode(), keep=True) for value in strings)
    return gzip.compress(message, mtime=0)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, value: int | bytes, *, keep: bool = False) -> bytes:
    """A field of a message; zeros and empty ones are left out, as they are the default."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value) if value else b""
    if not value and not keep:
        return b""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


# --- text ----------------------------------------------------------------------------------------


def table(rows: Iterable[tuple[str, int]], total: int, heading: str, most: int = 30) -> str:
    """Cycles by name, the most first."""
    lines = [f"{'cycles':>14}  {'share':>6}  {heading}"]
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    for name, cycles in ordered[:most]:
        lines.append(f"{cycles:>14,}  {100 * cycles / max(1, total):5.1f}%  {name}")
    if len(ordered) > most:
        rest = sum(cycles for _, cycles in ordered[most:])
        lines.append(f"{rest:>14,}  {100 * rest / max(1, total):5.1f}%  (others)")
    return "\n".join(lines) + "\n"


def annotated(profile: Profile) -> str:
    """The program's source with the cycles of each line; its disassembly where there is none."""
    lines = profile.lines
    parts: list[str] = []
    for path in sorted({place.path for place in profile.program.lines.values()}):
        source = profile.program.source(path)
        if source is None:
            continue
        parts.append(f"{path}\n")
        counts = {place.line: cycles for place, cycles in lines.items() if place.path == path}
        parts += _numbered(source, counts, profile.cycles)
    if not parts:
        for address in sorted(profile.words):
            cycles = profile.words[address]
            share = 100 * cycles / max(1, profile.cycles)
            text = profile.texts.get(address, "")
            parts.append(f"{cycles:>14,}  {share:5.1f}%  0x{address:08X}  {text}\n")
    return "".join(parts)


def _numbered(source: list[str], counts: dict[int, int], total: int) -> Iterator[str]:
    for number, text in enumerate(source, 1):
        cycles = counts.get(number)
        shown = " " * 23 if cycles is None else f"{cycles:>14,}  {100 * cycles / total:5.1f}% "
        yield f"{shown} {number:5}  {text}".rstrip() + "\n"


def covered(lines: dict[int, int], source: list[str] | None) -> str:
    """The source with what was executed: a count, `-` where nothing was, blank for no code."""
    texts = source or []
    shown = []
    for number in range(1, max([len(texts), *lines]) + 1):
        count = lines.get(number)
        mark = "" if count is None else f"{count:,}" if count else "-"
        text = texts[number - 1] if number <= len(texts) else ""
        shown.append(f"{mark:>14}  {number:5}  {text}".rstrip() + "\n")
    return "".join(shown)


def documented(profile: Profile) -> dict[str, Any]:
    """The profile as plain values, for JSON."""
    return {
        "cycles": profile.cycles,
        "exact": profile.exact,
        "samples": profile.samples,
        "labels": dict(profile.labels.most_common()),
        "lines": [
            {"path": place.path, "line": place.line, "cycles": cycles}
            for place, cycles in profile.lines.most_common()
        ],
        "functions": {
            name: {"self": own, "total": total} for name, (own, total) in profile.functions.items()
        },
        "paths": [
            {"path": list(path), "cycles": cycles} for path, cycles in profile.paths.most_common()
        ],
    }
