"""Columns of the kept tables that are not ours keep their values, whichever engine writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import watchspan as ws
from support.kept_tables import World, events, watch
from support.spark_rows import assert_same_table, collected
from watchspan.errors import DataError, SourceError

# Without Spark the package's own tests see to the columns, and others let both engines take turns.
ENGINES = ("spark", pytest.param("deltalake", marks=pytest.mark.slow))
SUFFIXES = ("", "_sessions", "_pending")
FIRST = events(
    *watch("2026-01-15T10:00:00", "ann", "v1", "s1"), *watch("2026-01-15T10:00:00", "bob", "v1", "s2")
)
MORE = events(
    *watch("2026-01-15T10:01:00", "ann", "v1", "s1", 30, 60), *watch("2026-01-15T11:00:00", "cid", "v1", "s3")
)
# Names of helpers, aliases and working columns of ours, and such as have to be quoted; all kinds of values.
THEIRS = {
    "_delete": ("STRING", "'mine'"),
    "_scopeId": ("STRING", "'mine'"),
    "_first": ("INT", "7"),
    "s": ("STRUCT<userId: STRING, _delete: BOOLEAN>", "named_struct('userId', 'x', '_delete', true)"),
    "t": ("STRUCT<userId: STRING, videoId: STRING>", "named_struct('userId', 'x', 'videoId', 'y')"),
    "it's `so`": ("DATE", "DATE'2026-01-01'"),
    "a$b": ("DOUBLE", "1.5"),
    "note": ("TIMESTAMP", "TIMESTAMP'2026-01-01 00:00:00'"),
}


def name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(spark, tmp_path_factory.mktemp("first"))
    world.arrive(FIRST)
    world.update()
    return world


@pytest.fixture
def world(first: World, tmp_path: Path) -> World:
    return first.copied(tmp_path)


def alter(world: World, suffix: str, what: str) -> None:
    world.spark.sql(f"ALTER TABLE delta.`{world.output}{suffix}` {what}")


def mapped(world: World, suffix: str) -> None:
    alter(
        world,
        suffix,
        "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', "
        "'delta.minWriterVersion' = '5')",
    )


def more(world: World, engine: str = "spark") -> None:
    world.arrive(MORE)
    if engine == "spark":
        assert world.update().pairs == 3
    else:
        delta = pytest.importorskip("watchspan.delta")
        assert delta.update(world.raw, world.output).pairs == 3


def assert_ours(world: World) -> None:
    """Our columns are those of a full run, whatever else is there."""
    everything = pa.concat_tables(world.arrived)
    for suffix, table, keys in (
        ("", ws.aggregate(everything), ("userId", "videoId")),
        ("_sessions", ws.sessions(everything), ("userId", "videoId", "sessionId")),
    ):
        rows = world.table(suffix).select(*table.column_names)
        assert_same_table(rows, collected(rows, keys), table)
    assert world.table("_pending").count() == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_of_users_keep_their_values(world: World, engine: str) -> None:
    for suffix in SUFFIXES:
        if suffix != "":
            mapped(world, suffix)  # such names need it
            columns = THEIRS
        else:
            columns = {key: value for key, value in THEIRS.items() if key not in ("it's `so`",)}
        added = ", ".join(f"{name(column)} {kind}" for column, (kind, _) in columns.items())
        alter(world, suffix, f"ADD COLUMNS ({added})")
        values = ", ".join(f"{name(column)} = {value}" for column, (_, value) in columns.items())
        world.spark.sql(f"UPDATE delta.`{world.output}{suffix}` SET {values}")
    before = {suffix: theirs(world, suffix) for suffix in ("", "_sessions")}
    more(world, engine)
    for suffix in ("", "_sessions"):
        after = theirs(world, suffix)
        assert after.pop("cid") == dict.fromkeys(before[suffix]["ann"])
        assert after == before[suffix]
    assert_ours(world)


def theirs(world: World, suffix: str) -> dict[str, dict[str, Any]]:
    rows = [row.asDict(recursive=True) for row in world.table(suffix).collect()]
    return {row["userId"]: {key: row[key] for key in THEIRS if key in row} for row in rows}


@pytest.mark.parametrize("engine", ENGINES)
def test_deletion_vectors_and_feeds_that_users_turned_on(world: World, engine: str) -> None:
    for suffix in SUFFIXES:
        for feature in ("enableDeletionVectors", "enableChangeDataFeed"):
            alter(world, suffix, f"SET TBLPROPERTIES ('delta.{feature}' = 'true')")
    world.spark.sql(f"DELETE FROM delta.`{world.output}` WHERE userId = 'bob'")  # with a deletion vector
    world.spark.sql(f"DELETE FROM delta.`{world.output}_sessions` WHERE userId = 'bob'")
    more(world, engine)
    assert_ours(world)
    more_again = world.update() if engine == "deltalake" else None
    assert more_again is None or more_again.shrunk == 0
    assert_ours(world)


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_that_users_renamed_or_dropped_come_back(world: World, engine: str) -> None:
    mapped(world, "")
    alter(world, "", "RENAME COLUMN totalWatchTime TO watched")
    alter(world, "", "DROP COLUMN engagementTier")
    if engine == "deltalake":
        delta = pytest.importorskip("watchspan.delta")
        with pytest.raises(SourceError, match=r"Column mapping is not supported .* with Spark"):
            delta.update(world.raw, world.output)
        return
    more(world)
    assert_ours(world)
    assert {row.userId: row.watched for row in world.table().collect()} == {
        "ann": 30.0,
        "bob": 30.0,
        "cid": None,
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_of_ours_in_another_case_and_with_more_parts(world: World, engine: str) -> None:
    for suffix in SUFFIXES:
        frame = world.table(suffix)
        if suffix != "_pending":
            pairs = (
                "transform(watchedIntervals, p -> named_struct('start', p.start, 'end', p.`end`, 'rate', 2D))"
            )
            frame = frame.selectExpr("* EXCEPT (watchedIntervals)", f"{pairs} AS watchedIntervals")
        frame = frame.toDF(*(column.lower() for column in frame.columns))
        rows = world.spark.createDataFrame(frame.collect(), frame.schema)
        rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(
            world.output + suffix
        )
    more(world, engine)
    assert "totalWatchTime" not in world.table().columns and "totalwatchtime" in world.table().columns
    everything = pa.concat_tables(world.arrived)
    found = {row.userid: row for row in world.table().collect()}
    for row in ws.aggregate(everything).to_pylist():
        kept = found[row["userId"]]
        assert (kept.totalwatchtime, kept.eventcount) == (row["totalWatchTime"], row["eventCount"])
        assert [{"start": p.start, "end": p.end} for p in kept.watchedintervals] == row["watchedIntervals"]
    if engine == "spark":
        assert world.aggregator.delete_user("cid").sessions_deleted == 1


def test_generated_columns_and_defaults_are_spark_s(world: World) -> None:
    alter(world, "", "SET TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')")
    alter(world, "", "ADD COLUMNS (owner STRING)")
    alter(world, "", "ALTER COLUMN owner SET DEFAULT 'nobody'")
    more(world)
    assert {row.userId: row.owner for row in world.table().collect()} == {
        "ann": None,
        "bob": None,
        "cid": "nobody",
    }
    assert_ours(world)


def test_constraints_that_refuse_our_rows_are_named(world: World) -> None:
    alter(world, "", "ADD CONSTRAINT known CHECK (userId IN ('ann', 'bob'))")
    world.arrive(MORE)
    with pytest.raises(DataError, match=r"a table refuses the rows .*constraint.* drop that"):
        world.update()
    delta = pytest.importorskip("watchspan.delta")
    with pytest.raises(DataError, match=r"refuses the rows .*constraint.* drop that"):
        delta.update(world.raw, world.output)
    alter(world, "", "DROP CONSTRAINT known")
    # Nothing is lost: the pairs of the runs that were refused were waiting.
    assert world.update("2030-01-01").pairs == 3
    assert_ours(world)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_without_their_keys_are_refused(world: World, suffix: str) -> None:
    mapped(world, suffix)
    alter(world, suffix, "RENAME COLUMN userId TO viewer")
    for work in (world.update, world.aggregator.rescore, lambda: world.aggregator.delete_user("ann")):
        with pytest.raises(SourceError, match="table has no column 'userId', which tells its rows apart"):
            work()
