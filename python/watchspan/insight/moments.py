"""Where many viewers of a video do the same: they pass over something, watch it again, leave or stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from watchspan import _core, arguments, sources
from watchspan.columns import Place
from watchspan.report import read_metadata, result, warn_of_buckets

# Videos with fewer viewers have only an intro and an end, if nobody says otherwise.
MIN_VIEWERS = 100
# Confidence, the fewest viewers, the least share, the most of each kind: as the core takes them.
Settings = tuple[float, int, float, int]


def moments(
    rows: Any,
    *,
    videos: Any = None,
    columns: Mapping[str, Place] | None = None,
    buckets: int = 100,
    bucket_seconds: float | None = None,
    confidence: float = 0.95,
    min_viewers: int = MIN_VIEWERS,
    min_share: float = 0.01,
    max_each: int = 5,
    threads: int | None = None,
) -> pa.Table:
    """Finds the key moments of each video: spikes, dips and drops that chance does not explain, and more.

    Args:
        rows: A table from `aggregate`, `engagement` or `sessions`, or the path of Parquet or Arrow files that
            hold one.
        videos: Durations and titles, as for `aggregate`. None: those that the rows state. Videos whose
            duration is not known, or an estimate, are left out.
        columns: Names in the videos table, as for `aggregate`.
        buckets: Into how many equal parts to cut each video; 20 to 10,000.
        bucket_seconds: How long a bucket is, in seconds of content; `buckets` is not used then.
        confidence: How certain all spikes and dips of one video are, together, and so all its drops; between
            0.5 and 1.
        min_viewers: A video with fewer viewers, or shorter than a minute, has only an intro and an end.
        min_share: The least share of the viewers that a spike or dip has, from 0 to 1.
        max_each: How many spikes, dips and drops of a video are told at most: of each kind the clearest.
        threads: As for `aggregate`.

    Returns:
        The table of moments (see `docs/columns.md`), ordered by (videoId, kind, startSeconds).
        `docs/insight.md` says how each kind is told. Videos that `bucket_seconds` would cut into more
        than 10,000 buckets, such as live streams whose positions count from 1970, are left out with a
        warning.

    Raises:
        OptionError: If an option is not accepted.
        WatchspanError: As `retention` does.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:40Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 40],
    ... }, videos={"videoId": ["v1"], "duration": [60]})
    >>> ws.moments(rows).select(["kind", "startSeconds", "endSeconds", "size"]).to_pylist()[1]
    {'kind': 'intro', 'startSeconds': 0.0, 'endSeconds': 30.0, 'size': 1.0}
    """
    names, cores = arguments.column_mapping(columns), arguments.thread_count(threads)
    count, seconds = arguments.buckets_argument(buckets, bucket_seconds)
    settings = settings_of(confidence, min_viewers, min_share, max_each)
    made = read_metadata(rows) or {}
    taken = sources.read(rows, None)
    about = None if videos is None else sources.read(videos, sources.wanted("videos", names))
    (batches, schema), left_out = _core.moments(taken, about, names, count, seconds, settings, cores)
    if left_out:
        warn_of_buckets(left_out, f"10,000 buckets of {bucket_seconds} s", "moments")
    return result(batches, schema, "moments", figures=made.get("report"), rules=made.get("rules"))


def settings_of(confidence: float, min_viewers: int, min_share: float, max_each: int) -> Settings:
    """What counts as a moment, as the core takes it; it looks at the bounds.

    Raises:
        OptionError: If one is no number.
    """
    return (
        arguments.number_argument("confidence", confidence, "a number between 0.5 and 1"),
        arguments.whole_number("min_viewers", min_viewers, "an integer of at least 1"),
        arguments.number_argument("min_share", min_share, "a number from 0 to 1"),
        arguments.whole_number("max_each", max_each, "an integer of at least 1"),
    )
