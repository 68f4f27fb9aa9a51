"""Calls of the old script that are called otherwise now: they work, and warn."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import watchspan as ws
from support.kept_tables import World, events, watch
from support.spark_rows import assert_same_table, collected, data_frame
from watchspan.errors import OptionError, SourceError
from watchspan.spark import VideoEngagementAggregator

KEYS = ("userId", "videoId")
DAYS = events(
    *watch("2026-01-15T10:00:00", "ann", "v1", "s1"), *watch("2026-01-16T10:00:00", "bob", "v1", "s2")
)
SCRIPT = Path(__file__).parents[2] / "notebooks" / "databricks_video_aggregation.py"


def warned(instead: str) -> Any:
    return pytest.warns(FutureWarning, match=rf"of the old script: .*{instead}.*docs/migration.md")


def test_calls_of_the_old_script_work_and_warn(spark: SparkSession, tmp_path: Path) -> None:
    aggregator = VideoEngagementAggregator(spark, data_frame(spark, DAYS), str(tmp_path / "out"))
    with warned("leave it out") as told:
        result = aggregator.run_aggregation(None, None, use_efficient_method=True)  # type: ignore[call-arg]
    assert told[0].filename == __file__
    expected = ws.aggregate(DAYS)
    assert_same_table(result, collected(result, KEYS), expected)
    with warned(r"save_results\(result=...\)"):
        aggregator.save_results(df=result, mode="overwrite")  # type: ignore[call-arg]
    with warned(r"generate_summary_stats\(result=...\)"):
        stats = aggregator.generate_summary_stats(df=result)  # type: ignore[call-arg]
    assert stats == aggregator.generate_summary_stats()
    with warned("spark.table"):
        day = aggregator.load_raw_events("2026-01-15", "2026-01-16")
    assert {row.userId for row in day.collect()} == {"ann"}
    assert day.columns == DAYS.column_names
    with warned("spark.table"):
        assert aggregator.load_raw_events().count() == DAYS.num_rows
    with pytest.raises(OptionError, match="result is given twice, also as df"), pytest.warns(FutureWarning):
        aggregator.save_results(result, df=result)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="frame"):
        aggregator.save_results(frame=result)  # type: ignore[call-arg]


def test_the_script_has_its_main(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path)
    world.arrive(DAYS)
    main = runpy.run_path(str(SCRIPT))["main"]
    tables = {"input_table": world.raw, "output_table": world.output, "video_metadata_table": None}
    for _ in range(2):  # it overwrites, as it did
        with warned(r"update\(\) keeps a table current"):
            stats = main(spark, **tables)
        assert (stats["rows"], stats["users"]) == (2, 2)
        world.assert_rows("", ws.aggregate(DAYS), KEYS)
    with (
        pytest.raises(SourceError, match="input_table is 'raw', but there is no such table"),
        warned("update"),
    ):
        main()
    # Not over a table that is kept.
    spark.sql(f"DELETE FROM delta.`{world.output}`")
    kept = VideoEngagementAggregator(spark, world.raw, world.output + "2")
    kept.update()
    with pytest.raises(SourceError, match="is kept current by update"), warned("update"):
        main(spark, world.raw, world.output + "2", None)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("tier", "partition_by is 'tier', but there is no column 'tier'; there are userId, videoId"),
        (["videoId", "Day"], "there is no column 'Day'"),
        (["videoId", "videoId"], "each once, and not all"),
        (7, "partition_by is 7, but the name of a column"),
    ],
)
def test_columns_to_partition_by_that_are_not_there(
    spark: SparkSession, tmp_path: Path, by: Any, message: str
) -> None:
    aggregator = VideoEngagementAggregator(spark, data_frame(spark, DAYS), str(tmp_path / "out"))
    with pytest.raises(OptionError, match=message):
        aggregator.save_results(aggregator.run_aggregation(), partition_by=by)
    assert not (tmp_path / "out").exists()
