"""The functions on Spark against the embedded engine: the same rows, however Spark cuts and moves events."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyspark
import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import collected, data_frame
from watchspan import sample
from watchspan.errors import ColumnTypeError, MissingColumnError, OptionError, VocabularyError, WatchspanError
from watchspan.spark import (
    aggregate_events,
    engagement_rows,
    engagement_schema,
    engagement_udf,
    session_rows,
    session_schema,
)
from watchspan.spark.functions import project_events, spread
from watchspan.spark.layout import spark_layout
from watchspan.spark.tasks import aggregate_partition

ROWS = 200_000
SEED = 7
SPARK = tuple(int(part) for part in pyspark.__version__.split(".")[:2])
# Rows of the engagement table that a test must at least have seen to say anything.
MANY = 10_000
ENGAGEMENT, SESSIONS = ("userId", "videoId"), ("userId", "videoId", "sessionId")


@dataclass(frozen=True)
class Layout:
    """The same events under other types: files for Spark, tables for the embedded engine."""

    events: pa.Table
    videos: pa.Table
    folder: Path

    def frames(self, spark: SparkSession) -> tuple[DataFrame, DataFrame]:
        return (
            spark.read.parquet(str(self.folder / "events")),
            spark.read.parquet(str(self.folder / "videos")),
        )


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Layout]:
    events, videos = sample.events(ROWS, seed=SEED), sample.videos(SEED)
    hot = pc.if_else(pc.equal(pc.bit_wise_and(row_numbers(events), 7), 0), "hot", events["userId"])
    hot = pc.if_else(pc.equal(pc.bit_wise_and(row_numbers(events), 15), 1), "hot", hot)
    whole, whole_videos = whole_number_keys(events, videos)
    clock = events["timestamp"]
    tables = {
        "instants": (events, videos),
        "clock": (with_column(events, "timestamp", clock.cast(pa.timestamp("us"))), videos),
        "text": (with_column(events, "timestamp", pa.array(map(rfc3339, clock.to_pylist()))), videos),
        "integers": (whole, whole_videos),
        "hot": (with_column(events, "userId", hot), videos),
    }
    made = {}
    for name, (rows, about) in tables.items():
        folder = tmp_path_factory.mktemp(name)
        for part, table in (("events", rows), ("videos", about)):
            (folder / part).mkdir()
            # Several row groups and files, so that Spark reads with several tasks.
            for number in range(4):
                length = -(-table.num_rows // 4)
                pq.write_table(table.slice(number * length, length), folder / part / f"{number}.parquet")
        made[name] = Layout(rows, about, folder)
    return made


def row_numbers(table: pa.Table) -> pa.Array:
    return pa.array(range(table.num_rows), pa.int64())


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.names.index(name), name, values)


def rfc3339(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def whole_number_keys(events: pa.Table, videos: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Keys as integers, of the videos in their own table as wider ones."""
    kinds = {"userId": pa.int32(), "videoId": pa.int16(), "sessionId": pa.int64()}
    for name, kind in kinds.items():
        texts = events[name].to_pylist()
        numbers = {text: number for number, text in enumerate(sorted({t for t in texts if t}), start=-50)}
        events = with_column(events, name, pa.array([numbers.get(text) for text in texts], kind))
        if name == "videoId":
            # Videos that nobody watched have ids that the events' type could not hold.
            ids = [numbers.get(text, 10**12 + number) for number, text in enumerate(videos[name].to_pylist())]
            videos = with_column(videos, name, pa.array(ids, pa.int64()))
    return events, videos


@contextmanager
def settings(spark: SparkSession, values: Mapping[str, Any]) -> Iterator[None]:
    """Settings of the session, put back afterwards."""
    before = {key: spark.conf.get(key, None) for key in values}
    for key, value in values.items():
        spark.conf.set(key, str(value))
    try:
        yield
    finally:
        for key, old in before.items():
            spark.conf.unset(key) if old is None else spark.conf.set(key, old)


def read_back(spark: SparkSession, frame: DataFrame, folder: Path) -> pa.Table:
    """What a data frame holds, through files: exact, and in any version of Spark."""
    with settings(spark, {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}):
        frame.write.parquet(str(folder))
    return pq.read_table(str(folder))


def assert_same(got: pa.Table, want: pa.Table, keys: tuple[str, ...]) -> None:
    """The same columns, types and rows, in any order."""
    assert got.schema.names == want.schema.names
    assert got.num_rows == want.num_rows
    got, want = (
        table.take(pc.sort_indices(table, [(key, "ascending") for key in keys])) for table in (got, want)
    )
    for name in want.schema.names:
        one, other = got[name], want[name]
        if not pa.types.is_list(other.type):
            assert one.type == other.type, name
        assert one.to_pylist() == other.to_pylist(), name


