"""What the dashboard asks: its datasets, each a query with the columns that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent
from typing import Any

from watchspan.insight.cohorts import WEEKS
from watchspan.insight.columns import QUARTILES, TABLES
from watchspan.refresh import BUCKETS
from watchspan.summary import BIN, TIERS
from watchspan.views import queries
from watchspan.views.measures import OF_ANY, day_of
from watchspan.views.queries import Kept

# The parameter that says which video a page is about, by its label; empty: the most watched one.
VIDEO = "video"
# How a video is called, which tells those of one title apart.
_LABEL = "concat_ws(' · ', videoTitle, CAST(videoId AS STRING))"


@dataclass(frozen=True)
class Dataset:
    """A query of the dashboard.

    Attributes:
        name: What widgets call it.
        title: What people call it.
        sql: The query.
        columns: The columns of its result.
        of_one_video: Whether it has the parameter `VIDEO`.
    """

    name: str
    title: str
    sql: str
    columns: tuple[str, ...]
    of_one_video: bool = False

    def definition(self) -> dict[str, Any]:
        """The dataset as a dashboard has it; the lines of a query are joined as they are."""
        made: dict[str, Any] = {
            "name": self.name,
            "displayName": self.title,
            "queryLines": self.sql.splitlines(keepends=True),
        }
        if self.of_one_video:
            nothing = {"dataType": "STRING", "values": [{"value": ""}]}
            made["parameters"] = [
                {
                    "displayName": "Video",
                    "keyword": VIDEO,
                    "dataType": "STRING",
                    "defaultSelection": {"values": nothing},
                }
            ]
        return made


def datasets(kept: Kept) -> dict[str, Dataset]:
    """All datasets of the dashboard, by name."""
    every = (
        _quality(kept),
        _flags(kept),
        _sources(kept),
        _overview(kept),
        _days(kept),
        _tiers(kept),
        _scores(kept),
        _videos(kept),
        _chosen(kept),
        _reached(kept),
        _positions(kept),
        _cohorts(kept),
    )
    return {dataset.name: dataset for dataset in every}


def _quality(kept: Kept) -> Dataset:
    figures = {
        "rows": "count(*)",
        "flaggedShare": OF_ANY["flaggedShare"],
        "estimatedShare": "count_if(durationSource = 'estimated') / nullif(count(*), 0)",
        "unknownShare": "count_if(videoDuration IS NULL) / nullif(count(*), 0)",
        "rejectedSegments": "sum(rejectedSegmentCount)",
        "openSegments": "sum(openSegmentCount)",
        "unobservedHours": "sum(unobservedWatchTime) / 3600",
        "newestEvent": "max(lastWatchDate)",
    }
    return Dataset("quality", "Data quality", _one_row(figures, kept.engagement), tuple(figures))


def _one_row(figures: dict[str, str], table: str) -> str:
    chosen = ",\n  ".join(f"{sql} AS {name}" for name, sql in figures.items())
    return f"SELECT\n  {chosen}\nFROM {table}\n"


def _flags(kept: Kept) -> Dataset:
    sql = f"""WITH told AS (
  SELECT explode(CASE WHEN size(dataQualityFlags) > 0 THEN dataQualityFlags ELSE array('ok') END) AS flag
  FROM {kept.engagement}
)
SELECT flag, count(*) AS rows, count(*) / (SELECT count(*) FROM {kept.engagement}) AS share
FROM told
GROUP BY flag
"""
    return Dataset("flags", "Rows by data quality flag", sql, ("flag", "rows", "share"))


def _sources(kept: Kept) -> Dataset:
    sql = f"""SELECT
  coalesce(durationSource, 'unknown') AS source,
  count(DISTINCT videoId) AS videos,
  count(*) AS rows
FROM {kept.engagement}
GROUP BY coalesce(durationSource, 'unknown')
"""
    return Dataset("sources", "Where durations are from", sql, ("source", "videos", "rows"))


def _overview(kept: Kept) -> Dataset:
    return Dataset("overview", "All videos", _one_row(OF_ANY, kept.engagement), tuple(OF_ANY))


def _days(kept: Kept) -> Dataset:
    sql = f"""SELECT
  day,
  count(DISTINCT userId) AS viewers,
  count(*) AS sessions,
  sum(watchTime) / 3600 AS watchHours
FROM (SELECT userId, watchTime, {day_of("sessionStart")} AS day FROM {kept.sessions})
GROUP BY day
ORDER BY day
"""
    return Dataset("days", "Days (UTC)", sql, ("day", "viewers", "sessions", "watchHours"))


def _tiers(kept: Kept) -> Dataset:
    every = ", ".join(f"'{tier}'" for tier in (*TIERS, "unscored"))
    sql = f"""WITH every AS (SELECT explode(array({every})) AS tier),
