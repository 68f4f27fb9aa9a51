"""The engagement table in Polars: lazy queries over DataFrames in memory, or over files.

Written as somebody who knows Polars would write it: no expression runs group by group where a whole column
will do. The events are sorted once and walked as columns (`peers_polars_walk.py`); runs, sessions and then
users' videos come from hash aggregates over numbers; a union comes from one running maximum over the segments
alone, ordered by their start; and only users who saw something twice pay for the stretches seen again.

It has every column of the table and follows the definitions in `docs/metrics.md` with the default rules,
except for what `peers_rules.LEFT_OUT` lists.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import peers_rules as r
import polars as pl
from peers_polars_walk import INFINITY, PAIR, walked_events

Engine = Literal["streaming", "in-memory"]

# What is needed of the walked events.
_WALKED = (
    *PAIR,
    *("pair", "session", "run", "time", "kind", "position", "from", "d", "dt", "watched", "rejected"),
    *("missed", "goesOn", "unseen", "skip", "end", "leftOpen"),
)

# Short for the columns that the rules are about.
_KIND, _POSITION, _D, _DT = pl.col("kind"), pl.col("position"), pl.col("d"), pl.col("dt")
_DURATION, _FROM = pl.col("videoDuration"), pl.col("from")


def aggregate(events: pl.DataFrame, videos: pl.DataFrame, engine: Engine) -> pl.DataFrame:
    """One row per user and video.

    Args:
        events: `timestamp`, `userId`, `videoId`, `sessionId`, `eventName`, `currentTime`.
        videos: `videoId`, `duration`, `title`, a row per video.
        engine: The engine of Polars that does it: `streaming` or `in-memory`.
    """
    return _engagement(events.lazy(), videos.lazy(), engine).collect(engine=engine)


def write(events: pl.LazyFrame, videos: pl.LazyFrame, file: str | Path) -> None:
    """Writes the same rows to a Parquet file, by the engine that need not hold its input."""
    _engagement(events, videos, "streaming").sink_parquet(file, compression="snappy", engine="streaming")


def _engagement(events: pl.LazyFrame, videos: pl.LazyFrame, engine: Engine) -> pl.LazyFrame:
    # Collected, as several branches need it: Polars would walk twice for those that need other columns.
    walked = walked_events(events).select(_WALKED).collect(engine=engine).lazy()
    known = _known(videos)
    durations = pl.concat([known, _estimates(walked, known)])
    walked = walked.join(durations, on="videoId", how="left")
    titles = videos.select("videoId", pl.col("title").alias("videoTitle"))
    segments = _segments(walked).collect(engine=engine).lazy()
    sessions = _sessions(walked).join(_plays(walked), on="session", how="left")
    rows = _totals(sessions).join(titles, on="videoId", how="left")
    rows = rows.join(_unions(segments), on="pair", how="left")
    rows = rows.join(_replays(segments), on="pair", how="left")
    return _flagged(_scored(_derived(rows))).select(r.COLUMNS)


def _known(videos: pl.LazyFrame) -> pl.LazyFrame:
    duration = pl.col("duration")
    return videos.filter((duration > 0) & (duration < INFINITY)).select(
        "videoId", duration.alias("videoDuration"), pl.lit("metadata").alias("durationSource")
    )


def _estimates(walked: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Durations of videos that have none, from how far anybody got in them."""
    end, furthest = _POSITION.filter("watched").max(), _POSITION.max()
    estimate = pl.when(end > 0).then(end).when(furthest > 0).then(furthest)
    return (
        walked.join(known, on="videoId", how="anti")
        .group_by("videoId")
        .agg(estimate.alias("videoDuration"))
        .drop_nulls()
        .with_columns(pl.lit("estimated").alias("durationSource"))
    )


def _sessions(walked: pl.LazyFrame) -> pl.LazyFrame:
    watched, end, mark = pl.col("watched"), pl.col("end"), _DURATION * r.COMPLETE
    reached = (end.is_not_null() & end.ge(mark).fill_null(True)).sum()
    # The least of several values passes over nulls.
    unseen = pl.max_horizontal(0.0, pl.min_horizontal("unseen", _DURATION - _FROM))
    left_open = pl.max_horizontal(0.0, pl.min_horizontal(r.CAP, _DURATION - _POSITION))
    return (
        walked.group_by("session")
        .agg(
            pl.col("pair", *PAIR, "videoDuration", "durationSource").first(),
            pl.when(watched).then(_D).sum().alias("watchTime"),
            pl.when(watched).then(_POSITION).max().alias("lastEnd"),
            _POSITION.max().fill_null(0.0).alias("furthest"),
            _DT.sum().alias("seconds"),
            (_KIND == r.PAUSE).sum().alias("pauses"),
            (pl.col("skip") > r.FORWARD).sum().alias("forwardSkips"),
            (pl.col("skip") < r.BACKWARD).sum().alias("backwardSkips"),
            end.count().alias("ends"),
            reached.alias("reached"),
            pl.col("time").min().alias("firstTime"),
            pl.col("time").max().alias("lastTime"),
            pl.when(pl.col("unseen").is_not_null()).then(unseen).sum().alias("unseen"),
            pl.when("leftOpen").then(left_open).sum().alias("leftOpen"),
            (pl.col("leftOpen").cast(pl.Int64) + pl.col("missed")).sum().alias("openSegments"),
            pl.col("rejected").sum().alias("rejectedSegments"),
            pl.len().alias("eventCount"),
        )
        .with_columns(
            pl.max_horizontal(
                "reached",
                ((pl.col("durationSource") == "metadata") & (pl.col("lastEnd") >= mark)).fill_null(False),
            ).alias("completions")
        )
    )


