"""The chart of an experiment."""

from __future__ import annotations

from typing import Any

import altair as alt

from watchspan.experiments.outcome import TOLD, Comparison
from watchspan.plots.inputs import Row, rows_of
from watchspan.plots.style import BLUE, GREY, VERMILLION, WIDTH, finished
from watchspan.text import visible

_COMPARISON = (
    "metric", "group", "control", "users", "usersControl", "relative", "relativeLow", "relativeHigh",
    "pValueAdjusted", "isSignificant",
)  # fmt: skip
# What is said of a difference, with a colour and a shape of its own.
_KINDS = dict(zip(TOLD.values(), [(BLUE, "circle"), (GREY, "square"), (VERMILLION, "cross")]))
_CELL = 26


def comparison(table: Any) -> Any:
    """Draws what an experiment changed: the change of each metric beside the control, with its interval.

    Args:
        table: What `watchspan.compare` returns, or the table of it, in any form.

    Returns:
        A chart of layers: a point and an interval for each metric and group, and a line where nothing
        changed. Those without an interval have no line, those without a change no point.

    Raises:
        MissingColumnError: If a column is not there.
        SourceError: If the table cannot be read.
    """
    rows = rows_of(table.table if isinstance(table, Comparison) else table, _COMPARISON, "compare")
    groups = {row["group"] for row in rows}
    named = [
        {**row, "what": _what(row, len(groups) > 1), "told": TOLD[row["isSignificant"]]} for row in rows
    ]  # What is null is left out by whatever draws, but not by all of them in the same way.
    values = [row for row in named if row["relative"] is not None]
    order = [row["what"] for row in values]
    shown = [told for told in _KINDS if any(row["told"] == told for row in values)]
    scale = {"domain": shown, "range": [_KINDS[told][0] for told in shown]}
    shapes = {"domain": shown, "range": [_KINDS[told][1] for told in shown]}
    legend = alt.Legend(title=None)
    base = alt.Chart(alt.Data(values=values, name="comparison")).encode(
        y=alt.Y("what:N", sort=order, axis=alt.Axis(title=None, labelLimit=300, grid=True)),
        color=alt.Color("told:N", scale=alt.Scale(**scale), legend=legend),
    )
    axis = alt.Axis(title=f"Change beside {_control(rows)}, with its interval", format="+.0%", tickCount=7)
    at = alt.Scale(zero=True, nice=True)
    interval = (
        base.transform_filter("isValid(datum.relativeLow)")
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("relativeLow:Q", axis=axis, scale=at), x2="relativeHigh:Q")
    )
    point = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("relative:Q", axis=axis, scale=at),
        shape=alt.Shape("told:N", scale=alt.Scale(**shapes), legend=legend),
    )
    nothing = (
        alt.Chart(alt.Data(values=[{"at": 0}], name="nothing"))
        .mark_rule(color=GREY, strokeDash=[4, 3])
        .encode(x=alt.X("at:Q", axis=axis, scale=at))
    )
    chart = alt.layer(nothing, interval, point)
    return finished(chart, "What changed", _said(rows), (WIDTH, alt.Step(_CELL)))


def _what(row: Row, has_groups: bool) -> str:
    return visible(f"{row['metric']} · {row['group']}" if has_groups else row["metric"])


def _control(rows: list[Row]) -> str:
    return visible(rows[0]["control"]) if rows else "the control"


def _said(rows: list[Row]) -> str:
    found = [row for row in rows if row["isSignificant"]]
    told = ", ".join(f"{_what(row, True)} {row['relative'] or 0:+.1%}" for row in found) or "none"
    return f"Of {len(rows)} differences from {_control(rows)} these are told from chance: {told}."
