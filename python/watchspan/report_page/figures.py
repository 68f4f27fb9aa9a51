"""The figures of the page, as JSON takes them; the page itself says in which words they are told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core
from watchspan.experiments.outcome import Comparison
from watchspan.insight.cohorts import WEEKS
from watchspan.insight.columns import COUNT, INSTANT, NUMBER, TABLES, OutputColumn
from watchspan.insight.options import Segments
from watchspan.insight.rows import Columns, chosen, plain
from watchspan.insight.thresholds import REST, SEGMENTS
from watchspan.report_page import words
from watchspan.report_page.curves import Drawn

# What the table of videos shows; the others are told of one video, and in what is downloaded.
SHOWN = (
    "videoTitle", "viewers", "watchHours", "completionRate", "coverage", "averageScore", "rewatchedShare",
    "flaggedShare",
)  # fmt: skip
_EXAMPLES = 3
# Digits after the point: with fewer, what is rounded again to be shown may become another figure.
_DIGITS = 6
_TABLES = ("video_totals", "user_totals", "cohorts", "completion", "moments")


def first(totals: pa.Table, top: int) -> pa.Table:
    """The videos with the most hours watched, in that order.

    Args:
        totals: Those of all videos.
        top: How many.
    """
    order = pc.sort_indices(totals, sort_keys=[("watchHours", "descending"), ("videoId", "ascending")])
    return totals.take(order.slice(0, top))


def of_videos(table: pa.Table, videos: pa.ChunkedArray) -> pa.Table:
    """The rows of some videos."""
    key = plain(table, "engagement", ("videoId",))["videoId"]
    return chosen(table, pc.is_in(key, value_set=videos.combine_chunks()))


def guessed(table: pa.Table) -> set[Any]:
    """The videos whose duration is a guess."""
    found = plain(table, "engagement", ("videoId", "durationSource"))
    is_guess = pc.fill_null(pc.equal(found["durationSource"], "estimated"), False)
    return set(pc.unique(found["videoId"].filter(is_guess)).to_pylist())


def cells(totals: pa.Table, drawn: Drawn, guesses: set[Any]) -> dict[str, Any]:
    """The videos, column by column: their totals, and where each loses most of its viewers."""
    keys = totals["videoId"].to_pylist()
    specs = TABLES["video_totals"].columns
    return {
        "columns": [
            {"name": spec.name, "title": heading(spec.name), "doc": spec.doc, "kind": kind(spec),
             "isShown": spec.name in SHOWN}
            for spec in specs
        ],
        "values": {spec.name: values(totals[spec.name], spec) for spec in specs},
        "curve": [drawn.places.get(key, -1) for key in keys],
        "seconds": [drawn.seconds.get(key) for key in keys],
        "isGuessed": [int(key in guesses) for key in keys],
        "leaving": [drawn.worst.get(key) for key in keys],
        "layout": drawn.layout,
        "began": drawn.began,
        "mature": drawn.mature,
    }  # fmt: skip


def values(column: pa.ChunkedArray, spec: OutputColumn) -> list[Any]:
    """A column's values: keys as text, as JavaScript has not every number; instants as seconds since 1970."""
    if spec.type == INSTANT:
        return [micros // 1_000_000 for micros in column.cast(pa.int64()).to_pylist()]
    if spec.type == NUMBER:
        return [None if value is None else round(value, _DIGITS) for value in column.to_pylist()]
    if spec.type == COUNT:
        return list(column.to_pylist())
    return [None if value is None else str(value) for value in column.to_pylist()]


def kind(spec: OutputColumn) -> str:
    """How a column's values are shown."""
    if spec.type == NUMBER:
        return {"0 to 1": "share", "s of content": "clock"}.get(spec.unit, "number")
    return {COUNT: "count", INSTANT: "day"}.get(spec.type, "text")


def heading(name: str) -> str:
    """A column's name as a heading.

    >>> heading("reached100")
    'Reached 100'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name).capitalize()


def quality(
    how: dict[str, Any], summary: dict[str, Any], some: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What was dropped, if the rows still say it, and which flags they carry, with examples.

    Args:
        how: What the rows say of themselves.
        summary: What they come to, as `watchspan.summarize` has it.
        some: Flag -> some rows that have it.
    """
    told, docs = how.get("report"), dict(_core.drop_reasons())
    drops = told and [
        {"name": reason, "count": count, "doc": docs.get(reason, "")}
        for reason, count in told["dropped"].items()
    ]
    flags = [
        {"name": name, "count": summary["flags"][name], "doc": doc, "examples": some.get(name, ())}
        for name, doc in _core.flag_specs()
    ]
    rows = {"rows": summary["rows"], "clean": summary["flags"]["ok"]}
    return {
        "read": told and told["read"],
        "kept": told and told["kept"],
        "drops": drops,
        "flags": flags,
        **rows,
    }


def examples(table: pa.Table, users: bool) -> dict[str, list[str]]:
    """For each flag some videos, and users if they may be named, whose rows have it as their first."""
    found = plain(table, "engagement", ("userId", "videoId", "videoTitle", "dataQualityFlag"))
    return {flag: _examples(found, flag, users) for flag, _ in _core.flag_specs()}


def _examples(found: Columns, flag: str, users: bool) -> list[str]:
    flagged = pc.equal(found["dataQualityFlag"], flag)
    some = {name: column.filter(flagged).slice(0, _EXAMPLES).to_pylist() for name, column in found.items()}
    rows = zip(some["userId"], some["videoId"], some["videoTitle"])
    texts = [
        (f"{user}: " if users else "") + str(video if title is None else title) for user, video, title in rows
    ]
    return list(dict.fromkeys(texts))


def overview(summary: dict[str, Any], totals: pa.Table, seen: pa.Table) -> dict[str, Any]:
    """What all rows come to, and how much of it the videos have that are shown."""
    names = ("users", "videos", "rows", "sessions", "events", "watch_time_hours", "completion_rate", "tiers")
    hours = [pc.sum(table["watchHours"]).as_py() or 0.0 for table in (totals, seen)]
    return {
        **{name: summary[name] for name in names},
        "median": summary["watch_time_seconds"]["median"],
        "shown": seen.num_rows,
        "hiddenHours": hours[0] - hours[1],
    }


def newest(cohorts: pa.Table) -> pa.Table:
    """Those rows of a table of cohorts that are shown."""
    weeks = sorted(pc.unique(cohorts["cohort"]).to_pylist())[-WEEKS:]
    is_new = pc.is_in(cohorts["cohort"], value_set=pa.array(weeks, cohorts["cohort"].type))
    return cohorts.filter(pc.and_(is_new, pc.less(cohorts["period"], WEEKS)))


def kinds(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """How many users are of each kind.

    Args:
        counts: Kind -> how many, where there are any.
    """
    return [
        {"name": name, "doc": _with_values(doc), "users": counts.get(name, 0)}
        for name, doc in (*SEGMENTS, REST)
    ]


def _with_values(doc: str) -> str:
    """What a segment is, each threshold with its value."""
    used = asdict(Segments())
    return re.sub(
        r"`(\w+)`", lambda name: name[0] + (f" ({used[name[1]]:g})" if name[1] in used else ""), doc
    )


def most(totals: pa.Table, count: int) -> dict[str, Any]:
    """The users who watched most."""
    order = pc.sort_indices(totals, sort_keys=[("watchHours", "descending"), ("userId", "ascending")])
    found, specs = totals.take(order.slice(0, count)), TABLES["user_totals"].columns
    return {
        "columns": [{"name": s.name, "title": heading(s.name), "doc": s.doc, "kind": kind(s)} for s in specs],
        "values": {spec.name: values(found[spec.name], spec) for spec in specs},
    }


def experiment(found: Comparison) -> dict[str, Any]:
    """What an experiment changed, in the words that it is printed in."""
    columns, *rows = found.cells()
    return {"notes": found.notes(), "columns": columns, "rows": rows}


def definitions() -> list[dict[str, Any]]:
    """What each figure means, as the columns' own list has it."""
    tables = [TABLES[name] for name in _TABLES]
    found = [
        {"title": t.title, "doc": t.doc, "rows": [[c.name, c.doc, c.unit] for c in t.columns]} for t in tables
    ]
    retention = [[spec["name"], spec["doc"], spec["unit"]] for spec in _core.column_specs("retention")]
    return [*found, {"title": "Retention", "doc": "Where viewers are.", "rows": retention}]


def said() -> dict[str, Any]:
    """The words that the page fills in."""
    return {
        "moments": words.MOMENTS,
        "overview": words.OVERVIEW,
        "sentences": words.SENTENCES,
        "charts": words.CHARTS,
    }
