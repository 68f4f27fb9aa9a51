"""What is known of an open pair at an instant: of what was watched, of the video and of the viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchspan.insight import tables
from watchspan.insight.completion import completion_curve, deepest_bucket
from watchspan.instants import DAY, Instant, moment
from watchspan.predict.pairs import NEEDED, Numbers, Pairs, as_flags, codes, read_pairs

# How many rows of all weigh as much as those of one video or user.
_PRIOR = 5.0
_BUCKETS = 20
# Further than any of them goes where rows are right.
_LARGEST = 1e9
_MINUTE = 60.0


@dataclass(frozen=True)
class Known:
    """What is known of the open pairs of some rows.

    Attributes:
        pairs: The rows, of all pairs.
        is_open: Which of these are open.
        columns: Name of a feature -> its value for each open pair; NaN where it is not known.
    """

    pairs: Pairs
    is_open: Numbers
    columns: dict[str, Numbers]

    @property
    def matrix(self) -> Numbers:
        """A row for each open pair, a column for each feature."""
        return np.column_stack(list(self.columns.values()))

    def keys(self, name: str) -> pa.Array:
        """A column of the rows, of the open pairs."""
        return self.pairs.columns[name].filter(pa.array(self.is_open))


def features(rows: Any, *, as_of: Instant = None) -> pa.Table:
    """What the model knows of each open pair: a user, and a video that the user has not completed.

    Args:
        rows: A table from `watchspan.aggregate` or `watchspan.engagement`, or the path of Parquet or Arrow
            files that hold one.
        as_of: Until when the rows are known. None: their newest `lastWatchDate`.

    Returns:
        The table of features (see `docs/columns.md`), ordered by (userId, videoId).

    Raises:
        WatchspanError: As `CompletionModel.predict` does.

    >>> import watchspan as ws
    >>> from watchspan.predict import features
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:01:00Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 60],
    ... }, videos={"videoId": ["v1"], "duration": [240]})
    >>> found = features(rows, as_of="2026-01-17T10:01:00Z")
    >>> found.select(["reach", "minutesLeft", "daysSinceWatched"]).to_pylist()
    [{'reach': 0.25, 'minutesLeft': 3.0, 'daysSinceWatched': 2.0}]
    """
    found = known(read_pairs(rows, "rows", NEEDED, "as_of", as_of))
    columns = {name: pa.array(values, from_pandas=True) for name, values in found.columns.items()}
    return finished("features", found, columns)


def finished(name: str, found: Known, columns: dict[str, Any]) -> pa.Table:
    """A table of open pairs, in the order of their keys.

    Args:
        name: Which one, as the list of columns names it.
        found: The pairs.
        columns: Its columns beside the keys.
    """
    keys = {key: found.keys(key) for key in ("userId", "videoId")}
    order = pc.sort_indices(pa.table(keys), sort_keys=[(key, "ascending") for key in keys])
    every = {key: column.take(order) for key, column in {**keys, **columns}.items()}
    return tables.made(name, every, {key: column.type for key, column in keys.items()}, found.pairs.made)


def known(pairs: Pairs) -> Known:
    """The features of the open pairs, by the names that the list of columns has."""
    with np.errstate(divide="ignore", invalid="ignore"):
        every = {**_of_rows(pairs), **_of_others(pairs)}
    is_open, names = as_flags(pairs.is_open), tables.names("features")[2:]
    every["completionCurve"] = _by_the_curve(pairs, every["videoCompletionRate"])
    columns = {name: np.clip(every[name][is_open], -_LARGEST, _LARGEST) for name in names}
    return Known(pairs, is_open, columns)


def _of_rows(pairs: Pairs) -> dict[str, Numbers]:
    """What each row says of itself."""
    duration, watched = pairs.numbers("videoDuration"), pairs.numbers("totalWatchTime")
    reach = np.minimum(pairs.numbers("reached") / duration, 1.0)
    per_minute = np.where(watched > 0, _MINUTE / watched, np.nan)
    return {
        "reach": reach,
        "furthest": pairs.numbers("maxPositionReached") / duration,
        "coverage": pairs.numbers("totalUniqueSecondsWatched") / duration,
        "minutesLong": duration / _MINUTE,
        "minutesLeft": (1.0 - reach) * duration / _MINUTE,
        "minutesWatched": watched / _MINUTE,
        "sessionCount": pairs.numbers("sessionCount"),
        "daysSinceWatched": _days_before(pairs, pairs.columns["lastWatchDate"]),
        "daysSinceStarted": _days_before(pairs, pairs.columns["firstWatchDate"]),
        "forwardSkipsPerMinute": pairs.numbers("totalForwardSkips") * per_minute,
        "backwardSkipsPerMinute": pairs.numbers("totalBackwardSkips") * per_minute,
        "pausesPerSession": pairs.numbers("avgPausesPerSession"),
        "rewatchedShare": np.where(watched > 0, pairs.numbers("rewatchedSeconds") / watched, np.nan),
        "speed": _ratio(watched, pairs.numbers("totalPlayTime")),
    }


def _days_before(pairs: Pairs, instants: pa.Array) -> Numbers:
    """How many days before all is known instants are, by whole microseconds."""
    between = pc.subtract(pa.scalar(pairs.until, pa.int64()), instants)
    return between.to_numpy(zero_copy_only=False) / float(DAY)


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    return np.where(below > 0, above / below, np.nan)


def _of_others(pairs: Pairs) -> dict[str, Numbers]:
    """What the other rows of the video and of the user say."""
    video, user = codes(pairs.columns["videoId"]), codes(pairs.columns["userId"])
    completed, returned = pairs.numbers("isCompletedAtLeastOnce"), pairs.numbers("sessionCount") > 1
    last = pairs.columns["lastWatchDate"].to_numpy(zero_copy_only=False)
    return {
        "videoViewers": np.bincount(video)[video],
        "videoCompletionRate": _rate(video, completed),
        "videoReturnRate": _rate(video, returned),
        "userVideos": np.bincount(user)[user],
        "userCompletionRate": _rate(user, completed),
        "userReturnRate": _rate(user, returned),
        **_of_users(pairs, user, last),
    }


def _rate(group: Numbers, flags: Numbers) -> Numbers:
    """How many of the others of its group have a flag, for each row, drawn to how many of all have it."""
    if not len(group):
        return np.zeros(0)
    flags = flags.astype(float)
    rows, having = np.bincount(group)[group], np.bincount(group, flags)[group]
    return (having - flags + _PRIOR * flags.mean()) / (rows - 1.0 + _PRIOR)


def _of_users(pairs: Pairs, user: Numbers, last: Numbers) -> dict[str, Numbers]:
    """When a user was last seen, and what the user went on to."""
    # Users one after another, and the videos of each by when they were watched last.
    order = np.lexsort((last, user))
    ends = np.cumsum(np.bincount(user))
    newest, since = last[order[ends - 1]][user], np.empty(len(user))
    sorted_last, sorted_user = last[order], user[order]
    # Those of one instant are not later than each other: behind the last of them others begin.
    is_last: Numbers = np.ones(len(user), dtype=bool)
    is_last[:-1] = (sorted_last[1:] != sorted_last[:-1]) | (sorted_user[1:] != sorted_user[:-1])
    places = np.flatnonzero(is_last)
    since[order] = ends[sorted_user] - (places[np.searchsorted(places, np.arange(len(user)))] + 1)
    return {"userDaysSinceSeen": _days_before(pairs, pa.array(newest, pa.int64())), "videosSince": since}


def _by_the_curve(pairs: Pairs, otherwise: Numbers) -> Numbers:
    """What the completion curve says of those who got as far as each row, without that row.

    Args:
        pairs: The rows.
        otherwise: What is likely of each where nobody else got as far.
    """
    until = moment(pairs.until)
    curve = completion_curve(pairs.table, buckets=_BUCKETS, mature_days=0, as_of=until)
    videos = curve["videoId"].take(pa.array(range(0, curve.num_rows, _BUCKETS), pa.int64()))
    place = pc.index_in(pairs.columns["videoId"], value_set=videos)
    # Its durations may be those that another row of the video states, so that there may be none here.
    has_curve = as_flags(pc.and_(pc.is_valid(place), pc.is_valid(pairs.columns["videoDuration"])))
    chosen = pa.array(has_curve)
    reached, duration = (pairs.columns[name].filter(chosen) for name in ("reached", "videoDuration"))
    bucket = deepest_bucket(reached, duration, _BUCKETS)
    row = pc.add(pc.multiply(place.filter(chosen).cast(pa.int64()), _BUCKETS), bucket)
    viewers, completed = (
        np.asarray(curve[name].take(row).to_numpy(), dtype=float) for name in ("viewers", "completed")
    )
    found = np.full(len(otherwise), np.nan)
    found[has_curve] = (completed + _PRIOR * otherwise[has_curve]) / (np.maximum(viewers - 1.0, 0.0) + _PRIOR)
    return found
