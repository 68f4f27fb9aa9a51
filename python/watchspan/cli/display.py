"""Tables and figures as a person reads them."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Any, Iterable, Mapping, Optional, Sequence, Union

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchspan import _core
from watchspan.instants import clock
from watchspan.sources import Overflow
from watchspan.text import visible

__all__ = ["closing", "drops", "grid", "heading", "lines", "preview", "record", "records", "story", "summary"]

# What of a table fits on a screen.
_PREVIEWS = {
    "engagement": (
        "userId",
        "videoId",
        "totalWatchTime",
        "uniqueWatchPercentage",
        "sessionCount",
        "engagementScore",
        "engagementTier",
        "dataQualityFlag",
    ),
    "sessions": (
        "userId",
        "videoId",
        "sessionId",
        "sessionStart",
        "watchTime",
        "uniqueSecondsWatched",
        "maxPosition",
        "openSegmentCount",
    ),
    "retention": (
        "videoId",
        "videoTitle",
        "users",
        "bucket",
        "startSeconds",
        "endSeconds",
        "audience",
        "retention",
        "plays",
    ),
    "video_totals": (
        "videoId",
        "videoTitle",
        "viewers",
        "sessions",
        "watchHours",
        "completionRate",
        "coverage",
        "averageScore",
    ),
    "daily": ("videoId", "day", "hour", "viewers", "sessions", "watchHours"),
    "cohorts": (
        "cohort",
        "group",
        "period",
        "cohortUsers",
        "activeUsers",
        "share",
        "watchHours",
        "isPartial",
    ),
    "completion": (
        "videoId",
        "bucket",
        "startSeconds",
        "viewers",
        "completed",
        "probability",
        "probabilityLow",
        "probabilityHigh",
        "leftOut",
    ),
    "segments": (
        "userId",
        "videos",
        "watchHours",
        "completionRate",
        "coverage",
        "firstSeen",
        "lastSeen",
        "segment",
    ),
    "predictions": (
        "userId",
        "videoId",
        "reach",
        "lastWatchDate",
        "probability",
        "curveProbability",
        "basis",
        "until",
    ),
    "typical": ("lengthClass", "bucket", "p25", "median", "p75", "videos"),
    "moments": (
        "videoId",
        "videoTitle",
        "kind",
        "startSeconds",
        "endSeconds",
        "size",
        "sizeLow",
        "sizeHigh",
        "viewers",
    ),
    "user_totals": (
        "userId",
        "videos",
        "sessions",
        "watchHours",
        "completionRate",
        "coverage",
        "averageScore",
        "lastSeen",
    ),
}
_PREVIEW_ROWS = 10
_LONG_TEXT = 60


def console() -> Console:
    """Standard output. A pipe has no width, so there the tables get what they need."""
    is_known = (sys.stdout is not None and sys.stdout.isatty()) or "COLUMNS" in os.environ
    return Console(width=None if is_known else 160, highlight=False)


def heading(text: str) -> None:
    """Prints what the lines below are about."""
    out = console()
    out.print()
    out.print(Text(visible(text), style="bold"))


def grid(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints rows of values below a header: numbers to the right, text to the left."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=any(header))
    columns = list(zip(*rows)) or [() for _ in header]
    for name, values in zip(header, columns):
        is_number = any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        # As Text: a name would be read for marks of style, as in [red].
        table.add_column(Text(visible(name)), justify="right" if is_number else "left", overflow="fold")
    for cells in zip(*map(_cells, columns)):
        table.add_row(*(Text(visible(text)) for text in cells))
    console().print(table)


def _cells(values: Sequence[Any]) -> list[str]:
    """The values of a column, its numbers with equally many decimals."""
    if any(isinstance(value, float) and not value.is_integer() for value in values):
        return [f"{value:,.2f}" if isinstance(value, float) else cell(value) for value in values]
    return [cell(value) for value in values]


def cell(value: Any) -> str:
    """A value as text that is short enough for a cell."""
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return clock(value, between=" ").rstrip("0").removesuffix(".")
    if isinstance(value, list):
        return _list(value)
    return str(value)


def _list(values: list[Any]) -> str:
    texts = []
    for value in values:
        if isinstance(value, dict):
            texts.append("-".join(cell(part) for part in value.values()))
        else:
            texts.append(cell(value))
    text = ", ".join(texts) or "-"
    return text if len(text) <= _LONG_TEXT else text[: _LONG_TEXT - 3] + "..."


def records(table: pa.Table) -> list[dict[str, Any]]:
    """The rows as dicts; instants are in UTC, and do not say so.

    Pyarrow before 12 needs another package to make datetimes with a zone.
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.timestamp("us")))
    return list(table.to_pylist())


