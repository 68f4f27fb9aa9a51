"""The queries behind the views and the dashboard: what `watchspan.insight` computes, as SQL.

A query is text for Databricks SQL and Spark, in which tables are named as SQL names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchspan.insight.columns import TABLES
from watchspan.refresh import BUCKETS
from watchspan.views.measures import OF_USERS, OF_VIDEOS, day_of, monday_of


@dataclass(frozen=True)
class Kept:
    """The tables that an output consists of, as SQL names them.

    Attributes:
        engagement: The engagement table.
        sessions: The sessions table beside it.
        retention: The retention table beside it, or a view of that name.
    """

    engagement: str
    sessions: str
    retention: str


def video_totals(kept: Kept) -> str:
    """The query for what `watchspan.video_totals` gives."""
    return _totals("video_totals", {"videoId": "videoId", **OF_VIDEOS}, kept.engagement)


def user_totals(kept: Kept) -> str:
    """The query for what `watchspan.user_totals` gives."""
    return _totals("user_totals", {"userId": "userId", **OF_USERS}, kept.engagement)


def _totals(table: str, made: Mapping[str, str], source: str) -> str:
    key, *others = [column.name for column in TABLES[table].columns]
    chosen = ",\n  ".join([key, *(f"{made[name]} AS {name}" for name in others)])
    return f"SELECT\n  {chosen}\nFROM {source}\nGROUP BY {key}\n"


def daily(kept: Kept) -> str:
    """The query for what `watchspan.daily` gives by day in UTC, without the hour, which no day has."""
    return f"""SELECT
  videoId,
  day,
  count(DISTINCT userId) AS viewers,
  count(*) AS sessions,
  sum(watchTime) / 3600 AS watchHours
FROM (
  SELECT videoId, userId, watchTime, {day_of("sessionStart")} AS day
  FROM {kept.sessions}
)
GROUP BY videoId, day
"""


def cohorts(kept: Kept) -> str:
    """The query for what `watchspan.cohorts` gives by week, without groups of videos."""
    return f"""WITH watched AS (
  SELECT userId, {monday_of("day")} AS week, watchTime
  FROM (SELECT userId, watchTime, {day_of("sessionStart")} AS day FROM {kept.sessions})
),
active AS (
  SELECT userId, week, sum(watchTime) AS seconds FROM watched GROUP BY userId, week
),
begun AS (
  SELECT userId, week, seconds, min(week) OVER (PARTITION BY userId) AS cohort FROM active
),
cells AS (
  SELECT cohort, week, count(*) AS users, sum(seconds) / 3600 AS hours FROM begun GROUP BY cohort, week
),
reached AS (
  SELECT {monday_of("day")} AS week FROM (SELECT max({day_of("sessionEnd")}) AS day FROM {kept.sessions})
),
periods AS (
  SELECT
    c.cohort, c.users AS cohortUsers, r.week AS lastWeek,
    explode(sequence(0, CAST(datediff(r.week, c.cohort) / 7 AS INT))) AS period
  FROM cells c CROSS JOIN reached r
  WHERE c.week = c.cohort
)
SELECT
  p.cohort,
  CAST(p.period AS BIGINT) AS period,
  p.cohortUsers,
  coalesce(c.users, 0) AS activeUsers,
  coalesce(c.users, 0) / p.cohortUsers AS share,
  coalesce(c.hours, 0) AS watchHours,
  date_add(p.cohort, 7 * p.period) = p.lastWeek AS isPartial
FROM periods p
LEFT JOIN cells c ON c.cohort = p.cohort AND c.week = date_add(p.cohort, 7 * p.period)
"""


def retention(kept: Kept) -> str:
    """The query for what `watchspan.retention` gives, of rows with a duration."""
    return f"""WITH viewings AS (
  SELECT
    videoId, videoTitle, videoDuration, videoDuration / {BUCKETS} AS width, watchedIntervals,
    replayedIntervals
  FROM {kept.engagement}
  WHERE videoDuration IS NOT NULL
),
videos AS (
  SELECT
    videoId, max(videoTitle) AS videoTitle, max(videoDuration) AS videoDuration, count(*) AS users,
    count(replayedIntervals) = count(*) AS hasPlays
  FROM viewings
  GROUP BY videoId
),
stretches AS (
  SELECT videoId, videoDuration, width, i.start AS fromSecond, i.`end` AS toSecond, 1 AS isFirst
  FROM viewings LATERAL VIEW explode(watchedIntervals) e AS i
  UNION ALL
  SELECT videoId, videoDuration, width, i.start, i.`end`, 0
  FROM viewings LATERAL VIEW explode(replayedIntervals) e AS i
),
parts AS (
  SELECT videoId, width, fromSecond, toSecond, isFirst, bucket
  FROM stretches LATERAL VIEW explode(sequence(
    CAST(least(floor(fromSecond / width), {BUCKETS - 1}) AS INT),
    CAST(least(floor(least(toSecond, videoDuration) / width), {BUCKETS - 1}) AS INT)
  )) b AS bucket
  WHERE fromSecond < videoDuration
),
shares AS (
  SELECT
    videoId, bucket, isFirst,
    greatest(0, least(toSecond, (bucket + 1) * width) - greatest(fromSecond, bucket * width)) / width
      AS share
  FROM parts
),
sums AS (
  SELECT
    videoId, bucket, sum(CASE WHEN isFirst = 1 THEN share ELSE 0 END) AS audience, sum(share) AS plays
  FROM shares
  GROUP BY videoId, bucket
),
buckets AS (
  SELECT videoId, videoTitle, videoDuration, users, hasPlays, bucket
  FROM videos LATERAL VIEW explode(sequence(0, {BUCKETS - 1})) b AS bucket
)
SELECT
  b.videoId,
  b.videoTitle,
  b.videoDuration,
  b.users,
  CAST(b.bucket AS BIGINT) AS bucket,
  b.bucket * b.videoDuration / {BUCKETS} AS startSeconds,
  (b.bucket + 1) * b.videoDuration / {BUCKETS} AS endSeconds,
  coalesce(s.audience, 0) AS audience,
  coalesce(s.audience, 0) / b.users AS retention,
  CASE WHEN b.hasPlays THEN coalesce(s.plays, 0) END AS plays
FROM buckets b
LEFT JOIN sums s ON s.videoId = b.videoId AND s.bucket = b.bucket
"""