found AS (
  SELECT coalesce(engagementTier, 'unscored') AS tier, count(*) AS rows
  FROM {kept.engagement}
  GROUP BY coalesce(engagementTier, 'unscored')
)
SELECT
  e.tier,
  coalesce(f.rows, 0) AS rows,
  coalesce(f.rows, 0) / greatest(1, sum(f.rows) OVER ()) AS share
FROM every e
LEFT JOIN found f ON f.tier = e.tier
"""
    return Dataset("tiers", "Rows by tier", sql, ("tier", "rows", "share"))


def _scores(kept: Kept) -> Dataset:
    last = 100 // BIN - 1
    sql = f"""WITH bins AS (
  SELECT
    CASE WHEN engagementScore = 100 THEN {last} ELSE CAST(floor(engagementScore / {BIN}) AS INT) END
      AS bin
  FROM {kept.engagement}
  WHERE engagementScore IS NOT NULL
),
every AS (
  SELECT explode(sequence(least(0, coalesce(min(bin), 0)), greatest({last}, coalesce(max(bin), 0)))) AS bin
  FROM bins
)
SELECT e.bin * {BIN} AS `from`, (e.bin + 1) * {BIN} AS `to`, count(b.bin) AS rows
FROM every e
LEFT JOIN bins b ON b.bin = e.bin
GROUP BY e.bin
ORDER BY e.bin
"""
    return Dataset("scores", "Rows by engagement score", sql, ("from", "to", "rows"))


def _names(table: str) -> tuple[str, ...]:
    return tuple(column.name for column in TABLES[table].columns)


def _labelled(kept: Kept) -> str:
    """The query for the totals of all videos, each with its label."""
    totals = indent(queries.video_totals(kept), "  ")
    return f"SELECT {_LABEL} AS {VIDEO}, *\nFROM (\n{totals})\n"


def _chosen_video(kept: Kept) -> str:
    """The query for the totals of the video that the parameter names."""
    return (
        f"SELECT *\nFROM (\n{indent(_labelled(kept), '  ')})\n"
        f"WHERE :{VIDEO} = '' OR {VIDEO} = :{VIDEO}\nORDER BY watchHours DESC, videoId\nLIMIT 1\n"
    )


def _videos(kept: Kept) -> Dataset:
    sql = _labelled(kept) + "ORDER BY watchHours DESC, videoId\n"
    return Dataset("videos", "Videos", sql, (VIDEO, *_names("video_totals")))


def _chosen(kept: Kept) -> Dataset:
    columns = (VIDEO, *_names("video_totals"))
    return Dataset("chosen", "The video", _chosen_video(kept), columns, of_one_video=True)


def _reached(kept: Kept) -> Dataset:
    pairs = ", ".join(f"{percent}, reached{percent}" for percent in QUARTILES)
    sql = (
        f"SELECT stack({len(QUARTILES)}, {pairs}) AS (percent, share)\n"
        f"FROM (\n{indent(_chosen_video(kept), '  ')})\n"
    )
    return Dataset("reached", "How far viewers got", sql, ("percent", "share"), of_one_video=True)


def _positions(kept: Kept) -> Dataset:
    """The points of a curve: where each bucket begins, and where the last ends."""
    sql = f"""WITH chosen AS (
{indent(_chosen_video(kept), "  ")})
SELECT startSeconds, retention, again
FROM (
  SELECT
    explode(CASE
      WHEN bucket = {BUCKETS - 1} THEN array(startSeconds, endSeconds) ELSE array(startSeconds)
    END) AS startSeconds,
    retention,
    plays / users AS again
  FROM {kept.retention}
  WHERE videoId IN (SELECT videoId FROM chosen)
)
ORDER BY startSeconds
"""
    columns = ("startSeconds", "retention", "again")
    return Dataset("positions", "Retention of the video", sql, columns, of_one_video=True)


def _cohorts(kept: Kept) -> Dataset:
    names = [name for name in _names("cohorts") if name != "group"]
    sql = (
        "SELECT\n  concat(CAST(cohort AS STRING), ' (', format_number(cohortUsers, 0), ')') AS who,\n"
        f"  {', '.join(names)}\n"
        "FROM (\n  SELECT *, dense_rank() OVER (ORDER BY cohort DESC) AS age\n"
        f"  FROM (\n{indent(queries.cohorts(kept), '    ')}  )\n)\n"
        f"WHERE age <= {WEEKS} AND period < {WEEKS}\nORDER BY cohort, period\n"
    )
    return Dataset("cohorts", "Who comes back, by week (UTC)", sql, ("who", *names))
