"""The engagement table in Polars: two lazy queries over DataFrames in memory.

Written as somebody who knows Polars would write it: no expression runs group by group where a whole column
will do. The three keys become codes, which sort faster than texts. The events are sorted once, so what came
before an event is the row above it, and the player's state is a forward fill that begins anew where a session
begins; repeated events stand next to each other; sessions and then users' videos come from hash aggregates
over numbers; and a union comes from one running maximum over the segments alone, ordered by their start.

It has every column of the table and follows the definitions in `docs/metrics.md` with the default rules,
except for what `peers_rules.LEFT_OUT` lists.
"""

from __future__ import annotations

import peers_rules as r
import polars as pl

_PAIR = ("userId", "videoId")
_KEYS = (*_PAIR, "sessionId")
_INFINITY = float("inf")
# What is needed of the walked events.
_WALKED = (
    *_PAIR,
    *("pair", "session", "time", "kind", "position", "from", "d", "dt", "watched", "rejected", "missed"),
    *("unseen", "skip", "leftOpen"),
)

# Short for the columns that the rules are about.
_KIND, _POSITION, _D, _DT = pl.col("kind"), pl.col("position"), pl.col("d"), pl.col("dt")
_DURATION, _FROM = pl.col("videoDuration"), pl.col("from")


def aggregate(events: pl.DataFrame, videos: pl.DataFrame, engine: str) -> pl.DataFrame:
    """One row per user and video.

    Args:
        events: `timestamp`, `userId`, `videoId`, `sessionId`, `eventName`, `currentTime`.
        videos: `videoId`, `duration`, `title`, a row per video.
        engine: The engine of Polars that does it: `streaming` or `in-memory`.
    """
    # Collected, as three branches need it: Polars would walk twice for those that need other columns.
    walked = _walked(_sorted(_accepted(events.lazy()))).select(_WALKED).collect(engine=engine).lazy()
    known = _known(videos)
    durations = pl.concat([known, _estimates(walked, known)])
    walked = walked.join(durations, on="videoId", how="left")
    titles = videos.lazy().select("videoId", pl.col("title").alias("videoTitle"))
    rows = _totals(_sessions(walked)).join(_unions(walked), on="pair", how="left")
    rows = rows.join(titles, on="videoId", how="left")
    return _flagged(_scored(_derived(rows))).select(r.COLUMNS).collect(engine=engine)


def _known(videos: pl.DataFrame) -> pl.LazyFrame:
    duration = pl.col("duration")
    return (
        videos.lazy()
        .filter((duration > 0) & (duration < _INFINITY))
        .select("videoId", duration.alias("videoDuration"), pl.lit("metadata").alias("durationSource"))
    )


def _accepted(events: pl.LazyFrame) -> pl.LazyFrame:
    kinds = pl.LazyFrame(
        {"eventName": r.KINDS.keys(), "kind": r.KINDS.values()}, {"eventName": str, "kind": pl.Int8}
    )
    filled = pl.all_horizontal(pl.col(*_KEYS) != "")
    position = pl.col("currentTime")
    return (
        events.filter(filled, pl.col("timestamp").is_not_null(), position >= 0, position < _INFINITY)
        .join(kinds, on="eventName")
        .select(
            *_KEYS, pl.col("timestamp").dt.timestamp("us").alias("time"), "kind", position.alias("position")
        )
    )


def _sorted(accepted: pl.LazyFrame) -> pl.LazyFrame:
    """The events of each session together and in order, and a number for each session and each pair."""
    # Names of the call's own, so that no call finds what an earlier one has seen.
    names = {key: pl.Categorical(pl.Categories.random()) for key in _KEYS}
    codes = [pl.col(key).cast(names[key]).to_physical().alias(f"{key}Code") for key in _KEYS]
    user, video, session = (f"{key}Code" for key in _KEYS)
    events = accepted.with_columns(codes).sort(user, video, session, "time", "kind", "position")

    def first(*columns: str) -> pl.Expr:
        differs = pl.any_horizontal(pl.col(column) != pl.col(column).shift() for column in columns)
        return differs.fill_null(True)

    return events.select(
        *_PAIR,
        *("time", "kind", "position"),
        first(user, video, session).alias("isFirst"),
        first(user, video, session).cum_sum().alias("session"),
        first(user, video).cum_sum().alias("pair"),
    )


def _walked(events: pl.LazyFrame) -> pl.LazyFrame:
    """Each event once, and what it says together with what came before it."""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in ("time", "kind", "position"))
    events = events.filter(pl.col("isFirst") | ~same)
    return _with_skips(_with_segments(_with_state(events)))


def _with_state(events: pl.LazyFrame) -> pl.LazyFrame:
    """The player before each event: its position, and whether it played, was sought, had ended."""
    first = pl.col("isFirst")
    starts, stops = _KIND.is_in([r.PLAY, r.RESUME, r.HEARTBEAT]), _KIND.is_in([r.PAUSE, r.CLOSE, r.END])
    playing = pl.when(starts).then(True).when(stops).then(False)
    seeking = pl.when(_KIND == r.SEEK_START).then(True).when(_KIND != r.RATE_CHANGE).then(False)
    ended = pl.when(_KIND == r.END).then(True).when(starts | (_KIND == r.SEEK)).then(False)

    def after(state: pl.Expr) -> pl.Expr:
        # Nothing flows over from the session before, as a session's first event always has a state.
        return pl.when(first & state.is_null()).then(False).otherwise(state).forward_fill()

    def before(state: str) -> pl.Expr:
        return pl.col(state).shift() & ~first

    return events.with_columns(
        pl.when(~first).then(_POSITION.shift()).alias("from"),
        (pl.when(~first).then(pl.col("time").diff()) / 1e6).alias("dt"),
        first.shift(-1).fill_null(True).alias("isLast"),
        after(playing).alias("plays"),
        after(seeking).alias("seeks"),
        after(ended).alias("ends"),
    ).with_columns(
        (before("plays") & ~before("seeks")).fill_null(False).alias("running"),
        before("ends").fill_null(False).alias("hadEnded"),
        (_POSITION - _FROM).alias("d"),
        (pl.col("isLast") & pl.col("plays")).alias("leftOpen"),
    )


