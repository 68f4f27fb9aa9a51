"""What rows come to, as SQL: each measure once, for the views, the metric view and the dashboard.

They are the columns of `watchspan.insight.columns`, which says what they mean, as aggregates over engagement
rows. Only functions that Databricks SQL and open-source Spark both have are used; a ratio of nothing is null.
"""

from __future__ import annotations

from watchspan.insight.columns import QUARTILES

# What has both.
COVERED = "totalUniqueSecondsWatched IS NOT NULL AND videoDuration IS NOT NULL"
# Somebody always gets to the end of a guessed duration.
KNOWN = "completionPercentage IS NOT NULL AND durationSource <> 'estimated'"
_SHARED = {
    "sessions": "sum(sessionCount)",
    "watchHours": "sum(totalWatchTime) / 3600",
    "completionRate": "count_if(isCompletedAtLeastOnce) / nullif(count(*), 0)",
    "coverage": f"sum(totalUniqueSecondsWatched) FILTER (WHERE {COVERED}) / "
    f"nullif(sum(videoDuration) FILTER (WHERE {COVERED}), 0)",
    "averageScore": "avg(engagementScore)",
}


def _reached(percent: int) -> str:
    return f"count_if({KNOWN} AND completionPercentage >= {percent}) / nullif(count_if({KNOWN}), 0)"


# By the names of the columns of `video_totals` that are no key.
OF_VIDEOS = {
    "videoTitle": "max(videoTitle)",
    "videoDuration": "max(videoDuration)",
    "viewers": "count(*)",
    **_SHARED,
    "rewatchedShare": "sum(rewatchedSeconds) / "
    "nullif(sum(totalWatchTime) FILTER (WHERE rewatchedSeconds IS NOT NULL), 0)",
    "flaggedShare": "count_if(dataQualityFlag <> 'ok') / nullif(count(*), 0)",
    "lastWatchDate": "max(lastWatchDate)",
    **{f"reached{percent}": _reached(percent) for percent in QUARTILES},
}
# By those of `user_totals`.
OF_USERS = {
    "videos": "count(*)",
    **_SHARED,
    "completions": "sum(completionCount)",
    "forwardSkipsPer10Min": "600 * sum(totalForwardSkips) / nullif(sum(totalWatchTime), 0)",
    "firstSeen": "min(firstWatchDate)",
    "lastSeen": "max(lastWatchDate)",
}
# Over rows of any videos and users, a user may have several, and so may a video.
OF_ANY = {
    "viewers": "count(DISTINCT userId)",
    "videos": "count(DISTINCT videoId)",
    **{
        name: aggregate
        for name, aggregate in {**OF_VIDEOS, **OF_USERS}.items()
        if name not in ("videoTitle", "videoDuration", "viewers", "videos", "lastWatchDate")
    },
}

# Days and weeks are those of UTC, whatever the time zone of the session is.
_MICROS_PER_DAY = 86_400_000_000


def day_of(instant: str) -> str:
    """The expression for the day in UTC of an instant."""
    micros = f"unix_micros({instant})"
    days = f"({micros} - pmod({micros}, {_MICROS_PER_DAY})) / {_MICROS_PER_DAY}"
    return f"date_from_unix_date(CAST({days} AS INT))"


def monday_of(day: str) -> str:
    """The expression for the Monday of the week in which a day is."""
    return f"date_sub({day}, weekday({day}))"
