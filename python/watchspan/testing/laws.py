"""What holds of every engagement row, each law once: its name, its condition, and what it says.

`assert_engagement`, the metadata for dqx, the SQL of `watchspan checks` and docs/testing.md follow from
these. The conditions are in the language of `watchspan.testing.expressions`. Nothing of the package is
imported here: the generators of the docs read this file alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any

# The largest number: what is neither NaN nor infinite is not beyond it, in every engine.
MOST = float_info.max
KEYS = ("userId", "videoId")
# A column that no table has: how many rows have the key of a row.
ROWS_OF_KEY = "rowsOfKey"
# Columns whose numbers may be below 0.
_SIGNED = {"engagementScore"}
_LISTS = {
    "watchedIntervals": (
        "are_stretches(watchedIntervals) and are_disjoint(watchedIntervals)",
        "holds stretches from 0 on, each ending after it begins, in order, and none touches the next",
    ),
    "replayedIntervals": (
        "are_stretches(replayedIntervals) and are_in_order(replayedIntervals)",
        "holds stretches from 0 on, each ending after it begins, in the order of start, then end",
    ),
}


@dataclass(frozen=True)
class Law:
    """What holds of every row.

    Attributes:
        name: What it is called.
        condition: When it is kept; it is broken where this is false, not where it is null. `{name}` in it
            is the value of an option.
        doc: What it says.
        unless: A switch of `watchspan.Rules`: rows made with it need not keep the law.
    """

    name: str
    condition: str
    doc: str
    unless: str = ""

    def under(self, options: Mapping[str, Any]) -> Law:
        """The law with the values of options in it."""
        return Law(self.name, self.condition.format(**options), self.doc, self.unless)


def _alike(one: str, other: str, size: str) -> str:
    """That two numbers are the same but for how sums of floats are rounded, which grows with their size."""
    return f"abs({one} - {other}) <= 1e-6 + 1e-9 * {size}"


def _percentage(name: str, column: str, of: str) -> Law:
    known = f"is_null({column}) == (is_null(videoDuration) or is_null({of}))"
    # Without a division, as somebody's duration may be 0.
    close = f"abs({column} * videoDuration - 100.0 * {of}) <= 0.0050001 * videoDuration + 1e-7 * {of}"
    return Law(
        name,
        f"{known} and {close}",
        f"`{column}` is `{of}` / `videoDuration` in percent, to two decimals; null where either is.",
    )


def _flag(flag: str, condition: str, doc: str) -> Law:
    return Law(f"{flag}_is_flagged", f"has(dataQualityFlags, '{flag}') == ({condition})", doc)


_SUFFICIENT = (
    "coalesce(uniqueWatchPercentage, least(watchPercentage, 100.0) if not is_null(watchPercentage) else -1.0)"
    " >= {sufficient_watch_percentage}"
)

_RELATIONS = (
    Law("one_row_per_key", f"{ROWS_OF_KEY} == 1", "A user has one row for a video."),
    Law("duration_is_positive", "videoDuration > 0", "`videoDuration` is above 0, or null."),
    Law(
        "source_of_duration",
        "is_null(durationSource) == is_null(videoDuration)"
        " and durationSource in ('metadata', 'reported', 'estimated')",
        "`durationSource` is `metadata`, `reported` or `estimated`, and null only with `videoDuration`.",
    ),
    Law(
        "unique_within_duration",
        "totalUniqueSecondsWatched <= videoDuration + 1e-6 + 1e-9 * videoDuration",
        "`totalUniqueSecondsWatched` is at most `videoDuration`.",
    ),
    Law(
        "unique_within_watch_time",
        "totalUniqueSecondsWatched <= totalWatchTime + 1e-6 + 1e-9 * totalWatchTime",
        "`totalUniqueSecondsWatched` is at most `totalWatchTime`.",
    ),
    Law(
        "position_within_duration",
        "maxPositionReached <= videoDuration",
        "`maxPositionReached` is at most `videoDuration`.",
    ),
    Law(
        "unique_follows_intervals",
        _alike(
            "totalUniqueSecondsWatched",
            "seconds_until(watchedIntervals, videoDuration)",
            "totalUniqueSecondsWatched",
        ),
        "`totalUniqueSecondsWatched` is the length of `watchedIntervals` up to `videoDuration`.",
    ),
    Law(
        "rewatched_follows_intervals",
        _alike(
            "rewatchedSeconds", "greatest(0.0, totalWatchTime - seconds(watchedIntervals))", "totalWatchTime"
        ),
        "`rewatchedSeconds` is `totalWatchTime` less the length of `watchedIntervals`, at least 0.",
    ),
    Law(
        "replayed_follows_rewatched",
        _alike("rewatchedSeconds", "seconds(replayedIntervals)", "totalWatchTime"),
        "The length of `replayedIntervals` is `rewatchedSeconds`; not with `count_unobserved`.",
        unless="count_unobserved",
    ),
    _percentage("watch_percentage_follows", "watchPercentage", "totalWatchTime"),
    _percentage("completion_percentage_follows", "completionPercentage", "maxPositionReached"),
    _percentage("unique_percentage_follows", "uniqueWatchPercentage", "totalUniqueSecondsWatched"),
    Law("has_a_session", "sessionCount >= 1", "`sessionCount` is at least 1."),
    Law(
        "watch_time_per_session_follows",
        _alike("avgWatchTimePerSession * sessionCount", "totalWatchTime", "totalWatchTime"),
        "`avgWatchTimePerSession` is `totalWatchTime` / `sessionCount`.",
    ),
    Law("replay_follows", "isReplay == (sessionCount > 1)", "`isReplay` is `sessionCount` > 1."),
    Law(
        "completed_follows",
        "isCompletedAtLeastOnce == (completionCount > 0)",
        "`isCompletedAtLeastOnce` is `completionCount` > 0.",
    ),
    Law(
        "dates_in_order",
        "firstWatchDate <= lastWatchDate",
        "`firstWatchDate` is not after `lastWatchDate`.",
    ),
    Law(
        "tier_follows",
        "is_null(engagementTier) == is_null(engagementScore) and engagementTier == "
        "('High' if engagementScore >= {high} else 'Medium' if engagementScore >= {medium} "
        "else 'Low' if engagementScore >= {low} else 'Minimal')",
        "`engagementTier` follows from `engagementScore` by `Scoring`; null where that is.",
    ),
    Law(
        "flag_follows",
        "dataQualityFlag == (first(dataQualityFlags) if size(dataQualityFlags) > 0 else 'ok')",
        "`dataQualityFlag` is the first of `dataQualityFlags`, or `ok`.",
    ),
    _flag(
        "missing_duration",
        "is_null(videoDuration)",
        "Rows without `videoDuration`, and no others, have the flag `missing_duration`.",
    ),
    _flag(
        "estimated_duration",
        "coalesce(durationSource, '') == 'estimated'",
        "Rows whose `durationSource` is `estimated`, and no others, have the flag `estimated_duration`.",
    ),
    _flag(
        "excessive_watch_time",
        "coalesce(totalWatchTime > {excessive_ratio} * videoDuration * greatest(sessionCount,"
        " completionCount), 1 == 0)",
        "The flag `excessive_watch_time` follows from the row by `excessive_ratio`.",
    ),
    _flag(
        "completed_without_sufficient_watch",
        f"not is_null(videoDuration) and completionCount > 0 and not {_SUFFICIENT}",
        "The flag `completed_without_sufficient_watch` follows by `sufficient_watch_percentage`.",
    ),
    _flag(
        "implausible_segments",
        "rejectedSegmentCount > 0",
        "Rows with a `rejectedSegmentCount`, and no others, have the flag `implausible_segments`.",
    ),
    _flag(
        "very_short_watch",
        f"totalWatchTime < {{very_short_seconds}} and not {_SUFFICIENT}",
        "The flag `very_short_watch` follows by `very_short_seconds` and `sufficient_watch_percentage`.",
    ),
)


def laws(columns: Iterable[Mapping[str, Any]]) -> list[Law]:
    """All laws: one for each column that has something to keep, then those between columns.

    Args:
        columns: The columns of engagement rows, as the core lists them.
    """
    return [*_of_columns(columns), *_RELATIONS]


def _of_columns(columns: Iterable[Mapping[str, Any]]) -> Iterator[Law]:
    for column in columns:
        name = column["name"]
        condition, says = _kept_by(name, column["type"])
        parts = [] if column["nullable"] else [f"not is_null({name})"]
        parts += [condition] if condition else []
        if parts:
            null = ", or null" if column["nullable"] else ""
            yield Law(f"valid_{name}", " and ".join(parts), f"`{name}` {says or 'is never null'}{null}.")


def _kept_by(name: str, kind: str) -> tuple[str, str]:
    if name in _LISTS:
        return _LISTS[name]
    if kind == "double" and name in _SIGNED:
        return f"abs({name}) <= {MOST!r}", "is a number: not NaN, not infinite"
    if kind == "double":
        return f"0.0 <= {name} and {name} <= {MOST!r}", "is a number of at least 0: not NaN, not infinite"
    return (f"{name} >= 0", "is at least 0") if kind == "int64" else ("", "")
