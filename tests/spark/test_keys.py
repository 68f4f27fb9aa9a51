"""Keys of narrow types and with collations: what two keys are the same, and which type the rows have."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import assert_same_table, collected, data_frame
from watchspan.spark import aggregate_events

KEYS = ("userId", "videoId")


def events(users: pa.Array, videos: pa.Array) -> pa.Table:
    """A play and a pause ten seconds later, of each user and video."""
    start = dt.datetime(2026, 1, 15, tzinfo=dt.timezone.utc)
    seconds = [second for _ in users for second in (0, 10)]
    twice = pa.array([place for place in range(len(users)) for _ in range(2)])
    return pa.table(
        {
            "timestamp": pa.array(
                [start + dt.timedelta(seconds=second) for second in seconds], pa.timestamp("us", "UTC")
            ),
            "userId": users.take(twice),
            "videoId": videos.take(twice),
            "eventName": ["play", "pause"] * len(users),
            "currentTime": [float(second) for second in seconds],
        }
    )


@pytest.mark.parametrize("kind", [pa.int8(), pa.int16()], ids=str)
def test_narrow_integers_stay_narrow(spark: SparkSession, kind: pa.DataType) -> None:
    table = events(pa.array([-128, 127, 0, 127], kind), pa.array([1, -1, 127, 2], pa.int8()))
    videos = pa.table({"videoId": pa.array([1, 127], pa.int8()), "duration": [20.0, 40.0]})
    frame = aggregate_events(data_frame(spark, table), videos=data_frame(spark, videos))
    want = ws.aggregate(table, videos=videos)
    assert [want.schema.field(name).type for name in KEYS] == [kind, pa.int8()]
    assert want.num_rows == 4
    assert_same_table(frame, collected(frame, KEYS), want)


@pytest.mark.skipif(pyspark.__version__ < "4", reason="Spark has collations since version 4")
def test_keys_that_only_a_collation_calls_equal_stay_two(spark: SparkSession) -> None:
    table = events(pa.array(["Ann", "ann", "ann"]), pa.array(["v1", "v1", "V1"]))
    videos = pa.table({"videoId": ["v1"], "duration": [20.0]})

    def collated(frame: DataFrame, *names: str) -> DataFrame:
        return frame.withColumns({name: F.collate(name, "UTF8_LCASE") for name in names})

    raw = collated(data_frame(spark, table), *KEYS)
    assert raw.select("userId").distinct().count() == 1
    frame = aggregate_events(raw, videos=collated(data_frame(spark, videos), "videoId"))
    rows = collected(frame, KEYS)
    assert [(row["userId"], row["videoId"]) for row in rows] == [("Ann", "v1"), ("ann", "V1"), ("ann", "v1")]
    assert rows == ws.aggregate(table, videos=videos).to_pylist()
