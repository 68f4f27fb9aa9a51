"""How tables travel between Spark and the core: lists of pairs as they are, or as lists of numbers."""

from __future__ import annotations

import pyarrow as pa
import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession

import watchspan as ws
from support.spark_rows import assert_same_table, collected, data_frame
from watchspan import sample
from watchspan.spark import (
    aggregate_events,
    engagement_rows,
    engagement_schema,
    layout,
    session_rows,
    session_schema,
)

ROWS, SEED = 2_000, 3
TAKES_PAIRS = tuple(int(part) for part in pyspark.__version__.split(".")[:2]) >= (3, 4)
KEYS = {"engagement": ("userId", "videoId"), "sessions": ("userId", "videoId", "sessionId")}


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    return data_frame(spark, sample.events(ROWS, seed=SEED))


@pytest.fixture(params=[True, False] if TAKES_PAIRS else [False])
def takes_pairs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(layout, "_TAKES_PAIRS", request.param)
    return bool(request.param)


def test_lists_of_pairs_are_declared_as_this_spark_takes_them() -> None:
    pairs = pa.list_(pa.struct([("start", pa.float64()), ("end", pa.float64())]))
    for schema in (engagement_schema(), session_schema()):
        declared = layout.arrow_of(layout.returned(schema))
        if TAKES_PAIRS:
            assert declared.names == schema.names
            assert declared.field("watchedIntervals").type == pairs
        else:
            assert "watchedIntervals" not in declared.names
            halves = [declared.field(f"watchedIntervals_{part}").type for part in ("start", "end")]
            assert halves == [pa.list_(pa.float64())] * 2


def test_only_lists_of_numbers_are_zipped(takes_pairs: bool, events: DataFrame) -> None:
    for frame in (aggregate_events(events), session_rows(events)):
        # Of one column alone: plans do not show all of many.
        plan = frame.select("watchedIntervals")._jdf.queryExecution().optimizedPlan().toString()
        assert ("arrays_zip" in plan) is not takes_pairs


@pytest.mark.usefixtures("takes_pairs")
def test_tables_are_the_same_either_way(events: DataFrame) -> None:
    table = sample.events(ROWS, seed=SEED)
    sessions = ws.sessions(table)
    found = {len(row["watchedIntervals"]) for row in sessions.to_pylist()}
    assert {0, 1} <= found and max(found) > 2
    frame = session_rows(events)
    made = {"sessions": (frame, sessions), "engagement": (aggregate_events(events), ws.aggregate(table))}
    made["of sessions"] = (engagement_rows(frame), ws.engagement(sessions))
    for name, (got, want) in made.items():
        keys = KEYS.get(name, KEYS["engagement"])
        rows = want.sort_by([(key, "ascending") for key in keys]).replace_schema_metadata(None)
        assert_same_table(got, collected(got, keys), rows)
