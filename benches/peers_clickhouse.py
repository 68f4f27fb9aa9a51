"""The engagement table in ClickHouse: SQL over tables in its memory, or over files.

Written as somebody who knows ClickHouse would write it: no windows and no sorts of rows, but arrays and
functions over them. One aggregation brings the events of a session together as an array of numbers, which is
walked in place (`peers_clickhouse_walk.py`); a second one concatenates the arrays of a user's sessions on a
video. The starts and ends of what was watched become one sorted array of numbers, and how many segments lie
over each place is a running sum, which gives the union and what was seen again at once. Sessions are walked
once, into a temporary table, as estimated durations need all of them.

It has every column of the table and follows the definitions in `docs/metrics.md` with the default rules,
except for what `peers_rules.LEFT_OUT` lists.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peers_clickhouse_walk as walk
import peers_rules as r
import pyarrow as pa
from chdb.session import Session

_SETTINGS = {
    # Else what a join does not find is zero.
    "join_use_nulls": 1,
    "output_format_parquet_compression_method": "'snappy'",
}

# Durations of videos that have none, from how far anybody got in them.
_DURATIONS = """
catalogue AS (
    SELECT assumeNotNull(videos.videoId) AS videoId, title, duration
    FROM videos
    WHERE videos.videoId IS NOT NULL
),
known AS (
    SELECT videoId, assumeNotNull(duration) AS length
    FROM catalogue
    WHERE duration > 0 AND duration < inf
),
durations AS (
    SELECT videoId, length AS videoDuration, 'metadata' AS durationSource FROM known
    UNION ALL
    SELECT
        videoId,
        if(max(lastEnd) > 0, max(lastEnd), max(furthest)) AS videoDuration,
        'estimated' AS durationSource
    FROM sessions
    WHERE videoId NOT IN (SELECT videoId FROM known)
    GROUP BY videoId
    HAVING videoDuration > 0
)"""

# An unknown duration is no bound, and wherever a video of which it is ended, that was its end.
_BOUNDED = f"""
bounded AS (
    SELECT
        *,
        ifNull(videoDuration, inf) AS bound,
        if(bound = inf, 0, {r.COMPLETE} * bound) AS mark,
        arrayCount(e -> e >= mark, endings) AS arrived,
        greatest(arrived, ifNull(durationSource, '') = 'metadata' AND lastEnd >= mark) AS completions,
        arraySum(arrayMap((u, f) -> greatest(0, least(u, bound - f)), unseenMost, unseenFrom)) AS unobserved
    FROM sessions LEFT ANY JOIN durations USING (videoId)
)"""

# The columns of a session that are added up, and what the sums are called.
_SECONDS = {
    "watchTime": "totalWatchTime",
    "playTime": "totalPlayTime",
    "seconds": "allSeconds",
    "unobserved": "unobservedWatchTime",
}
_COUNTS = {
    "pauses": "allPauses",
    "forwardSkips": "totalForwardSkips",
    "backwardSkips": "totalBackwardSkips",
    "completions": "completionCount",
    "openSegments": "openSegmentCount",
    "rejectedSegments": "rejectedSegmentCount",
    "eventCount": "eventCount",
}
_SUMS = (
    *(f"sum(bounded.{column}) AS {name}" for column, name in _SECONDS.items()),
    *(f"toInt64(sum(bounded.{column})) AS {name}" for column, name in _COUNTS.items()),
)

# A start or an end is a number: its place, and in the last bit which of both it is. Where both are, starts
# come first, so what touches is one stretch. No position is negative, so the bits of them are in their order.
_TOTALS = f"""
totals AS (
    SELECT
        bounded.userId AS userId,
        bounded.videoId AS videoId,
        any(bounded.videoDuration) AS videoDuration,
        any(bounded.durationSource) AS durationSource,
        any(bounded.bound) AS bound,
        {", ".join(_SUMS)},
        max(bounded.furthest) AS furthest,
        toInt64(count()) AS sessionCount,
        max(length(endings) > arrived) AS endedEarly,
        fromUnixTimestamp64Micro(min(firstTime), 'UTC') AS firstWatchDate,
        fromUnixTimestamp64Micro(max(lastTime), 'UTC') AS lastWatchDate,
        arraySort(groupArrayArray(arrayConcat(
            arrayMap(s -> bitShiftLeft(reinterpretAsUInt64(s), 1), starts),
            arrayMap(e -> bitShiftLeft(reinterpretAsUInt64(e), 1) + 1, ends)
        ))) AS edges
    FROM bounded
    GROUP BY userId, videoId
)"""

# How many segments lie over a start from it on, and over an end until it: those of one depth take turns.
_STRETCHES = """
stretches AS (
    SELECT
        *,
        arrayMap(e -> reinterpretAsFloat64(bitShiftRight(e, 1)), edges) AS borders,
        arrayMap(e -> toUInt8(bitAnd(e, 1)), edges) AS closes,
        arrayMap((n, c) -> n + c, arrayCumSum(c -> if(c, -1, 1), closes), closes) AS depths,
        arrayFilter((b, n, c) -> n = 1 AND NOT c, borders, depths, closes) AS unionStarts,
        arrayFilter((b, n, c) -> n = 1 AND c, borders, depths, closes) AS unionEnds,
        arrayFilter((b, n, c) -> n > 1 AND NOT c, arrayZip(depths, borders), depths, closes) AS againStarts,
        arrayFilter((b, n, c) -> n > 1 AND c, arrayZip(depths, borders), depths, closes) AS againEnds,
        arrayMap((s, e) -> (s.2, e.2), arraySort(againStarts), arraySort(againEnds)) AS again
    FROM totals
)"""


def _stretches(value: str) -> str:
    return f"CAST({value} AS Array(Tuple(start Float64, end Float64)))"


def _round2(value: str) -> str:
    # Not round(), which rounds the shortest decimal text of the number.
    return f"floor(({value}) * 100 + 0.5) / 100"


def _share(value: str) -> str:
    return f"least(1, greatest(0, {value} / videoDuration))"


_DERIVED = f"""
derived AS (
    SELECT
        stretches.*,
        title AS videoTitle,
        arraySum((s, e) -> e - s, unionStarts, unionEnds) AS covered,
        arraySum((s, e) -> greatest(0, least(e, bound) - s), unionStarts, unionEnds)
            AS totalUniqueSecondsWatched,
        least(furthest, bound) AS maxPositionReached,
        {_round2("totalWatchTime / videoDuration * 100")} AS watchPercentage,
        {_round2("maxPositionReached / videoDuration * 100")} AS completionPercentage,
        {_round2("totalUniqueSecondsWatched / videoDuration * 100")} AS uniqueWatchPercentage,
        totalWatchTime / sessionCount AS avgWatchTimePerSession,
        allSeconds / sessionCount AS avgSessionDuration,
        allPauses / sessionCount AS avgPausesPerSession,
        (completionCount > 0)::Bool AS isCompletedAtLeastOnce,
        (sessionCount > 1)::Bool AS isReplay,
        greatest(0, totalWatchTime - covered) AS rewatchedSeconds,
        {_stretches("arrayZip(unionStarts, unionEnds)")} AS watchedIntervals,
        {_stretches("arraySort(arrayFilter(a -> a.2 > a.1, again))")} AS replayedIntervals
    FROM stretches LEFT ANY JOIN catalogue USING (videoId)
)"""

# In the order in which they count, each with what it needs.
_FLAGS = {
    "missing_duration": "isNull(videoDuration)",
    "estimated_duration": "durationSource = 'estimated'",
    "excessive_watch_time": (
        f"totalWatchTime > {r.EXCESSIVE} * bound * greatest(sessionCount, completionCount)"
    ),
    "completed_without_sufficient_watch": (
        f"isCompletedAtLeastOnce AND uniqueWatchPercentage < {r.SUFFICIENT}"
    ),
    "position_exceeds_duration": f"durationSource = 'metadata' AND furthest > bound + {r.SLACK}",
    "implausible_segments": "rejectedSegmentCount > 0",
    "ended_before_duration": "endedEarly",
    "very_short_watch": f"totalWatchTime < {r.SHORT} AND NOT sufficient",
}
_SCORED = f"""
scored AS (
    SELECT
        *,
        ifNull(uniqueWatchPercentage >= {r.SUFFICIENT}, false) AS sufficient,
        {
    _round2(
        f"60 * {_share('totalUniqueSecondsWatched')}"
        " + 20 * (isCompletedAtLeastOnce AND sufficient)"
        f" + 10 * {_share('maxPositionReached')}"
        f" + 10 * {_share('rewatchedSeconds')}"
    )
} AS engagementScore,
        multiIf(
            engagementScore >= {r.HIGH}, 'High',
            engagementScore >= {r.MEDIUM}, 'Medium',
            engagementScore >= {r.LOW}, 'Low',
            isNotNull(engagementScore), 'Minimal',
            NULL
        ) AS engagementTier,
        arrayFilter(
            (flag, needed) -> needed,
            {list(_FLAGS)},
            [{", ".join(f"ifNull({needed}, false)" for needed in _FLAGS.values())}]
        ) AS dataQualityFlags,
        if(empty(dataQualityFlags), 'ok', dataQualityFlags[1]) AS dataQualityFlag
    FROM derived
)"""

_STEPS = (_DURATIONS, _BOUNDED, _TOTALS, _STRETCHES, _DERIVED, _SCORED)
QUERY = f"WITH {','.join(_STEPS)}\nSELECT {', '.join(r.COLUMNS)} FROM scored"


def connect(folder: str | Path, threads: int) -> Session:
    """A session whose files are below a folder: a process has one at a time."""
    place = tempfile.mkdtemp(dir=folder, prefix="clickhouse-")
    session = Session(place)  # type: ignore[no-untyped-call]
    for name, value in {**_SETTINGS, "max_threads": threads}.items():
        _ask(session, f"SET {name} = {value}")
    return session


def load(session: Session, name: str, files: str | Path) -> None:
    """Puts the rows of Parquet files into a table in ClickHouse's own memory."""
    _ask(session, f"CREATE TABLE {name} ENGINE = Memory AS SELECT * FROM {_file(files)}")


