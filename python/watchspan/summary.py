"""The figures to look at first after a computation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core, arguments, sources
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError
from watchspan.text import finite

NEEDED = (
    "userId",
    "videoId",
    "videoTitle",
    "totalWatchTime",
    "sessionCount",
    "eventCount",
    "isCompletedAtLeastOnce",
    "engagementScore",
    "engagementTier",
    "dataQualityFlags",
)
QUANTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99, "max": 1.0}
TIERS = ("High", "Medium", "Low", "Minimal")
# How wide a bar of scores is wherever they are drawn, in points.
BIN = 5


def summarize(rows: Any, top: int = 10) -> dict[str, Any]:
    """Sums an engagement table up in plain Python values, ready for JSON.

    Args:
        rows: A table from `aggregate` or `engagement`, or the path of Parquet or Arrow files that hold one.
        top: How many videos to list, those with the most watch time first.

    Returns:
        A dict of

        * `users`, `videos`, `rows`, `sessions`, `events`: numbers of them;
        * `watch_time_hours`: total watch time, hours of content;
        * `completion_rate`: the share of rows (0 to 1) completed at least once; None without rows;
        * `tiers`: tier -> number of rows, and `unscored` for rows without a score;
        * `flags`: data quality flag -> number of rows that have it, and `ok` for rows without any;
        * `watch_time_seconds`: `min`, `p25`, `median`, `mean`, `p75`, `p90`, `p99`, `max` of the rows' watch
            times, seconds of content; None without rows;
        * `negative_watch_time`: rows with a watch time below 0. Anything but 0 is a fault;
        * `top_videos`: dicts of `videoId`, `videoTitle`, `viewers` (rows), `totalWatchTime` (seconds),
            `completionRate` (0 to 1) and `averageScore` (over the rows with a score; None if there is none),
            ordered by watch time, then videoId.

    Raises:
        MissingColumnError: If it is not an engagement table.
        ColumnTypeError: If a column of it has another type than in an engagement table.
        DataError: If its values cannot be summed up, such as text that is not UTF-8.
        OptionError: If `top` is not an integer of at least 0.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... })
    >>> figures = ws.summarize(rows)
    >>> figures["users"], figures["watch_time_seconds"]["median"], figures["flags"]["estimated_duration"]
    (1, 30.0, 1)
    """
    count = arguments.whole_number("top", top, "an integer of at least 0", least=0)
    table = _plain_table(sources.read_table(rows))
    try:
        return dict(finite(_figures(table, count)))
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"The table cannot be summed up: {error}") from error


def _figures(table: pa.Table, count: int) -> dict[str, Any]:
    watch_time = table["totalWatchTime"]
    return {
        "users": len(pc.unique(table["userId"])),
        "videos": len(pc.unique(table["videoId"])),
        "rows": table.num_rows,
        "sessions": _sum(table["sessionCount"]),
        "events": _sum(table["eventCount"]),
        "watch_time_hours": _sum(watch_time) / 3600,
        "completion_rate": pc.mean(pc.cast(table["isCompletedAtLeastOnce"], pa.int64())).as_py(),
        "tiers": _counts([*TIERS, "unscored"], pc.fill_null(table["engagementTier"], "unscored")),
        "flags": _flags(table["dataQualityFlags"]),
        "watch_time_seconds": _distribution(watch_time),
        "negative_watch_time": _sum(pc.cast(pc.less(watch_time, 0.0), pa.int64())),
        "top_videos": _top_videos(table, count),
    }


def _plain_table(table: pa.Table) -> pa.Table:
    """The needed columns, each in one piece: a sum of floats must not depend on how a table is cut."""
    needed = "A table of engagement rows is needed, as aggregate() and engagement() return it."
    plain = {}
    for name in NEEDED:
        found = table.column_names.count(name)
        if found != 1:
            raise MissingColumnError(
                f"The table has {'no column' if not found else f'{found} columns named'} {name!r}; it has "
                f"{', '.join(table.column_names) or 'no columns'}. {needed}"
            )
        kind = table.schema.field(name).type
        try:
            plain[name] = _plain_column(table[name])
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise ColumnTypeError(f"Column {name!r} of type {kind} cannot be read: {error}") from error
        if not _FITTING.get(name, _is_key)(plain[name].type):
            raise ColumnTypeError(f"Column {name!r} is of type {kind}. {needed}")
    return pa.table(plain)


def _plain_column(column: pa.ChunkedArray) -> pa.Array:
    kind = pa.string() if _is_any_text(column.type) else column.type
    # Cast first: pyarrow 7 mixes up the dictionaries of chunks that it puts together.
    chunks = [chunk if chunk.type == kind else chunk.cast(kind) for chunk in column.chunks]
    return pa.concat_arrays(chunks) if chunks else pa.nulls(0, kind)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_key(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind)) and str(kind.value_type) != "null"


# Those that are not here are text, or keys.
_FITTING = {
    **dict.fromkeys(("totalWatchTime", "sessionCount", "eventCount", "engagementScore"), _is_number),
    "isCompletedAtLeastOnce": pa.types.is_boolean,
    "dataQualityFlags": _is_list,
}


def _is_any_text(kind: pa.DataType) -> bool:
    # Other libraries hand text back as large, dictionary or view arrays, which not every kernel can group by.
    return pa.types.is_dictionary(kind) or str(kind) in ("large_string", "string_view", "null")


def _sum(column: pa.Array) -> Any:
    zero = 0.0 if pa.types.is_floating(column.type) else 0
    return pc.sum(column).as_py() or zero


def _counts(names: Iterable[str], values: pa.Array) -> dict[str, int]:
    counts = dict.fromkeys(names, 0)
    for entry in pc.value_counts(values).to_pylist():
        counts[entry["values"]] = entry["counts"]
    return counts


def _flags(lists: pa.Array) -> dict[str, int]:
    flags = _counts((name for name, _ in _core.flag_specs()), pc.list_flatten(lists))
    without = _sum(pc.cast(pc.equal(pc.list_value_length(lists), 0), pa.int64()))
    return {"ok": without, **flags}


def _distribution(watch_time: pa.Array) -> dict[str, float | None]:
    values = pc.quantile(watch_time, q=list(QUANTILES.values())).to_pylist()
    found = dict(zip(QUANTILES, values))
    found["mean"] = pc.mean(watch_time).as_py()
    return {name: found[name] for name in ("min", "p25", "median", "mean", "p75", "p90", "p99", "max")}


def _top_videos(table: pa.Table, top: int) -> list[dict[str, Any]]:
    columns = {
        "videoId": table["videoId"],
        "videoTitle": table["videoTitle"],
        "watched": table["totalWatchTime"],
        "completed": pc.cast(table["isCompletedAtLeastOnce"], pa.int64()),
        "score": table["engagementScore"],
    }
    sums = [
        ("watched", "sum"),
        ("watched", "count"),
        ("completed", "sum"),
        ("score", "sum"),
        ("score", "count"),
    ]
    groups = pa.table(columns).group_by(["videoId", "videoTitle"]).aggregate(sums).to_pylist()
    figures = [f"{column}_{function}" for column, function in sums]
    videos: dict[Any, dict[str, Any]] = {}
    # A video has one title, unless tables of several runs were put together: its groups become one again.
    for group in groups:
        video = videos.setdefault(group["videoId"], {"videoTitle": None, **dict.fromkeys(figures, 0)})
        video["videoTitle"] = video["videoTitle"] or group["videoTitle"]
        for name in figures:
            video[name] += 0 if group[name] is None else group[name]
    ranked = sorted(videos.items(), key=lambda item: (-item[1]["watched_sum"], item[0]))
    return [_top_video(key, video) for key, video in ranked[:top]]


def _top_video(key: Any, video: dict[str, Any]) -> dict[str, Any]:
    return {
        "videoId": key,
        "videoTitle": video["videoTitle"],
        "viewers": video["watched_count"],
        "totalWatchTime": video["watched_sum"],
        "completionRate": video["completed_sum"] / video["watched_count"] if video["watched_count"] else None,
        "averageScore": video["score_sum"] / video["score_count"] if video["score_count"] else None,
    }
