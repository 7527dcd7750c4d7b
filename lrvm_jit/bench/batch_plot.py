"""The picture of `python -m lrvm_jit.bench batch --plot FILE`."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from .batch import Row

COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "v")


def save(rows: Sequence[Row], path: Path) -> None:
    """Draw into a file."""
    with OutputFile(path) as file:
        draw(rows).savefig(file, dpi=120, format=path.suffix.removeprefix(".") or None)


def draw(rows: Sequence[Row]) -> Figure:
    """Lanes and instructions a second over the number of lanes: a line for each length of lane
    (by colour) and number of threads (by style)."""
    lengths = sorted({row.instructions for row in rows})
    threads = sorted({row.threads for row in rows})
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, title in zip(panels, ("lanes a second", "MIPS of all lanes"), strict=True):
        panel.set(xscale="log", yscale="log", xlabel="lanes", title=title)
        panel.grid(True, which="major", color="0.88")
        panel.spines[["top", "right"]].set_visible(False)
        panel.xaxis.set_major_formatter(FuncFormatter(short))
    panels[0].yaxis.set_major_formatter(FuncFormatter(short))
    panels[1].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    for k, length in enumerate(lengths):
        for t, number in enumerate(threads):
            line = sorted(
                (row for row in rows if (row.instructions, row.threads) == (length, number)),
                key=lambda row: row.lanes,
            )
            lanes = [row.lanes for row in line]
            for panel, values in zip(
                panels,
                ([row.lanes_a_second for row in line], [row.mips for row in line]),
                strict=True,
            ):
                panel.plot(
                    lanes,
                    values,
                    color=COLORS[k % len(COLORS)],
                    linestyle=STYLES[t % len(STYLES)],
                    marker=MARKERS[t % len(MARKERS)],
                    markersize=5,
                    markerfacecolor="white" if t else None,
                    label=f"{length:,} instructions, "
                    f"{number} {'thread' if number == 1 else 'threads'}",
                )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(lengths),
        frameon=False,
    )
    return figure


def short(value: float, _: object) -> str:
    """10000 as 10 k."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