@dataclass(frozen=True)
class Case:
    layout: str = "instants"
    partitions: int | None = None
    adaptive: bool = True
    zone: str = "UTC"
    videos: bool = True
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    "one partition": Case(partitions=1),
    "two partitions, not adaptive": Case(partitions=2, adaptive=False, zone="America/New_York"),
    "64 partitions, text, not adaptive": Case("text", 64, adaptive=False, zone="Asia/Kolkata"),
    "7 partitions, integers": Case("integers", 7, zone="Pacific/Auckland"),
    "clock times": Case("clock", 7, zone="America/New_York"),
    "without videos": Case(videos=False),
    "without videos, sessions or guesses": Case(
        partitions=7,
        videos=False,
        options={"columns": {"sessionId": None}, "rules": ws.Rules(estimate_duration=False)},
    ),
    "without sessions": Case("integers", 2, options={"columns": {"sessionId": None}}),
    "sessions with a timeout": Case(
        "integers",
        7,
        options={
            "rules": ws.Rules(session_timeout_seconds=300, count_unobserved=True),
            "scoring": ws.Scoring.additive(),
            "unique_seconds": False,
        },
    ),
    "a hot user": Case("hot", 7, adaptive=False),
}


@pytest.mark.parametrize("name", CASES)
def test_engagement_is_that_of_the_embedded_engine(
    spark: SparkSession, layouts: dict[str, Layout], name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    if case.layout == "clock" and SPARK < (3, 4):
        pytest.skip("Spark 3.3 has no TIMESTAMP_NTZ")
    layout = layouts[case.layout]
    want = ws.aggregate(layout.events, videos=layout.videos if case.videos else None, **case.options)
    with settings(
        spark, {"spark.sql.adaptive.enabled": case.adaptive, "spark.sql.session.timeZone": case.zone}
    ):
        events, videos = layout.frames(spark)
        found = Observation(name)
        frame = aggregate_events(
            events,
            videos=videos if case.videos else None,
            partitions=case.partitions,
            observation=found,
            **case.options,
        )
        got = read_back(spark, frame, tmp_path / "rows")
    assert want.num_rows > MANY or case.layout == "hot"
    assert_same(got, want, ENGAGEMENT)
    report = ws.report(want)
    assert found.get == {"read": report["read"], "kept": report["kept"], **report["dropped"]}
    assert report["dropped"]["duplicate"] > 100
    assert frame.schema == engagement_schema(events, columns=case.options.get("columns"))


@pytest.mark.parametrize(
    "name", ["sessions with a timeout", pytest.param("7 partitions, integers", marks=pytest.mark.slow)]
)
def test_sessions_are_those_of_the_embedded_engine(
    spark: SparkSession, layouts: dict[str, Layout], name: str, tmp_path: Path
) -> None:
    case = CASES[name]
    layout, rules = layouts[case.layout], case.options.get("rules")
    options = {key: value for key, value in case.options.items() if key in {"columns", "rules"}}
    want = ws.sessions(layout.events, **options)
    with settings(spark, {"spark.sql.session.timeZone": case.zone}):
        events, videos = layout.frames(spark)
        found = Observation(name)
        sessions = session_rows(events, partitions=case.partitions, observation=found, **options)
        assert sessions.schema == session_schema(events, **options)
        assert_same(read_back(spark, sessions, tmp_path / "sessions"), want, SESSIONS)
        assert found.get["kept"] == ws.report(want)["kept"]
        stored = spark.read.parquet(str(tmp_path / "sessions")).withColumn("more", F.lit(1))
        scored = engagement_rows(stored, videos=videos, rules=rules, partitions=case.partitions)
        guessed = engagement_rows(stored, rules=rules, scoring=ws.Scoring.additive(), unique_seconds=False)
        got = [read_back(spark, frame, tmp_path / f"{n}") for n, frame in enumerate((scored, guessed))]
    assert scored.schema == engagement_schema(events, columns=options.get("columns"))
    assert_same(got[0], ws.engagement(want, videos=layout.videos, rules=rules), ENGAGEMENT)
    assert_same(
        got[1],
        ws.engagement(want, rules=rules, scoring=ws.Scoring.additive(), unique_seconds=False),
        ENGAGEMENT,
    )


SKEW = {
    "spark.sql.autoBroadcastJoinThreshold": -1,
    "spark.sql.adaptive.skewJoin.skewedPartitionFactor": 1,
    "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": 1,
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "32KB",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.sql.shuffle.partitions": 4,
}


def split_users(rows: DataFrame) -> int:
    """How many users stand in two partitions."""

    # Within this function, because workers cannot import a test.
    def mark_users(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        column = rows_schema.index("userId")
        users = list({user for batch in batches for user in batch.column(column).to_pylist()})
        marks = pa.array([str(uuid.uuid4())] * len(users), pa.string())
        yield pa.RecordBatch.from_arrays([pa.array(users, pa.string()), marks], names=["userId", "mark"])

    rows_schema = rows.columns
    marks = rows.mapInArrow(mark_users, "userId string, mark string").groupBy("userId")
    return marks.agg(F.count("*").alias("partitions")).filter("partitions > 1").count()


def test_no_user_is_split_after_a_skewed_join_on_users(
    spark: SparkSession, layouts: dict[str, Layout], tmp_path: Path
) -> None:
    layout = layouts["hot"]
    hot = pc.sum(pc.equal(layout.events["userId"], "hot")).as_py()
    assert hot > 0.18 * ROWS
    with settings(spark, SKEW):
        events, videos = layout.frames(spark)
        # As a table of its own: Spark splits only joins right above two shuffles.
        users = pa.table({"userId": layout.events["userId"].unique()})
        pq.write_table(users, tmp_path / "users.parquet")
        joined = events.repartition(8).join(spark.read.parquet(str(tmp_path / "users.parquet")), "userId")
        # Were a plain repartition enough here, the rest of the test would say nothing.
        assert split_users(joined.repartition("userId")) > 0
        assert split_users(spread(project_events(joined, None), ("userId",), None)) == 0
        got = read_back(spark, aggregate_events(joined, videos=videos), tmp_path / "rows")
    # The join drops events without a user, which count for nobody.
    assert_same(got, ws.aggregate(layout.events, videos=layout.videos), ENGAGEMENT)


@pytest.mark.slow  # above, a hot user has a fifth of 200,000 events
def test_a_user_with_a_million_events_is_one_task(spark: SparkSession, tmp_path: Path) -> None:
    rows, start = 1_000_000, 1_768_471_200_000_000
    numbers = range(rows)
    events = pa.table(
        {
            "timestamp": pa.array([start + 10_000_000 * n for n in numbers], pa.timestamp("us", "UTC")),
            "userId": pa.array(["bot"] * rows),
            "videoId": pa.array([f"v{n // 20_000}" for n in numbers]),
            "sessionId": pa.array([f"s{n // 200}" for n in numbers]),
            "eventName": pa.array(["heartbeat"] * rows),
            "currentTime": pa.array([float(n % 200 * 10) for n in numbers]),
        }
    )
    pq.write_table(events, tmp_path / "events.parquet")
    frame = aggregate_events(spark.read.parquet(str(tmp_path / "events.parquet")), partitions=4)
    got = read_back(spark, frame, tmp_path / "rows")
    assert got.num_rows == 50
    assert_same(got, ws.aggregate(events), ENGAGEMENT)


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
    want = collected(aggregate_events(events, videos=videos), ENGAGEMENT)
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
    assert collected(aggregate_events(odd, videos=about, columns=columns), ENGAGEMENT) == want
    about = about.withColumnRenamed("videoId", "clip")
    assert collected(aggregate_events(odd, videos=about, columns=columns), ENGAGEMENT) == want
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
        rows = collected(aggregate_events(events, videos=data_frame(spark, videos)), ENGAGEMENT)
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
    declared = spark_layout(engagement_schema()).append(pa.field("newer", pa.int64()))
    batch = few_events().append_column("_duration", pa.nulls(8, pa.float64()))
    batch = batch.append_column("_durationSource", pa.nulls(8, pa.string())).to_batches()
    options = {"vocabulary": None, "rules": ws.Rules(), "scoring": ws.Scoring(), "unique_seconds": True}
    with pytest.raises(
        WatchspanError, match=r"'newer' of the result is not there .* install the same version"
    ):
        list(aggregate_partition(iter(batch), declared=declared, **options))
    assert list(aggregate_partition(iter([]), declared=declared, **options)) == []


@pytest.mark.parametrize("kind", ["pandas", "arrow"])
def test_one_user_at_a_time(spark: SparkSession, kind: str, tmp_path: Path) -> None:
    since = {"pandas": (3, 5), "arrow": (4, 0)}
    if since[kind] > SPARK:
        pytest.skip(f"Spark {pyspark.__version__} has no such form for lists of structs")
    table, videos = whole_number_keys(sample.events(10_000, seed=SEED), sample.videos(SEED))
    pq.write_table(table, tmp_path / "events.parquet")
    rules = ws.Rules(completion_threshold=0.9)
    want = ws.aggregate(table, videos=videos, rules=replace(rules, estimate_duration=False))
    with settings(spark, {"spark.sql.session.timeZone": "America/New_York"}):
        events = spark.read.parquet(str(tmp_path / "events.parquet"))
        compute = engagement_udf(events, kind, videos=videos, rules=rules)
        groups, schema = events.groupBy("userId"), engagement_schema(events)
        frame = (groups.applyInPandas if kind == "pandas" else groups.applyInArrow)(compute, schema)
        got = read_back(spark, frame, tmp_path / "rows")
    assert want.num_rows > 500
    assert_same(got, want, ENGAGEMENT)


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
