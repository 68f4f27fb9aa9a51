"""A stream over the raw table: every batch goes through the same refresh as a day's window."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from watchspan.errors import OptionError
from watchspan.spark.kept import KeptTables
from watchspan.table_names import table_name


def start(
    spark: SparkSession,
    kept: KeptTables,
    switches: Mapping[str, bool],
    checkpoint: str,
    trigger: str | Mapping[str, Any] | None,
    options: Mapping[str, str] | None,
) -> Any:
    """The started stream over the raw table; see `VideoEngagementAggregator.start_stream` for the errors.

    Args:
        spark: The session.
        kept: The tables, of which none may be a `DataFrame`.
        switches: `allow_shrink` and `check_videos`, as `KeptTables.refresh` takes them.
        checkpoint: The folder in which the stream remembers how far it is.
        trigger: When to look for new events.
        options: Options of the source.
    """
    for option in ("input_table", "video_metadata_table"):
        if not isinstance(getattr(kept, option), (str, type(None))):
            raise OptionError(
                f"{option} is a DataFrame, but a stream needs the name or path of a Delta table."
            )
    if not isinstance(checkpoint, str) or not checkpoint:
        raise OptionError(f"checkpoint is {checkpoint!r}, but the path of a folder is needed.")
    table = table_name("input_table", kept.input_table)
    reader = spark.readStream.format("delta").options(**(options or {}))
    events = reader.table(table.sql) if table.path is None else reader.load(table.path)
    return (
        events.writeStream.foreachBatch(partial(refresh_batch, kept=kept, switches=switches))
        .option("checkpointLocation", checkpoint)
        .queryName(f"watchspan {kept.output_table}")
        .trigger(**_trigger(trigger))
        .start()
    )


def refresh_batch(batch: DataFrame, _number: int, *, kept: KeptTables, switches: Mapping[str, bool]) -> None:
    """Brings the tables up to date with a batch; a batch that comes again changes nothing."""
    # The session of the batch: outside of it, on a server, there is none.
    spark = batch.sparkSession
    with kept.told(spark):
        kept.refresh(spark, batch, unique_seconds=None, **switches)


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
