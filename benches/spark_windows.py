"""The engagement table in plain PySpark: window functions and aggregates, no Python in the tasks.

Written as somebody who knows Spark would write it: the columns in use alone cross one shuffle, by user and
video, which serves every window and aggregate after it; the windows over a session share one sort; repeated
events stand next to each other in it, so they cost no aggregation; and a union comes from one running
maximum over the segments ordered by their start.

It has every column of the table and follows the definitions in `docs/metrics.md` with the default rules,
except for these:

* `playbackRate`, `seekFrom` and `sequence` are not read: the benchmark's events do not have them. So every
  speed is 1, and what was watched before a seek is unknown.
* A start that still reports the position before a seek (a stale start) is not recognised.
* A heartbeat of a paused player counts as playing.
* What may have been watched at most (`unobservedWatchTime`) is bounded by the next event on the same video,
  not by that on any video, and so may be more.
* Two different rows for one video are not refused, and no rows are counted by the reason why they were
  dropped.
* Text timestamps, other key types and session timeouts are not provided for.
"""

from __future__ import annotations

from functools import reduce

from peers_rules import (
    BACKWARD,
    CAP,
    CLOSE,
    COMPLETE,
    END,
    EXCESSIVE,
    FORWARD,
    HEARTBEAT,
    LONGEST,
    NAMES,
    PAUSE,
    PLAY,
    RATE_CHANGE,
    RESUME,
    SEEK,
    SEEK_START,
    SHORT,
    SLACK,
    SUFFICIENT,
    TOLERANCE,
)
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

_PAIR = ("userId", "videoId")


def aggregate(events: DataFrame, videos: DataFrame) -> DataFrame:
    """One row per user and video.

    Args:
        events: `timestamp`, `userId`, `videoId`, `sessionId`, `eventName`, `currentTime`.
        videos: `videoId`, `duration`, `title`, a row per video.
    """
    accepted = _accepted(events)
    known = videos.select("videoId", _duration(F.col("duration")).alias("videoDuration")).dropna()
    known = known.withColumn("durationSource", F.lit("metadata"))
    durations = known.unionByName(_estimates(accepted, known))
    walked = _walked(accepted.join(F.broadcast(durations), "videoId", "left"))
    rows = _scored(_derived(_totals(_joined_segments(_ends_of_sessions(walked)))))
    titles = videos.select("videoId", F.col("title").alias("videoTitle"))
    return _table(_flagged(rows).join(F.broadcast(titles), "videoId", "left"))


def _session() -> WindowSpec:
    return Window.partitionBy(*_PAIR, "sessionId").orderBy("time", "kind", "position")


def _duration(column: Column) -> Column:
    return F.when((column > 0) & ~F.isnan(column) & (column < float("inf")), column)


def _accepted(events: DataFrame) -> DataFrame:
    name = F.col("eventName")
    kind = F.coalesce(*(F.when(name.isin(*names), kind) for kind, names in NAMES.items()))
    position = F.col("currentTime")
    return events.select(
        *_PAIR,
        "sessionId",
        F.unix_micros("timestamp").alias("time"),
        kind.alias("kind"),
        position.alias("position"),
    ).filter(
        (F.col("userId") != "")
        & (F.col("videoId") != "")
        & (F.col("sessionId") != "")
        & F.col("time").isNotNull()
        & F.col("kind").isNotNull()
        & (F.col("position") >= 0)
        & (F.col("position") < float("inf"))
    )


def _estimates(accepted: DataFrame, known: DataFrame) -> DataFrame:
    """Durations of videos that have none, from how far anybody got in them."""
    lacking = _walked(accepted.join(F.broadcast(known.select("videoId")), "videoId", "left_anti"))
    end, position = F.max("end"), F.max("position")
    estimate = F.when(end > 0, end).when(position > 0, position)
    return (
        lacking.groupBy("videoId")
        .agg(estimate.alias("videoDuration"))
        .dropna()
        .withColumn("durationSource", F.lit("estimated"))
    )


def _walked(accepted: DataFrame) -> DataFrame:
    """Each event once, and what it says together with what came before it."""
    events = _without_repeats(accepted.repartition(*_PAIR))
    events = _with_state(events)
    return _with_skips(_with_segments(events))