def over_files(session: Session, name: str, files: str | Path) -> None:
    """Makes a name stand for Parquet files, which queries then read."""
    _ask(session, f"CREATE VIEW {name} AS SELECT * FROM {_file(files)}")


def aggregate(session: Session) -> None:
    """Makes the table `engagement`, one row per user and video, of the tables `events` and `videos`."""
    _with_sessions(session, f"CREATE TABLE engagement ENGINE = Memory AS {QUERY}")


def rows(session: Session, columns: Sequence[str]) -> pa.Table:
    """Some columns of the table `engagement`."""
    return pa.table(_ask(session, f"SELECT {', '.join(columns)} FROM engagement", "Arrow"))


def write(session: Session, file: str | Path) -> None:
    """Writes the same rows to a Parquet file."""
    _with_sessions(session, f"INSERT INTO FUNCTION {_file(file)} {QUERY}")


def _with_sessions(session: Session, query: str) -> None:
    # A table of its own: what a query keeps by AS MATERIALIZED took a third longer.
    _ask(session, f"CREATE TEMPORARY TABLE sessions ENGINE = Memory AS {walk.QUERY}")
    _ask(session, query)
    _ask(session, "DROP TABLE sessions")


def _ask(session: Session, query: str, form: str = "CSV") -> Any:
    return session.query(query, form)  # type: ignore[no-untyped-call]


def _file(path: str | Path) -> str:
    quoted = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"file('{quoted}', 'Parquet')"
