"""The table of retention, kept by Spark and deltalake: at all times what `ws.retention` of all rows gives."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import watchspan as ws
from support.kept_tables import StoppedError, World, events, stopped_after, watch
from watchspan.errors import OptionError

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from watchspan import delta

FIRST = events(
    *watch("2026-01-15T10:00:00", "ann", "v1", "s1", 0, 60),
    *watch("2026-01-15T11:00:00", "bob", "v2", "s2", 0, 30),
)
LATER = events(
    *watch("2026-01-15T10:00:00", "cid", "v1", "s3", 30, 90),
    *watch("2026-01-15T12:00:00", "cid", "v3", "s3", 0, 10),
)
CATALOGUE = [("v1", 100.0, "One"), ("v2", 40.0, "Two")]


def assert_current(world: World, videos: set[str]) -> None:
    """The table is that of all rows, and nothing waits."""
    assert world.table("_pending").count() == 0
    rows = ws.aggregate(pa.concat_tables(world.arrived), videos=world.catalogue)
    want = ws.retention(rows).to_pylist()
    kept = world.table("_retention").orderBy("videoId", "bucket").toArrow().to_pylist()
    assert {row["videoId"] for row in kept} == videos
    assert [[row[name] for name in want[0]] for row in kept] == [
        [pytest.approx(value) if isinstance(value, float) else value for value in row.values()]
        for row in want
    ]
    assert all(row["processedAt"] is not None for row in kept)


def test_both_engines_keep_it_and_mend_it(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(spark, tmp_path, videos=True)
    world.publish(CATALOGUE)
    world.arrive(FIRST)
    world.update(retention_table=True)
    assert_current(world, {"v1", "v2"})
    with pytest.raises(OptionError, match="unique_seconds is False"):
        world.aggregator.rescore(calculate_unique_seconds=False)
    # A run that stops right before the curves: the next, of the other engine, draws them.
    window = world.arrive(LATER)
    with stopped_after(monkeypatch, 4) as done, pytest.raises(StoppedError):
        world.update(*window, changed_by="arrivedAt")
    assert done[-1] == "merge engagement"
    delta.update(world.raw, world.output, "2027-01-01", videos=world.catalogue)
    assert_current(world, {"v1", "v2", "v3"})
    # A duration that moves reaches curves that no event is about, also after a stop.
    world.publish([("v1", 100.0, "One"), ("v2", 60.0, "Two")])
    with stopped_after(monkeypatch, 4) as done, pytest.raises(StoppedError):
        world.update("2027-01-01")
    assert done[-2:] == ["append pending", "merge engagement"]
    world.update("2027-01-01")
    assert_current(world, {"v1", "v2", "v3"})
    world.aggregator.delete_user("bob")
    world.arrived = [FIRST.slice(0, 2), LATER]
    assert_current(world, {"v1", "v3"})
    world.assert_current()
