"""The engagement table in plain PySpark: window functions and aggregates, no Python in the tasks.

Written as somebody who knows Spark would write it: the columns in use alone cross one shuffle, by user and
video, which serves every window and aggregate after it; the windows over a session share one sort; repeated
events stand next to each other in it, so they cost no aggregation; a union comes from one running maximum
over the segments ordered by their start; and only users who saw something twice pay for the stretches that
they saw again.

It has every column of the table and follows the definitions in `docs/metrics.md` with the default rules,
except for what `peers_rules.LEFT_OUT` lists.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import peers_rules as r
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

_PAIR = ("userId", "videoId")
_INTERVALS = "array<struct<start: double, end: double>>"


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
    return _flagged(rows).join(F.broadcast(titles), "videoId", "left").select(*r.COLUMNS)


def _session() -> WindowSpec:
    return Window.partitionBy(*_PAIR, "sessionId").orderBy("time", "kind", F.col("position").asc_nulls_last())


def _before() -> WindowSpec:
    return _session().rowsBetween(Window.unboundedPreceding, -1)


def _duration(column: Column) -> Column:
    return F.when((column > 0) & ~F.isnan(column) & (column < float("inf")), column)


def _accepted(events: DataFrame) -> DataFrame:
    name = F.col("eventName")
    kind = F.coalesce(*(F.when(name.isin(*names), kind) for kind, names in r.NAMES.items()))
    position = F.col("currentTime")
    return events.select(
        *_PAIR,
        "sessionId",
        F.unix_micros("timestamp").alias("time"),
        kind.alias("kind"),
        F.when((position >= 0) & (position < float("inf")), position).alias("position"),
    ).filter(
        (F.col("userId") != "")
        & (F.col("videoId") != "")
        & (F.col("sessionId") != "")
        & F.col("time").isNotNull()
        & F.col("kind").isNotNull()
        & (F.col("position").isNotNull() | F.col("kind").isin(r.PAUSE, r.CLOSE, r.END))
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
    events = _with_state(_without_repeats(accepted.repartition(*_PAIR)))
    return _with_skips(_with_places(_with_runs(_with_segments(events))))


def _without_repeats(events: DataFrame) -> DataFrame:
    session = _session()
    same = (F.lag(column).over(session).eqNullSafe(F.col(column)) for column in ("time", "kind", "position"))
    repeated = reduce(lambda one, other: one & other, same)
    return events.withColumn("repeated", repeated).filter(~F.col("repeated")).drop("repeated")


def _with_state(events: DataFrame) -> DataFrame:
    """The player before each event: whether it played, was sought, had ended; and how far it is since."""
    kind = F.col("kind")
    starts, stops = kind.isin(r.PLAY, r.RESUME, r.HEARTBEAT), kind.isin(r.PAUSE, r.CLOSE, r.END)
    playing = F.when(starts, True).when(stops, False)
    seeking = F.when(kind == r.SEEK_START, True).when(kind != r.RATE_CHANGE, False)
    ended = F.when(kind == r.END, True).when(starts | (kind == r.SEEK), False)
    session = _session()

    def last(state: Column) -> Column:
        return F.coalesce(F.last(state, ignorenulls=True).over(_before()), F.lit(False))

    return events.select(
        "*",
        F.lag("position").over(session).alias("previous"),
        ((F.col("time") - F.lag("time").over(session)) / 1e6).alias("dt"),
        F.lead("time").over(session).isNull().alias("isLast"),
        last(playing).alias("played"),
        last(seeking).alias("sought"),
        last(ended).alias("hadEnded"),
    ).select(
        "*",
        (F.col("played") & ~F.col("sought")).alias("running"),
        (F.col("isLast") & F.coalesce(playing, F.col("played"))).alias("leftOpen"),
    )


def _with_segments(events: DataFrame) -> DataFrame:
    """What each event says of what was played before it."""
    kind, position, previous, dt = (F.col(name) for name in ("kind", "position", "previous", "dt"))
    running, restarts = F.col("running"), kind.isin(r.PLAY, r.RESUME)
    # A player that plays took the position of the event before.
    moved = position - previous
    observed = running & (kind != r.SEEK) & position.isNotNull()
    watched = observed & (moved > 0) & (moved <= r.LONGEST) & (moved <= r.FASTEST * dt + r.TOLERANCE)
    rejected = observed & ~watched & ((moved > 0) | (moved < r.BACKWARD))
    missed = observed & ~watched & ~rejected & restarts & (dt > r.TOLERANCE)
    unseen = F.least(dt, F.when(restarts, r.CAP).otherwise(r.LONGEST))
    # Where the player is from here on, or likely is; null if that is as it was.
    stopped = F.when(running, previous + dt)
    place = F.when(position.isNull(), stopped).when(
        (kind != r.SEEK_START) | F.col("played") | dt.isNull(), position
    )
    return events.select(
        "*",
        F.when(watched, previous).alias("start"),
        F.when(watched, position).alias("end"),
        rejected.alias("rejected"),
        missed.alias("missed"),
        (observed & ~rejected & ~missed).alias("goesOn"),
        F.when(rejected | missed, unseen)
        .when(running & ~observed, F.least(dt, F.lit(r.LONGEST)))
        .alias("unseen"),
        place.alias("place"),
    )


def _with_runs(events: DataFrame) -> DataFrame:
    """At the end of each run of playing its time: what the clock says, but no more than was played."""
    goes_on, clock, content = F.col("goesOn"), F.col("clock"), F.col("content")
    so_far = _session().rowsBetween(Window.unboundedPreceding, Window.currentRow)

    def total(seconds: Column) -> Column:
        return F.sum(F.when(goes_on, seconds).otherwise(0.0)).over(so_far)

    def since_break(seconds: Column) -> Column:
        return seconds - F.last(F.when(~goes_on, seconds), ignorenulls=True).over(_before())

    ends = goes_on & ~F.coalesce(F.lead("goesOn").over(_session()), F.lit(False))
    return events.select(
        "*",
        total(F.col("dt")).alias("clock"),
        total(F.coalesce(F.col("end") - F.col("start"), F.lit(0.0))).alias("content"),
        ends.alias("endsRun"),
    ).withColumn("playTime", F.when(F.col("endsRun"), F.least(since_break(clock), since_break(content))))


def _with_places(events: DataFrame) -> DataFrame:
    """Where the player was before each event, and where it likely was if that is not known."""
    place = F.col("place")
    located = F.when(place.isNotNull(), F.col("position").isNotNull())
    return events.select(
        "*",
        F.last(place, ignorenulls=True).over(_before()).alias("likely"),
        F.last(located, ignorenulls=True).over(_before()).alias("located"),
    ).withColumn("from", F.when(F.col("located"), F.col("likely")))


def _with_skips(events: DataFrame) -> DataFrame:
    """What may have been watched unseen, skips, and where the video ended."""
    kind, running, ended = F.col("kind"), F.col("running"), F.col("hadEnded")
    dt, d, likely = F.col("dt"), F.col("position") - F.col("from"), F.col("likely")
    moves = (kind == r.HEARTBEAT) | (~F.col("sought") & kind.isin(r.PAUSE, r.CLOSE, r.END, r.RATE_CHANGE))
    strayed = ~running & ~ended & moves & (F.abs(d) > r.NEAR)
    started = strayed & (d > 0) & (d <= r.FASTEST * dt + r.TOLERANCE)
    skip = (
        F.when(running & (kind == r.SEEK), d - dt)
        .when(running, F.when(F.col("rejected"), d))
        .when((kind == r.SEEK) | (kind.isin(r.PLAY, r.RESUME) & ~ended) | (strayed & ~started), d)
    )
    stop = F.when(kind == r.END, F.coalesce("place", "likely"))
    told = F.coalesce(ended & (F.abs(stop - likely) <= r.NEAR), F.lit(False))
    return events.select(
        *(column for column in events.columns if column != "unseen"),
        F.when(started, d).otherwise(F.col("unseen")).alias("unseen"),
        skip.alias("skip"),
        F.when(~told, stop).alias("stop"),
    )


def _ends_of_sessions(walked: DataFrame) -> DataFrame:
    """On the last event of each session, how often it completed the video."""
    so_far = _session().rowsBetween(Window.unboundedPreceding, Window.currentRow)
    mark = F.col("videoDuration") * r.COMPLETE
    reached = F.col("stop").isNotNull() & F.coalesce(F.col("stop") >= mark, F.lit(True))
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
    left_open = cut(F.col("leftOpen"), F.lit(r.CAP), F.col("position"))
    return events.groupBy(*_PAIR).agg(
        F.first("videoDuration").alias("videoDuration"),
        F.first("durationSource").alias("durationSource"),
        total(F.col("end") - F.col("start")).alias("totalWatchTime"),
        total(F.col("playTime")).alias("totalPlayTime"),
        total(F.col("fresh")).alias("union"),
        total(F.col("freshCut")).alias("totalUniqueSecondsWatched"),
        F.coalesce(F.max("position"), F.lit(0.0)).alias("furthest"),
        count(F.col("isLast")).alias("sessionCount"),
        total(F.col("dt")).alias("sessionSeconds"),
        count(kind == r.PAUSE).alias("pauses"),
        count(skip > r.FORWARD).alias("totalForwardSkips"),
        count(skip < r.BACKWARD).alias("totalBackwardSkips"),
        F.sum("completions").alias("completionCount"),
        F.timestamp_micros(F.min("time")).alias("firstWatchDate"),
        F.timestamp_micros(F.max("time")).alias("lastWatchDate"),
        (total(unseen) + total(left_open)).alias("unobservedWatchTime"),
        (count(F.col("leftOpen")) + count(F.col("missed"))).alias("openSegmentCount"),
        count(F.col("rejected")).alias("rejectedSegmentCount"),
        F.count("*").alias("eventCount"),
        count(F.col("stop").isNotNull() & ~F.col("reached")).alias("earlyEnds"),
        F.array_sort(F.collect_list("islandStart")).alias("starts"),
        F.array_sort(F.collect_list("islandEnd")).alias("ends"),
        F.max("end").alias("lastEnd"),
        F.coalesce(F.bool_or(F.col("start") < F.col("covered")), F.lit(False)).alias("replayed"),
        F.array_sort(F.collect_list("start")).alias("allStarts"),
        F.array_sort(F.collect_list("end")).alias("allEnds"),
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
        F.when(F.col("replayed"), _replays(F.col("allStarts"), F.col("allEnds")))
        .otherwise(F.array().cast(_INTERVALS))
        .alias("replayedIntervals"),
    )


def _replays(starts: Column, ends: Column) -> Column:
    """Where at least two segments lie, at least three, and so on.

    At least k lie where the start that comes k - 1 places after one has come, but not yet the end that has
    the place of that one. So these are stretches, and those that touch are one.
    """

    def stretches(k: Column) -> Column:
        places = F.sequence(F.lit(0), F.size(starts) - k)
        apart = places_where(places, lambda i: F.get(starts, i + k - 1) > F.get(ends, i - 1))
        last = places_where(places, lambda i: F.get(starts, i + k) > F.get(ends, i))
        return F.zip_with(
            apart,
            last,
            lambda i, j: F.struct(F.get(starts, i + k - 1).alias("start"), F.get(ends, j).alias("end")),
        )

    def places_where(places: Column, condition: Callable[[Column], Column]) -> Column:
        # Null at the first and the last place, which have no neighbour.
        return F.filter(places, lambda i: F.coalesce(condition(i), F.lit(True)))

    levels = F.transform(F.sequence(F.lit(2), F.size(starts)), stretches)
    return F.array_sort(F.filter(F.flatten(levels), lambda stretch: stretch["start"] < stretch["end"]))


def _round2(value: Column) -> Column:
    # Not round(), which rounds the shortest decimal text of the number.
    return F.floor(value * 100 + 0.5) / 100


def _scored(rows: DataFrame) -> DataFrame:
    d = F.col("videoDuration")

    def share(value: Column) -> Column:
        return F.least(F.lit(1.0), F.greatest(F.lit(0.0), value))

    completed = F.col("isCompletedAtLeastOnce") & (F.col("uniqueWatchPercentage") >= r.SUFFICIENT)
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
    completed, unique = F.col("isCompletedAtLeastOnce"), F.col("uniqueWatchPercentage")
    plays = F.greatest("sessionCount", "completionCount")
    sufficient = F.coalesce(unique >= r.SUFFICIENT, F.lit(False))
    conditions = {
        "missing_duration": d.isNull(),
        "estimated_duration": F.col("durationSource") == "estimated",
        "excessive_watch_time": F.col("totalWatchTime") > r.EXCESSIVE * d * plays,
        "completed_without_sufficient_watch": completed & (unique < r.SUFFICIENT),
        "position_exceeds_duration": metadata & (F.col("furthest") > d + r.SLACK),
        "implausible_segments": F.col("rejectedSegmentCount") > 0,
        "ended_before_duration": F.col("earlyEnds") > 0,
        "very_short_watch": (F.col("totalWatchTime") < r.SHORT) & ~sufficient,
    }
    flags = F.array(*(F.when(condition, name) for name, condition in conditions.items()))
    return rows.withColumn("dataQualityFlags", F.array_compact(flags)).withColumn(
        "dataQualityFlag", F.coalesce(F.get("dataQualityFlags", F.lit(0)), F.lit("ok"))
    )
