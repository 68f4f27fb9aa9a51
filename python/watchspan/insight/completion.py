"""How likely somebody who came so far finishes a video."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import arguments, sources
from watchspan.api import retention
from watchspan.errors import DataError
from watchspan.insight import tables
from watchspan.insight.rows import Columns, constant, grouped, ones, plain
from watchspan.instants import DAY, Instant
from watchspan.report import read_metadata

_NEEDED = ("videoId", "isCompletedAtLeastOnce", "firstWatchDate", "lastWatchDate", "watchedIntervals")
_MOST_BUCKETS = 1_000
_CONFIDENCE = 0.95
# In days: longer than from year 1 to 9999.
_LONGEST = 10_000_000


def completion_curve(
    rows: Any,
    *,
    videos: Any = None,
    buckets: int = 20,
    mature_days: float = 14,
    as_of: Instant = None,
    by: str = "video",
) -> pa.Table:
    """Says how many of those who got as far as a position finished the video, then or later.

    Args:
        rows: A table from `aggregate` or `engagement`, or the path of Parquet or Arrow files that hold one.
        videos: Durations, as for `aggregate`. None: those that the rows state.
        buckets: Into how many equal parts to cut each video; at most 1,000.
        mature_days: How long ago a row must have begun for its viewer to have had the time to finish; younger
            rows are left out, and counted.
        as_of: Until when the rows are known. None: their newest `lastWatchDate`.
        by: A curve for each `video`, or one of `all` rows, whose buckets are shares of their own videos.

    Returns:
        The table of completion (see `docs/columns.md`), ordered by (videoId, bucket). Rows whose video has no
        duration are not in it.

    Raises:
        MissingColumnError: If it is not an engagement table.
        ColumnTypeError: If a column of it has another type than in an engagement table.
        DataError: If a value is null or NaN, as no engagement row has it; or if the rows were made with
            `unique_seconds=False`.
        OptionError: If an option is not accepted.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:01:00Z"] * 2,
    ...     "userId": ["ann", "ann", "bob", "bob"],
    ...     "videoId": ["v1"] * 4,
    ...     "eventName": ["play", "pause"] * 2,
    ...     "currentTime": [0, 60, 0, 20],
    ... }, videos={"videoId": ["v1"], "duration": [60]})
    >>> curve = ws.completion_curve(rows, buckets=2, as_of="2026-02-01")
    >>> curve.select(["startSeconds", "viewers", "completed", "probability"]).to_pylist()[1]
    {'startSeconds': 30.0, 'viewers': 1, 'completed': 1, 'probability': 1.0}
    """
    accepted = f"an integer from 1 to {_MOST_BUCKETS}"
    count = arguments.whole_number("buckets", buckets, accepted, most=_MOST_BUCKETS)
    days = arguments.number_argument("mature_days", mature_days, "a finite number that is not negative")
    until = arguments.instant_argument("as_of", as_of)
    is_all = arguments.choice_argument("by", by, ("video", "all")) == "all"
    how, table = read_metadata(rows) or {}, sources.read_table(rows)
    found = plain(table, "engagement", _NEEDED)
    keys, durations = _durations(table, found, videos)
    if until is None:
        until = pc.max(found["lastWatchDate"]).as_py() or 0
    video = pc.index_in(found["videoId"], value_set=keys)
    known = _known({**found, "video": video}, durations)
    known["isMature"] = pc.less_equal(known["firstWatchDate"], int(until - min(days, _LONGEST) * DAY))
    named: list[tuple[Any, Any]] = list(zip(keys.to_pylist(), durations.to_pylist()))
    if is_all:
        known["video"], named = constant(0, len(known["video"])), [(None, None)]
    columns: dict[str, list[Any]] = {name: [] for name in tables.names("completion")}
    for video, curve in sorted(_curves(known, count).items()):
        key, duration = named[video]
        for bucket, figures in enumerate(_summed(curve)):
            start = None if duration is None else duration * (bucket / count)
            for name, value in zip(columns, (key, bucket, start, *figures)):
                columns[name].append(value)
    return tables.made("completion", columns, {"videoId": found["videoId"].type}, how)


def _durations(table: pa.Table, found: Columns, videos: Any) -> tuple[pa.Array, pa.Array]:
    """The videos that have a duration, in order, and these: as retention takes them."""
    unknown = found["watchedIntervals"].null_count
    if unknown:
        raise DataError(
            f"Column 'watchedIntervals' is null in {unknown:,} of {table.num_rows:,} rows, so nobody knows "
            "how far their viewers watched: make the rows with unique_seconds=True."
        )
    whole = retention(table, videos=videos, buckets=1)
    key = found["videoId"].type
    columns = [whole[name].cast(kind) for name, kind in (("videoId", key), ("videoDuration", pa.float64()))]
    keys, durations = (pa.concat_arrays(c.chunks) if c.num_chunks else pa.nulls(0, c.type) for c in columns)
    return keys, durations


def _known(found: Columns, durations: pa.Array) -> Columns:
    """Of the rows whose video has a duration: that, and how far their viewers got."""
    has_duration = pc.is_valid(found["video"])
    reached = {"reach": last_ends(found["watchedIntervals"])}
    known = {
        name: column.filter(has_duration)
        for name, column in {**found, **reached}.items()
        if name not in ("watchedIntervals", "videoId")
    }
    duration = durations.take(known["video"])
    watched = pc.if_else(pc.less(known["reach"], duration), known["reach"], duration)
    known["reach"] = pc.if_else(known["isCompletedAtLeastOnce"], duration, watched)
    return {**known, "duration": duration}


def last_ends(intervals: pa.Array) -> pa.Array:
    """Where the last interval of each row ends; 0 for those without any."""
    rows, parts = pc.list_parent_indices(intervals).cast(pa.int64()), pc.list_flatten(intervals)
    try:
        ends = parts.flatten()[parts.type.get_field_index("end")].cast(pa.float64())
    except (pa.ArrowException, AttributeError, IndexError) as error:
        raise DataError("Column 'watchedIntervals' holds no intervals with a start and an end.") from error
    if ends.null_count or pc.any(pc.invert(pc.is_finite(ends))).as_py():
        raise DataError("An interval in column 'watchedIntervals' has no end that is a number.")
    # One more for each row, so that each has one.
    every = pa.array(range(len(intervals)), pa.int64())
    zeros = constant(0, len(intervals)).cast(pa.float64())
    both = {"row": pa.concat_arrays([rows, every])}
    return grouped(both, {}, most={"end": pa.concat_arrays([ends, zeros])})["end"]


def _curves(known: Columns, count: int) -> dict[int, list[tuple[int, int, int]]]:
    """Number of a video -> for each bucket the deepest that its viewers got: all, completed, too young."""
    deepest = deepest_bucket(known["reach"], known["duration"], count)
    mature = ones(known["isMature"])
    sums = {
        "viewers": mature,
        "completed": pc.multiply(mature, ones(known["isCompletedAtLeastOnce"])),
        "young": pc.subtract(constant(1, len(mature)), mature),
    }
    groups = grouped({"video": known["video"], "bucket": deepest}, sums)
    curves: dict[int, list[tuple[int, int, int]]] = {}
    for video, bucket, *figures in zip(*(groups[name].to_pylist() for name in ("video", "bucket", *sums))):
        curves.setdefault(video, [(0, 0, 0)] * count)[bucket] = tuple(figures)
    return curves


def deepest_bucket(reach: pa.Array, duration: pa.Array, count: int) -> pa.Array:
    """The last bucket that begins at or before what was reached."""

    def start(bucket: pa.Array) -> pa.Array:
        return pc.multiply(duration, pc.divide(bucket, float(count)))

    guess = pc.floor(pc.multiply(pc.divide(reach, duration), float(count)))
    last = float(count - 1)
    guess = pc.if_else(pc.less(guess, last), guess, last)
    # A division may be off by the last bit, where the bucket's start is what counts.
    after = pc.add(guess, 1.0)
    is_further = pc.and_(pc.less_equal(after, last), pc.less_equal(start(after), reach))
    guess = pc.if_else(is_further, after, guess)
    guess = pc.if_else(pc.greater(start(guess), reach), pc.subtract(guess, 1.0), guess)
    return pc.if_else(pc.less(guess, 0.0), 0.0, guess).cast(pa.int64())


def _summed(curve: list[tuple[int, int, int]]) -> list[tuple[Any, ...]]:
    """For each bucket who got there: viewers, completed, the share and its interval, and those left out."""
    left_out = sum(young for _, _, young in curve)
    viewers = completed = 0
    rows: list[tuple[Any, ...]] = []
    for more, finished, _ in reversed(curve):
        viewers, completed = viewers + more, completed + finished
        rows.append((viewers, completed, *wilson(completed, viewers), left_out))
    return rows[::-1]


def wilson(found: int, of: int, confidence: float = _CONFIDENCE) -> tuple[Any, Any, Any]:
    """A share, and the ends of Wilson's interval for it; None three times if it is a share of nothing.

    >>> [round(value, 3) for value in wilson(8, 10)]
    [0.8, 0.49, 0.943]
    """
    if not of:
        return None, None, None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, shrunk = found / of, 1 + z * z / of
    middle = (share + z * z / (2 * of)) / shrunk
    half = z * (share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5 / shrunk
    return share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
