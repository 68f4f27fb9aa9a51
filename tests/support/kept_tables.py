"""Raw events that arrive bit by bit, the tables that are kept of them, and the full run they must equal."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

import watchspan as ws
from support.spark_rows import assert_same_table, collected, data_frame
from watchspan.refresh import Refreshed
from watchspan.spark import VideoEngagementAggregator
from watchspan.spark.engine import SparkEngine

UTC = dt.timezone.utc
ARRIVAL = dt.datetime(2026, 3, 1, tzinfo=UTC)
EVENTS = pa.schema(
    [
        ("timestamp", pa.timestamp("us", "UTC")),
        ("userId", pa.string()),
        ("videoId", pa.string()),
        ("sessionId", pa.string()),
        ("eventName", pa.string()),
        ("currentTime", pa.float64()),
    ]
)
VIDEOS = pa.schema(
    [
        ("videoId", pa.string()),
        ("duration", pa.float64()),
        ("title", pa.string()),
        ("durationSource", pa.string()),
    ]
)
# What a refresh writes with, in this order.
WRITES = ("append", "merge", "clear", "keep_settings")


class StoppedError(Exception):
    """The run was stopped."""


class World:
    """A raw table, perhaps a table of videos, and the tables that are kept of them, in one folder."""

    def __init__(self, spark: SparkSession, folder: Path, videos: bool = False, **options: Any) -> None:
        self.spark, self.folder = spark, folder
        self.raw, self.output = str(folder / "raw"), str(folder / "engagement")
        self.videos = str(folder / "videos") if videos else None
        self.rules, self.columns = options.get("rules"), options.get("columns")
        self.arrived: list[pa.Table] = []
        self.catalogue: pa.Table | None = None
        self.aggregator = VideoEngagementAggregator(spark, self.raw, self.output, self.videos, **options)

    def arrive(self, events: pa.Table) -> tuple[dt.datetime, dt.datetime]:
        """Adds events to the raw table; the window of their arrival, a day of its own."""
        first = ARRIVAL + dt.timedelta(days=len(self.arrived))
        self.arrived.append(events)
        times = pa.array([first + dt.timedelta(hours=1)] * events.num_rows, pa.timestamp("us", "UTC"))
        save(data_frame(self.spark, events.append_column("arrivedAt", times)), self.raw, "append")
        return first, first + dt.timedelta(days=1)

    def publish(self, rows: Sequence[tuple[str | float | None, ...]]) -> None:
        """Makes this the table of videos: id, duration, title and, if it matters, the duration's source."""
        self.catalogue = pa.Table.from_pylist([dict(zip(VIDEOS.names, row)) for row in rows], VIDEOS)
        save(data_frame(self.spark, self.catalogue), str(self.videos), "overwrite")

    def copied(self, folder: Path) -> World:
        """The same in another folder, of which Spark knows nothing yet: copied sooner than made."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        copy = World(self.spark, folder)
        copy.arrived = list(self.arrived)
        return copy

    def update(self, *window: Any, **options: Any) -> Refreshed:
        return self.aggregator.update(*window, **options)

    def table(self, suffix: str = "") -> DataFrame:
        return self.spark.read.format("delta").load(self.output + suffix)

    def assert_current(self, **options: Any) -> None:
        """Both tables are those of a full run over all that arrived, and nothing waits."""
        events = pa.concat_tables(self.arrived)
        said = {"rules": self.rules, "columns": self.columns}
        engagement = ws.aggregate(events, videos=self.catalogue, **{**said, **options})
        sessions = ws.sessions(events, **said)
        self.assert_rows("", engagement, ("userId", "videoId"))
        self.assert_rows("_sessions", sessions, ("userId", "videoId", "sessionId"))
        assert self.table("_pending").count() == 0
        assert self.spark.sql("SHOW TABLES LIKE 'watchspan_*'").count() == 0

    def assert_rows(self, suffix: str, expected: pa.Table, keys: Sequence[str]) -> None:
        kept = self.table(suffix)
        assert kept.filter("processedAt IS NULL").count() == 0
        rows = kept.drop("processedAt")
        order = [(key, "ascending") for key in keys]
        assert_same_table(rows, collected(rows, keys), expected.sort_by(order))


def save(frame: DataFrame, path: str, mode: str) -> None:
    frame.coalesce(1).write.format("delta").mode(mode).save(path)


def events(*rows: tuple[str, str, str, str, str, float]) -> pa.Table:
    """Events from time, user, video, session, name and position."""
    parsed = [(dt.datetime.fromisoformat(time).replace(tzinfo=UTC), *rest) for time, *rest in rows]
    return pa.Table.from_pylist([dict(zip(EVENTS.names, row)) for row in parsed], EVENTS)


def watch(
    start: str, user: str, video: str, session: str, first: float = 0, last: float = 30
) -> list[tuple[Any, ...]]:
    """A play and a pause, as far apart as it takes to watch what is between."""
    end = dt.datetime.fromisoformat(start) + dt.timedelta(seconds=last - first)
    return [
        (start, user, video, session, "play", first),
        (end.isoformat(), user, video, session, "pause", last),
    ]


@contextmanager
def stopped_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> Iterator[list[str]]:
    """Stops a refresh right after it has written so many times; what it wrote with is told."""
    done: list[str] = []

    def stopping(name: str) -> Any:
        written = getattr(SparkEngine, name)

        def write(self: SparkEngine, table: str, *rest: Any) -> None:
            written(self, table, *rest)
            done.append(f"{name} {table}")
            if len(done) == steps:
                raise StoppedError

        return write

    with monkeypatch.context() as patch:
        for name in WRITES:
            patch.setattr(SparkEngine, name, stopping(name))
        yield done
