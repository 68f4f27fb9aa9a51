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
    found = sources.wanted("videos", columns).own(videos.columns)
    declared = layout.arrow_schema(videos.schema, set(found.values()))
    _core.check_videos_schema(declared, dict(columns or {}), layout.to_arrow(key))
    own = {default: layout.quoted(name) for default, name in found.items()}
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
    source = told["durationSource"]
    guess = F.when(source == sql.METADATA_SOURCE, "").otherwise(F.concat(F.lit(", "), source))
    duration = F.when(told["duration"].isNull(), "unknown").otherwise(
        F.concat(told["duration"].cast("string"), F.lit(" s"), guess)
    )
    title = F.when(told["title"].isNull(), "none").otherwise(F.concat(F.lit('"'), told["title"], F.lit('"')))
    return F.concat(F.lit("(duration "), duration, F.lit(", title "), title, F.lit(")"))


# What a video's duration, and where it is from, are called where they were joined to events, which may have
# columns of their own that say how long it is.
JOINED = ("_duration", "_durationSource")


def join_durations(
    rows: DataFrame,
    known: DataFrame | None,
    found: DataFrame | None,
    names: tuple[str, str] = ("videoDuration", "durationSource"),
) -> DataFrame:
    """The rows with the duration of their video and where it is from, both null where none is known.

    Args:
        rows: Rows with `videoId`.
        known: From `clean_videos`, or None.
        found: From `found_out`, of videos for which `known` has no duration, or None.
        names: What to call the two columns.
    """
    duration, source = names
    parts = [
        part.filter(F.col("duration").isNotNull()).select(
            "videoId", F.col("duration").alias(duration), F.col("durationSource").alias(source)
        )
        for part in (known, found)
        if part is not None
    ]
    if not parts:
        return rows.withColumn(duration, F.lit(None).cast("double")).withColumn(
            source, F.lit(None).cast("string")
        )
    durations = parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])
    return rows.join(F.broadcast(durations), "videoId", "left")


def found_out(reached: DataFrame, users: Column, may_estimate: bool) -> DataFrame:
    """`videoId`, `duration` and `durationSource`, from what players report and how far viewers got.

    Args:
        reached: `videoId`, `watchedEnd`, `maxPosition`, `reportedSecond` and `reportedDuration`, any number
            of rows per video.
        users: How many users report a second, added up over its rows.
        may_estimate: Whether how far viewers got counts where no player reports a duration.
    """
    seconds = reached.groupBy("videoId", "reportedSecond").agg(
        F.max("watchedEnd").alias("watchedEnd"),
        F.max("maxPosition").alias("maxPosition"),
        F.max("reportedDuration").alias("reportedDuration"),
        users.alias("users"),
    )
    # Structs are compared part by part; those of rows that report nothing are null and do not count.
    vote = F.when(
        F.col("reportedSecond").isNotNull(), F.struct("users", "reportedSecond", "reportedDuration")
    )
    videos = seconds.groupBy("videoId").agg(
        F.max("watchedEnd").alias("watchedEnd"),
        F.max("maxPosition").alias("maxPosition"),
        F.max(vote)["reportedDuration"].alias("reported"),
    )
    chosen = sql.found_out("watchedEnd", "maxPosition", "reported", may_estimate)
    return videos.select("videoId", *(F.expr(text).alias(name) for name, text in chosen.items()))


def lacking(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Those of the rows whose video has no known duration."""
    # Not by the duration, which may be an error: it is to be raised once, where durations are joined.
    usable = known.filter(F.col("durationSource").isNotNull()).select("videoId")
    return rows.filter(sql.HAS_VIDEO).join(F.broadcast(usable), "videoId", "left_anti")