def _with_segments(events: pl.LazyFrame) -> pl.LazyFrame:
    running, starts = pl.col("running"), _KIND.is_in([r.PLAY, r.RESUME])
    observed = running & (_KIND != r.SEEK)
    watched, rejected, missed = pl.col("watched"), pl.col("rejected"), pl.col("missed")
    fits = (_D > 0) & (_D <= _DT + r.TOLERANCE)
    started = ~running & (_KIND == r.HEARTBEAT) & (_D.abs() > 1) & ~pl.col("hadEnded") & fits
    most = pl.when(starts).then(r.CAP).otherwise(r.LONGEST)
    return (
        events.with_columns(
            (observed & fits & (_D <= r.LONGEST)).alias("watched"),
            started.alias("started"),
        )
        .with_columns((observed & ~watched & ((_D > 0) | (_D < r.BACKWARD))).alias("rejected"))
        .with_columns((observed & ~watched & ~rejected & starts & (_DT > r.TOLERANCE)).alias("missed"))
        .with_columns(
            pl.when("started")
            .then(_D)
            .when(rejected | missed | (running & (_KIND == r.SEEK)))
            .then(pl.min_horizontal(_DT, most))
            .alias("unseen"),
        )
    )


def _with_skips(events: pl.LazyFrame) -> pl.LazyFrame:
    running, at_end = pl.col("running"), pl.col("hadEnded")
    beats = (_KIND == r.HEARTBEAT) & (_D.abs() > 1) & ~at_end & ~pl.col("started")
    skip = (
        pl.when(running & (_KIND == r.SEEK))
        .then(_D - _DT)
        .when(running)
        .then(pl.when("rejected").then(_D))
        .when((_KIND == r.SEEK) | (_KIND.is_in([r.PLAY, r.RESUME]) & ~at_end) | beats)
        .then(_D)
    )
    return events.with_columns(skip.alias("skip"))


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
    watched, ends, mark = pl.col("watched"), _KIND == r.END, _DURATION * r.COMPLETE
    reached = (ends & _POSITION.ge(mark).fill_null(True)).sum()
    # The least of several values passes over nulls.
    unseen = pl.max_horizontal(0.0, pl.min_horizontal("unseen", _DURATION - _FROM))
    left_open = pl.max_horizontal(0.0, pl.min_horizontal(r.CAP, _DURATION - _POSITION))
    return (
        walked.group_by("session")
        .agg(
            pl.col("pair", *_PAIR, "videoDuration", "durationSource").first(),
            pl.when(watched).then(_D).sum().alias("watchTime"),
            pl.when(watched).then(pl.min_horizontal(_DT, _D)).sum().alias("playTime"),
            pl.when(watched).then(_POSITION).max().alias("lastEnd"),
            _POSITION.max().alias("furthest"),
            _DT.sum().alias("seconds"),
            (_KIND == r.PAUSE).sum().alias("pauses"),
            (pl.col("skip") > r.FORWARD).sum().alias("forwardSkips"),
            (pl.col("skip") < r.BACKWARD).sum().alias("backwardSkips"),
            ends.sum().alias("ends"),
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


def _unions(walked: pl.LazyFrame) -> pl.LazyFrame:
    """How long the union of a user's segments is, and its intervals."""
    start, end, covered = pl.col("start"), pl.col("end"), pl.col("covered")
    # How far segments reached before each one, over all sessions, in the order of their starts.
    segments = (
        walked.filter("watched")
        .select("pair", "videoDuration", _FROM.alias("start"), _POSITION.alias("end"))
        .sort("pair", "start")
        .with_columns(end.cum_max().over("pair").alias("reach"))
        .with_columns(
            pl.when(pl.col("pair") == pl.col("pair").shift()).then(pl.col("reach").shift()).alias("covered")
        )
    )
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


def _totals(sessions: pl.LazyFrame) -> pl.LazyFrame:
    def total(column: str) -> pl.Expr:
        return pl.col(column).sum().cast(pl.Int64)

    def instant(time: pl.Expr) -> pl.Expr:
        return time.cast(pl.Datetime("us", "UTC"))

    return sessions.group_by("pair").agg(
        pl.col(*_PAIR, "videoDuration", "durationSource").first(),
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
        pl.col("watchedIntervals").fill_null([]),
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
    watched = pl.col("totalWatchTime")
    conditions = {
        "missing_duration": _DURATION.is_null(),
        "estimated_duration": pl.col("durationSource") == "estimated",
        "excessive_watch_time": watched > r.EXCESSIVE * _DURATION * pl.col("sessionCount"),
        "completed_without_sufficient_watch": completed & (pl.col("uniqueWatchPercentage") < r.SUFFICIENT),
        "position_exceeds_duration": metadata & (pl.col("furthest") > _DURATION + r.SLACK),
        "implausible_segments": pl.col("rejectedSegmentCount") > 0,
        "ended_before_duration": pl.col("endedEarly"),
        "very_short_watch": watched < r.SHORT,
    }
    flags = [pl.when(condition).then(pl.lit(name)) for name, condition in conditions.items()]
    return rows.with_columns(
        pl.concat_list(flags).list.drop_nulls().alias("dataQualityFlags"),
        pl.coalesce(*flags, pl.lit("ok")).alias("dataQualityFlag"),
    )
