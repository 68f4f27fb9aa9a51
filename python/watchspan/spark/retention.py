"""Retention curves over tables of any size.

The audience of a bucket is a sum over users, so every task draws the curves of the rows that it holds and
Spark adds them up: nothing is collected, and no row is moved but those of the curves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core, arguments
from watchspan.refresh import NEEDED
from watchspan.spark import layout
from watchspan.spark.failures import told

_KEYS = ("videoId", "videoDuration", "bucket", "startSeconds", "endSeconds")


@told
def retention_curves(
    rows: DataFrame, *, buckets: int = 100, bucket_seconds: float | None = None
) -> DataFrame:
    """Says how much of its audience each part of a video kept: one row per video and bucket of positions.

    The same as `watchspan.retention` of the same rows, but for the last digits of sums, which tasks add up in
    any order. Rows of which no duration is known are left out, and so are videos that `bucket_seconds` would
    cut into more than a million buckets, such as live streams whose positions count from 1970.

    Args:
        rows: Engagement rows, such as those of some videos: one row per user and video.
        buckets: Into how many equal parts to cut each video.
        bucket_seconds: How long a bucket is, in seconds of content; `buckets` is not used then.

    Returns:
        `videoId`, `videoTitle`, `videoDuration`, `users`, `bucket`, `startSeconds`, `endSeconds`, `audience`,
        `retention` and `plays`, in no order. It is lazy, as data frames are.

    Raises:
        OptionError: If `buckets` or `bucket_seconds` is not a number above 0.
        MissingColumnError: If they are not engagement rows.
    """
    count, seconds = arguments.buckets_argument(buckets, bucket_seconds)
    sent = layout.engagement_columns(rows, NEEDED).filter(F.col("videoDuration").isNotNull())
    declared = _declared(sent.schema["videoId"].dataType)
    draw = partial(_draw_partition, count=count, seconds=seconds, declared=declared)
    drawn = sent.mapInArrow(draw, layout.spark_schema(declared))
    added = drawn.groupBy(*_KEYS).agg(
        F.max("videoTitle").alias("videoTitle"),
        F.sum("users").alias("users"),
        F.sum("audience").alias("audience"),
        # Of some rows it may not be known: then the sum is not, either.
        F.when(F.count("plays") == F.count("users"), F.sum("plays")).alias("plays"),
    )
    return added.select(
        F.col("videoId").cast(rows.schema["videoId"].dataType).alias("videoId"),
        "videoTitle",
        "videoDuration",
        "users",
        "bucket",
        "startSeconds",
        "endSeconds",
        "audience",
        (F.col("audience") / F.col("users")).alias("retention"),
        "plays",
    )


def _declared(video: T.DataType) -> pa.Schema:
    text, whole, number = pa.string(), pa.int64(), pa.float64()
    return pa.schema(
        [
            ("videoId", layout.to_arrow(video)),
            ("videoTitle", text),
            ("videoDuration", number),
            ("users", whole),
            ("bucket", whole),
            ("startSeconds", number),
            ("endSeconds", number),
            ("audience", number),
            ("plays", number),
        ]
    )


def _draw_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    count: int | None,
    seconds: float | None,
    declared: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Engagement rows in Spark's layout -> what they add to the curves of their videos."""
    rows = [_core.from_spark_layout(batch) for batch in batches if batch.num_rows]
    if not rows:
        return
    (drawn, _), _ = _core.retention(iter(rows), None, None, count, seconds, 1)
    for batch in drawn:
        places = {name: place for place, name in enumerate(batch.schema.names)}
        yield pa.RecordBatch.from_arrays(
            [batch.column(places[field.name]).cast(field.type) for field in declared], schema=declared
        )
