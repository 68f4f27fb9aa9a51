"""How what is known of videos reaches the tasks: all of it, once in each, and small partitions together."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import collected, data_frame, settings
from watchspan import _core, sample
from watchspan.errors import OptionError, WatchspanError
from watchspan.spark import aggregate_events, engagement_schema, tasks
from watchspan.spark.layout import arrow_of, returned

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
    join, shuffle = plan.index(f"BroadcastHashJoin [{tasks.HEAD}"), plan.index("hashpartitioning(userId")
    assert "AQEShuffleRead coalesced" in plan[join:shuffle]
    assert "NestedLoop" not in plan


def test_a_batch_of_any_size_will_do(spark: SparkSession, events: DataFrame, videos: DataFrame) -> None:
    want = expected(videos=sample.videos(SEED))
    for rows in ("1", "100", "0"):
        with settings(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": rows}):
            assert collected(aggregate_events(events, videos=videos), KEYS) == want


def test_what_is_too_much_for_a_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sample.videos(SEED).to_batches()
    (packed,) = tasks.pack_videos(iter(rows))
    assert packed.schema.names == ["_head", "_known"]
    assert pa.ipc.open_stream(packed.column(1)[0].as_buffer()).read_all() == sample.videos(SEED)
    monkeypatch.setattr(tasks, "MOST_BYTES", 1_000)
    with pytest.raises(OptionError, match=r"takes more than 1000 bytes, which is what may reach a task"):
        list(tasks.pack_videos(iter(rows)))


def some_events(known: list[bytes | None]) -> pa.RecordBatch:
    """Events of a task, which carry this of videos."""
    events = sample.events(200, seed=SEED).slice(0, len(known)).combine_chunks()
    kinds = pa.array([_core.meanings().index("play")] * len(known), pa.int8())
    table = events.drop(["eventName"]).append_column("_kind", kinds)
    return table.append_column(tasks.KNOWN, pa.array(known, pa.binary())).combine_chunks().to_batches()[0]


OPTIONS = {"rules": ws.Rules(), "scoring": ws.Scoring(), "unique_seconds": True}


def test_videos_count_wherever_they_stand() -> None:
    (packed,) = tasks.pack_videos(iter(sample.videos(SEED).to_batches()))
    known = packed.column(1)[0].as_py()
    declared = arrow_of(returned(engagement_schema()))
    made = []
    for where in (0, 1, 5, 9):
        carried = [known if place == where else None for place in range(10)]
        batches = iter([some_events(carried).slice(0, 5), some_events(carried).slice(5)])
        made.append(pa.Table.from_batches(tasks.aggregate_partition(batches, declared=declared, **OPTIONS)))
    assert made[0].num_rows and "metadata" in made[0]["durationSource"].to_pylist()
    assert all(table == made[0] for table in made)


def test_a_task_without_the_videos_says_so_rather_than_guess() -> None:
    with pytest.raises(WatchspanError, match="No event of a Spark task carries the videos"):
        next(tasks.aggregate_partition(iter([some_events([None] * 3)]), declared=pa.schema([]), **OPTIONS))


def test_integer_videos_keep_their_type_with_titles_and_found_durations(spark: SparkSession) -> None:
    table = sample.events(ROWS, seed=SEED)
    names = sorted({name for name in table["videoId"].to_pylist() if name})
    numbers = pa.array([names.index(name) if name else None for name in table["videoId"].to_pylist()])
    table = table.set_column(table.column_names.index("videoId"), "videoId", numbers.cast(pa.int16()))
    known = pa.table(
        {
            "videoId": pa.array(range(len(names)), pa.int16()),
            "duration": pa.array([None if number % 2 else 300.0 for number in range(len(names))]),
            "title": pa.array([None if number % 3 else f"no. {number}" for number in range(len(names))]),
        }
    )
    want = ws.aggregate(table, videos=known)
    frame = aggregate_events(data_frame(spark, table), videos=data_frame(spark, known))
    rows = collected(frame.persist(), KEYS)
    assert rows == want.sort_by([(key, "ascending") for key in KEYS]).to_pylist()
    assert frame.schema["videoId"].dataType.simpleString() == "smallint"
    # Half of the videos have titles with durations that were found.
    assert {(row["videoTitle"] is None, row["durationSource"]) for row in rows} >= {
        (False, "metadata"),
        (False, "estimated"),
    }
    assert collected(frame.coalesce(1), KEYS) == rows
    assert frame.union(frame).count() == 2 * len(rows)
    assert len(frame.limit(3).collect()) == 3
    frame.unpersist()