def _without_repeats(events: DataFrame) -> DataFrame:
    session = _session()
    same = (F.lag(column).over(session) == F.col(column) for column in ("time", "kind", "position"))
    repeated = reduce(lambda one, other: one & other, same)
    return (
        events.withColumn("repeated", repeated).filter(~F.coalesce("repeated", F.lit(False))).drop("repeated")
    )


def _with_state(events: DataFrame) -> DataFrame:
    """The player before each event: its position, and whether it played, was sought, had ended."""
    kind = F.col("kind")
    starts, stops = kind.isin(PLAY, RESUME, HEARTBEAT), kind.isin(PAUSE, CLOSE, END)
    playing = F.when(starts, True).when(stops, False)
    seeking = F.when(kind == SEEK_START, True).when(kind != RATE_CHANGE, False)
    ended = F.when(kind == END, True).when(starts | (kind == SEEK), False)
    session = _session()
    before = session.rowsBetween(Window.unboundedPreceding, -1)

    def last(state: Column) -> Column:
        return F.coalesce(F.last(state, ignorenulls=True).over(before), F.lit(False))

    return events.select(
        "*",
        F.lag("position").over(session).alias("from"),
        ((F.col("time") - F.lag("time").over(session)) / 1e6).alias("dt"),
        F.lead("time").over(session).isNull().alias("isLast"),
        last(playing).alias("played"),
        last(seeking).alias("sought"),
        last(ended).alias("hadEnded"),
    ).select(
        "*",
        (F.col("played") & ~F.col("sought")).alias("running"),
        (F.col("position") - F.col("from")).alias("d"),
        (F.col("isLast") & F.coalesce(playing, F.col("played"))).alias("leftOpen"),
    )


def _with_segments(events: DataFrame) -> DataFrame:
    kind, d, dt, running = F.col("kind"), F.col("d"), F.col("dt"), F.col("running")
    observed = running & (kind != SEEK)
    watched = observed & (d > 0) & (d <= LONGEST) & (d <= dt + TOLERANCE)
    rejected = observed & ~watched & ((d > 0) | (d < BACKWARD))
    starts = kind.isin(PLAY, RESUME)
    missed = observed & ~watched & ~rejected & starts & (dt > TOLERANCE)
    unseen = F.least(dt, F.lit(LONGEST))
    unseen = F.when(starts, F.least(unseen, F.lit(CAP))).otherwise(unseen)
    near = F.abs(d) <= 1
    started = ~running & (kind == HEARTBEAT) & ~near & ~F.col("hadEnded") & (d > 0) & (d <= dt + TOLERANCE)
    return events.select(
        "*",
        F.when(watched, F.col("from")).alias("start"),
        F.when(watched, F.col("position")).alias("end"),
        rejected.alias("rejected"),
        missed.alias("missed"),
        started.alias("started"),
        F.when(started, d).when(rejected | missed | (running & (kind == SEEK)), unseen).alias("unseen"),
    )


def _with_skips(events: DataFrame) -> DataFrame:
    kind, d, running = F.col("kind"), F.col("d"), F.col("running")
    starts = kind.isin(PLAY, RESUME)
    skip = (
        F.when(running & (kind == SEEK), d - F.col("dt"))
        .when(running, F.when(F.col("rejected"), d))
        .when(kind == SEEK, d)
        .when(starts & ~F.col("hadEnded"), d)
        .when((kind == HEARTBEAT) & (F.abs(d) > 1) & ~F.col("hadEnded") & ~F.col("started"), d)
    )
    return events.withColumn("skip", skip)


def _ends_of_sessions(walked: DataFrame) -> DataFrame:
    """On the last event of each session, how often it completed the video."""
    so_far = _session().rowsBetween(Window.unboundedPreceding, Window.currentRow)
    mark = F.col("videoDuration") * COMPLETE
    reached = (F.col("kind") == END) & F.coalesce(F.col("position") >= mark, F.lit(True))
    watched_through = (F.col("durationSource") == "metadata") & (F.max("end").over(so_far) >= mark)
    return walked.select(
        "*",
        reached.alias("reached"),
        F.sum(reached.cast("long")).over(so_far).alias("reachedSoFar"),
        F.coalesce(watched_through, F.lit(False)).alias("watchedThrough"),
    ).withColumn(
        "completions",
        F.when(F.col("isLast"), F.greatest("reachedSoFar", F.col("watchedThrough").cast("long"))),
    )


