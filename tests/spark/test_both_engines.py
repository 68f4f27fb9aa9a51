"""Spark and deltalake on the same Delta tables: what one has written, the other reads and updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import watchspan as ws
from support.kept_tables import World, events, watch

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable

from watchspan import delta

DAYS = [
    events(
        *watch("2026-01-15T10:00:00", "ann", "v1", "s1", 0, 60),
        *watch("2026-01-15T23:59:50", "bob", "v2", "s2", 0, 30)[:1],
    ),
    events(
        *watch("2026-01-15T23:59:50", "bob", "v2", "s2", 0, 30)[1:],
        *watch("2026-01-16T10:00:00", "cid", "v1", "s3", 30, 90),
    ),
    events(*watch("2026-01-15T10:02:00", "ann", "v1", "s1", 60, 120)),
]
CATALOGUE = [("v2", 40.0, "Two"), ("v1", None, "it's")]


def update(world: World, engine: str, window: Any) -> Any:
    if engine == "spark":
        return world.update(*window, changed_by="arrivedAt")
    return delta.update(world.raw, world.output, *window, changed_by="arrivedAt", videos=world.catalogue)


def assert_both_read(world: World) -> None:
    """Through Spark, as `assert_current` reads, and through deltalake."""
    world.assert_current()
    rows = pa.table(DeltaTable(world.output).scan()).drop_columns(["processedAt"]).to_pylist()
    expected = ws.aggregate(pa.concat_tables(world.arrived), videos=world.catalogue, rules=world.rules)
    assert sorted(rows, key=lambda row: (row["userId"], row["videoId"])) == expected.to_pylist()


@pytest.mark.parametrize("first", ["spark", pytest.param("deltalake", marks=pytest.mark.slow)])
def test_tables_are_updated_by_both_in_turn(spark: SparkSession, tmp_path: Path, first: str) -> None:
    other = {"spark": "deltalake", "deltalake": "spark"}[first]
    world = World(spark, tmp_path, videos=True)
    world.publish(CATALOGUE)
    for day, engine in zip(DAYS, (first, other, first)):
        window = world.arrive(day)
        assert update(world, engine, window).scopes == len(set(day["userId"].to_pylist()))
    assert_both_read(world)
    # What was kept with the tables binds both, and either may change it.
    scoring = ws.Scoring(coverage=50)
    if other == "spark":
        world.aggregator.rescore(scoring=scoring)
    else:
        delta.rescore(world.output, scoring=scoring, videos=world.catalogue)
    again = update(world, first, (None, None))
    assert (again.scopes, again.pairs, again.shrunk) == (3, 3, 0)
    world.assert_current(scoring=scoring)
    if first == "spark":
        delta.delete_user(world.output, "cid", videos=world.catalogue)
    else:
        world.aggregator.delete_user("cid")
    assert [row.userId for row in world.table().orderBy("userId").collect()] == ["ann", "bob"]
    assert world.table("_sessions").filter("userId = 'cid'").count() == 0


def test_comments_and_types_are_the_same(spark: SparkSession, tmp_path: Path) -> None:
    worlds = {name: World(spark, tmp_path / name) for name in ("spark", "deltalake")}
    for name, world in worlds.items():
        update(world, name, world.arrive(DAYS[0]))
    for suffix in ("", "_sessions", "_pending"):
        schemas = [
            [(f.name, f.dataType.simpleString(), f.nullable) for f in world.table(suffix).schema.fields]
            for world in worlds.values()
        ]
        assert schemas[0] == schemas[1]
        comments = [
            {f.name: f.metadata.get("comment") for f in world.table(suffix).schema.fields}
            for world in worlds.values()
        ]
        assert comments[0] == comments[1]


def test_columns_of_users_are_left_alone_by_both(spark: SparkSession, tmp_path: Path) -> None:
    found = []
    for engine in ("spark", "deltalake"):
        world = World(spark, tmp_path / engine)
        update(world, engine, world.arrive(DAYS[0]))
        for suffix in ("", "_sessions", "_pending"):
            table = f"delta.`{world.output}{suffix}`"
            spark.sql(f"ALTER TABLE {table} ADD COLUMNS (note STRING, _delete INT, s STRUCT<userId: STRING>)")
            spark.sql(f"UPDATE {table} SET note = concat('of ', userId), _delete = 1")
        update(world, engine, world.arrive(DAYS[1]))
        rows = [world.table(suffix).drop("processedAt").collect() for suffix in ("", "_sessions")]
        found.append([sorted(map(repr, table)) for table in rows])
        notes = {row.userId: (row.note, row._delete) for row in world.table().collect()}
        assert notes == {"ann": ("of ann", 1), "bob": ("of bob", 1), "cid": (None, None)}
    assert found[0] == found[1]
