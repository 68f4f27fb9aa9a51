"""The figures of `watchspan.summarize`, computed where the rows are."""

from __future__ import annotations

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from watchspan import _core
from watchspan.errors import MissingColumnError
from watchspan.summary import NEEDED, QUANTILES, TIERS


def summarize(rows: DataFrame, top: int) -> dict[str, Any]:
    """Sums an engagement table up, as `watchspan.summarize` does, in two jobs.

    Raises:
        MissingColumnError: If it is not an engagement table.
    """
    missing = [name for name in NEEDED if name not in rows.columns]
    if missing:
        raise MissingColumnError(
            f"The data frame has no column {missing[0]!r}; it has {', '.join(rows.columns) or 'no columns'}. "
            "Engagement rows are needed, as run_aggregation() returns them."
        )
    found = rows.agg(*(figure.alias(name) for name, figure in _figures().items())).collect()[0].asDict()
    quantiles = found["quantiles"] or [None] * len(QUANTILES)
    times = {**dict(zip(QUANTILES, quantiles)), "mean": found["mean"]}
    return {
        **{name: found[name] for name in ("users", "videos", "rows")},
        **{name: found[name] or 0 for name in ("sessions", "events")},
        "watch_time_hours": (found["watched"] or 0.0) / 3600,
        "completion_rate": found["completion_rate"],
        "tiers": {tier: found[f"tier {tier}"] for tier in (*TIERS, "unscored")},
        "flags": {flag: found[f"flag {flag}"] for flag in ("ok", *_flags())},
        "watch_time_seconds": {name: times[name] for name in _ORDER},
        "negative_watch_time": found["negative"],
        "top_videos": [_video(row.asDict()) for row in _top(rows, top).collect()],
    }


_ORDER = ("min", "p25", "median", "mean", "p75", "p90", "p99", "max")


def _flags() -> list[str]:
    return [name for name, _ in _core.flag_specs()]


def _figures() -> dict[str, Column]:
    watched, completed = F.col("totalWatchTime"), F.col("isCompletedAtLeastOnce").cast("int")
    tier, flags = F.coalesce(F.col("engagementTier"), F.lit("unscored")), F.col("dataQualityFlags")
    return {
        "users": F.countDistinct("userId"),
        "videos": F.countDistinct("videoId"),
        "rows": F.count(F.lit(1)),
        "sessions": F.sum("sessionCount"),
        "events": F.sum("eventCount"),
        "watched": F.sum(watched),
        "mean": F.avg(watched),
        "completion_rate": F.avg(completed),
        "negative": _number(watched < 0),
        # By name: only newer Sparks have it as a function.
        "quantiles": F.expr(f"percentile(totalWatchTime, array({', '.join(map(str, QUANTILES.values()))}))"),
        **{f"tier {name}": _number(tier == name) for name in (*TIERS, "unscored")},
        "flag ok": _number(F.size(flags) == 0),
        **{f"flag {name}": _number(F.array_contains(flags, name)) for name in _flags()},
    }


def _number(condition: Column) -> Column:
    return F.count(F.when(condition, True))


def _top(rows: DataFrame, top: int) -> DataFrame:
    completed, score = F.col("isCompletedAtLeastOnce").cast("int"), F.col("engagementScore")
    videos = rows.groupBy("videoId").agg(
        F.max("videoTitle").alias("videoTitle"),
        F.count(F.lit(1)).alias("viewers"),
        F.sum("totalWatchTime").alias("totalWatchTime"),
        F.avg(completed).alias("completionRate"),
        F.avg(score).alias("averageScore"),
    )
    return videos.orderBy(F.desc("totalWatchTime"), F.asc("videoId")).limit(top)


def _video(row: dict[str, Any]) -> dict[str, Any]:
    names = ("videoId", "videoTitle", "viewers", "totalWatchTime", "completionRate", "averageScore")
    return {name: row[name] for name in names}
