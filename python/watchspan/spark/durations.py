"""How long videos are: what the catalogue says, and what viewers show where it says nothing.

Durations are small beside events: they are broadcast to them, and nothing is collected or counted to decide
what to do. The events of videos that lack one are read a second time for the estimate.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core, sources
from watchspan.columns import VIDEOS
from watchspan.errors import DataError
from watchspan.refresh import statements as sql
from watchspan.spark import layout


def clean_videos(videos: DataFrame, columns: Mapping[str, str | None] | None, like: DataFrame) -> DataFrame:
    """What is known of videos, one row each.

    Two different rows for one video are an error of the tasks, for only they see the rows.

    Args:
        videos: The videos table.
        columns: Names in it.
        like: The data frame whose `videoId` it is to be joined to.

    Returns:
        `videoId`, `duration` (null if it is none), `durationSource` (null without a duration) and `title`.

    Raises:
        ColumnError: If the columns do not fit.
    """
    rows = project_videos(videos, columns, like.schema["videoId"].dataType)
    said = rows.filter(sql.HAS_VIDEO).select(
        "videoId", *(F.expr(part).alias(name) for name, part in sql.METADATA.items())
    )
    told, first, last = F.struct(*sql.METADATA), F.col("first"), F.col("last")
    return (
        said.groupBy("videoId")
        .agg(F.min(told).alias("first"), F.max(told).alias("last"), F.expr(sql.CONFLICT).alias("conflict"))
        .select(
            "videoId",
            F.when(F.col("conflict"), _conflict(first, last)).otherwise(first["duration"]).alias("duration"),
            first["durationSource"].alias("durationSource"),
            first["title"].alias("title"),
        )
    )


def project_videos(videos: DataFrame, columns: Mapping[str, str | None] | None, key: T.DataType) -> DataFrame:
    """All columns of videos under their default names, null where the table lacks one that it may lack.

    Args:
        videos: The videos table.
        columns: Names in it.
        key: The type that `videoId` is to have.

    Raises:
        ColumnError: If the columns do not fit, or `videoId` cannot be found among keys of the type `key`.
        OptionError: If `columns` maps what cannot be mapped.
    """
    found = sources.wanted("videos", columns).find(videos.columns)
    declared = layout.arrow_schema(videos.schema, found)
    _core.check_videos_schema(declared, dict(columns or {}), layout.to_arrow(key))
    own = {default: layout.quoted(name) for name, default in found.items()}
    return videos.select(
        *(own.get(name, F.lit(None)).cast(kind).alias(name) for name, kind in video_types(key).items())
    )


def video_types(key: T.DataType) -> dict[str, T.DataType]:
    """The type of each column of videos by its default name; `key` is that of `videoId`."""
    types = {name: layout.to_spark(column.type) for name, column in VIDEOS.items()}
    return {**types, "videoId": key}


def _conflict(first: Column, last: Column) -> Column:
    return F.raise_error(
        F.concat(
            # As the core's errors in tasks are told, so that both are known by it.
            F.lit(f"{DataError.__module__}.{DataError.__name__}: "),
            F.lit("The videos table has two different rows for videoId "),
            F.col("videoId").cast("string"),
            F.lit(": "),
            _shown(first),
            F.lit(" and "),
            _shown(last),
            F.lit(". Keep one of them."),
        )
    ).cast("double")


def _shown(told: Column) -> Column:
    estimated = F.when(told["durationSource"] == sql.ESTIMATED, ", estimated").otherwise("")
    duration = F.when(told["duration"].isNull(), "unknown").otherwise(
        F.concat(told["duration"].cast("string"), F.lit(" s"), estimated)
    )
    title = F.when(told["title"].isNull(), "none").otherwise(F.concat(F.lit('"'), told["title"], F.lit('"')))
    return F.concat(F.lit("(duration "), duration, F.lit(", title "), title, F.lit(")"))


def join_durations(rows: DataFrame, known: DataFrame | None, estimates: DataFrame | None) -> DataFrame:
    """The rows with `videoDuration` and `durationSource`, both null where no duration is known.

    Args:
        rows: Rows with `videoId`.
        known: From `clean_videos`, or None.
        estimates: From `estimated`, of videos for which `known` has no duration, or None.
    """
    parts = [
        part.filter(F.col("duration").isNotNull()).select(
            "videoId", F.col("duration").alias("videoDuration"), "durationSource"
        )
        for part in (known, estimates)
        if part is not None
    ]
    if not parts:
        return rows.withColumn("videoDuration", F.lit(None).cast("double")).withColumn(
            "durationSource", F.lit(None).cast("string")
        )
    durations = parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])
    return rows.join(F.broadcast(durations), "videoId", "left")


def estimated(reached: DataFrame) -> DataFrame:
    """`videoId`, `duration` and `durationSource`, from how far viewers got.

    Args:
        reached: `videoId`, `watchedEnd` and `maxPosition`, any number of rows per video.
    """
    best = reached.groupBy("videoId").agg(
        F.max("watchedEnd").alias("watchedEnd"), F.max("maxPosition").alias("maxPosition")
    )
    duration = F.expr(sql.estimate("watchedEnd", "maxPosition"))
    return best.select("videoId", duration.alias("duration"), F.lit(sql.ESTIMATED).alias("durationSource"))


def lacking(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Those of the rows whose video has no known duration."""
    # Not by the duration, which may be an error: it is to be raised once, where durations are joined.
    usable = known.filter(F.col("durationSource").isNotNull()).select("videoId")
    return rows.filter(sql.HAS_VIDEO).join(F.broadcast(usable), "videoId", "left_anti")
