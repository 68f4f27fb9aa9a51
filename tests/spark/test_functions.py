"""The functions on Spark against the embedded engine: the same rows, however Spark cuts and moves events."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
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
from support.spark_rows import settings
from watchspan import sample
from watchspan.spark import (
    aggregate_events,
    engagement_rows,
    engagement_schema,
    engagement_udf,
    session_rows,
    session_schema,
)
from watchspan.spark.functions import project_events, spread

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