def _joined_segments(walked: DataFrame) -> DataFrame:
    """How far a user's segments reached before each one, over all sessions, in the order of their starts."""
    before = Window.partitionBy(*_PAIR).orderBy("start").rowsBetween(Window.unboundedPreceding, -1)
    # Spark swaps windows that do not depend on each other, and would sort by session once more: so this one
    # looks at what the last one made, which is never null.
    events = walked.withColumn(
        "covered", F.max(F.when(F.col("reachedSoFar") >= 0, F.col("end"))).over(before)
    )
    start, end, covered = F.col("start"), F.col("end"), F.col("covered")
    # The greatest and the least of several values pass over nulls.
    new = F.greatest(start, covered)
    fresh, cut = end - new, F.least(end, "videoDuration") - new
    return events.select(
        "*",
        F.when(covered.isNull() | (start > covered), start).alias("islandStart"),
        F.when(start > covered, covered).alias("islandEnd"),
        F.when(end > new, fresh).alias("fresh"),
        F.when((end > new) & (cut > 0), cut).alias("freshCut"),
    )


def _totals(events: DataFrame) -> DataFrame:
    kind, skip, d = F.col("kind"), F.col("skip"), F.col("videoDuration")

    def count(condition: Column) -> Column:
        return F.count(F.when(condition, 1))

    def total(column: Column) -> Column:
        return F.coalesce(F.sum(column), F.lit(0.0))

    def cut(condition: Column, seconds: Column, start: Column) -> Column:
        return F.when(condition, F.greatest(F.lit(0.0), F.least(seconds, d - start)))

    unseen = cut(F.col("unseen").isNotNull(), F.col("unseen"), F.col("from"))
    left_open = cut(F.col("leftOpen"), F.lit(CAP), F.col("position"))
    return events.groupBy(*_PAIR).agg(
        F.first("videoDuration").alias("videoDuration"),
        F.first("durationSource").alias("durationSource"),
        total(F.col("end") - F.col("start")).alias("totalWatchTime"),
        total(F.when(F.col("end").isNotNull(), F.least("dt", "d"))).alias("totalPlayTime"),
        total(F.col("fresh")).alias("union"),
        total(F.col("freshCut")).alias("totalUniqueSecondsWatched"),
        F.max("position").alias("furthest"),
        count(F.col("isLast")).alias("sessionCount"),
        total(F.col("dt")).alias("sessionSeconds"),
        count(kind == PAUSE).alias("pauses"),
        count(skip > FORWARD).alias("totalForwardSkips"),
        count(skip < BACKWARD).alias("totalBackwardSkips"),
        F.sum("completions").alias("completionCount"),
        F.timestamp_micros(F.min("time")).alias("firstWatchDate"),
        F.timestamp_micros(F.max("time")).alias("lastWatchDate"),
        (total(unseen) + total(left_open)).alias("unobservedWatchTime"),
        (count(F.col("leftOpen")) + count(F.col("missed"))).alias("openSegmentCount"),
        count(F.col("rejected")).alias("rejectedSegmentCount"),
        F.count("*").alias("eventCount"),
        count((kind == END) & ~F.col("reached")).alias("earlyEnds"),
        F.array_sort(F.collect_list("islandStart")).alias("starts"),
        F.array_sort(F.collect_list("islandEnd")).alias("ends"),
        F.max("end").alias("lastEnd"),
    )


