"""How retention usually runs: of videos of about the same length, the middle and the quarters."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pyarrow as pa

from watchspan import arguments, sources
from watchspan.errors import DataError
from watchspan.insight import tables
from watchspan.insight.columns import LENGTHS
from watchspan.insight.rows import Columns, plain
from watchspan.report import read_metadata

_NEEDED = ("videoId", "videoDuration", "bucket", "retention")
_LEAST_VIDEOS = 10


def typical(retention: Any, *, by: str = "length") -> pa.Table:
    """Says how much of their audience the parts of videos of about one length usually keep.

    Args:
        retention: A table from `retention` that is cut by `buckets`, or the path of Parquet or Arrow files
            that hold one.
        by: Which videos are alike: those of a `length`.

    Returns:
        The table of typical retention (see `docs/columns.md`), ordered by length and bucket. Each video
        counts as much as any other, however many viewers it has. What fewer than 10 videos show is null.

    Raises:
        MissingColumnError: If it is not a retention table.
        ColumnTypeError: If a column of it has another type than in a retention table.
        DataError: If a value is null or NaN, as no retention table has it; or if videos are cut into
            different numbers of buckets, as `bucket_seconds` does.
        OptionError: If `by` is not accepted.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }, videos={"videoId": ["v1"], "duration": [60]})
    >>> ws.typical(ws.retention(rows, buckets=2)).to_pylist()[0]
    {'lengthClass': '1-3 min', 'bucket': 0, 'p25': None, 'median': None, 'p75': None, 'videos': 1}
    """
    arguments.choice_argument("by", by, ("length",))
    how = read_metadata(retention) or {}
    found = plain(sources.read_table(retention), "retention", _NEEDED)
    _refuse_other_cuts(found)
    alike: dict[tuple[int, int], list[float]] = defaultdict(list)
    for duration, bucket, share in zip(*(found[name].to_pylist() for name in _NEEDED[1:])):
        alike[_class_of(duration), bucket].append(share)
    columns: dict[str, list[Any]] = {name: [] for name in tables.names("typical")}
    for (number, bucket), shares in sorted(alike.items()):
        shares.sort()
        quarters = [_quantile(shares, part) if len(shares) >= _LEAST_VIDEOS else None for part in (1, 2, 3)]
        for name, value in zip(columns, (LENGTHS[number][1], bucket, *quarters, len(shares))):
            columns[name].append(value)
    return tables.made("typical", columns, {}, how)


def length_class(seconds: float) -> str:
    """What `typical` calls the videos of that length.

    >>> length_class(180.0)
    '3-10 min'
    """
    return LENGTHS[_class_of(seconds)][1]


def _class_of(seconds: float) -> int:
    begun = (number for number, (minutes, _) in enumerate(LENGTHS) if minutes * 60 <= seconds)
    return max(begun, default=0)


def _quantile(ordered: list[float], quarters: int) -> float:
    """So many quarters of the way from the least to the greatest, between two of them if need be."""
    whole, rest = divmod(quarters * (len(ordered) - 1), 4)
    return ordered[whole] + rest / 4 * (ordered[math.ceil(whole + rest / 4)] - ordered[whole])


def _refuse_other_cuts(found: Columns) -> None:
    counts: dict[Any, int] = defaultdict(int)
    for video in found["videoId"].to_pylist():
        counts[video] += 1
    if len(set(counts.values())) > 1:
        least, most = min(counts.values()), max(counts.values())
        raise DataError(
            f"Videos are cut into {least:,} to {most:,} buckets, so that buckets of one number are not the "
            "same part of each: make the retention table with buckets=, without bucket_seconds=."
        )
