"""The page of some rows: what is in it, computed once."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import sources
from watchspan._core import version
from watchspan.experiments.assignment import read_groups
from watchspan.experiments.comparing import compare
from watchspan.experiments.outcome import Comparison
from watchspan.insight.cohorts import cohorts
from watchspan.insight.segments import segments
from watchspan.insight.totals import user_totals, video_totals
from watchspan.plots.inputs import rows_of
from watchspan.plots.positions import SHAPES
from watchspan.report import read_metadata
from watchspan.report_page import assembly, charts, curves, figures
from watchspan.summary import summarize

# How many of the users who watched most are named.
_MOST_USERS = 20


def page_of(rows: Any, sessions: Any, videos: Any, groups: Any, top: int, title: str, users: bool) -> str:
    """The page as text.

    Args:
        rows: Engagement rows.
        sessions: The session rows of the same events, or None.
        videos: Durations and titles, or None.
        groups: Who is in which group of an experiment, or None.
        top: How many videos to show.
        title: What the page is called.
        users: Whether users may be named.
    """
    how, table = read_metadata(rows) or {}, sources.read_table(rows)
    totals, summary = video_totals(table), summarize(table, top=0)
    seen, visits = figures.first(totals, top), None if sessions is None else sources.read_table(sessions)
    shown = table if seen.num_rows == totals.num_rows else figures.of_videos(table, seen["videoId"])
    drawn = curves.drawn(shown, videos)
    experiment = None if groups is None else _compared(table, visits, videos, groups)
    weeks = None if visits is None else figures.newest(cohorts(visits))
    kinds = segments(table) if visits is None else segments(visits, videos=videos)
    blocks = {
        "cells": figures.cells(seen, drawn, figures.guessed(shown)),
        "curves": drawn.packed,
        "moments": drawn.moments,
        "page": {
            "version": version,
            "fewest": curves.FEWEST,
            "placed": list(SHAPES),
            "quality": figures.quality(how, summary, figures.examples(table, users)),
            "overview": figures.overview(summary, totals, seen),
            "cohorts": None if weeks is None else rows_of(weeks, weeks.column_names, "cohorts"),
            "experiment": experiment and figures.experiment(experiment),
            "segments": figures.kinds(_counts(kinds["segment"])),
            "users": figures.most(user_totals(table), _MOST_USERS) if users else None,
            "definitions": figures.definitions(),
            "words": figures.said(),
        },
        "charts": charts.specs(table, weeks, experiment),
    }
    return assembly.page(title, blocks)


def _counts(names: pa.ChunkedArray) -> dict[str, int]:
    return {each["values"]: each["counts"] for each in pc.value_counts(names).to_pylist()}


def _compared(table: pa.Table, visits: pa.Table | None, videos: Any, groups: Any) -> Comparison:
    """The groups, by the sessions since each user was exposed where that is told, else by the rows."""
    assigned = read_groups(groups)
    if visits is not None and "exposedAt" in assigned.column_names:
        return compare(visits, assigned, videos=videos)
    return compare(table, assigned)
