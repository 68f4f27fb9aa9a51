"""A stream over the raw table: fed, killed, restarted, replayed, and then equal to a full run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from support.kept_tables import StoppedError, World, events, stopped_after, watch
from watchspan.errors import OptionError
from watchspan.spark.streaming import refresh_batch


def finish(query: object) -> None:
    """Waits for a stream that stops by itself; what failed in a batch is raised."""
    query.awaitTermination()
    assert query.exception() is None


def batches_of(checkpoint: Path, kind: str) -> list[int]:
    return sorted(int(name) for name in os.listdir(checkpoint / kind) if name.isdigit())


def test_a_stream_that_is_killed_and_replayed(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, checkpoint = World(spark, tmp_path), tmp_path / "checkpoint"
    world.arrive(events(*watch("2026-01-15T23:59:50", "ann", "v1", "a", 0, 30)))
    world.arrive(events(*watch("2026-01-15T10:00:00", "bob", "v1", "b", 0, 60)))
    # One file per batch, so that there are two; the second is killed after its sessions are written.
    one_by_one = {"maxFilesPerTrigger": "1"}
    with stopped_after(monkeypatch, 6) as done:
        query = world.aggregator.start_stream(str(checkpoint), options=one_by_one)
        with pytest.raises(Exception, match=StoppedError.__name__):
            query.awaitTermination()
    assert done[-2:] == ["append pending", "merge sessions"]
    assert (batches_of(checkpoint, "offsets"), batches_of(checkpoint, "commits")) == ([0, 1], [0])
    assert world.table("_pending").count() == 1

    # Started again it replays that batch, and goes on with what arrives while it runs: late events, too.
    query = world.aggregator.start_stream(str(checkpoint), "1 second", options=one_by_one)
    query.processAllAvailable()
    assert batches_of(checkpoint, "commits") == [0, 1]
    world.arrive(events(*watch("2026-01-14T10:00:00", "ann", "v1", "a", 0, 5)))
    query.processAllAvailable()
    query.stop()
    assert batches_of(checkpoint, "commits") == [0, 1, 2]
    world.assert_current()

    with pytest.raises(OptionError, match="trigger is 5, but 'availableNow'"):
        world.aggregator.start_stream(str(checkpoint), 5)
    with pytest.raises(OptionError, match="checkpoint is ''"):
        world.aggregator.start_stream("")


@pytest.mark.slow  # a replayed batch, as above, and a stream that stops by itself, as in the notebook
def test_a_batch_that_was_written_but_not_marked_as_done(spark: SparkSession, tmp_path: Path) -> None:
    world, checkpoint = World(spark, tmp_path), tmp_path / "checkpoint"
    world.arrive(events(*watch("2026-01-15T10:00:00", "bob", "v1", "b", 0, 60)))
    finish(world.aggregator.start_stream(str(checkpoint)))
    world.arrive(events(*watch("2026-01-15T10:02:00", "bob", "v2", "b", 0, 40)))
    finish(world.aggregator.start_stream(str(checkpoint), "availableNow"))
    world.assert_current()
    for name in ("1", ".1.crc"):
        (checkpoint / "commits" / name).unlink()
    finish(world.aggregator.start_stream(str(checkpoint)))
    assert batches_of(checkpoint, "commits") == [0, 1]
    world.assert_current()


def test_a_batch_needs_nothing_of_the_process_that_started_the_stream(
    spark: SparkSession, tmp_path: Path
) -> None:
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "bob", "v1", "b", 0, 60)))
    kept = pickle.loads(pickle.dumps(world.aggregator._kept()))
    batch = spark.read.format("delta").load(kept.input_table)
    refresh_batch(batch, 0, kept=kept, switches={"allow_shrink": False, "check_videos": True})
    world.assert_current()