def _derived(rows: DataFrame) -> DataFrame:
    d, sessions, watched = F.col("videoDuration"), F.col("sessionCount"), F.col("totalWatchTime")
    ends = F.when(F.col("lastEnd").isNull(), F.col("ends")).otherwise(F.concat("ends", F.array("lastEnd")))
    rows = rows.withColumn("maxPositionReached", F.least("furthest", "videoDuration"))
    return rows.select(
        "*",
        _round2(watched / d * 100).alias("watchPercentage"),
        _round2(F.col("maxPositionReached") / d * 100).alias("completionPercentage"),
        _round2(F.col("totalUniqueSecondsWatched") / d * 100).alias("uniqueWatchPercentage"),
        (watched / sessions).alias("avgWatchTimePerSession"),
        (F.col("sessionSeconds") / sessions).alias("avgSessionDuration"),
        (F.col("pauses") / sessions).alias("avgPausesPerSession"),
        (F.col("completionCount") > 0).alias("isCompletedAtLeastOnce"),
        (sessions > 1).alias("isReplay"),
        F.greatest(F.lit(0.0), watched - F.col("union")).alias("rewatchedSeconds"),
        F.arrays_zip(F.col("starts").alias("start"), ends.alias("end")).alias("watchedIntervals"),
    )


def _round2(value: Column) -> Column:
    # Not round(), which rounds the shortest decimal text of the number.
    return F.floor(value * 100 + 0.5) / 100


def _scored(rows: DataFrame) -> DataFrame:
    d = F.col("videoDuration")

    def share(value: Column) -> Column:
        return F.least(F.lit(1.0), F.greatest(F.lit(0.0), value))

    completed = F.col("isCompletedAtLeastOnce") & (F.col("uniqueWatchPercentage") >= SUFFICIENT)
    points = (
        60 * share(F.col("totalUniqueSecondsWatched") / d)
        + 20 * completed.cast("double")
        + 10 * share(F.col("maxPositionReached") / d)
        + 10 * share(F.col("rewatchedSeconds") / d)
    )
    score = F.col("engagementScore")
    tier = F.when(score >= 75, "High").when(score >= 50, "Medium").when(score >= 25, "Low")
    return rows.withColumn("engagementScore", F.when(d.isNotNull(), _round2(points))).withColumn(
        "engagementTier", F.when(score.isNotNull(), tier.otherwise("Minimal"))
    )


def _flagged(rows: DataFrame) -> DataFrame:
    d, metadata = F.col("videoDuration"), F.col("durationSource") == "metadata"
    completed = F.col("isCompletedAtLeastOnce")
    conditions = {
        "missing_duration": d.isNull(),
        "estimated_duration": F.col("durationSource") == "estimated",
        "excessive_watch_time": F.col("totalWatchTime") > EXCESSIVE * d * F.col("sessionCount"),
        "completed_without_sufficient_watch": completed & (F.col("uniqueWatchPercentage") < SUFFICIENT),
        "position_exceeds_duration": metadata & (F.col("furthest") > d + SLACK),
        "implausible_segments": F.col("rejectedSegmentCount") > 0,
        "ended_before_duration": F.col("earlyEnds") > 0,
        "very_short_watch": F.col("totalWatchTime") < SHORT,
    }
    flags = F.array(*(F.when(condition, name) for name, condition in conditions.items()))
    return rows.withColumn("dataQualityFlags", F.array_compact(flags)).withColumn(
        "dataQualityFlag", F.coalesce(F.get("dataQualityFlags", F.lit(0)), F.lit("ok"))
    )


def _table(rows: DataFrame) -> DataFrame:
    return rows.select(
        *("userId", "videoId", "videoTitle", "videoDuration", "durationSource", "totalWatchTime"),
        *("totalUniqueSecondsWatched", "maxPositionReached", "watchPercentage", "completionPercentage"),
        *("uniqueWatchPercentage", "sessionCount", "avgWatchTimePerSession", "avgSessionDuration"),
        *("avgPausesPerSession", "totalForwardSkips", "totalBackwardSkips", "completionCount"),
        *("isCompletedAtLeastOnce", "engagementScore", "engagementTier", "firstWatchDate", "lastWatchDate"),
        *("isReplay", "rewatchedSeconds", "totalPlayTime", "unobservedWatchTime", "openSegmentCount"),
        *("rejectedSegmentCount", "eventCount", "watchedIntervals", "dataQualityFlags", "dataQualityFlag"),
    )
