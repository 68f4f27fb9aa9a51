"""The sections of the page, with the words, figures and charts of the report."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import streamlit as st

from watchspan import plots
from watchspan.errors import WatchspanError
from watchspan.insight.columns import TABLES
from watchspan.instants import clock, micros
from watchspan.live.kept import Kept, Standing
from watchspan.live.one_video import OneVideo, one_video
from watchspan.live.sums import Audience, Figures
from watchspan.masking import masked
from watchspan.plots.people import scores_of, tiers_of
from watchspan.report_page import figures, words
from watchspan.report_page.curves import FEWEST
from watchspan.text import visible, without_formulas

TOP = 10_000
_COLUMNS = {spec.name: spec for spec in TABLES["video_totals"].columns}
_FORMATS = {"share": "percent", "number": "%,.1f", "count": "%,d"}
_SAID = words.SENTENCES
# More of them leave no room for a date, or a million.
_IN_A_ROW = 5


def wrong(error: Exception, what: str) -> None:
    """Says why something cannot be shown."""
    st.error(f"{what} cannot be shown. The page looks again by itself.")
    st.text(visible(masked(str(error))))


def standing(seen: Standing, newest: int | None) -> str:
    """Which version is shown, and how old its newest event is, in words."""
    told = f"Version {seen.engagement.version:,} of the table. "
    if newest is None:
        told += "It has no rows yet."
    else:
        age = micros(datetime.now(timezone.utc)) - newest
        told += f"Newest event: {clock(newest)[:19]} UTC, {_age(age // 1_000_000)}."
    if seen.is_pending:
        told += (
            " A run goes on, or was stopped: the rows of some viewers are still to come; the next run makes "
            "them."
        )
    return told


def _age(seconds: int) -> str:
    """How long ago something was.

    >>> _age(-5), _age(61), _age(7_300), _age(200_000)
    ('in the future', '1 min ago', '2 h 1 min ago', '2 d 7 h ago')
    """
    if seconds < 0:
        return "in the future"
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days:,} d {hours} h ago"
    return (
        f"{hours} h {minutes} min ago" if hours else f"{minutes} min ago" if minutes else f"{seconds} s ago"
    )


def of_videos(kept: Kept, seen: Standing, found: Figures) -> Any:
    """Draws the sections that engagement rows tell.

    Args:
        kept: The tables.
        seen: Which state of them.
        found: What the engagement rows come to.

    Returns:
        The place of the figure that `of_users` knows.
    """
    shown = figures.first(found.totals, TOP)
    _quality(found)
    place = _overview(found, shown)
    _videos(shown)
    _one_video(kept, seen, found, shown)
    return place


def of_users(audience: Audience, place: Any) -> None:
    """Draws the sections that tell of users, and what everything means.

    Args:
        audience: What is known of users.
        place: Where how many there are belongs.
    """
    name, title, kind = words.OVERVIEW[0]
    place.metric(title, words.told(getattr(audience, name), kind))
    _cohorts(audience)
    _segments(audience)
    _definitions()


def _quality(found: Figures) -> None:
    st.header("Data quality", anchor="quality")
    quality = figures.quality({}, found.summary, found.examples)
    clean, rows = (words.told(quality[name], "count") for name in ("clean", "rows"))
    st.text(_SAID["clean"].format(clean=clean, rows=rows))
    flags = [flag for flag in quality["flags"] if flag["count"]]
    if not flags:
        return
    share = [words.told(flag["count"] / quality["rows"], "share") for flag in flags]
    _table(
        "Rows with a flag",
        {
            "Flag": [f"`{flag['name']}`" for flag in flags],
            "Rows": [words.told(flag["count"], "count") for flag in flags],
            "Share": share,
            "When": [flag["doc"] for flag in flags],
        },
    )
    for flag in flags:
        if flag["examples"]:
            st.text(
                f"{flag['name']}, for example: {'; '.join(map(visible, dict.fromkeys(flag['examples'])))}"
            )


def _table(caption: str, columns: dict[str, Sequence[str]]) -> None:
    """A small table of our own words; cells are Markdown."""
    st.table(columns, hide_index=True, alt=caption)


def _overview(found: Figures, shown: pa.Table) -> Any:
    st.header("Overview", anchor="overview")
    overview = figures.overview({**found.summary, "users": None}, found.totals, shown)
    places = _metrics(
        [(title, words.told(overview[name], kind), None) for name, title, kind in words.OVERVIEW]
    )
    more = found.totals.num_rows - shown.num_rows
    if more:
        hidden = {"shown": shown.num_rows, "more": more}
        told = {name: words.told(value, "count") for name, value in hidden.items()}
        st.text(_SAID["hidden"].format(**told, hours=words.told(overview["hiddenHours"], "number")))
    left, right = st.columns(2)
    _chart(left, "tiers", tiers_of(found.summary["tiers"]))
    _chart(right, "scores", scores_of(found.scores))
    return places[0]


def _metrics(entries: Sequence[tuple[str, str, str | None]]) -> list[Any]:
    """Figures side by side, each with its title and what it is; the place of each."""
    made: list[Any] = []
    for first in range(0, len(entries), _IN_A_ROW):
        columns = st.columns(_IN_A_ROW)
        for column, (title, value, doc) in zip(columns, entries[first : first + _IN_A_ROW]):
            made.append(column.empty())
            made[-1].metric(title, value, help=doc)
    return made


def _chart(place: Any, name: str, chart: Any) -> None:
    """A chart under its caption; what stands above it otherwise is the page's own."""
    chart.title = alt.Undefined
    drawn = plots.dark(chart) if st.context.theme.type == "dark" else chart
    # The chart's description tells what it shows: its marks alone tell nobody anything.
    drawn.config.mark = alt.MarkConfig(aria=False)
    place.markdown(f"**{words.CHARTS[name]}**")
    place.altair_chart(drawn, width="content" if name == "cohorts" else "stretch", theme=None)


