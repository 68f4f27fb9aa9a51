"""Key moments on Spark: those of the embedded engine, however rows are spread."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import collected, settings
from watchspan import sample
from watchspan.spark import aggregate_events, moments

ROWS, SEED = 60_000, 5
ORDER = ("videoId", "kind", "startSeconds")


@pytest.fixture(scope="module")
def engaged(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[DataFrame, pa.Table]:
    events, videos = sample.events(ROWS, seed=SEED), sample.videos(SEED)
    folder = tmp_path_factory.mktemp("moments")
    pq.write_table(events, folder / "events.parquet")
    pq.write_table(videos, folder / "videos.parquet")
    frames = (spark.read.parquet(str(folder / f"{name}.parquet")) for name in ("events", "videos"))
    frame = aggregate_events(next(frames), videos=next(frames))
    frame.write.parquet(str(folder / "rows"))
    return spark.read.parquet(str(folder / "rows")), ws.aggregate(events, videos=videos)


@pytest.mark.parametrize(
    "options",
    [
        {"min_viewers": 20, "buckets": 20},
        {"bucket_seconds": 30.0, "min_viewers": 40, "confidence": 0.8, "min_share": 0.0, "max_each": 2},
        {},
    ],
)
def test_moments_are_those_of_the_embedded_engine(
    spark: SparkSession, engaged: tuple[DataFrame, pa.Table], options: dict
) -> None:
    frame, rows = engaged
    want = ws.moments(rows, **options).to_pylist()
    with settings(spark, {"spark.sql.shuffle.partitions": 3}):
        assert collected(moments(frame.repartition(5), **options), ORDER) == want
    assert len(want) > 20
    if options:
        assert {row["kind"] for row in want} & {"dip", "spike", "drop"}


def test_keys_keep_their_type(engaged: tuple[DataFrame, pa.Table]) -> None:
    frame, rows = engaged
    found = moments(frame.where("videoId = 'welcome'").withColumn("videoId", F.lit(7)))
    assert found.schema["videoId"].dataType.typeName() == "integer"
    assert found.count() == len([row for row in ws.moments(rows).to_pylist() if row["videoId"] == "welcome"])


def test_what_is_refused(engaged: tuple[DataFrame, pa.Table]) -> None:
    frame, _ = engaged
    with pytest.raises(ws.errors.OptionError, match=r"confidence is 0\.5"):
        moments(frame, confidence=0.5)
    with pytest.raises(ws.errors.OptionError, match="buckets is 19"):
        moments(frame, buckets=19)
    with pytest.raises(ws.errors.MissingColumnError, match="durationSource"):
        moments(frame.drop("durationSource"))