def _plays(walked: pl.LazyFrame) -> pl.LazyFrame:
    """The time that each session was played: run by run what the clock says, but no more than was played."""
    played = pl.when("watched").then(_D).sum()
    return (
        walked.filter("goesOn")
        .group_by("run")
        .agg(pl.col("session").first(), pl.min_horizontal(_DT.sum(), played).alias("playTime"))
        .group_by("session")
        .agg(pl.col("playTime").sum())
    )


def _segments(walked: pl.LazyFrame) -> pl.LazyFrame:
    """What was watched, and how far a user's segments reached before each, in the order of their starts."""
    return (
        walked.filter("watched")
        .select("pair", "videoDuration", _FROM.alias("start"), _POSITION.alias("end"))
        .sort("pair", "start")
        .with_columns(pl.col("end").cum_max().over("pair").alias("reach"))
        .with_columns(
            pl.when(pl.col("pair") == pl.col("pair").shift()).then(pl.col("reach").shift()).alias("covered")
        )
    )


def _unions(segments: pl.LazyFrame) -> pl.LazyFrame:
    """How long the union of a user's segments is, and its intervals."""
    start, end, covered = pl.col("start"), pl.col("end"), pl.col("covered")
    new = pl.max_horizontal(start, covered)
    apart = start > covered
    return (
        segments.with_columns(
            pl.max_horizontal(0.0, end - new).alias("fresh"),
            pl.max_horizontal(0.0, pl.min_horizontal(end, _DURATION) - new).alias("freshCut"),
            (covered.is_null() | apart).cum_sum().alias("island"),
        )
        .group_by("island")
        .agg(
            pl.col("pair").first(),
            start.min(),
            end.max(),
            pl.col("fresh", "freshCut").sum(),
        )
        .sort("island")
        .group_by("pair")
        .agg(
            pl.col("fresh").sum().alias("union"),
            pl.col("freshCut").sum().alias("unionCut"),
            pl.struct("start", "end").alias("watchedIntervals"),
        )
    )


def _replays(segments: pl.LazyFrame) -> pl.LazyFrame:
    """Where segments of a user lie on others: at least two of them, at least three, and so on."""
    start, end, step = pl.col("start"), pl.col("end"), pl.col("step")
    again = segments.filter(start < pl.col("covered")).select("pair").unique()
    replayed = segments.join(again, on="pair", how="semi")
    # A start raises how many there are, an end lowers it. Where both are, it is first raised, so what touches
    # is one stretch. Every user's steps add up to nothing, and starts and ends of one depth take turns.
    edges = [replayed.select("pair", at.alias("start"), step=by) for at, by in ((start, 1), (end, -1))]
    return (
        pl.concat(edges)
        .sort("pair", "start", "step", descending=[False, False, True])
        .with_columns((step.cum_sum() - step.clip(upper_bound=0)).alias("depth"))
        .filter(pl.col("depth") > 1)
        .sort("pair", "depth", "start", "step", descending=[False, False, False, True])
        .with_columns(start.shift(-1).alias("end"))
        .filter(step == 1, end > start)
        .sort("pair", "start", "end")
        .group_by("pair")
        .agg(pl.struct("start", "end").alias("replayedIntervals"))
    )


