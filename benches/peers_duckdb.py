"""The engagement table in DuckDB: one SQL statement, between tables in its memory or between files.

Written as somebody who knows DuckDB would write it: event names become kinds by a hash join, which drops the
others; all windows over a session share one named window and so one sort; repeated events are peers in it, so
they cost no aggregation; what has to look at the results of these windows sorts by a number for each session,
not by texts; what was walked is kept once for the estimated durations and for the sums; runs, sessions and
then users' videos come from hash aggregates; a union comes from one running maximum over the segments alone,
ordered by their start; and only users who saw something twice pay for the stretches that they saw again.

It has every column of the table and follows the definitions in `docs/metrics.md` with the default rules,
except for what `peers_rules.LEFT_OUT` lists.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import peers_duckdb_walk as walk
import peers_rules as r
import pyarrow as pa

# Durations of videos that have none, from how far anybody got in them.
_DURATIONS = """
durations AS MATERIALIZED (
    SELECT videoId, videoDuration, 'metadata' AS durationSource
    FROM catalogue
    WHERE videoDuration IS NOT NULL
    UNION ALL
    SELECT
        videoId,
        coalesce(nullif(max(position) FILTER (WHERE watched), 0), nullif(max(position), 0)) AS estimate,
        'estimated'
    FROM walked ANTI JOIN (FROM catalogue WHERE videoDuration IS NOT NULL) USING (videoId)
    GROUP BY videoId
    HAVING estimate IS NOT NULL
)"""

_SESSIONS = f"""
sessions AS (
    SELECT
        session,
        any_value(userId) AS userId,
        any_value(videoId) AS videoId,
        any_value(videoDuration) AS videoDuration,
        any_value(durationSource) AS durationSource,
        coalesce(sum(d) FILTER (WHERE watched), 0) AS watchTime,
        coalesce(max(position), 0) AS furthest,
        coalesce(sum(dt), 0) AS seconds,
        count(*) FILTER (WHERE kind = {r.PAUSE}) AS pauses,
        count(*) FILTER (WHERE skip > {r.FORWARD}) AS forwardSkips,
        count(*) FILTER (WHERE skip < {r.BACKWARD}) AS backwardSkips,
        count("end") AS ends,
        count("end") FILTER (WHERE coalesce("end" >= {r.COMPLETE} * videoDuration, true)) AS reached,
        greatest(reached, coalesce(
            any_value(durationSource) = 'metadata'
                AND max(position) FILTER (WHERE watched) >= {r.COMPLETE} * any_value(videoDuration),
            false
        )::BIGINT) AS completions,
        min(time) AS firstTime,
        max(time) AS lastTime,
        coalesce(sum(greatest(0, least(unseen, videoDuration - "from"))) FILTER (WHERE unseen IS NOT NULL), 0)
            + coalesce(sum(greatest(0, least({r.CAP}, videoDuration - position))) FILTER (WHERE leftOpen), 0)
            AS unobserved,
        count(*) FILTER (WHERE leftOpen) + count(*) FILTER (WHERE missed) AS openSegments,
        count(*) FILTER (WHERE rejected) AS rejectedSegments,
        count(*) AS eventCount
    FROM walked LEFT JOIN durations USING (videoId)
    GROUP BY session
)"""

# The time of each run of playing: what the clock says, but no more than was played.
_PLAYS = """
plays AS (
    SELECT session, sum(seconds) AS playTime
    FROM (
        SELECT session, least(sum(dt), sum(d) FILTER (WHERE watched)) AS seconds
        FROM walked
        WHERE goesOn
        GROUP BY session, run
        HAVING bool_or(watched)
    )
    GROUP BY session
)"""

# How far a user's segments reached before each one, over all sessions, in the order of their starts.
_UNIONS = """
covered AS (
    SELECT
        userId,
        videoId,
        "from" AS start,
        position AS "end",
        max(position) OVER (
            PARTITION BY userId, videoId ORDER BY "from" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered
    FROM walked
    WHERE watched
),
unions AS (
    SELECT
        userId,
        videoId,
        sum("end" - greatest(start, covered)) FILTER (WHERE "end" > greatest(start, covered)) AS "union",
        sum(greatest(0, least("end", videoDuration) - greatest(start, covered)))
            FILTER (WHERE "end" > greatest(start, covered)) AS unionCut,
        list_sort(list(start) FILTER (WHERE covered IS NULL OR start > covered)) AS starts,
        list_append(coalesce(list_sort(list(covered) FILTER (WHERE start > covered)), []), max("end")) AS ends
    FROM covered LEFT JOIN durations USING (videoId)
    GROUP BY userId, videoId
)"""

# Where segments lie on others: a start raises how many do, an end lowers it. Where both are, it is first
# raised, so what touches is one stretch. The starts and ends of one depth take turns.
_REPLAYS = """
edges AS (
    SELECT userId, videoId, unnest([start, "end"]) AS place, unnest([1, -1]) AS step
    FROM covered SEMI JOIN (FROM covered WHERE start < covered) AS replayed USING (userId, videoId)
),
depths AS (
    SELECT
        *,
        sum(step) OVER (
            PARTITION BY userId, videoId ORDER BY place, step DESC ROWS UNBOUNDED PRECEDING
        ) - least(step, 0) AS depth
    FROM edges
),
stretches AS (
    SELECT
        userId,
        videoId,
        step,
        place AS start,
        lead(place) OVER (PARTITION BY userId, videoId, depth ORDER BY place, step DESC) AS "end"
    FROM depths
    WHERE depth > 1
),
replays AS (
    SELECT userId, videoId, list({'start': start, 'end': "end"} ORDER BY start, "end") AS replayedIntervals
    FROM stretches
    WHERE step = 1 AND "end" > start
    GROUP BY userId, videoId
)"""


def _round2(value: str) -> str:
    # Not round(), which rounds the shortest decimal text of the number.
    return f"floor(({value}) * 100 + 0.5) / 100"


def _share(value: str) -> str:
    return f"least(1, greatest(0, {value}))"


_TOTALS = """
totals AS (
    SELECT
        userId,
        videoId,
        any_value(videoDuration) AS videoDuration,
        any_value(durationSource) AS durationSource,
        sum(watchTime) AS totalWatchTime,
        coalesce(sum(playTime), 0) AS totalPlayTime,
        max(furthest) AS furthest,
        count(*) AS sessionCount,
        sum(seconds) AS seconds,
        sum(pauses)::BIGINT AS pauses,
        sum(forwardSkips)::BIGINT AS totalForwardSkips,
        sum(backwardSkips)::BIGINT AS totalBackwardSkips,
        sum(ends - reached) AS earlyEnds,
        sum(completions)::BIGINT AS completionCount,
        make_timestamptz(min(firstTime)) AS firstWatchDate,
        make_timestamptz(max(lastTime)) AS lastWatchDate,
        sum(unobserved) AS unobservedWatchTime,
        sum(openSegments)::BIGINT AS openSegmentCount,
        sum(rejectedSegments)::BIGINT AS rejectedSegmentCount,
        sum(eventCount)::BIGINT AS eventCount
    FROM sessions LEFT JOIN plays USING (session)
    GROUP BY userId, videoId
)"""

_DERIVED = f"""
derived AS (
    SELECT
        totals.*,
        title AS videoTitle,
        coalesce(unionCut, 0) AS totalUniqueSecondsWatched,
        least(furthest, totals.videoDuration) AS maxPositionReached,
        {_round2("totalWatchTime / totals.videoDuration * 100")} AS watchPercentage,
        {_round2("maxPositionReached / totals.videoDuration * 100")} AS completionPercentage,
        {_round2("totalUniqueSecondsWatched / totals.videoDuration * 100")} AS uniqueWatchPercentage,
        totalWatchTime / sessionCount AS avgWatchTimePerSession,
        seconds / sessionCount AS avgSessionDuration,
        pauses / sessionCount AS avgPausesPerSession,
        completionCount > 0 AS isCompletedAtLeastOnce,
        sessionCount > 1 AS isReplay,
        greatest(0, totalWatchTime - coalesce("union", 0)) AS rewatchedSeconds,
        coalesce(
            list_transform(list_zip(starts, ends), lambda pair: {{'start': pair[1], 'end': pair[2]}}), []
        ) AS watchedIntervals,
        coalesce(replays.replayedIntervals, []) AS replayedIntervals
    FROM totals
        LEFT JOIN unions USING (userId, videoId)
        LEFT JOIN replays USING (userId, videoId)
        LEFT JOIN catalogue USING (videoId)
)"""

_SCORED = f"""
scored AS (
    SELECT
        *,
        coalesce(uniqueWatchPercentage >= {r.SUFFICIENT}, false) AS sufficient,
        CASE WHEN videoDuration IS NOT NULL THEN {
    _round2(
        f"60 * {_share('totalUniqueSecondsWatched / videoDuration')}"
        " + 20 * (isCompletedAtLeastOnce AND sufficient)::DOUBLE"
        f" + 10 * {_share('maxPositionReached / videoDuration')}"
        f" + 10 * {_share('rewatchedSeconds / videoDuration')}"
    )
} END AS engagementScore,
        CASE
            WHEN engagementScore >= {r.HIGH} THEN 'High'
            WHEN engagementScore >= {r.MEDIUM} THEN 'Medium'
            WHEN engagementScore >= {r.LOW} THEN 'Low'
            WHEN engagementScore IS NOT NULL THEN 'Minimal'
        END AS engagementTier,
        list_filter([
            CASE WHEN videoDuration IS NULL THEN 'missing_duration' END,
            CASE WHEN durationSource = 'estimated' THEN 'estimated_duration' END,
            CASE WHEN totalWatchTime > {r.EXCESSIVE} * videoDuration * greatest(sessionCount, completionCount)
                THEN 'excessive_watch_time' END,
            CASE WHEN isCompletedAtLeastOnce AND uniqueWatchPercentage < {r.SUFFICIENT}
                THEN 'completed_without_sufficient_watch' END,
            CASE WHEN durationSource = 'metadata' AND furthest > videoDuration + {r.SLACK}
                THEN 'position_exceeds_duration' END,
            CASE WHEN rejectedSegmentCount > 0 THEN 'implausible_segments' END,
            CASE WHEN earlyEnds > 0 THEN 'ended_before_duration' END,
            CASE WHEN totalWatchTime < {r.SHORT} AND NOT sufficient THEN 'very_short_watch' END
        ], lambda flag: flag IS NOT NULL) AS dataQualityFlags,
        coalesce(dataQualityFlags[1], 'ok') AS dataQualityFlag
    FROM derived
)"""

_STEPS = (
    *(*walk.STEPS, _DURATIONS, _SESSIONS, _PLAYS, _UNIONS, _REPLAYS),
    *(_TOTALS, _DERIVED, _SCORED),
)
QUERY = f"WITH {','.join(_STEPS)}\nSELECT {', '.join(r.COLUMNS)} FROM scored"


def connect(scratch: str | Path, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory that puts what this does not hold into a folder."""
    # Without the order of rows, which nothing here needs, DuckDB needs less memory.
    settings = {"threads": threads, "temp_directory": str(scratch), "preserve_insertion_order": False}
    return duckdb.connect(config=settings)


def aggregate(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the table `engagement`, one row per user and video, of the tables `events` and `videos`."""
    connection.execute(f"CREATE TEMP TABLE engagement AS {QUERY}")


def load(connection: duckdb.DuckDBPyConnection, name: str, piece: pa.Table) -> None:
    """Puts rows into a table in DuckDB's own memory."""
    connection.register("piece", piece)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM piece LIMIT 0")
    connection.execute(f"INSERT INTO {name} FROM piece")
    connection.unregister("piece")


def over_files(connection: duckdb.DuckDBPyConnection, name: str, files: str | Path) -> None:
    """Makes a name stand for Parquet files, which queries then read; rows have numbers as in a table."""
    number = "(file_index << 40) + file_row_number AS rowid"
    connection.execute(f"CREATE VIEW {name} AS SELECT *, {number} FROM read_parquet({_text(files)})")


def write(connection: duckdb.DuckDBPyConnection, file: str | Path) -> None:
    """Writes the same rows to a Parquet file."""
    connection.execute(f"COPY ({QUERY}) TO {_text(file)} (FORMAT parquet, COMPRESSION snappy)")


def _text(path: str | Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
