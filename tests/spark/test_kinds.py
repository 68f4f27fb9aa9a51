"""What crosses the shuffle, and how often events are read."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import collected
from watchspan import _core, sample
from watchspan.spark import aggregate_events, session_rows
from watchspan.spark.kinds import VOCABULARY, named, numbered

MINE = {"start": "play", "Stop": "pause", "tick": "heartbeat", "ad": "ignore"}
SENT = ["start", "Stop", "stop", "tick", "ad", "play", "", None]
# The same by MINE; what it does not know is null.
MEANT = ["play", "pause", None, "heartbeat", "ignore", None, None, None]


def kinds_of(spark: SparkSession, names: list[str | None], vocabulary: str | dict[str, str] | None) -> list:
    events = spark.createDataFrame(list(enumerate(names)), "number int, eventName string")
    rows = numbered(events.coalesce(1), vocabulary).orderBy("number").collect()
    return [None if row["_kind"] is None else _core.meanings()[row["_kind"]] for row in rows]


def test_names_become_the_numbers_of_what_they_mean(spark: SparkSession) -> None:
    assert kinds_of(spark, SENT, MINE) == MEANT
    assert kinds_of(spark, ["play", "dispose", "start"], "videojs") == ["play", "close", None]
    everything = ws.vocabulary()
    assert kinds_of(spark, list(everything), None) == list(everything.values())


def test_numbers_become_names_that_the_tasks_know() -> None:
    kinds = pa.array([None if name is None else _core.meanings().index(name) for name in MEANT], pa.int8())
    batch = named(pa.RecordBatch.from_arrays([kinds, pa.array(range(8))], ["_kind", "number"]))
    assert batch.to_pydict() == {"number": list(range(8)), "eventName": MEANT}
    assert set(VOCABULARY) == set(_core.meanings())


def test_names_do_not_cross_the_shuffle(spark: SparkSession, events: DataFrame) -> None:
    for frame in (aggregate_events(events), session_rows(events)):
        plan = frame.select("userId")._jdf.queryExecution().optimizedPlan().toString()
        shuffled = [line for line in plan.splitlines() if "RepartitionByExpression" in line]
        assert shuffled
        task = next(line for line in plan.splitlines() if "MapInArrow" in line)
        assert "_kind" in task and "eventName" not in task


@pytest.fixture(scope="module")
def events(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    path = tmp_path_factory.mktemp("kinds") / "events.parquet"
    pq.write_table(sample.events(2_000, seed=3), path)
    return spark.read.parquet(str(path))


def scans(frame: DataFrame) -> int:
    """How often a run has read whole events."""
    frame.collect()
    plan = frame._jdf.queryExecution().executedPlan().toString()
    final = plan.split("== Initial Plan")[0]
    return sum("FileScan" in line and "currentTime" in line for line in final.splitlines())


def test_events_are_read_again_only_for_videos_that_lack_a_duration(
    spark: SparkSession, events: DataFrame
) -> None:
    ids = [row[0] for row in events.select("videoId").distinct().collect() if row[0]]
    complete = spark.createDataFrame([(name, 60.0) for name in ids], "videoId string, duration double")
    some = complete.filter(F.col("videoId") != ids[0])
    assert scans(aggregate_events(events, videos=complete)) == 1
    assert scans(aggregate_events(events, videos=some)) == 2
    got = collected(aggregate_events(events, videos=some), ("userId", "videoId"))
    known = pa.table({"videoId": ids[1:], "duration": [60.0] * (len(ids) - 1)})
    table = sample.events(2_000, seed=3)
    want = ws.aggregate(table, videos=known).sort_by([("userId", "ascending"), ("videoId", "ascending")])
    assert got == want.to_pylist()
    assert {row["durationSource"] for row in got if row["videoId"] == ids[0]} == {"estimated"}