def _totals(sessions: pl.LazyFrame) -> pl.LazyFrame:
    def total(column: str) -> pl.Expr:
        return pl.col(column).sum().cast(pl.Int64)

    def instant(time: pl.Expr) -> pl.Expr:
        return time.cast(pl.Datetime("us", "UTC"))

    return sessions.group_by("pair").agg(
        pl.col(*PAIR, "videoDuration", "durationSource").first(),
        pl.col("watchTime").sum().alias("totalWatchTime"),
        pl.col("playTime").sum().alias("totalPlayTime"),
        pl.col("furthest").max(),
        pl.len().cast(pl.Int64).alias("sessionCount"),
        pl.col("seconds", "pauses").sum(),
        total("forwardSkips").alias("totalForwardSkips"),
        total("backwardSkips").alias("totalBackwardSkips"),
        (pl.col("ends") > pl.col("reached")).any().alias("endedEarly"),
        total("completions").alias("completionCount"),
        instant(pl.col("firstTime").min()).alias("firstWatchDate"),
        instant(pl.col("lastTime").max()).alias("lastWatchDate"),
        (pl.col("unseen") + pl.col("leftOpen")).sum().alias("unobservedWatchTime"),
        total("openSegments").alias("openSegmentCount"),
        total("rejectedSegments").alias("rejectedSegmentCount"),
        total("eventCount").alias("eventCount"),
    )


def _derived(rows: pl.LazyFrame) -> pl.LazyFrame:
    sessions, watched = pl.col("sessionCount"), pl.col("totalWatchTime")
    unique, reached = pl.col("totalUniqueSecondsWatched"), pl.col("maxPositionReached")
    return rows.with_columns(
        pl.col("unionCut").fill_null(0.0).alias("totalUniqueSecondsWatched"),
        pl.min_horizontal("furthest", _DURATION).alias("maxPositionReached"),
        pl.max_horizontal(0.0, watched - pl.col("union").fill_null(0.0)).alias("rewatchedSeconds"),
        pl.col("watchedIntervals", "replayedIntervals").fill_null([]),
        (pl.col("completionCount") > 0).alias("isCompletedAtLeastOnce"),
    ).with_columns(
        _round2(watched / _DURATION * 100).alias("watchPercentage"),
        _round2(reached / _DURATION * 100).alias("completionPercentage"),
        _round2(unique / _DURATION * 100).alias("uniqueWatchPercentage"),
        (watched / sessions).alias("avgWatchTimePerSession"),
        (pl.col("seconds") / sessions).alias("avgSessionDuration"),
        (pl.col("pauses") / sessions).alias("avgPausesPerSession"),
        (sessions > 1).alias("isReplay"),
    )


def _round2(value: pl.Expr) -> pl.Expr:
    # Not round(), which rounds the shortest decimal text of the number.
    return (value * 100 + 0.5).floor() / 100


def _scored(rows: pl.LazyFrame) -> pl.LazyFrame:
    def share(column: str) -> pl.Expr:
        return (pl.col(column) / _DURATION).clip(0, 1)

    sufficient = pl.col("uniqueWatchPercentage") >= r.SUFFICIENT
    points = (
        60 * share("totalUniqueSecondsWatched")
        + 20 * (pl.col("isCompletedAtLeastOnce") & sufficient).cast(pl.Float64)
        + 10 * share("maxPositionReached")
        + 10 * share("rewatchedSeconds")
    )
    score = pl.col("engagementScore")
    tier = pl.when(score >= r.HIGH).then(pl.lit("High")).when(score >= r.MEDIUM).then(pl.lit("Medium"))
    tier = tier.when(score >= r.LOW).then(pl.lit("Low")).when(score.is_not_null()).then(pl.lit("Minimal"))
    # Without a duration the points are null, and so are the score and the tier.
    return rows.with_columns(_round2(points).alias("engagementScore")).with_columns(
        tier.alias("engagementTier")
    )


def _flagged(rows: pl.LazyFrame) -> pl.LazyFrame:
    metadata, completed = pl.col("durationSource") == "metadata", pl.col("isCompletedAtLeastOnce")
    watched, unique = pl.col("totalWatchTime"), pl.col("uniqueWatchPercentage")
    plays = pl.max_horizontal("sessionCount", "completionCount")
    conditions = {
        "missing_duration": _DURATION.is_null(),
        "estimated_duration": pl.col("durationSource") == "estimated",
        "excessive_watch_time": watched > r.EXCESSIVE * _DURATION * plays,
        "completed_without_sufficient_watch": completed & (unique < r.SUFFICIENT),
        "position_exceeds_duration": metadata & (pl.col("furthest") > _DURATION + r.SLACK),
        "implausible_segments": pl.col("rejectedSegmentCount") > 0,
        "ended_before_duration": pl.col("endedEarly"),
        "very_short_watch": (watched < r.SHORT) & ~(unique >= r.SUFFICIENT).fill_null(False),
    }
    flags = [pl.when(condition).then(pl.lit(name)) for name, condition in conditions.items()]
    return rows.with_columns(
        pl.concat_list(flags).list.drop_nulls().alias("dataQualityFlags"),
        pl.coalesce(*flags, pl.lit("ok")).alias("dataQualityFlag"),
    )
