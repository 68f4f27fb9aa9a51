"""A stream over the raw table: every batch goes through the same refresh as a day's window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from watchspan.errors import OptionError
from watchspan.spark.names import table_name


@dataclass(frozen=True)
class Job:
    """All that a batch needs to know. It is pickled: over Spark Connect batches run on the server.

    Attributes:
        input_table: The raw events.
        output_table: The engagement table.
        video_metadata_table: Durations and titles, or None.
        options: Columns, vocabulary, rules and scoring.
        settings: The other arguments of the aggregator.
        allow_shrink: As for `update`.
        check_videos: As for `update`.
    """

    input_table: str
    output_table: str
    video_metadata_table: str | None
    options: dict[str, Any]
    settings: dict[str, Any]
    allow_shrink: bool
    check_videos: bool


def start(
    spark: SparkSession,
    job: Job,
    checkpoint: str,
    trigger: str | Mapping[str, Any] | None,
    options: Mapping[str, str] | None,
) -> Any:
    """Starts the stream; see `VideoEngagementAggregator.start_stream`."""
    if not isinstance(checkpoint, str) or not checkpoint:
        raise OptionError(f"checkpoint is {checkpoint!r}, but the path of a folder is needed.")
    table = table_name("input_table", job.input_table)
    reader = spark.readStream.format("delta").options(**(options or {}))
    events = reader.table(table.sql) if table.path is None else reader.load(table.path)
    return (
        events.writeStream.foreachBatch(partial(refresh_batch, job=job))
        .option("checkpointLocation", checkpoint)
        .queryName(f"watchspan {job.output_table}")
        .trigger(**_trigger(trigger))
        .start()
    )


def refresh_batch(batch: DataFrame, _number: int, *, job: Job) -> None:
    """Brings the tables up to date with a batch; a batch that comes again changes nothing."""
    from watchspan.spark.aggregator import VideoEngagementAggregator

    # The session of the batch: outside of it, on a server, there is none.
    aggregator = VideoEngagementAggregator(
        batch.sparkSession,
        job.input_table,
        job.output_table,
        job.video_metadata_table,
        **job.options,
        **job.settings,
    )
    aggregator.refresh_with(batch, allow_shrink=job.allow_shrink, check_videos=job.check_videos)


def table_text(option: str, table: Any) -> str:
    """The table, if it is given by name or path.

    Raises:
        OptionError: If it is a data frame.
    """
    if isinstance(table, str):
        return table
    raise OptionError(f"{option} is a DataFrame, but a stream needs the name or path of a Delta table.")


def _trigger(trigger: str | Mapping[str, Any] | None) -> dict[str, Any]:
    if trigger is None or trigger == "availableNow":
        return {"availableNow": True}
    if isinstance(trigger, str):
        return {"processingTime": trigger}
    if isinstance(trigger, Mapping):
        return dict(trigger)
    raise OptionError(
        f"trigger is {trigger!r}, but 'availableNow', an interval such as '5 minutes', or the arguments of "
        "DataStreamWriter.trigger are needed."
    )
