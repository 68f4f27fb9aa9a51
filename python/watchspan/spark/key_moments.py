"""Key moments over tables of any size: all rows of a video meet in one task, where the core judges them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Optional

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from watchspan import _core, arguments
from watchspan.insight.moments import MIN_VIEWERS, Settings, settings_of
from watchspan.refresh import NEEDED
from watchspan.spark import layout
from watchspan.spark.failures import told
from watchspan.spark.functions import spread

# Buckets, seconds of a bucket, and what counts as a moment: as the core takes them.
_How = tuple[Optional[int], Optional[float], Settings]


@told
def moments(
    rows: DataFrame,
    *,
    buckets: int = 100,
    bucket_seconds: float | None = None,
    confidence: float = 0.95,
    min_viewers: int = MIN_VIEWERS,
    min_share: float = 0.01,
    max_each: int = 5,
) -> DataFrame:
    """Finds the key moments of each video: the rows of `watchspan.moments`, of engagement rows on Spark.

    Args:
        rows: Engagement rows: one per user and video. Those of a video go through one task, so its watched
            intervals have to fit into the memory of a Python worker: a million viewers take some hundred MB.
        buckets: As for `watchspan.moments`.
        bucket_seconds: As for `watchspan.moments`; nobody is warned of the videos that are left out.
        confidence: As for `watchspan.moments`.
        min_viewers: As for `watchspan.moments`.
        min_share: As for `watchspan.moments`.
        max_each: As for `watchspan.moments`.

    Returns:
        The table of moments, in no order. It is lazy, as data frames are.

    Raises:
        OptionError: If an option is not accepted.
        MissingColumnError: If they are not engagement rows.
    """
    count, seconds = arguments.buckets_argument(buckets, bucket_seconds)
    how: _How = (count, seconds, settings_of(confidence, min_viewers, min_share, max_each))
    sent = layout.engagement_columns(rows, (*NEEDED, "durationSource"))
    declared = _declared(layout.arrow_schema(sent.schema, set(sent.columns)), how)
    judge = partial(_judge_partition, how=how, declared=declared)
    made = spread(sent, ("videoId",), None).mapInArrow(judge, layout.spark_schema(declared))
    return made.withColumn("videoId", F.col("videoId").cast(rows.schema["videoId"].dataType))


def _declared(sent: pa.Schema, how: _How) -> pa.Schema:
    """The schema of the moments of such rows; options that are not accepted are refused here."""
    nothing = pa.RecordBatch.from_arrays([pa.array([], kind) for kind in sent.types], names=sent.names)
    (_, schema), _ = _core.moments(iter([_core.from_spark_layout(nothing)]), None, None, *how, 1)
    return schema


def _judge_partition(
    batches: Iterator[pa.RecordBatch], *, how: _How, declared: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Engagement rows in Spark's layout, of whole videos -> their moments."""
    rows = [_core.from_spark_layout(batch) for batch in batches if batch.num_rows]
    if rows:
        (made, _), _ = _core.moments(iter(rows), None, None, *how, 1)
        for batch in made:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=declared)
