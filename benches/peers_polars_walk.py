"""The events walked in Polars: each with what it says together with what came before it.

The three keys become codes, which sort faster than texts. The events are sorted once, so what came before an
event is the row above it, and the player's state is a forward fill that begins anew where a session begins;
repeated events stand next to each other.
"""

from __future__ import annotations

import peers_rules as r
import polars as pl

PAIR = ("userId", "videoId")
INFINITY = float("inf")
_KEYS = (*PAIR, "sessionId")

# Short for the columns that the rules are about.
_KIND, _POSITION, _D, _DT = pl.col("kind"), pl.col("position"), pl.col("d"), pl.col("dt")
_FROM, _RUNNING = pl.col("from"), pl.col("running")
_STARTS, _STOPS = _KIND.is_in([r.PLAY, r.RESUME, r.HEARTBEAT]), _KIND.is_in([r.PAUSE, r.CLOSE, r.END])
_RESTARTS = _KIND.is_in([r.PLAY, r.RESUME])


def walked_events(events: pl.LazyFrame) -> pl.LazyFrame:
    """Each accepted event once, with numbers for its session and its user's video."""
    events = _once(_sorted(_accepted(events)))
    return _with_skips(_with_places(_with_segments(_with_state(events))))


def _accepted(events: pl.LazyFrame) -> pl.LazyFrame:
    kinds = pl.LazyFrame(
        {"eventName": r.KINDS.keys(), "kind": r.KINDS.values()}, {"eventName": str, "kind": pl.Int8}
    )
    filled = pl.all_horizontal(pl.col(*_KEYS) != "")
    position = pl.col("currentTime")
    return (
        events.filter(filled, pl.col("timestamp").is_not_null())
        .join(kinds, on="eventName")
        .select(
            *_KEYS,
            pl.col("timestamp").dt.timestamp("us").alias("time"),
            "kind",
            pl.when(position >= 0, position < INFINITY).then(position).alias("position"),
        )
        .filter(_POSITION.is_not_null() | _STOPS)
    )


def _sorted(accepted: pl.LazyFrame) -> pl.LazyFrame:
    """The events of each session together and in order, and a number for each session and each pair."""
    # Names of the call's own, so that no call finds what an earlier one has seen.
    names = {key: pl.Categorical(pl.Categories.random()) for key in _KEYS}
    codes = [pl.col(key).cast(names[key]).to_physical().alias(f"{key}Code") for key in _KEYS]
    user, video, session = (f"{key}Code" for key in _KEYS)
    events = accepted.with_columns(codes).sort(
        user, video, session, "time", "kind", "position", nulls_last=True
    )

    def first(*columns: str) -> pl.Expr:
        differs = pl.any_horizontal(pl.col(column) != pl.col(column).shift() for column in columns)
        return differs.fill_null(True)

    return events.select(
        *PAIR,
        *("time", "kind", "position"),
        first(user, video, session).alias("isFirst"),
        first(user, video, session).cum_sum().alias("session"),
        first(user, video).cum_sum().alias("pair"),
    )


def _once(events: pl.LazyFrame) -> pl.LazyFrame:
    """Without the repeats, which stand next to each other."""
    same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift()) for name in ("time", "kind", "position")
    )
    return events.filter(pl.col("isFirst") | ~same)


def _with_state(events: pl.LazyFrame) -> pl.LazyFrame:
    """The player before each event: whether it played, was sought, had ended; and how far it is since."""
    first = pl.col("isFirst")
    playing = pl.when(_STARTS).then(True).when(_STOPS).then(False)
    seeking = pl.when(_KIND == r.SEEK_START).then(True).when(_KIND != r.RATE_CHANGE).then(False)
    ended = pl.when(_KIND == r.END).then(True).when(_STARTS | (_KIND == r.SEEK)).then(False)

    def after(state: pl.Expr) -> pl.Expr:
        # Nothing flows over from the session before, as a session's first event always has a state.
        return pl.when(first & state.is_null()).then(False).otherwise(state).forward_fill()

    def before(state: str) -> pl.Expr:
        return (pl.col(state).shift() & ~first).fill_null(False)

    return events.with_columns(
        pl.when(~first).then(_POSITION.shift()).alias("previous"),
        (pl.when(~first).then(pl.col("time").diff()) / 1e6).alias("dt"),
        first.shift(-1).fill_null(True).alias("isLast"),
        after(playing).alias("plays"),
        after(seeking).alias("seeks"),
        after(ended).alias("ends"),
    ).with_columns(
        before("plays").alias("played"),
        before("seeks").alias("sought"),
        before("ends").alias("hadEnded"),
        (before("plays") & ~before("seeks")).alias("running"),
        (pl.col("isLast") & pl.col("plays")).alias("leftOpen"),
    )


