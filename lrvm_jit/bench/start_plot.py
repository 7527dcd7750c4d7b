"""The picture of `python -m lrvm_jit.bench start --plot FILE`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

try:
    # A bare Figure draws into files, with Agg for .png: no window, no display, no global state.
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter
except ImportError as error:
    raise ImportError("a plot needs matplotlib: pip install 'lrvm-jit[plot]'") from error

from ..output_files import OutputFile
from .batch_plot import short

if TYPE_CHECKING:
    from .start import Row

COLORS = {"interpreter": "0.6", "cold": "tab:red", "disk": "tab:blue"}
LABELS = {
    "interpreter": "interpreter",
    "cold": "auto, new program",
    "disk": "auto, known on disk",
    "peak": "auto, peak",
    "native": "C, -O2",
}
COLUMNS = 3


def save(rows: Sequence[Row], path: Path) -> None:
    """Draw into a file."""
    with OutputFile(path) as file:
        draw(rows).savefig(file, dpi=120, format=path.suffix.removeprefix(".") or None)


def draw(rows: Sequence[Row]) -> Figure:
    """A panel for each program: instructions done over the time since `run()`, both logarithmic.
    Full speed and native code are straight lines."""
    columns = min(COLUMNS, len(rows))
    lines = math.ceil(len(rows) / columns)
    figure = Figure(figsize=(3.6 * columns, 3 * lines + 0.4), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).flatten()
    for panel in panels[len(rows) :]:
        panel.set_visible(False)
    for panel, row in zip(panels, rows, strict=False):
        panel.set(xscale="log", yscale="log", title=row.program)
        panel.grid(True, which="major", color="0.88")
        panel.spines[["top", "right"]].set_visible(False)
        panel.xaxis.set_major_formatter(FuncFormatter(_seconds))
        panel.yaxis.set_major_formatter(FuncFormatter(short))
        for name, style, seconds in (
            ("peak", "--", row.seconds["peak"]),
            ("native", ":", row.native),
        ):
            if seconds:
                first = seconds / 100
                panel.plot(
                    [first, seconds],
                    [row.instructions / 100, row.instructions],
                    color="0.2",
                    linestyle=style,
                    linewidth=1,
                    label=LABELS[name],
                )
        for name, curve in row.curves.items():
            panel.plot(*zip(*curve, strict=True), color=COLORS[name], label=LABELS[name])
    figure.supxlabel("time since run()", fontsize=10)
    figure.supylabel("instructions done", fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure


def _seconds(value: float, _: object) -> str:
    """0.001 as 1 ms."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= size * 0.999:
            return f"{value / size:g} {unit}"
    return f"{value * 1e9:g} ns"
