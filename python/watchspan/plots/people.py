"""Charts of rows and users: scores, tiers, and who comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import pyarrow.compute as pc

from watchspan.insight.rows import read
from watchspan.plots.inputs import Row, rows_of
from watchspan.plots.style import BLUE, GREY, WIDTH, finished
from watchspan.summary import BIN, TIERS

COHORTS = ("cohort", "group", "period", "cohortUsers", "activeUsers", "share", "isPartial")
# Up to so many periods a cell has room for its figure.
_MOST_TOLD = 16
_CELL, _STEP = 24, 40
# From which share on white is read better than black in a cell of these shades.
_SHADES, _DEEP = ["#e3eff7", "#005a8c"], 0.77


def scores(rows: Any) -> Any:
    """Draws how the engagement scores of rows are spread.

    Args:
        rows: A table of engagement rows, or the path of files that hold one.

    Returns:
        A chart of bars, each five points wide; a score of 100 is in the last.

    Raises:
        WatchspanError: As `watchspan.video_totals` does.
    """
    found, _ = read(rows, "engagement", ["engagementScore"])
    column = found["engagementScore"].drop_null()
    bins = pc.if_else(pc.equal(column, 100.0), 100.0 // BIN - 1, pc.floor(pc.divide(column, float(BIN))))
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(bins).to_pylist()}
    return scores_of(counts, pc.quantile(column, 0.5)[0].as_py() if len(column) else None)


def scores_of(counts: Mapping[float, int], middle: float | None = None) -> Any:
    """The chart of `scores` from how many rows each bin has.

    Args:
        counts: Number of a bin, `BIN` points wide -> rows.
        middle: The median, for those who hear what the chart shows; None if nobody knows it.
    """
    # Weights of one's own may lead beyond 0 and 100.
    numbers = range(int(min([0, *counts])), int(max([100 // BIN - 1, *counts])) + 1)
    values = [{"from": n * BIN, "to": (n + 1) * BIN, "rows": counts.get(n, 0)} for n in numbers]
    chart = alt.Chart(alt.Data(values=values, name="scores")).mark_bar(color=BLUE, opacity=0.85)
    axis = alt.Axis(
        title="Engagement score (points)",
        grid=False,
        values=[n * BIN for n in [*numbers, numbers.stop][::2]],
    )
    encoded = chart.encode(
        x=alt.X("from:Q", bin="binned", axis=axis),
        x2="to:Q",
        y=alt.Y("rows:Q", axis=_counts("Viewers of a video", counts.values())),
    )
    said = f"Scores of {sum(counts.values()):,} rows" if counts else "No scores"
    said += "." if middle is None else f"; the median is {middle:.0f}."
    return finished(encoded, "Scores", said)


def _counts(title: str, shown: Iterable[int]) -> Any:
    most = max(shown, default=0)
    # Few are told one by one: between them Vega would tell of halves, rounded.
    return alt.Axis(
        title=title, format=",d", **({"values": [*range(most + 1)]} if most < 5 else {"tickCount": 5})
    )


def tiers(rows: Any) -> Any:
    """Draws how many rows each engagement tier has.

    Args:
        rows: As for `scores`.

    Returns:
        A chart of bars, each with its figure; `unscored` are rows without a duration.

    Raises:
        WatchspanError: As `watchspan.video_totals` does.
    """
    found, _ = read(rows, "engagement", ["engagementTier"])
    column = pc.fill_null(found["engagementTier"], "unscored")
    return tiers_of({entry["values"]: entry["counts"] for entry in pc.value_counts(column).to_pylist()})


def tiers_of(counts: Mapping[str, int]) -> Any:
    """The chart of `tiers` from how many rows each has.

    Args:
        counts: Tier, or `unscored` -> rows.
    """
    every, rows = [*TIERS, "unscored"], max(1, sum(counts.values()))
    values = [
        {"tier": tier, "rows": counts.get(tier, 0), "share": counts.get(tier, 0) / rows} for tier in every
    ]
    base = alt.Chart(alt.Data(values=values, name="tiers")).encode(
        x=alt.X("rows:Q", axis=_counts("Viewers of a video", counts.values())),
        y=alt.Y("tier:N", sort=every, axis=alt.Axis(title=None, ticks=False, domain=False)),
    )
    bars = base.mark_bar(color=BLUE, opacity=0.85)
    figures = base.mark_text(align="left", dx=4).encode(text=alt.Text("share:Q", format=".0%"))
    told = ", ".join(f"{value['tier']} {value['rows']:,}" for value in values)
    return finished(alt.layer(bars, figures), "Tiers", f"Rows by tier: {told}.", (WIDTH, alt.Step(_CELL)))


def cohorts(table: Any) -> Any:
    """Draws which share of each cohort came back, period by period.

    Args:
        table: A table of `watchspan.cohorts`, in any form.

    Returns:
        A chart of layers: a cell for each cohort and period, with its figure where there is room. Periods
        that are not over have a dashed frame.

    Raises:
        MissingColumnError: If a column is not there.
        SourceError: If the table cannot be read.
    """
    cells = rows_of(table, COHORTS, "cohorts")
    values = [{**cell, "who": _who(cell)} for cell in cells]
    base = alt.Chart(alt.Data(values=values, name="cohorts")).encode(
        x=alt.X("period:O", axis=alt.Axis(title="Periods after the first", labelAngle=0)),
        y=alt.Y("who:N", sort=None, axis=alt.Axis(title=None, labelLimit=300)),
    )
    shade = alt.Scale(domain=[0, 1], range=_SHADES)
    legend = alt.Legend(title="Came back", format=".0%", tickCount=3)
    cell = base.mark_rect().encode(color=alt.Color("share:Q", scale=shade, legend=legend))
    frame = base.transform_filter("datum.isPartial").mark_rect(
        filled=False, fillOpacity=0, stroke=GREY, strokeWidth=2, strokeDash=[4, 3]
    )
    layers = [cell, frame]
    if max((cell["period"] for cell in cells), default=0) <= _MOST_TOLD:
        ink = alt.condition(f"datum.share > {_DEEP}", alt.value("#ffffff"), alt.value("#000000"))
        layers.append(base.mark_text().encode(text=alt.Text("share:Q", format=".0%"), color=ink))
    first = {cell["who"]: cell["cohortUsers"] for cell in values}
    said = f"Who of {sum(first.values()):,} users in {len(first):,} cohorts came back in later periods."
    return finished(alt.layer(*layers), "Who comes back", said, (alt.Step(_STEP), alt.Step(_CELL)))


def _who(cell: Row) -> str:
    group = f" · {cell['group']}" if cell["group"] is not None else ""
    return f"{cell['cohort']}{group} ({cell['cohortUsers']:,})"
