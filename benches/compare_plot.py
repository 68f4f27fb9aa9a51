"""The plot beside the page that `compare.py` writes; the same figures always give the same file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from compare_report import ENGINES, VARIANTS, Size
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Colours that people with a colour vision deficiency tell apart.
_COLOURS = ("#0072b2", "#e69f00", "#f0c35e", "#009e73", "#cc79a7")
_SETTINGS = {
    "svg.hashsalt": "watchspan",
    "font.family": "sans-serif",
    "axes.spines.right": False,
    "axes.spines.top": False,
}


def draw(sizes: Sequence[Size], path: Path) -> None:
    """Draws the seconds of each engine, a panel per size, with its ratio to watchspan."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(7.5, 0.6 + 1.9 * len(sizes)), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(len(sizes), squeeze=False)[:, 0]
        for size, panel in zip(sizes, panels):
            _draw_size(size, panel)
        panels[-1].set_xlabel("seconds of the first call in a process (median)")
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_size(size: Size, panel: Axes) -> None:
    names = [name for name in ENGINES if name in size.measured]
    seconds = [size.measured[name].typical("cold") for name in names]
    colours = [_COLOURS[ENGINES.index(name)] for name in names]
    bars = panel.barh([VARIANTS[name] for name in names], [value or 0 for value in seconds], color=colours)
    panel.bar_label(bars, [_label(size, name) for name in names], padding=4)
    panel.invert_yaxis()
    panel.set_title(f"{size.rows:,} events", loc="left", fontsize="medium")
    # Room for the labels.
    panel.set_xlim(0, 1.3 * max((value for value in seconds if value), default=1))


def _label(size: Size, name: str) -> str:
    seconds, ratio = size.measured[name].typical("cold"), size.ratio(name)
    if seconds is None:
        return "did not finish"
    return (
        f"{seconds:.3g} s" if ratio is None or name == "watchspan" else f"{seconds:.3g} s, {ratio:.1f} times"
    )
