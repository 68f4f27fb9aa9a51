"""What the functions on Spark take, refuse and say, on a handful of events."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import collected, data_frame, settings
from watchspan import _core
from watchspan.errors import ColumnTypeError, MissingColumnError, OptionError, VocabularyError, WatchspanError
from watchspan.spark import (
    aggregate_events,
    engagement_rows,
    engagement_schema,
    engagement_udf,
    session_rows,
    session_schema,
)
from watchspan.spark.layout import arrow_of, returned
from watchspan.spark.tasks import aggregate_partition

KEYS = ("userId", "videoId")
START = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    return data_frame(spark, few_events())


@pytest.fixture(scope="module")
def videos(spark: SparkSession) -> DataFrame:
    return data_frame(
        spark, pa.table({"videoId": ["v1", "v2"], "duration": [300.0, 40.0], "title": ["One", ""]})
    )


def few_events() -> pa.Table:
    seen = [
        ("ann", "v1", 0, "play", 0.0),
        ("ann", "v1", 290, "ended", 290.0),
        ("ann", "v2", 300, "play", 0.0),
    ]
    seen += [
        ("ann", "v2", 320, "pause", 20.0),
        ("bob", "v1", 0, "play", 0.0),
        ("bob", "v1", 30, "pause", 30.0),
    ]
    seen += [("bob", "v1", 40, "play", float("nan")), (None, "v1", 40, "play", 0.0)]
    users, ids, seconds, names, positions = zip(*seen)
    clock = pa.array([START + dt.timedelta(seconds=s) for s in seconds], pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "timestamp": clock,
            "userId": pa.array(users, pa.string()),
            "videoId": list(ids),
            "eventName": list(names),
            "currentTime": pa.array(positions, pa.float64()),
        }
    )


def test_planning_runs_nothing(spark: SparkSession, events: DataFrame, videos: DataFrame) -> None:
    spark.sparkContext.setJobGroup("planning", "")
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup
    frame = aggregate_events(events, videos=videos, observation=Observation())
    engagement_rows(session_rows(events), videos=videos)
    engagement_udf(events)
    assert list(jobs("planning")) == []
    assert frame.count() == 3
    assert len(jobs("planning")) > 0


def test_columns_are_mapped_and_cast(events: DataFrame, videos: DataFrame) -> None:
    want = collected(aggregate_events(events, videos=videos), KEYS)
    odd = (
        events.withColumnRenamed("userId", "who.is `it`")
        .withColumnRenamed("videoId", "clip")
        .withColumn("currentTime", F.col("currentTime").cast("decimal(10,2)"))
        .withColumn("playbackRate", F.lit(1).cast("smallint"))
        .withColumn("sequence", F.lit(None).cast("tinyint"))
        .withColumn("seekFrom", F.lit(None))
        .withColumn("unused", F.expr("interval 3 days"))
    )
    columns = {"userId": "who.is `it`", "videoId": "clip", "duration": "length"}
    # The videos table may keep the default name of its key.
    about = videos.select("videoId", F.col("duration").cast("decimal(20,3)").alias("length"), "title")
    assert collected(aggregate_events(odd, videos=about, columns=columns), KEYS) == want
    about = about.withColumnRenamed("videoId", "clip")
    assert collected(aggregate_events(odd, videos=about, columns=columns), KEYS) == want
    assert [row["videoTitle"] for row in want] == ["One", None, "One"]


def test_untidy_videos_are_read_as_the_embedded_engine_reads_them(
    spark: SparkSession, events: DataFrame
) -> None:
    about = [("v1", float("nan"), ""), ("v1", -3.0, None), ("v2", 40.0, "Two"), ("v2", 40.0, "Two")]
    about += [(None, 5.0, "a"), (None, 6.0, "b"), ("", 7.0, None), ("never seen", float("inf"), "x")]
    ids, durations, titles = zip(*about)
    table = pa.table(
        {
            "videoId": pa.array(ids, pa.string()),
            "duration": pa.array(durations, pa.float64(), from_pandas=False),
            "title": pa.array(titles, pa.string()),
        }
    )
    for extra in ({}, {"durationSource": pa.array([None, "", *["estimated"] * 6], pa.string())}):
        videos = pa.table({**dict(zip(table.schema.names, table.columns)), **extra})
        want = ws.aggregate(few_events(), videos=videos)
        rows = collected(aggregate_events(events, videos=data_frame(spark, videos)), KEYS)
        assert rows == want.to_pylist()
        assert want["durationSource"].to_pylist()[1] == ("estimated" if extra else "metadata")


def test_conflicting_videos_fail_the_job_and_are_named(spark: SparkSession, events: DataFrame) -> None:
    about = pa.table({"videoId": ["v9", "v9", "v1"], "duration": [1.0, 2.0, 3.0]})
    frame = aggregate_events(events, videos=data_frame(spark, about))
    with pytest.raises(
        Exception, match=r"two different rows for videoId v9: \(duration 1.0 s, title none\) and"
    ):
        frame.count()


def refusals(events: DataFrame, videos: DataFrame) -> dict[str, tuple[type[Exception], str, Any]]:
    """What is refused where the job is planned: the error, words of its message, and the call."""
    as_date = events.withColumn("timestamp", F.to_date("timestamp"))
    as_map = events.withColumn("currentTime", F.create_map(F.lit("a"), F.lit(1)))
    numbers = videos.withColumn("videoId", F.lit(1))
    return {
        "missing": (
            MissingColumnError,
            'no column "userId"; it has timestamp',
            lambda: aggregate_events(events.drop("userId")),
        ),
        "mapped": (MissingColumnError, '"uid"', lambda: session_rows(events, columns={"userId": "uid"})),
        "of videos": (
            MissingColumnError,
            'videos table has no column "duration"; it has videoId, title',
            lambda: aggregate_events(events, videos=videos.drop("duration")),
        ),
        "date": (
            ColumnTypeError,
            '"timestamp" of the events table has the type Date32',
            lambda: aggregate_events(as_date),
        ),
        "map": (
            ColumnTypeError,
            "'currentTime' has the type map<string,int>",
            lambda: aggregate_events(as_map),
        ),
        "keys": (
            WatchspanError,
            "is an integer in the videos table but text",
            lambda: aggregate_events(events, videos=numbers),
        ),
        "preset": (VocabularyError, "no vocabulary preset", lambda: aggregate_events(events, vocabulary="x")),
        "partitions": (OptionError, "partitions is 0", lambda: session_rows(events, partitions=0)),
        "rules": (OptionError, "rules is 3", lambda: aggregate_events(events, rules=3)),
        "switch": (OptionError, "unique_seconds is 1", lambda: aggregate_events(events, unique_seconds=1)),
        "mapping": (OptionError, 'columns maps "x"', lambda: aggregate_events(events, columns={"x": "y"})),
        "no frame": (OptionError, "events is of type pyarrow", lambda: aggregate_events(few_events())),
        "local videos": (
            OptionError,
            "videos is of type",
            lambda: aggregate_events(events, videos=few_events()),
        ),
        "sessions": (
            MissingColumnError,
            'sessions table has no column "sessionId"',
            lambda: engagement_rows(events),
        ),
        "kind": (OptionError, "kind is 'polars'", lambda: engagement_udf(events, "polars")),
        "keys of videos": (
            ColumnTypeError,
            "videoId",
            lambda: engagement_udf(
                events.withColumn("videoId", F.lit(1)), videos={"videoId": ["v1"], "duration": [9.0]}
            ),
        ),
        "scoring": (OptionError, "scoring is 3", lambda: engagement_udf(events, scoring=3)),
        "names without events": (
            OptionError,
            'columns maps "user"',
            lambda: engagement_schema(columns={"user": "uid"}),
        ),
        "remote videos": (
            OptionError,
            "videos is a Spark DataFrame",
            lambda: engagement_udf(events, videos=videos),
        ),
    }


def test_what_does_not_fit_is_refused_while_planning(events: DataFrame, videos: DataFrame) -> None:
    for name, (kind, words, call) in refusals(events, videos).items():
        with pytest.raises(kind) as caught:
            call()
        assert words in str(caught.value), name


def test_streams_are_refused(spark: SparkSession) -> None:
    stream = spark.readStream.format("rate").load()
    with pytest.raises(OptionError, match="foreachBatch"):
        aggregate_events(stream)


def test_errors_in_tasks_keep_their_message(events: DataFrame) -> None:
    sessions = session_rows(events)
    with pytest.raises(
        Exception, match=r"sessions table has two rows for user \w+, video v\d, session 2026-01-15"
    ):
        engagement_rows(sessions.union(sessions)).collect()


def test_other_columns_than_declared_are_an_error_not_a_swap() -> None:
    other = arrow_of(returned(engagement_schema())).append(pa.field("newer", pa.int64()))
    plays = pa.array([_core.meanings().index("play")] * 8, pa.int8())
    batch = few_events().append_column("_kind", plays).to_batches()
    options = {"rules": ws.Rules(), "scoring": ws.Scoring(), "unique_seconds": True}
    with pytest.raises(
        WatchspanError, match=r"'newer' of the result is not there .* install the same version"
    ):
        list(aggregate_partition(iter(batch), declared=other, **options))
    assert list(aggregate_partition(iter([]), declared=other, **options)) == []


def test_an_hour_that_occurs_twice_is_not_guessed(spark: SparkSession, events: DataFrame) -> None:
    pandas = pytest.importorskip("pandas")
    with settings(spark, {"spark.sql.session.timeZone": "America/New_York"}):
        compute = engagement_udf(events)
    rows = few_events().to_pandas()
    once = pandas.DatetimeIndex(rows["timestamp"]).tz_convert("America/New_York").tz_localize(None)
    assert len(compute(rows.assign(timestamp=once))) == 3
    twice = rows.assign(timestamp=pandas.Timestamp("2026-11-01 01:30"))
    with pytest.raises(WatchspanError, match="hour that the time zone America/New_York has twice"):
        compute(twice)


def test_columns_carry_their_meaning(events: DataFrame) -> None:
    assert engagement_schema(columns={"userId": "uid"}) == engagement_schema()
    for schema in (engagement_schema(), session_schema(events)):
        assert all(column.metadata["comment"] and column.nullable for column in schema.fields)
    assert session_schema()["playTime"].metadata["comment"].endswith("Unit: s of wall clock.")


def test_pyspark_is_imported_by_those_who_ask_and_named_where_it_is_missing() -> None:
    light = "import sys, watchspan; assert 'pyspark' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", light], check=False).returncode == 0
    without = "import sys; sys.modules['pyspark'] = None; import watchspan.spark"
    run = subprocess.run([sys.executable, "-c", without], check=False, capture_output=True, text=True)
    assert run.returncode != 0
    assert (
        'MissingDependencyError: watchspan.spark needs PySpark: run pip install "watchspan[spark]"'
        in run.stderr
    )
