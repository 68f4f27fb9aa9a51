"""The class that users of the old script know: the same calls, on tables and data frames."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.kept_tables import VIDEOS, events, watch
from support.random_streams import stream, table
from support.spark_rows import assert_same_table, collected, data_frame
from watchspan.errors import MissingColumnError, OptionError, SourceError, VocabularyError, WatchspanError
from watchspan.spark import VideoEngagementAggregator
from watchspan.table_names import table_name

KEYS = ("userId", "videoId")
DAYS = events(
    *watch("2026-01-14T23:59:59", "ann", "v1", "s1", 0, 60),
    *watch("2026-01-15T10:00:00", "ann", "v2", "s1", 0, 30),
    *watch("2026-01-15T23:59:30", "bob", "v1", "s2", 0, 30),  # the pause is at midnight
    *watch("2026-01-16T10:00:00", "bob", "v1", "s2", 30, 50),
)
CATALOGUE = pa.Table.from_pylist([{"videoId": "v1", "duration": 60.0, "title": "One"}], VIDEOS)


@pytest.fixture
def aggregator(spark: SparkSession, tmp_path: Path) -> VideoEngagementAggregator:
    """An aggregator over data frames, so that nothing need be written before."""
    days, videos = data_frame(spark, DAYS), data_frame(spark, CATALOGUE)
    return VideoEngagementAggregator(spark, days, str(tmp_path / "engagement"), videos)


def assert_equal(frame: DataFrame, expected: pa.Table) -> None:
    assert_same_table(frame, collected(frame, KEYS), expected)


def between(first: str | None, last: str | None) -> pa.Table:
    """The events of a window."""
    times = DAYS["timestamp"]
    bounds = [pa.scalar(dt.datetime.fromisoformat(d or "2026-01-01"), times.type) for d in (first, last)]
    kept = pa.array([True] * DAYS.num_rows)
    if first:
        kept = pc.and_(kept, pc.greater_equal(times, bounds[0]))
    if last:
        kept = pc.and_(kept, pc.less(times, bounds[1]))
    return DAYS.filter(kept)


def test_the_old_calls(spark: SparkSession) -> None:
    spark.sql("CREATE DATABASE old")
    data_frame(spark, DAYS).write.format("delta").saveAsTable("old.raw")
    data_frame(spark, CATALOGUE).write.format("delta").saveAsTable("old.video_metadata")
    aggregator = VideoEngagementAggregator(
        spark=spark,
        input_table="old.raw",
        output_table="old.aggregated_user_video_engagement",
        video_metadata_table="old.video_metadata",
    )
    result = aggregator.run_aggregation(start_date=None, end_date=None, calculate_unique_seconds=True)
    whole = ws.aggregate(DAYS, videos=CATALOGUE)
    assert_equal(result, whole)
    stats = aggregator.generate_summary_stats(result)
    assert stats["negative_watch_time"] == 0
    assert stats["top_videos"][0]["videoTitle"] == "One"

    def saved() -> DataFrame:
        return spark.table("old.aggregated_user_video_engagement")

    aggregator.save_results(result, mode="overwrite", partition_by=None)
    assert saved().filter("processedAt > current_timestamp() - INTERVAL 1 HOUR").count() == whole.num_rows
    assert_equal(saved().drop("processedAt"), whole)
    assert {field.metadata["comment"] for field in saved().schema.fields if field.name == "totalWatchTime"}
    assert aggregator.generate_summary_stats() == stats

    # The result of one day takes the place of all that was known of its pairs.
    day = aggregator.run_aggregation("2026-01-16", "2026-01-17")
    alone = ws.aggregate(between("2026-01-16", "2026-01-17"), videos=CATALOGUE)
    aggregator.save_results(day, mode="merge")
    others = whole.filter(pc.not_equal(whole["userId"], "bob"))
    assert_equal(saved().drop("processedAt"), pa.concat_tables([others, alone]))

    # A table of an older version gains columns; what is appended twice is there twice.
    older = saved().drop("rewatchedSeconds", "openSegmentCount")
    older.write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable("old.older")
    aggregator = VideoEngagementAggregator(spark, "old.raw", "old.older", "old.video_metadata")
    aggregator.save_results(day, mode="append")
    aggregator.save_results(day.drop("dataQualityFlag"), mode="append")
    bobs = spark.table("old.older").filter("userId = 'bob'")
    assert sorted(map(str, (row.rewatchedSeconds for row in bobs.collect()))) == ["0.0", "0.0", "None"]
    aggregator.save_results(aggregator.run_aggregation(), "overwrite", partition_by="engagementTier")
    assert_equal(spark.table("old.older").drop("processedAt"), whole)
    detail = spark.sql("DESCRIBE DETAIL old.older").collect()[0]
    assert detail.partitionColumns == ["engagementTier"]
    spark.sql("DROP DATABASE old CASCADE")


@pytest.mark.parametrize(
    "kind", ["timestamp", "text", "text beside decimal(12,3)", "text beside float", "timestamp_ntz"]
)
def test_windows_are_half_open(spark: SparkSession, kind: str) -> None:
    days = data_frame(spark, DAYS)
    if kind.startswith("text"):
        stamps = pc.strftime(DAYS["timestamp"], format="%Y-%m-%dT%H:%M:%SZ").cast(pa.string())
        days = data_frame(spark, DAYS.set_column(0, "timestamp", stamps))
        position = kind.partition(" beside ")[2] or "double"
        days = days.withColumn("currentTime", F.col("currentTime").cast(position))
    elif kind == "timestamp_ntz":
        if spark.version < "3.4":
            pytest.skip("Spark 3.3 has no timestamp_ntz")
        days = data_frame(spark, DAYS.set_column(0, "timestamp", DAYS["timestamp"].cast(pa.timestamp("us"))))
    days = days.withColumnRenamed("userId", "who")
    columns = {"userId": "who"}
    aggregator = VideoEngagementAggregator(spark, days, columns=columns)
    spark.conf.set("spark.sql.session.timeZone", "America/St_Johns")
    try:
        for first, last in (("2026-01-15", "2026-01-16"), ("2026-01-16", None)):
            found = aggregator.run_aggregation(first, last)
            assert_equal(found, ws.aggregate(between(first, last)))
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_options_are_those_of_the_call_or_of_the_aggregator(spark: SparkSession) -> None:
    days = data_frame(spark, DAYS)
    own = VideoEngagementAggregator(
        spark, days, rules=ws.Rules(very_short_seconds=40), scoring=ws.Scoring.additive(), partitions=3
    )
    assert_equal(
        own.run_aggregation(),
        ws.aggregate(DAYS, rules=ws.Rules(very_short_seconds=40), scoring=ws.Scoring.additive()),
    )
    other = {"rules": ws.Rules(), "vocabulary": {"play": "pause", "pause": "play"}}
    assert_equal(
        own.run_aggregation(calculate_unique_seconds=False, **other),
        ws.aggregate(DAYS, scoring=ws.Scoring.additive(), unique_seconds=False, **other),
    )
    assert VideoEngagementAggregator(input_table=days).run_aggregation().count() == 3


@pytest.mark.parametrize("seed", range(3))
def test_summaries_are_those_of_the_embedded_engine(spark: SparkSession, seed: int) -> None:
    rng = random.Random(f"summary {seed}")
    rows = [row for _ in range(5 * seed) for row in stream(rng, True, {})]
    known = ws.aggregate(DAYS, videos=CATALOGUE)
    found = ws.aggregate(table(rows, rows[0]), rules=ws.Rules(estimate_duration=seed == 1)) if rows else known
    engagement = known.slice(0, 0) if seed == 0 else pa.concat_tables([found, known])
    aggregator = VideoEngagementAggregator(spark)
    stats = aggregator.generate_summary_stats(data_frame(spark, engagement), top=2)
    assert_close(stats, ws.summarize(engagement, top=2), "stats")


def assert_close(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for name, value in expected.items():
            assert_close(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, value in enumerate(expected):
            assert_close(found[place], value, f"{where}[{place}]")
    elif isinstance(expected, float):
        assert math.isclose(found, expected, rel_tol=1e-12), where
    else:
        assert (found, type(found)) == (expected, type(expected)), where


Call = Callable[[VideoEngagementAggregator], Any]
REFUSED: dict[str, tuple[Call, type[WatchspanError], str]] = {
    "an empty window": (
        lambda a: a.run_aggregation("2026-01-16", "2026-01-15"),
        OptionError,
        "The window from 2026-01-16 to 2026-01-15 is empty",
    ),
    "no date": (lambda a: a.update("yesterday"), OptionError, "start is 'yesterday'"),
    "a switch": (lambda a: a.update(allow_shrink="no"), OptionError, "allow_shrink is 'no'"),
    "unique seconds": (
        lambda a: a.update(calculate_unique_seconds=1),
        OptionError,
        "calculate_unique_seconds is 1",
    ),
    "a mode": (lambda a: a.save_results(a.run_aggregation(), "upsert"), OptionError, "mode is 'upsert'"),
    "no data frame": (lambda a: a.save_results([1]), OptionError, "result is of type builtins.list"),
    "no engagement": (
        lambda a: a.generate_summary_stats(a.input_table),
        MissingColumnError,
        "no column 'videoTitle'; it has timestamp, userId",
    ),
    "a top": (lambda a: a.generate_summary_stats(a.run_aggregation(), top=-1), OptionError, "top is -1"),
    "columns": (
        lambda a: a.run_aggregation(columns={"userId": "uid"}),
        MissingColumnError,
        "uid.*timestamp, userId, videoId, sessionId, eventName, currentTime",
    ),
    "columns of a window": (
        lambda a: a.run_aggregation("2026-01-15", columns={"timestamp": "ts"}),
        MissingColumnError,
        "ts.*timestamp, userId",
    ),
    "a vocabulary": (lambda a: a.run_aggregation(vocabulary="mine"), VocabularyError, '"mine"'),
    "rules": (lambda a: a.run_aggregation(rules={}), OptionError, "rules is {}"),
    "a user": (lambda a: a.delete_user(None), OptionError, "user_id is None"),
    "nothing to rescore": (lambda a: a.rescore(), SourceError, "no sessions table"),
    "nothing to delete from": (lambda a: a.delete_user("ann"), SourceError, "no sessions table"),
    "a stream of a data frame": (
        lambda a: a.start_stream("/checkpoint"),
        OptionError,
        "input_table is a DataFrame, but a stream needs",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(aggregator: VideoEngagementAggregator, case: str) -> None:
    call, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        call(aggregator)


def test_missing_tables_are_named_with_those_that_are_there(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("CREATE DATABASE lonely")
    spark.sql("CREATE TABLE lonely.events_raw (a INT) USING parquet")
    for name, message in [
        ("lonely.raw", "input_table is 'lonely.raw', but there is no such table; `lonely` has: events_raw"),
        ("nowhere.raw", "there is no such table: `nowhere` cannot be listed"),
        ("raw_of_nobody", "there is no such table; `default` has:"),
        (str(tmp_path / "raw"), "there is no Delta table at that path"),
    ]:
        aggregator = VideoEngagementAggregator(spark, name, str(tmp_path / "out"))
        for call in (aggregator.run_aggregation, aggregator.update):
            with pytest.raises(SourceError, match=message):
                call()
    spark.sql("CREATE TABLE lonely.other (userId STRING) USING delta")
    days = data_frame(spark, DAYS)
    with pytest.raises(SourceError, match=r"exists, but was not made by update\(\)"):
        VideoEngagementAggregator(spark, days, "lonely.other").update()
    missing = VideoEngagementAggregator(spark, days, "lonely.other", "lonely.videos")
    with pytest.raises(SourceError, match=r"video_metadata_table is 'lonely.videos', but there is no such"):
        missing.run_aggregation()
    for bad in ("", "a b", "a..b"):
        with pytest.raises(OptionError, match=r"input_table is .* but the name of a table"):
            VideoEngagementAggregator(spark, bad)
    with pytest.raises(OptionError, match="output_table is 7, but the name of a table"):
        VideoEngagementAggregator(spark, days, 7)
    with pytest.raises(OptionError, match="output_table is None"):
        VideoEngagementAggregator(spark, days).update()
    with pytest.raises(OptionError, match="input_table is None"):
        VideoEngagementAggregator(spark).run_aggregation()
    spark.sql("DROP DATABASE lonely CASCADE")


@pytest.mark.parametrize(
    ("name", "sql", "beside"),
    [
        ("a", "`a`", "`a_x`"),
        ("main.s.a", "`main`.`s`.`a`", "`main`.`s`.`a_x`"),
        ("`my schema`.`a``b.c`", "`my schema`.`a``b.c`", "`my schema`.`a``b.c_x`"),
        ("/mnt/a/", "`delta`.`/mnt/a`", "`delta`.`/mnt/a_x`"),
        ("s3://bucket/a.b", "`delta`.`s3://bucket/a.b`", "`delta`.`s3://bucket/a.b_x`"),
        ("delta.`/mnt/a`", "`delta`.`/mnt/a`", "`delta`.`/mnt/a_x`"),
        ("parquet.`/mnt/a`", "`parquet`.`/mnt/a`", "`parquet`.`/mnt/a_x`"),
    ],
)
def test_names_and_paths(name: str, sql: str, beside: str) -> None:
    found = table_name("input_table", name)
    assert (found.sql, found.beside("_x").sql) == (sql, beside)
