"""How what is known of videos reaches the tasks: all of it, once in each, without more tasks than before."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import collected, data_frame, settings
from watchspan import sample
from watchspan.errors import OptionError, WatchspanError
from watchspan.spark import aggregate_events, tasks

ROWS, SEED = 3_000, 4
KEYS = ("userId", "videoId")


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    return data_frame(spark, sample.events(ROWS, seed=SEED))


@pytest.fixture(scope="module")
def videos(spark: SparkSession) -> DataFrame:
    return data_frame(spark, sample.videos(SEED))


def expected(**options: object) -> list[dict[str, object]]:
    made = ws.aggregate(sample.events(ROWS, seed=SEED), **options)
    return made.sort_by([(key, "ascending") for key in KEYS]).to_pylist()


def final_plan(frame: DataFrame) -> str:
    frame.collect()
    return str(frame._jdf.queryExecution().executedPlan().toString()).split("== Initial Plan")[0]


@pytest.mark.parametrize("partitions", [1, 7, 40])
def test_every_task_knows_all_videos(events: DataFrame, videos: DataFrame, partitions: int) -> None:
    with_some_lacking = videos.filter(F.col("videoId") != F.lit(sample.videos(SEED)["videoId"][0].as_py()))
    for known in (videos, with_some_lacking, videos.withColumn("duration", F.lit(None).cast("double"))):
        table = pa.Table.from_pylist([row.asDict() for row in known.collect()], sample.videos(SEED).schema)
        got = collected(aggregate_events(events, videos=known, partitions=partitions), KEYS)
        assert got == expected(videos=table)
    assert "metadata" in {row["durationSource"] for row in expected(videos=sample.videos(SEED))}


@pytest.mark.parametrize("estimate", [True, False])
def test_a_table_of_no_videos_is_none(events: DataFrame, videos: DataFrame, estimate: bool) -> None:
    rules = ws.Rules(estimate_duration=estimate)
    want = expected(rules=rules)
    for nothing in (videos.limit(0), videos.filter(F.lit(False)), videos.filter("title = 'none such'")):
        assert collected(aggregate_events(events, videos=nothing, rules=rules), KEYS) == want
    assert collected(aggregate_events(events, rules=rules), KEYS) == want


def test_small_partitions_are_put_together_nevertheless(
    spark: SparkSession, events: DataFrame, videos: DataFrame
) -> None:
    with settings(spark, {"spark.sql.shuffle.partitions": "12"}):
        plan = final_plan(aggregate_events(events, videos=videos))
    lines = plan.splitlines()
    shuffle = next(place for place, line in enumerate(lines) if "hashpartitioning(userId" in line)
    above = "\n".join(lines[max(shuffle - 3, 0) : shuffle])
    assert "AQEShuffleRead coalesced" in above
    assert "BroadcastHashJoin" in plan and "NestedLoop" not in plan


def test_a_batch_of_any_size_will_do(spark: SparkSession, events: DataFrame, videos: DataFrame) -> None:
    want = expected(videos=sample.videos(SEED))
    for rows in ("1", "100", "0"):
        with settings(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": rows}):
            assert collected(aggregate_events(events, videos=videos), KEYS) == want


def test_what_is_too_much_for_a_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sample.videos(SEED).to_batches()
    (packed,) = tasks.pack_videos(iter(rows))
    assert packed.schema.names == ["_head", "_videos"]
    assert pa.ipc.open_stream(packed.column(1)[0].as_buffer()).read_all() == sample.videos(SEED)
    monkeypatch.setattr(tasks, "MOST_BYTES", 1_000)
    with pytest.raises(OptionError, match=r"takes \d+ bytes, but no more than 1000 reach a task"):
        list(tasks.pack_videos(iter(rows)))


def test_a_task_without_the_videos_says_so_rather_than_guess() -> None:
    batch = pa.RecordBatch.from_arrays([pa.nulls(1, pa.binary()), pa.array([1])], ["_videos", "userId"])
    options = {"rules": ws.Rules(), "scoring": ws.Scoring(), "unique_seconds": True}
    with pytest.raises(WatchspanError, match="does not carry the videos"):
        next(tasks.aggregate_partition(iter([batch]), declared=pa.schema([]), **options))