def _with_segments(events: pl.LazyFrame) -> pl.LazyFrame:
    """What each event says of what was played before it, and which run of playing that belongs to."""
    # A player that plays took the position of the event before.
    moved, observed = _POSITION - pl.col("previous"), pl.col("observed")
    watched, rejected, missed = pl.col("watched"), pl.col("rejected"), pl.col("missed")
    fits = (moved > 0) & (moved <= r.LONGEST) & (moved <= r.FASTEST * _DT + r.TOLERANCE)
    return (
        events.with_columns((_RUNNING & (_KIND != r.SEEK) & _POSITION.is_not_null()).alias("observed"))
        .with_columns((observed & fits).fill_null(False).alias("watched"))
        .with_columns((observed & ~watched & ((moved > 0) | (moved < r.BACKWARD))).alias("rejected"))
        .with_columns((observed & ~watched & ~rejected & _RESTARTS & (_DT > r.TOLERANCE)).alias("missed"))
        .with_columns((observed & ~rejected & ~missed).alias("goesOn"))
        # No run goes on through the first event of a session, so the numbers of runs are those of one only.
        .with_columns((~pl.col("goesOn")).cum_sum().alias("run"))
    )


def _with_places(events: pl.LazyFrame) -> pl.LazyFrame:
    """Where the player was before each event, and where it likely was if that is not known."""
    first, unknown = pl.col("isFirst"), float("nan")
    # A stop that does not say where leaves only a player that played at an unknown place; a drag does not
    # move one that did not play.
    tells = pl.when(_POSITION.is_null()).then(_RUNNING).otherwise((_KIND != r.SEEK_START) | pl.col("played"))
    reached = pl.when(_RUNNING).then(pl.col("previous") + _DT)

    def before(place: pl.Expr) -> pl.Expr:
        # Nothing flows over from the session before, as a session's first event always tells.
        after = pl.when(tells | first).then(place.fill_null(unknown)).forward_fill()
        return pl.when(~first).then(after.shift()).fill_nan(None)

    return events.with_columns(
        before(_POSITION).alias("from"),
        before(pl.coalesce(_POSITION, reached)).alias("likely"),
        pl.when(_KIND == r.END).then(pl.coalesce(_POSITION, reached)).alias("stop"),
    )


def _with_skips(events: pl.LazyFrame) -> pl.LazyFrame:
    """What may have been watched unseen, skips, and where the video ended."""
    moves = (_KIND == r.HEARTBEAT) | (~pl.col("sought") & (_STOPS | (_KIND == r.RATE_CHANGE)))
    strayed = ~_RUNNING & ~pl.col("hadEnded") & moves & (_D.abs() > r.NEAR)
    started = strayed & (_D > 0) & (_D <= r.FASTEST * _DT + r.TOLERANCE)
    broken = pl.col("rejected") | pl.col("missed")
    unseen = (
        pl.when(started)
        .then(_D)
        .when(broken & _RESTARTS)
        .then(pl.min_horizontal(_DT, r.CAP))
        .when(broken | (_RUNNING & ~pl.col("observed")))
        .then(pl.min_horizontal(_DT, r.LONGEST))
    )
    skip = (
        pl.when(_RUNNING & (_KIND == r.SEEK))
        .then(_D - _DT)
        .when(_RUNNING)
        .then(pl.when("rejected").then(_D))
        .when((_KIND == r.SEEK) | (_RESTARTS & ~pl.col("hadEnded")) | (strayed & ~started))
        .then(_D)
    )
    stop = pl.when(_KIND == r.END).then(pl.coalesce("stop", "likely"))
    told = (pl.col("hadEnded") & ((stop - pl.col("likely")).abs() <= r.NEAR)).fill_null(False)
    return events.with_columns((_POSITION - _FROM).alias("d")).with_columns(
        unseen.alias("unseen"), skip.alias("skip"), pl.when(~told).then(stop).alias("end")
    )
