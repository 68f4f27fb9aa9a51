"""The charts of `watchspan.plots` as the dashboard's Vega widget takes them."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa

from watchspan import plots
from watchspan.plots.people import COHORTS
from watchspan.plots.positions import RETENTION
from watchspan.plots.style import GREY

Spec = dict[str, Any]
# What the widget calls the rows of its query.
_ROWS = {"name": "databricks_query"}
# Of the versions that the widget is known to draw the older; the charts use nothing newer.
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# Fonts, grounds and lines are left to the theme of the dashboard, which may be light or dark.
_CONFIG = {
    "autosize": {"type": "fit", "contains": "padding"},
    "view": {"stroke": None},
    "legend": {"orient": "top", "labelLimit": 400},
    "text": {"color": GREY},
}
# How many of something there are, along an axis that knows nothing of the rows to come.
_COUNTS = {"tickCount": 5, "tickMinStep": 1}
# Of a chart, what the frame of a widget and the dashboard say.
_LEFT_OUT = ("$schema", "config", "title", "description", "width", "height", "datasets")


def charts() -> dict[str, Spec]:
    """The charts by the dataset that they draw; `rewatched` draws `positions` too."""
    rows = pa.table(
        {"engagementScore": pa.array([], pa.float64()), "engagementTier": pa.array([], pa.string())}
    )
    return {
        "tiers": _spec(plots.tiers(rows), "How many viewers of a video are in each engagement tier."),
        "scores": _spec(plots.scores(rows), "How engagement scores are spread."),
        "positions": _spec(
            plots.retention(_none(RETENTION)), "Share of the viewers of a video who watched each part of it."
        ),
        "rewatched": _spec(
            plots.rewatched(_none(RETENTION)), "How often viewers played each part of a video, also again."
        ),
        "cohorts": _spec(
            plots.cohorts(_none(COHORTS)), "Share of those who began in a week who came back in later ones."
        ),
    }


def text_of(spec: Spec) -> str:
    """A chart as the widget holds it: as text."""
    return json.dumps(spec, separators=(",", ":"), ensure_ascii=False)


def fields_of(spec: Spec, columns: tuple[str, ...]) -> list[str]:
    """Those of these columns that a chart reads."""
    text = text_of(spec)
    return [name for name in columns if re.search(rf"\b{re.escape(name)}\b", text)]


def _none(names: tuple[str, ...]) -> pa.Table:
    return pa.table({name: pa.nulls(0) for name in names})


def _spec(chart: Any, description: str) -> Spec:
    found = chart.to_dict()
    kept = {key: part for key, part in found.items() if key not in _LEFT_OUT}
    size = {"width": "container", "height": "container"}
    said = {"$schema": _SCHEMA, "description": description, "data": _ROWS, **size, "config": _CONFIG}
    return {**said, **_without_rows(kept)}


def _without_rows(part: Any) -> Any:
    """A part of a chart without rows of its own, their order, which a query's have not, or their numbers."""
    if isinstance(part, list):
        return [_without_rows(below) for below in part]
    if not isinstance(part, dict):
        return part
    if part.get("field") == "rows" and "axis" in part:
        axis = {key: below for key, below in part["axis"].items() if key != "values"}
        part = {**part, "axis": {**axis, **_COUNTS}}
    return {
        key: _without_rows(below)
        for key, below in part.items()
        if key != "data" and not (key == "sort" and below is None)
    }