def preview(table: Union[pa.Table, Overflow], kind: str) -> None:
    """Prints the first rows of a result, and the columns of it that matter most."""
    names = [name for name in _PREVIEWS[kind] if name in table.schema.names]
    head = (table if isinstance(table, pa.Table) else table.head(_PREVIEW_ROWS)).select(names)
    head = head.slice(0, _PREVIEW_ROWS)
    grid(names, [list(found.values()) for found in records(head)])
    console().print(
        f"{head.num_rows:,} of {table.num_rows:,} rows, {len(names)} of {len(table.schema)} columns; "
        "-o FILE writes all of them."
    )


def closing(report: Mapping[str, Any]) -> str:
    """What was read, kept and dropped, in one line."""
    dropped = {reason: count for reason, count in report["dropped"].items() if count}
    text = f"{report['read']:,} events read, {report['kept']:,} kept"
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        text += f", {sum(dropped.values()):,} dropped ({reasons})"
    return text + "."


def drops(report: Mapping[str, Any]) -> None:
    """Prints how many events were dropped, by reason."""
    meaning = dict(_core.drop_reasons())
    found = [(reason, count, meaning.get(reason, "")) for reason, count in report["dropped"].items() if count]
    total = sum(count for _, count, _ in found)
    share = f" ({total / report['read']:.2%})" if report["read"] else ""
    console().print(f"{report['read']:,} events read, {report['kept']:,} kept, {total:,} dropped{share}")
    if found:
        grid(("reason", "events", "meaning"), found)


def lines(texts: Iterable[str]) -> None:
    """Prints texts, a line each."""
    for line in texts:
        console().print(Text(visible(line)), soft_wrap=True)


def summary(figures: Mapping[str, Any], top: int = 10) -> None:
    """Prints what `summarize` found."""
    rate = figures["completion_rate"]
    heading("In short")
    grid(
        ("", ""),
        [
            ("users", figures["users"]),
            ("videos", figures["videos"]),
            ("rows (user and video)", figures["rows"]),
            ("sessions", figures["sessions"]),
            ("events", figures["events"]),
            ("watch time, hours", figures["watch_time_hours"]),
            ("completed, % of rows", _times(rate, 100)),
            ("rows with a negative watch time", figures["negative_watch_time"]),
        ],
    )
    heading("Top videos")
    names = ("video", "title", "viewers", "hours watched", "completed, %", "average score")
    grid(names, [_top_video(video) for video in figures["top_videos"][:top]])
    _shares("Tiers", figures["tiers"], figures["rows"])
    _shares("Data quality flags", figures["flags"], figures["rows"])
    heading("Watch time per row, seconds")
    spread = figures["watch_time_seconds"]
    grid(list(spread), [[_rounded(value) for value in spread.values()]])


def _top_video(video: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        video["videoId"] if isinstance(video["videoId"], str) else str(video["videoId"]),
        video["videoTitle"],
        video["viewers"],
        _times(video["totalWatchTime"], 1 / 3600),
        _times(video["completionRate"], 100),
        video["averageScore"],
    )


def _times(value: Optional[float], factor: float) -> Optional[float]:
    return None if value is None else value * factor


def _rounded(value: Optional[float]) -> Optional[float]:
    return None if value is None else round(value, 2)


def _shares(title: str, counts: Mapping[str, int], rows: int) -> None:
    heading(title)
    found = [(name, count, count / rows * 100) for name, count in counts.items() if count]
    grid(("", "rows", "%"), found)


def story(events: Iterable[Mapping[str, Any]]) -> None:
    """Prints the rows of an explanation table: a viewer's events and how each was judged."""
    names = (
        "row",
        "time (UTC)",
        "session",
        "event",
        "position",
        "playing",
        "watch time",
        "play time",
        "lead",
        "what it shows",
    )
    rows = [
        (
            str(event["row"]) if event["row"] >= 0 else "",
            event["timestamp"],
            event["sessionId"] if event["sessionId"] is None else str(event["sessionId"]),
            event["eventName"],
            event["position"],
            event["playing"],
            event["watchTime"],
            event["playTime"],
            event["lead"],
            event["verdict"],
        )
        for event in events
    ]
    grid(names, rows)


def record(values: Mapping[str, Any]) -> None:
    """Prints one engagement row, a column a line."""
    units = {spec["name"]: spec["unit"] for spec in _core.column_specs("engagement")}
    grid(
        ("column", "value", ""), [(name, cell(value), units.get(name, "")) for name, value in values.items()]
    )