def _videos(shown: pa.Table) -> None:
    st.header("Videos", anchor="videos")
    if not shown.num_rows:
        st.text(_SAID["noVideo"])
        return
    st.text("Those with the most hours watched come first; a heading sorts.")
    names = pc.coalesce(shown["videoTitle"], shown["videoId"].cast(pa.string()))
    table = shown.set_column(
        shown.schema.get_field_index("videoTitle"), "videoTitle", pa.array(map(visible, names.to_pylist()))
    )
    columns = [name for name in _COLUMNS if name in figures.SHOWN]
    st.dataframe(
        table.select(columns).replace_schema_metadata(None),
        hide_index=True,
        column_config={name: _column(name) for name in columns},
        alt="Videos, by hours watched",
    )
    st.download_button("Download as CSV", lambda: _csv(shown), "videos.csv", "text/csv", on_click="ignore")


def _column(name: str) -> Any:
    spec = _COLUMNS[name]
    kind, title, doc = figures.kind(spec), figures.heading(name), spec.doc
    if kind == "text":
        return st.column_config.TextColumn(title, help=doc, width="large")
    return st.column_config.NumberColumn(title, help=doc, format=_FORMATS[kind])


def _csv(shown: pa.Table) -> bytes:
    """All columns of the videos; what a spreadsheet would compute has a quote before it."""
    columns = [
        pa.chunked_array([without_formulas(chunk) for chunk in column.chunks], column.type)
        for column in shown.columns
    ]
    written = io.BytesIO()
    pyarrow.csv.write_csv(pa.table(columns, shown.column_names), written)
    return b"\xef\xbb\xbf" + written.getvalue()


