"""The page's charts: those of `watchspan.plots`, into which the page puts the data of one video."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from watchspan import plots
from watchspan.experiments.outcome import Comparison
from watchspan.plots.positions import COMPLETION, MOMENTS, RETENTION, TYPICAL

Spec = dict[str, Any]


def specs(rows: pa.Table, cohorts: pa.Table | None, experiment: Comparison | None) -> dict[str, Spec]:
    """The charts as Vega has them; those of one video without its data.

    Args:
        rows: Engagement rows.
        cohorts: Their cohorts, or None.
        experiment: Groups of their users, compared, or None.
    """
    of_videos = {
        "retention": plots.retention(_none(RETENTION), _none(MOMENTS), _none(TYPICAL)),
        "rewatched": plots.rewatched(_none(RETENTION)),
        "leaving": plots.drop_off(_none(COMPLETION)),
        "completion": plots.completion(_none(COMPLETION)),
    }
    found = {**of_videos, "scores": plots.scores(rows), "tiers": plots.tiers(rows)}
    if cohorts is not None and cohorts.num_rows:
        found["cohorts"] = plots.cohorts(cohorts)
    if experiment is not None:
        found["comparison"] = plots.comparison(experiment)
    return {name: _compiled(chart) for name, chart in found.items()}


def _none(names: tuple[str, ...]) -> pa.Table:
    return pa.table({name: pa.nulls(0) for name in names})


def _compiled(chart: Any) -> Spec:
    """A chart as Vega draws it, without its title, which is a heading of the page."""
    spec: Spec = chart.to_dict(format="vega")
    spec.pop("title", None)
    _hush(spec)
    return spec


def _hush(part: Spec) -> None:
    """Leaves it to the chart's description to tell what it shows: its marks alone tell nobody anything."""
    for kind in ("marks", "axes", "legends"):
        for below in part.get(kind, ()):
            below["aria"] = False
            _hush(below)
