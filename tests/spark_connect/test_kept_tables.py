"""The tables over Spark Connect, as on serverless and shared compute: old calls, updates, a stream."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

import watchspan as ws
from support.kept_tables import World, events, watch
from support.spark_rows import assert_same_table, collected


def test_the_main_paths(connect: SparkSession, tmp_path: Path) -> None:
    world, checkpoint = World(connect, tmp_path, videos=True), str(tmp_path / "checkpoint")
    world.publish([("v1", 60.0, "One")])
    world.arrive(events(*watch("2026-01-15T23:59:50", "ann", "v1", "a", 0, 30)))
    world.arrive(events(*watch("2026-01-16T10:00:00", "bob", "v2", "b", 0, 60)))
    whole = world.aggregator.run_aggregation("2026-01-15", "2026-01-17")
    expected = ws.aggregate(world.arrived[0], videos=world.catalogue)
    ann = whole.filter("userId = 'ann'")
    assert_same_table(ann, collected(ann, ("userId", "videoId")), expected)
    assert world.aggregator.generate_summary_stats(whole)["watch_time_hours"] == 90 / 3600

    # Day by day: the session over midnight is whole when both its days were taken in.
    assert world.update("2026-01-16", "2026-01-17").sessions_written == 2
    assert world.update("2026-01-15", "2026-01-16").sessions_written == 1
    world.assert_current()
    world.arrive(events(*watch("2026-01-16T10:02:00", "bob", "v2", "b", 60, 80)))
    query = world.aggregator.start_stream(checkpoint)
    query.awaitTermination()
    assert query.exception() is None
    world.assert_current()
    assert world.aggregator.rescore(ws.Scoring.additive()).pairs == 2
    world.assert_current(scoring=ws.Scoring.additive())
    assert world.aggregator.delete_user("ann").sessions_deleted == 1
    world.arrived = world.arrived[1:]
    world.assert_current(scoring=ws.Scoring.additive())