def _one_video(kept: Kept, seen: Standing, found: Figures, shown: pa.Table) -> None:
    st.header("One video", anchor="video")
    if not shown.num_rows or found.newest is None:
        st.text(_SAID["noVideo"])
        return
    rows = shown.to_pylist()
    names = _names(rows)
    asked = st.query_params.get("video")
    first = next((place for place, row in enumerate(rows) if str(row["videoId"]) == asked), 0)
    place = st.selectbox(
        "Video",
        range(len(rows)),
        index=first,
        format_func=names.__getitem__,
        key="video",
        filter_mode="contains",
    )
    row = rows[place if isinstance(place, int) else first]
    st.query_params["video"] = str(row["videoId"])
    try:
        one = _read(kept, seen.engagement, row["videoId"], found.newest)
    except WatchspanError as error:
        wrong(error, "The video")
        return
    st.text(visible(str(row["videoId"] if row["videoTitle"] is None else row["videoTitle"])))
    has_curve = one.retention.num_rows > 0
    told = ["1 viewer" if row["viewers"] == 1 else f"{row['viewers']:,} viewers"]
    told += [_SAID["few"]] * (row["viewers"] < FEWEST["forMoments"])
    told += [_SAID["guessed"]] * one.is_guessed + [_SAID["noCurves"]] * (not has_curve)
    st.text("; ".join(told) + ".")
    kinds = {name: figures.kind(spec) for name, spec in _COLUMNS.items()}
    _metrics(
        [
            (figures.heading(name), _said(row[name], kind), _COLUMNS[name].doc)
            for name, kind in kinds.items()
            if kind != "text"
        ]
    )
    if has_curve:
        _curves(one)


def _said(value: Any, kind: str) -> str:
    return value.date().isoformat() if kind == "day" else words.told(value, kind)


def _names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What each video is called; those of one name have their id beside it."""
    names = [visible(str(row["videoId"] if row["videoTitle"] is None else row["videoTitle"])) for row in rows]
    taken: dict[str, int] = {}
    for name in names:
        taken[name] = taken.get(name, 0) + 1
    return [
        name if taken[name] == 1 else f"{name} ({visible(str(row['videoId']))})"
        for name, row in zip(names, rows)
    ]


_read = st.cache_data(
    one_video,
    max_entries=20,
    show_spinner="Reading the video\u2026",
    hash_funcs={Kept: lambda kept: kept.table},
)


def _curves(one: OneVideo) -> None:
    found = sorted(one.moments.to_pylist(), key=lambda row: row["startSeconds"])
    if found:
        st.markdown("\n".join(f"* {words.moment(row)}" for row in found))
    left, right = st.columns(2)
    _chart(left, "retention", plots.retention(one.retention, one.moments))
    _chart(right, "rewatched", plots.rewatched(one.retention))
    left, right = st.columns(2)
    _chart(left, "leaving", plots.drop_off(one.left))
    _chart(right, "completion", plots.completion(one.completion))
    if not one.completion["viewers"][0].as_py():
        right.text(_SAID["nobodyMature"])


def _cohorts(audience: Audience) -> None:
    st.header("Cohorts", anchor="cohorts")
    if audience.cohorts is None:
        st.text("Who comes back is told by sessions, of which there is no table beside this one.")
    elif not audience.cohorts.num_rows:
        st.text(_SAID["noSessions"])
    else:
        st.text(_SAID["cohorts"])
        _chart(st, "cohorts", plots.cohorts(figures.newest(audience.cohorts)))


def _segments(audience: Audience) -> None:
    st.header("Segments", anchor="segments")
    st.text(_SAID["kinds"] + ".")
    kinds = figures.kinds(audience.segments)
    _table(
        "Segments",
        {
            "Kind": [kind["name"] for kind in kinds],
            "Viewers": [words.told(kind["users"], "count") for kind in kinds],
            "When": [kind["doc"] for kind in kinds],
        },
    )


def _definitions() -> None:
    st.header("Definitions", anchor="definitions")
    for table in figures.definitions():
        with st.expander(table["title"]):
            st.markdown(table["doc"])
            names, docs, units = zip(*table["rows"])
            _table(
                table["title"],
                {"Figure": [f"`{name}`" for name in names], "What it is": docs, "Unit": units},
            )
