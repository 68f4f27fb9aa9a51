"""The old script's `main`, which its jobs import."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from watchspan.instants import Instant
from watchspan.spark.aggregator import VideoEngagementAggregator
from watchspan.spark.old_calls import warn


def main(
    spark: SparkSession | None = None,
    input_table: str | DataFrame = "raw",
    output_table: str = "aggregated_user_video_engagement",
    video_metadata_table: str | DataFrame | None = "video_metadata",
    start_date: Instant = None,
    end_date: Instant = None,
) -> dict[str, Any]:
    """Computes all engagement and overwrites the output table with it, as the old script did. Warns.

    Args:
        spark: As for `VideoEngagementAggregator`, like the tables.
        input_table: The raw events.
        output_table: The table to overwrite.
        video_metadata_table: Durations and titles.
        start_date: As for `run_aggregation`.
        end_date: As for `run_aggregation`.

    Returns:
        The figures of `generate_summary_stats`.

    Raises:
        SourceError: If a table is not there, or `update` keeps the output table.
    """
    warn(
        "main() is a call of the old script: VideoEngagementAggregator(...).update() keeps a table current, "
        "as notebooks/02_daily_job.py does; run_aggregation() and save_results() write whole results."
    )
    aggregator = VideoEngagementAggregator(spark, input_table, output_table, video_metadata_table)
    aggregator.save_results(aggregator.run_aggregation(start_date, end_date))
    return aggregator.generate_summary_stats()
