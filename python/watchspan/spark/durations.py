"""How long videos are: what the catalogue says, and what viewers show where it says nothing.

Durations are small beside events: all of them reach each task, and nothing is collected or counted to decide
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
from watchspan.spark import layout, tasks


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
    told = f"struct({', '.join(sql.METADATA)})"
    rows = said.groupBy("videoId").agg(
        F.expr(f"min({told})").alias("least"),
        F.expr(f"max({told})").alias("most"),
        F.expr(sql.CONFLICT).alias("conflict"),
    )
    return rows.selectExpr(
        "videoId",
        f"CASE WHEN conflict THEN {_CONFLICT} ELSE least.duration END AS duration",
        "least.durationSource AS durationSource",
        "least.title AS title",
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


def _shown(told: str) -> str:
    """The expression for what a row says, `told`, as the core shows it."""
    source = f"{told}.durationSource"
    guess = f"CASE WHEN {source} = '{sql.METADATA_SOURCE}' THEN '' ELSE concat(', ', {source}) END"
    return (
        f"'(duration ', coalesce(concat(CAST({told}.duration AS STRING), ' s', {guess}), 'unknown'), "
        f"', title ', coalesce(concat('\"', {told}.title, '\"'), 'none'), ')'"
    )


# As the core's errors in tasks are told, so that both are known by it.
_CONFLICT = (
    f"CAST(raise_error(concat('{DataError.__module__}.{DataError.__name__}: "
    "The videos table has two different rows for videoId ', CAST(videoId AS STRING), ': ', "
    f"{_shown('least')}, ' and ', {_shown('most')}, '. Keep one of them.')) AS DOUBLE)"
)


def with_videos(events: DataFrame, known: DataFrame | None, found: DataFrame | None) -> DataFrame:
    """The events, the first of each partition with all that is known of videos: see `tasks.pack_videos`.

    The join matches no other event, and nothing is joined to what is made of them. It is one of hashes:
    beside one of nested loops Spark would not put small partitions together.

    Args:
        events: The events as they reach the tasks.
        known: From `clean_videos`, or None.
        found: From `found_out`, of videos for which `known` has no duration, or None.
    """
    parts = [part for part in (known, found) if part is not None]
    if not parts:
        return events
    told = parts[0]
    for part in parts[1:]:
        told = told.unionByName(part, allowMissingColumns=True)
    if len(parts) > 1:
        # Of a video `found` has a duration and `known` perhaps a title.
        said = [F.max(name).alias(name) for name in told.columns if name != "videoId"]
        told = told.groupBy("videoId").agg(*said)
    # A row of nothing, so that there is one to join whatever Spark finds to be empty.
    no_video = F.lit(None).cast(events.schema["videoId"].dataType).alias("videoId")
    told = told.unionByName(told.sparkSession.range(1).select(no_video), allowMissingColumns=True)
    packed = told.coalesce(1).mapInArrow(tasks.pack_videos, f"{tasks.HEAD} int, {tasks.KNOWN} binary")
    # Spark numbers rows from a multiple of 2^33 on in each partition.
    head = F.expr("CASE WHEN monotonically_increasing_id() % 8589934592 = 0 THEN 1 END")
    joined = events.withColumn(tasks.HEAD, head).join(F.broadcast(packed), tasks.HEAD, "left")
    return joined.drop(tasks.HEAD)


def join_durations(rows: DataFrame, known: DataFrame | None, found: DataFrame | None) -> DataFrame:
    """The rows with `videoDuration` and `durationSource` of their video, both null where none is known.

    Args:
        rows: Rows with `videoId`.
        known: From `clean_videos`, or None.
        found: From `found_out`, of videos for which `known` has no duration, or None.
    """
    parts = [
        part.filter("duration IS NOT NULL").selectExpr(
            "videoId", "duration AS videoDuration", "durationSource"
        )
        for part in (known, found)
        if part is not None
    ]
    if not parts:
        return rows.selectExpr(
            "*", "CAST(NULL AS DOUBLE) AS videoDuration", "CAST(NULL AS STRING) AS durationSource"
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
