"""Daily work that stays exact: updates of every kind on real Delta tables, against full runs."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, SparkSession

import watchspan as ws
from support.kept_tables import EVENTS, StoppedError, World, events, stopped_after, watch
from support.random_streams import any_rules, stream, table
from support.spark_rows import assert_same_table, collected
from watchspan.errors import ColumnTypeError, MissingColumnError, OptionError, SourceError
from watchspan.refresh import PROPERTY, ConflictError, Settings, TableName
from watchspan.refresh.settings import EDITION
from watchspan.spark import VideoEngagementAggregator
from watchspan.spark.engine import SparkEngine
from watchspan.spark.storage import conflicts

# More of them say more. The law's hundreds of streams run without Spark.
STREAMS = int(os.environ.get("WATCHSPAN_SPARK_STREAMS", "1"))


def properties(spark: SparkSession, path: str) -> dict[str, str]:
    return {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES delta.`{path}`").collect()}


def versions(spark: SparkSession, world: World) -> list[int]:
    """How many commits each table has had."""
    tables = [f"delta.`{world.output}{suffix}`" for suffix in ("", "_sessions", "_pending")]
    return [spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").collect()[0].version for table in tables]


@pytest.mark.slow  # the random sequence below, and both engines in turn, are as disorderly
def test_days_in_any_order(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path)
    midnight = [*watch("2026-01-15T23:59:50", "ann", "v1", "s1", 0, 30)]
    monday = events(*midnight[:1], *watch("2026-01-15T10:00:00", "bob", "v1", "s2", 10, 50))
    tuesday = events(*midnight[1:], *watch("2026-01-16T09:00:00", "bob", "v2", "s3"))
    late = events(*watch("2026-01-15T10:01:00", "bob", "v1", "s2", 50, 80))
    world.arrive(monday)
    world.arrive(tuesday)
    # The second day first: what it holds of the session over midnight, which the first day makes whole.
    first = world.update("2026-01-16", "2026-01-17")
    assert (first.scopes, first.sessions_written, first.shrunk) == (2, 2, 0)
    assert [row.totalWatchTime for row in world.table().filter("userId = 'ann'").collect()] == [0.0]
    world.update(dt.date(2026, 1, 15), dt.datetime(2026, 1, 16))
    world.assert_current()
    # A late event is in no window of its own time that is still to come, but in one of arrival.
    window = world.arrive(late)
    found = world.update(*window, changed_by="arrivedAt")
    assert (found.scopes, found.sessions_written) == (1, 1)
    world.assert_current()
    # bob's estimated v1 grew, which reaches ann; a repeat changes nothing but the time of writing.
    assert found.pairs == 2
    again = world.update(*window, changed_by="arrivedAt")
    assert (again.scopes, again.pairs, again.sessions_deleted) == (1, 1, 0)
    world.assert_current()
    untouched = world.update("2030-01-01")
    assert (untouched.scopes, untouched.pairs) == (0, 0)


STEPS = ["append pending", "merge sessions", "merge engagement", "clear pending"]


# After the sessions, half of the work is written: the case that a later run must mend.
@pytest.mark.parametrize(
    "stops",
    [
        pytest.param([2], id="after the sessions"),
        pytest.param([1, 3, 4], id="elsewhere", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_stops_anywhere_is_mended_by_the_next(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: list[int]
) -> None:
    world = World(spark, tmp_path, rules=ws.Rules(session_timeout_seconds=600))
    days = [f"2026-02-{day:02}" for day in range(1, len(stops) + 1)]
    for number, day in enumerate(days):
        world.arrive(
            events(
                *watch(f"{day}T10:00:00", "ann", "v1", "s", 0, 40),
                *watch(f"{day}T10:15:00", "ann", "v1", "s", 50, 60),
                *watch(f"{day}T10:15:00", "bob", "v2", "t", 50, 60 + number),
            )
        )
    world.update()
    assert world.table("_sessions").count() == 3 * len(days)
    for steps, day in zip(stops, days):
        # An event between two sessions joins them: one of the two ids disappears.
        joining = ("ann", "v1", "s", "play", 0.0)
        window = world.arrive(events((f"{day}T10:08:00", *joining)))
        with stopped_after(monkeypatch, steps) as done, pytest.raises(StoppedError):
            world.update(*window, changed_by="arrivedAt")
        assert done == STEPS[:steps]
        if steps == 1:
            # Nothing was written yet but what the run set out to do: its window failed, and is run again.
            world.update(*window, changed_by="arrivedAt")
        elif steps < len(STEPS):
            world.update("2030-01-01")
        world.assert_current()
    assert world.table("_sessions").count() == 2 * len(days)


def test_what_changes_beside_events(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(spark, tmp_path, videos=True)
    world.publish([("v1", 60.0, "One"), ("v2", None, None)])
    world.arrive(
        events(
            *watch("2026-01-15T10:00:00", "ann", "v1", "a", 0, 60),
            *watch("2026-01-15T11:00:00", "ann", "v2", "a", 0, 100),
            *watch("2026-01-15T11:00:00", "bob", "v2", "b", 0, 50),
            *watch("2026-01-16T11:00:00", "bob", "v1", "b", 0, 30),
        )
    )
    world.update()
    world.assert_current()
    kept = Settings.from_text(properties(spark, world.output)[PROPERTY])
    assert (kept.rules, kept.scoring, kept.videos) == (ws.Rules(), ws.Scoring(), True)
    before = versions(spark, world)
    for refused, message in [
        (
            {"rules": ws.Rules(tolerance_seconds=1)},
            r"Rules.tolerance_seconds is 1.0 but .* 5.0.*make new tables",
        ),
        (
            {"rules": ws.Rules(very_short_seconds=1)},
            r"Rules.very_short_seconds is 1.0 but .* 10.0.*rescore\(\)",
        ),
        ({"scoring": ws.Scoring.additive()}, r"Scoring.coverage is 0.0 but .* 60.0.*rescore\(\)"),
        ({"vocabulary": "gtm_youtube"}, r"vocabulary is 'gtm_youtube'"),
        ({"columns": {"sessionId": None}}, r"no session column|have one"),
        ({"calculate_unique_seconds": False}, r"unique_seconds is False"),
    ]:
        with pytest.raises(OptionError, match=message):
            world.update(**refused)
    with pytest.raises(OptionError, match=r"Rules.tolerance_seconds is 1.0 but"):
        world.aggregator.rescore(rules=ws.Rules(tolerance_seconds=1))
    assert versions(spark, world) == before

    # A corrected duration reaches every viewer, whatever the window; so does one instead of an estimate.
    world.publish([("v1", 120.0, "Won"), ("v2", 200.0, None, "estimated")])
    assert world.update("2030-01-01", check_videos=False).pairs == 0
    assert world.update("2030-01-01").pairs == 4
    world.assert_current()

    scoring, rules = ws.Scoring.additive(), ws.Rules(very_short_seconds=55)
    with stopped_after(monkeypatch, 2) as done, pytest.raises(StoppedError):
        world.aggregator.rescore(scoring, rules)
    assert done == ["append pending", "keep_settings engagement"]
    assert world.aggregator.rescore(scoring, rules).pairs == 4
    world.assert_current(scoring=scoring, rules=rules)
    # What is not given stays as the tables have it, whatever an aggregator was made with before.
    before_that = VideoEngagementAggregator(
        spark, world.raw, world.output, world.videos, scoring=ws.Scoring(), rules=ws.Rules()
    )
    assert before_that.rescore(rules=rules).pairs == 4
    kept = Settings.from_text(properties(spark, world.output)[PROPERTY])
    assert (kept.rules, kept.scoring) == (rules, scoring)

    # What a deleted user alone has shown of a video goes too.
    world.publish([("v1", 120.0, "Won")])
    spark.sql(f"DELETE FROM delta.`{world.raw}` WHERE userId = 'ann'")
    with pytest.raises(OptionError, match="user_id is 7, but user ids in the tables are string"):
        world.aggregator.delete_user(7)
    gone = world.aggregator.delete_user("ann")
    assert (gone.sessions_deleted, gone.pairs) == (2, 3)
    world.arrived = [world.arrived[0].filter(pc.not_equal(world.arrived[0]["userId"], "ann"))]
    world.assert_current(scoring=scoring, rules=rules)
    assert [row.videoDuration for row in world.table().filter("videoId = 'v2'").collect()] == [50.0]


def test_nothing_shrinks_silently(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Spark hides what a property says if it holds such words, and then the settings could not be read again.
    vocabulary = {"play": "play", "pause": "pause", "url_changed": "ignore", "it's a \token": "ignore"}
    world = World(spark, tmp_path, vocabulary=vocabulary)
    world.arrive(
        events(
            *watch("2026-01-15T10:00:00", "ann", "v1", "a", 0, 60),
            *watch("2026-01-15T11:00:00", "bob", "v1", "b", 0, 50),
        )
    )
    world.update()
    before = [sorted(map(str, world.table(suffix).collect())) for suffix in ("", "_sessions")]
    spark.sql(f"DELETE FROM delta.`{world.raw}` WHERE userId = 'ann' AND eventName = 'pause'")
    found = world.update()
    assert (found.scopes, found.shrunk, found.sessions_written) == (2, 1, 1)
    (example,) = found.shrunk_examples
    assert (example.userId, example.sessionId, example.storedEvents, example.foundEvents) == (
        "ann",
        "a",
        2,
        1,
    )
    assert "1 scopes were left as they are" in caplog.text
    after = [
        sorted(map(str, world.table(suffix).drop("processedAt").collect())) for suffix in ("", "_sessions")
    ]
    assert [len(rows) for rows in before] == [len(rows) for rows in after]
    assert world.table().filter("userId = 'ann'").collect()[0].totalWatchTime == 60.0
    assert world.update(allow_shrink=True).shrunk == 0
    (all_events,) = world.arrived
    lost = pc.and_(pc.equal(all_events["userId"], "ann"), pc.equal(all_events["eventName"], "pause"))
    world.arrived = [all_events.filter(pc.invert(lost))]
    world.assert_current(vocabulary=vocabulary)
    assert Settings.from_text(properties(spark, world.output)[PROPERTY]).vocabulary == vocabulary


def test_tables_of_an_older_version(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "a", 0, 60)))
    world.update()
    settings = properties(spark, world.output)[PROPERTY].replace("'", "\\'")
    whole = {suffix: world.table(suffix) for suffix in ("", "_sessions")}
    wanted = {suffix: frame.schema for suffix, frame in whole.items()}
    for suffix, younger in (("", "rewatchedSeconds"), ("_sessions", "playTime")):
        older = spark.createDataFrame(whole[suffix].collect(), wanted[suffix]).drop(younger)
        older.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(
            world.output + suffix
        )
        assert younger not in world.table(suffix).columns
        # Such a table is not lost on a run, whoever wrote it: the property tells.
        spark.sql(
            f"ALTER TABLE delta.`{world.output + suffix}` SET TBLPROPERTIES ('{PROPERTY}' = '{settings}')"
        )
        if not suffix:
            # Engagement rows follow from the sessions.
            assert world.aggregator.rescore().pairs == 1
            assert world.table().collect()[0].rewatchedSeconds == 0.0
    for work in (partial(world.update, "2026-01-16"), world.aggregator.rescore):
        with pytest.raises(SourceError, match=r"without playTime, .* run update\(\) over all dates once"):
            work()
    world.update()
    for suffix, schema in wanted.items():
        found = world.table(suffix).schema
        assert {(f.name, f.dataType, f.metadata["comment"]) for f in found} == {
            (f.name, f.dataType, f.metadata["comment"]) for f in schema
        }
    (row,) = world.table().collect()
    assert row.rewatchedSeconds == 0.0


def test_tables_of_an_older_edition(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "a", 0, 60)))
    world.update()
    known = json.loads(properties(spark, world.output)[PROPERTY])
    assert known.pop("edition") == EDITION
    text = json.dumps(known).replace("'", "\\'")
    for suffix in ("", "_sessions", "_pending"):
        table = f"delta.`{world.output}{suffix}`"
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('{PROPERTY}' = '{text}')")
        if suffix != "_pending":
            spark.sql(f"UPDATE {table} SET replayedIntervals = NULL")
    message = r"numbers of edition 1 .* edition 2: run update\(\) over all dates once"
    for work in (partial(world.update, "2026-01-15"), world.aggregator.rescore):
        with pytest.raises(SourceError, match=message):
            work()
    assert world.update().sessions_written == 1
    world.assert_current()
    assert Settings.from_text(properties(spark, world.output)[PROPERTY]).edition == EDITION
    world.update("2026-01-15")
    world.assert_current()


def test_catalog_tables_with_names_and_types_of_their_own(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark.sql("CREATE DATABASE kept")
    columns = {
        "timestamp": "at",
        "userId": "uid",
        "videoId": "vid",
        "eventName": "what",
        "currentTime": "pos",
    }
    schema = "at string, uid int, vid bigint, what string, pos double, day date, odd string"
    first, second, late = dt.date(2026, 1, 15), dt.date(2026, 1, 16), dt.date(2026, 1, 17)
    rows = [
        ("2026-01-16T00:59:50+01:00", 1, 7, "play", 0.0, first, "x"),
        ("2026-01-16T00:00:20Z", 1, 7, "pause", 30.0, second, "x"),
        ("2026-01-15T10:00:00Z", 2, 8, "play", 10.0, first, "x"),
        ("2026-01-15T10:00:20Z", 2, 8, "pause", 30.0, first, "x"),
        ("2026-01-15T10:00:50Z", 2, 8, "play", 30.0, late, "x"),
        ("2026-01-15T10:01:00Z", 2, 8, "pause", 40.0, late, "x"),
    ]
    spark.createDataFrame(rows, schema).write.format("delta").saveAsTable("kept.raw")
    videos = spark.createDataFrame([(7, 100.0)], "vid bigint, duration double")
    videos.createOrReplaceTempView("staged")  # a name that the refresh uses for itself
    options = {"columns": columns, "partitions": 2, "cluster": True}
    aggregator = VideoEngagementAggregator(spark, "kept.raw", "`kept`.engagement", "staged", **options)

    def refuse(frame: DataFrame, *_: object) -> None:
        raise NotImplementedError("[NOT_SUPPORTED_WITH_SERVERLESS] not on this compute")

    with monkeypatch.context() as patch:
        # As on serverless compute, where no executor keeps anything.
        patch.setattr(type(videos), "localCheckpoint", refuse)
        patch.setattr(type(videos), "persist", refuse)
        aggregator.update("2026-01-15", "2026-01-17")
    assert spark.table("kept.engagement_work_staged").count() == 0
    found = aggregator.update(late, dt.date(2026, 1, 18), "day")
    assert (found.scopes, found.sessions_written, found.pairs) == (1, 1, 1)
    events = pa.table(
        {name: list(values) for name, values in zip(schema.replace(",", "").split()[::2], zip(*rows))}
    )
    cast = events.set_column(1, "uid", events["uid"].cast(pa.int32()))
    expected = ws.aggregate(cast, columns=columns, videos={"vid": [7], "duration": [100.0]})
    kept = spark.table("kept.engagement").drop("processedAt")
    assert_same_table(kept, collected(kept, ("userId", "videoId")), expected)
    described = {
        row.col_name: row.data_type for row in spark.sql("DESCRIBE EXTENDED kept.engagement").collect()
    }
    assert described["Comment"].startswith("Video engagement, one row per user and video")
    assert spark.table("staged").count() == 1
    with pytest.raises(MissingColumnError, match=r"changed_by is 'arrived', but .* they have at, uid, vid"):
        aggregator.update(changed_by="arrived")
    with pytest.raises(ColumnTypeError, match="changed_by is 'odd', which has the type string"):
        aggregator.update(changed_by="odd")
    with pytest.raises(
        ColumnTypeError, match=r"Column 'userId' is int in `kept`.`engagement_sessions`, but string"
    ):
        aggregator.update(columns={**columns, "userId": "odd"})
    with pytest.raises(SourceError, match="is kept current by update"):
        aggregator.save_results(aggregator.run_aggregation())
    spark.sql("DROP DATABASE kept CASCADE")


def test_other_writers_are_noticed(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_deltalake = pytest.importorskip("deltalake", reason="deltalake needs Python 3.10").write_deltalake
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "a", 0, 60)))
    world.update()
    pending = world.output + "_pending"

    def write_meanwhile(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = pa.table({"userId": ["bob"], "videoId": ["v1"]})
        write_deltalake(pending, rows, mode="append")
        yield from batches

    source = world.table("_pending").union(
        spark.createDataFrame([("ann", "v1")], "userId string, videoId string")
    )
    source.mapInArrow(write_meanwhile, source.schema).createOrReplaceTempView("meanwhile")
    with pytest.raises(ConflictError), conflicts():
        spark.sql(
            f"MERGE INTO delta.`{pending}` t USING meanwhile s ON t.userId = s.userId "
            "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT *"
        )
    # Pairs that anybody left behind are settled, and those of which nothing is known are none. Its own a run
    # settles even if somebody else has cleared the list.
    merge = SparkEngine.merge

    def merge_and_clear(engine: SparkEngine, table: TableName, source: str) -> None:
        merge(engine, table, source)
        if table == "sessions":
            assert world.table("_pending").count() > 0
            spark.sql(f"DELETE FROM delta.`{pending}`")

    window = world.arrive(events(*watch("2026-01-16T10:00:00", "ann", "v1", "a", 60, 90)))
    world.update("2030-01-01")
    with monkeypatch.context() as patch:
        patch.setattr(SparkEngine, "merge", merge_and_clear)
        world.update(*window, changed_by="arrivedAt")
    world.assert_current()


@pytest.mark.parametrize("seed", range(STREAMS))
def test_any_sequence_of_updates_equals_a_full_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(f"updates {seed}")
    rows = [row for number in range(40) for row in users_of(stream(rng, seed != 1, {}), number)]
    rules = any_rules(rng)
    if seed % 2 == 0:
        rules["session_timeout_seconds"] = 300.0
    columns = [name for name in EVENTS.names if name in rows[0]]
    world = World(spark, tmp_path, videos=seed != 2, rules=ws.Rules(**rules))
    if world.videos:
        world.publish([("v1", 100.0, "A"), ("v3", None, "C")])
    rng.shuffle(rows)
    cuts = [0, rng.randrange(len(rows)), len(rows)]
    windows = [world.arrive(table(rows[cut:end], columns)) for cut, end in zip(cuts, cuts[1:])]
    rng.shuffle(windows)
    for window in windows:
        with stopped_after(monkeypatch, rng.randrange(1, 5)) as done, pytest.raises(StoppedError):
            world.update(*window, changed_by="arrivedAt")
        if "merge sessions" not in done:
            world.update(*window, changed_by="arrivedAt")
    if world.videos:
        world.publish([("v1", 90.0, "A"), ("v2", 50.0, "B")])
    world.update("2030-01-01")
    world.assert_current()


def users_of(rows: list[dict[str, object]], number: int) -> list[dict[str, object]]:
    """The same rows by users of their own."""
    return [{**row, "userId": f"{row['userId']} {number}"} if row["userId"] else row for row in rows]
