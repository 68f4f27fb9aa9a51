"""How charts look: colours that everybody can tell apart, and nothing that is left to whoever draws them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import altair as alt

# The colours of Okabe and Ito, which are told apart by all kinds of eyes. Those that stand out from a white
# and from a black ground alike are for lines; every line has a dash of its own too, and every point a shape.
BLUE, VERMILLION, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
GREY = "#808080"
# Of text, and of what is behind the marks, on a light and on a dark ground.
INK = {"light": ("#2b2b2b", "#d0d0d0"), "dark": ("#e4e4e4", "#4a4a4a")}
WIDTH, HEIGHT = 640, 240
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_SIZE = 12
# How far apart positions are that an axis names, seconds of content: the first that leaves it room.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 9
# A position in a video, as people write it.
CLOCK = "format(floor(datum.value / 60), 'd') + ':' + format(floor(datum.value % 60), '02d')"


def finished(chart: Any, title: str | Sequence[str], description: str, size: Any = (WIDTH, HEIGHT)) -> Any:
    """The chart with its title, what it shows in words, its size, and the look that all have.

    Args:
        chart: A chart, or layers of them.
        title: What stands above it; no line at all if it is empty.
        description: What it shows, for those who hear it.
        size: Its width and height in points, without axes; either may be a step, as Altair has it.
    """
    width, height = size
    named = {"title": title} if title else {}
    return _looking(chart.properties(description=description, width=width, height=height, **named), "light")


def dark(chart: Any) -> Any:
    """The chart with text for a dark ground; the ground itself is transparent.

    Args:
        chart: One of the charts of this package. It stays as it is.

    >>> import watchspan as ws
    >>> from watchspan import plots
    >>> chart = plots.tiers(ws.aggregate([]))
    >>> [c.to_dict()["config"]["axis"]["labelColor"] for c in (chart, plots.dark(chart))]
    ['#2b2b2b', '#e4e4e4']
    """
    return _looking(copy.deepcopy(chart), "dark")


def _looking(chart: Any, ground: str) -> Any:
    chart.config = alt.Config(**look(ground))
    return chart


def look(ground: str) -> dict[str, Any]:
    """Vega-Lite's configuration for a `light` or a `dark` ground."""
    ink, line = INK[ground]
    text = {"labelColor": ink, "titleColor": ink, "labelFont": _FONT, "titleFont": _FONT}
    sizes = {"labelFontSize": _SIZE, "titleFontSize": _SIZE, "titleFontWeight": "normal"}
    lines = {"gridColor": line, "domainColor": line, "tickColor": line, "gridOpacity": 0.6}
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {**text, **sizes, **lines},
        "legend": {**text, **sizes, "orient": "top", "symbolStrokeWidth": 2, "labelLimit": 400},
        "title": {
            "color": ink, "subtitleColor": ink, "font": _FONT, "subtitleFont": _FONT, "fontSize": 14,
            "subtitleFontSize": _SIZE, "anchor": "start", "fontWeight": "bold",
        },
        "text": {"color": ink, "font": _FONT, "fontSize": _SIZE},
    }  # fmt: skip


def seconds_axis(title: str = "Position in the video (min:s)") -> Any:
    """The axis along a video."""
    end = "domain('x')[1]"
    step = (
        " : ".join(f"{end} < {_MOST_TICKS * step} ? {step}" for step in _STEPS) + f" : {end} / {_MOST_TICKS}"
    )
    values = alt.ExprRef(f"sequence(0, {end} + 1, {step})")
    return alt.Axis(title=title, labelExpr=CLOCK, grid=False, values=values, labelOverlap=True)


def share_axis(title: str) -> Any:
    """The axis of shares, told in percent."""
    return alt.Axis(title=title, format=".0%", tickCount=5)
