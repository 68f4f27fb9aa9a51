"""What engagement rows come to, by video and by user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan.insight import tables
from watchspan.insight.columns import QUARTILES
from watchspan.insight.rows import (
    MILLION,
    Columns,
    grouped,
    hours,
    instants,
    millionths,
    ones,
    ratio,
    read,
    where,
)

# What both tables are made of.
_SHARED = (
    "userId",
    "videoId",
    "videoDuration",
    "sessionCount",
    "totalWatchTime",
    "totalUniqueSecondsWatched",
    "isCompletedAtLeastOnce",
    "engagementScore",
    "lastWatchDate",
)
VIDEO_NEEDS = (
    *_SHARED,
    "videoTitle",
    "durationSource",
    "completionPercentage",
    "rewatchedSeconds",
    "dataQualityFlag",
)
USER_NEEDS = (*_SHARED, "completionCount", "totalForwardSkips", "firstWatchDate")


def video_totals(rows: Any) -> pa.Table:
    """Sums engagement rows up by video: viewers, hours, completion, coverage, quartiles and more.

    Args:
        rows: A table from `aggregate` or `engagement`, or the path of Parquet or Arrow files that hold one.

    Returns:
        The table of video totals (see `docs/columns.md`), ordered by videoId. Shares are from 0 to 1, and
        null where nothing is to be shared. `docs/insight.md` says how each is defined.

    Raises:
        MissingColumnError: If it is not an engagement table.
        ColumnTypeError: If a column of it has another type than in an engagement table.
        DataError: If a value is null, NaN or too large, as no engagement row has it.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }, videos={"videoId": ["v1"], "duration": [60]})
    >>> ws.video_totals(rows).select(["viewers", "coverage", "reached25", "reached75"]).to_pylist()
    [{'viewers': 1, 'coverage': 0.5, 'reached25': 1.0, 'reached75': 0.0}]
    """
    found, how = read(rows, "engagement", VIDEO_NEEDS)
    sums = {**_shared(found), **_of_videos(found)}
    most = {"videoDuration": found["videoDuration"], "lastWatchDate": found["lastWatchDate"]}
    groups = grouped({"videoId": found["videoId"]}, sums, most=most)
    return totals_of({**groups, "videoTitle": _titles(found, groups["videoId"])}, how)


def totals_of(groups: Mapping[str, Any], how: Mapping[str, Any]) -> pa.Table:
    """The table of video totals from what the rows of each video sum up to, whoever summed it up.

    Args:
        groups: By the names of the sums, ordered by videoId: times in whole microseconds, counts, and the
            greatest duration, title and time.
        how: What the rows say of themselves.
    """
    quartiles = [f"reached{percent}" for percent in QUARTILES]
    columns = {
        **_shared_columns(groups),
        "videoTitle": groups["videoTitle"],
        "videoDuration": groups["videoDuration"],
        "viewers": groups["rows"],
        "rewatchedShare": ratio(groups["rewatched"], groups["rewatchable"]),
        "flaggedShare": ratio(groups["flagged"], groups["rows"]),
        "lastWatchDate": instants(groups["lastWatchDate"]),
        **{name: ratio(groups[name], groups["known"]) for name in quartiles},
    }
    return tables.made("video_totals", columns, {"videoId": groups["videoId"].type}, how)


def user_totals(rows: Any) -> pa.Table:
    """Sums engagement rows up by user: videos, hours, completion, coverage, skips, first and last day.

    Args:
        rows: As for `video_totals`.

    Returns:
        The table of user totals (see `docs/columns.md`), ordered by userId. Shares are from 0 to 1, and null
        where nothing is to be shared.

    Raises:
        WatchspanError: As `video_totals` does.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:36Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 36],
    ... })
    >>> ws.user_totals(rows).select(["videos", "watchHours", "completions"]).to_pylist()
    [{'videos': 1, 'watchHours': 0.01, 'completions': 0}]
    """
    found, how = read(rows, "engagement", USER_NEEDS)
    columns = user_columns(found)
    return tables.made("user_totals", columns, {"userId": columns["userId"].type}, how)


def user_columns(found: Columns) -> Columns:
    """The columns of the user totals.

    Args:
        found: The columns `USER_NEEDS` of engagement rows, as `read` gives them.
    """
    sums = {**_shared(found), "completions": found["completionCount"], "skips": found["totalForwardSkips"]}
    groups = grouped(
        {"userId": found["userId"]},
        sums,
        least={"firstSeen": found["firstWatchDate"]},
        most={"lastSeen": found["lastWatchDate"]},
    )
    return user_columns_of(groups)


def user_columns_of(groups: Columns) -> Columns:
    """The columns of the user totals from what the rows of each user sum up to, whoever summed it up.

    Args:
        groups: As for `totals_of`, ordered by userId.
    """
    ten_minutes = 600.0 * MILLION
    return {
        **_shared_columns(groups),
        "videos": groups["rows"],
        "completions": groups["completions"],
        "forwardSkipsPer10Min": pc.multiply(ratio(groups["skips"], groups["watched"]), ten_minutes),
        "firstSeen": instants(groups["firstSeen"]),
        "lastSeen": instants(groups["lastSeen"]),
    }


def _shared(found: Columns) -> Columns:
    """What both tables sum up, a number for each row."""
    unique, duration = found["totalUniqueSecondsWatched"], found["videoDuration"]
    covered = pc.and_(pc.is_valid(unique), pc.is_valid(duration))
    return {
        "sessions": found["sessionCount"],
        "watched": millionths("totalWatchTime", found["totalWatchTime"]),
        "completed": ones(found["isCompletedAtLeastOnce"]),
        "unique": where(covered, millionths("totalUniqueSecondsWatched", unique)),
        "coverable": where(covered, millionths("videoDuration", duration)),
        "score": pc.fill_null(millionths("engagementScore", found["engagementScore"]), 0),
        "scored": ones(pc.is_valid(found["engagementScore"])),
    }


def _shared_columns(groups: Mapping[str, Any]) -> Columns:
    """The columns that both tables have, and the key."""
    return {
        **{name: groups[name] for name in ("videoId", "userId") if name in groups},
        "sessions": groups["sessions"],
        "watchHours": hours(groups["watched"]),
        "completionRate": ratio(groups["completed"], groups["rows"]),
        "coverage": ratio(groups["unique"], groups["coverable"]),
        "averageScore": pc.divide(ratio(groups["score"], groups["scored"]), float(MILLION)),
    }


def _of_videos(found: Columns) -> Columns:
    """What only the totals of videos sum up."""
    again, reached = found["rewatchedSeconds"], found["completionPercentage"]
    # Somebody always gets to the end of a guessed duration.
    known = pc.and_(
        pc.is_valid(reached), pc.fill_null(pc.not_equal(found["durationSource"], "estimated"), False)
    )
    watched = millionths("totalWatchTime", found["totalWatchTime"])
    quartiles = {
        f"reached{percent}": ones(pc.and_(known, pc.greater_equal(reached, float(percent))))
        for percent in QUARTILES
    }
    return {
        "known": ones(known),
        "rewatched": pc.fill_null(millionths("rewatchedSeconds", again), 0),
        "rewatchable": where(pc.is_valid(again), watched),
        "flagged": ones(pc.not_equal(found["dataQualityFlag"], "ok")),
        **quartiles,
    }


def _titles(found: Columns, videos: pa.Array) -> list[str | None]:
    """The title of each video: of several the last by alphabet, as SQL's max() has it."""
    pairs = grouped({"videoId": found["videoId"], "videoTitle": found["videoTitle"]}, {})
    # In this order the last of a video's titles is the one that stays; what is null comes last of all.
    named = zip(pairs["videoId"].to_pylist(), pairs["videoTitle"].to_pylist())
    titles = {video: title for video, title in named if title is not None}
    return [titles.get(video) for video in videos.to_pylist()]
