"""Engagement rows as a Delta table, for those who write results themselves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan.errors import SourceError
from watchspan.refresh import KEYS, PROCESSED_AT, PROPERTY
from watchspan.spark import storage
from watchspan.table_names import Table

_COMMENT = "Video engagement, written by watchspan."


def save(
    spark: SparkSession, rows: DataFrame, table: Table, mode: str, partition_by: Sequence[str] | None
) -> None:
    """Writes rows; see `VideoEngagementAggregator.save_results`.

    Raises:
        SourceError: If the table is one that `update()` keeps.
    """
    there = storage.properties(spark, table)
    if PROPERTY in (there or {}):
        raise SourceError(
            f"{table.sql} is kept current by update(), from its sessions table; rows written past it would "
            "contradict that. Name another output table, or use update() and rescore()."
        )
    stamp = f"timestamp_micros({time.time_ns() // 1000})"
    stamped = rows.withColumn(PROCESSED_AT, F.expr(stamp))
    stamped = stamped.withMetadata(PROCESSED_AT, storage.processed_at().metadata)
    if mode == "merge" and there is not None:
        _merge(spark, rows, stamped.schema, table, stamp)
        return
    if mode == "overwrite":
        writer_mode, options = "overwrite", {"overwriteSchema": "true"}
    else:
        writer_mode, options = "append", {"mergeSchema": "true"}
    if there is None:
        options["delta.enableDeletionVectors"] = "false"
    storage.write(stamped, table, writer_mode, options, partition_by)


def _merge(spark: SparkSession, rows: DataFrame, schema: T.StructType, table: Table, stamp: str) -> None:
    storage.add_columns(spark, table, schema)
    view = f"watchspan_{uuid4().hex[:12]}_saved"
    rows.createOrReplaceTempView(view)
    try:
        storage.merge(spark, table, view, KEYS["engagement"], rows.columns, stamp)
    finally:
        spark.catalog.dropTempView(view)
