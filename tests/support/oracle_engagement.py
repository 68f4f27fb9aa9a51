"""The second opinion, sections 3, 4 and 6: session rows to engagement rows and retention."""

import math
from collections.abc import Sequence
from typing import Any, Optional, Union

from support.oracle import RULES, Row
from support.oracle_duration import catalogue, duration_of
from support.oracle_intervals import (
    Interval,
    interval_dicts,
    interval_pairs,
    length,
    overlap,
    replays,
    total,
    union,
    within_floats,
)

SCORING: dict[str, Optional[float]] = {
    "coverage": 60.0,
    "completion": 20.0,
    "reach": 10.0,
    "rewatch": 10.0,
    "watch_minutes": 0.0,
    "completions": 0.0,
    "sessions": 0.0,
    "skips": 0.0,
    "minimum": 0.0,
    "maximum": 100.0,
    "high": 75.0,
    "medium": 50.0,
    "low": 25.0,
}

ADDITIVE: dict[str, Optional[float]] = {
    "coverage": 0.0,
    "completion": 0.0,
    "reach": 0.0,
    "rewatch": 0.0,
    "watch_minutes": 1.0,
    "completions": 50.0,
    "sessions": 5.0,
    "skips": -2.0,
    "minimum": None,
    "maximum": None,
    "high": 100.0,
    "medium": 50.0,
    "low": 10.0,
}

NO_GUESS = ("metadata", "reported")
NEED_DURATION = ["coverage", "completion", "reach", "rewatch"]
NEED_NOTHING = ["watch_minutes", "completions", "sessions", "skips"]
NEED_UNIQUE_SECONDS = [
    "totalUniqueSecondsWatched",
    "uniqueWatchPercentage",
    "rewatchedSeconds",
    "watchedIntervals",
    "replayedIntervals",
]


def round2(x: float) -> float:
    """Two decimals, halves up."""
    hundredfold = 100 * x + 0.5
    if not math.isfinite(hundredfold):
        return within_floats(hundredfold) / 100
    return float(math.floor(hundredfold)) / 100


def percentage(value: float, d: Optional[float]) -> Optional[float]:
    """The value as a percentage of the duration."""
    return None if d is None else round2(value / d * 100)


# --------------------------------------------------------------------------- section 3: engagement rows


def completion_mark(d: float, rules: Row) -> float:
    """From which position on a video counts as completed."""
    mark: float = rules["completion_threshold"] * d
    slack = rules["completion_slack_seconds"]
    return mark if slack is None else min(mark, d - min(slack, d / 5))


def _completions(row: Row, d: Optional[float], source: Optional[str], rules: Row) -> int:
    """How often one session completed the video."""
    if d is None:
        return len(row["endPositions"])
    mark = completion_mark(d, rules)
    count = sum(1 for end in row["endPositions"] if end >= mark)
    watched = row["watchedIntervals"]
    if count == 0 and source in NO_GUESS and watched and watched[-1]["end"] >= mark:
        return 1
    return count


def _cut_stretches(row: Row, cap: float) -> list[Interval]:
    """A session's unobserved stretches, cut at the end of the video: start and seconds."""
    return [
        (stretch["start"], max(0.0, min(stretch["seconds"], cap - stretch["start"])))
        for stretch in row["unobserved"]
    ]


def _replayed(group: Sequence[Row]) -> list[Interval]:
    """Where more than one of all sessions' watched and replayed intervals lies."""
    columns = [column for row in group for column in (row["watchedIntervals"], row["replayedIntervals"])]
    return replays([interval for column in columns for interval in interval_pairs(column)])


def _flags(row: Row, group: Sequence[Row], d: Optional[float], sufficiency: float, rules: Row) -> list[str]:
    """All data quality flags that apply, in their order."""
    source, watched = row["durationSource"], row["totalWatchTime"]
    plays = max(row["sessionCount"], row["completionCount"])
    reached = max(one["maxPosition"] for one in group)
    ends = [end for one in group for end in one["endPositions"]]
    sufficient = d is not None and sufficiency >= rules["sufficient_watch_percentage"]
    flags = []
    if d is None:
        flags.append("missing_duration")
    if source == "estimated":
        flags.append("estimated_duration")
    if d is not None and watched > rules["excessive_ratio"] * d * plays:
        flags.append("excessive_watch_time")
    if d is not None and row["isCompletedAtLeastOnce"] and not sufficient:
        flags.append("completed_without_sufficient_watch")
    if d is not None and source in NO_GUESS and reached > d + rules["position_slack_seconds"]:
        flags.append("position_exceeds_duration")
    if row["rejectedSegmentCount"] > 0:
        flags.append("implausible_segments")
    if d is not None and any(end < completion_mark(d, rules) for end in ends):
        flags.append("ended_before_duration")
    if watched < rules["very_short_seconds"] and not sufficient:
        flags.append("very_short_watch")
    return flags


# ---------------------------------------------------------------------------------- section 4: the score


def _score(features: dict[str, float], scoring: Row) -> tuple[Optional[float], Optional[str]]:
    """The score and its tier."""
    names = NEED_DURATION + NEED_NOTHING
    if any(scoring[name] != 0 and name not in features for name in names):
        return None, None
    score = total(scoring[name] * features[name] for name in names if name in features)
    if scoring["minimum"] is not None:
        score = max(score, scoring["minimum"])
    if scoring["maximum"] is not None:
        score = min(score, scoring["maximum"])
    score = round2(score)
    for tier, least in (("High", "high"), ("Medium", "medium"), ("Low", "low")):
        if score >= scoring[least]:
            return score, tier
    return score, "Minimal"


def _features(
    row: Row, d: Optional[float], sufficiency: float, rules: Row, unique_seconds: bool
) -> dict[str, float]:
    """The score's features; those that need a duration are left out if there is none."""
    features = {
        "watch_minutes": row["totalWatchTime"] / 60,
        "completions": row["completionCount"],
        "sessions": row["sessionCount"],
        "skips": row["totalForwardSkips"] + row["totalBackwardSkips"],
    }
    if d is None:
        return features
    completed = row["isCompletedAtLeastOnce"] and sufficiency >= rules["sufficient_watch_percentage"]
    covered = row["totalUniqueSecondsWatched"] if unique_seconds else min(row["totalWatchTime"], d)
    needing = {
        "coverage": covered / d,
        "completion": 1.0 if completed else 0.0,
        "reach": row["maxPositionReached"] / d,
        "rewatch": row["rewatchedSeconds"] / d if unique_seconds else 0.0,
    }
    features.update({name: min(1.0, max(0.0, value)) for name, value in needing.items()})
    return features


# -------------------------------------------------------------------------------------- rows, continued


def _totals(group: Sequence[Row], d: Optional[float], source: Optional[str], rules: Row) -> Row:
    """What does not need the score: sums, union and percentages. The group is in order."""
    cap = math.inf if d is None else d
    stretches = [stretch for row in group for stretch in _cut_stretches(row, cap)]
    unobserved = total(seconds for _, seconds in stretches)
    intervals = [interval for row in group for interval in interval_pairs(row["watchedIntervals"])]
    watch_time = total(row["watchTime"] for row in group)
    if rules["count_unobserved"]:
        watch_time = total([watch_time, unobserved])
        intervals += [(start, within_floats(start + seconds)) for start, seconds in stretches if seconds > 0]
    watched = union(intervals)
    unique = length((start, min(end, cap)) for start, end in watched if start < cap)
    reached = min(max(row["maxPosition"] for row in group), cap)
    count = len(group)
    completions = sum(_completions(row, d, source, rules) for row in group)
    lasted = sum(row["sessionEnd"] - row["sessionStart"] for row in group) / 1e6
    return {
        "totalWatchTime": watch_time,
        "totalUniqueSecondsWatched": unique,
        "maxPositionReached": reached,
        "watchPercentage": percentage(watch_time, d),
        "completionPercentage": percentage(reached, d),
        "uniqueWatchPercentage": percentage(unique, d),
        "sessionCount": count,
        "avgWatchTimePerSession": watch_time / count,
        "avgSessionDuration": lasted / count,
        "avgPausesPerSession": sum(row["pauseCount"] for row in group) / count,
        "totalForwardSkips": sum(row["forwardSkipCount"] for row in group),
        "totalBackwardSkips": sum(row["backwardSkipCount"] for row in group),
        "completionCount": completions,
        "isCompletedAtLeastOnce": completions > 0,
        "firstWatchDate": min(row["sessionStart"] for row in group),
        "lastWatchDate": max(row["sessionEnd"] for row in group),
        "isReplay": count > 1,
        "rewatchedSeconds": max(0.0, watch_time - length(watched)),
        "totalPlayTime": total(row["playTime"] for row in group),
        "unobservedWatchTime": unobserved,
        "openSegmentCount": sum(row["openSegmentCount"] for row in group),
        "rejectedSegmentCount": sum(row["rejectedSegmentCount"] for row in group),
        "eventCount": sum(row["eventCount"] for row in group),
        "watchedIntervals": interval_dicts(watched),
        "replayedIntervals": interval_dicts(_replayed(group)),
    }


def _engagement_row(
    group: Sequence[Row],
    duration: tuple[Optional[float], Optional[str]],
    title: Optional[str],
    options: tuple[Row, Row, bool],
) -> Row:
    rules, scoring, unique_seconds = options
    d, source = duration
    row = {
        "userId": group[0]["userId"],
        "videoId": group[0]["videoId"],
        "videoTitle": title,
        "videoDuration": d,
        "durationSource": source,
        **_totals(group, d, source, rules),
    }
    sufficiency = 0.0
    if d is not None:
        sufficiency = row["uniqueWatchPercentage"] if unique_seconds else min(row["watchPercentage"], 100.0)
    if not unique_seconds:
        row.update(dict.fromkeys(NEED_UNIQUE_SECONDS))
    features = _features(row, d, sufficiency, rules, unique_seconds)
    row["engagementScore"], row["engagementTier"] = _score(features, scoring)
    row["dataQualityFlags"] = _flags(row, group, d, sufficiency, rules)
    row["dataQualityFlag"] = row["dataQualityFlags"][0] if row["dataQualityFlags"] else "ok"
    return row


def engagement(
    session_rows: Sequence[Row],
    videos: Optional[Sequence[Row]] = None,
    rules: Optional[Row] = None,
    scoring: Union[str, Row, None] = None,
    unique_seconds: bool = True,
) -> list[Row]:
    """The engagement rows of the session rows."""
    every_rule = {**RULES, **(rules or {})}
    given = ADDITIVE if scoring == "additive" else scoring
    weights = {**SCORING, **(given if isinstance(given, dict) else {})}
    groups: dict[tuple[Any, Any], list[Row]] = {}
    for row in sorted(session_rows, key=lambda row: (row["sessionStart"], row["sessionId"])):
        groups.setdefault((row["userId"], row["videoId"]), []).append(row)
    result = []
    for (_, video), group in sorted(groups.items(), key=lambda item: item[0]):
        duration = duration_of(session_rows, video, videos, every_rule)
        title = catalogue(videos).get(video, (None, None))[1]
        result.append(_engagement_row(group, duration, title, (every_rule, weights, unique_seconds)))
    return result


# ------------------------------------------------------------------------------- section 6: retention


def bucket_edges(d: float, buckets: int, bucket_seconds: Optional[float]) -> list[Interval]:
    """Where each bucket starts and ends; the last one ends at the duration."""
    if bucket_seconds is None:
        return [(d * i / buckets, d * (i + 1) / buckets) for i in range(buckets)]
    count = math.ceil(d / bucket_seconds)
    return [(i * bucket_seconds, min(d, (i + 1) * bucket_seconds)) for i in range(count)]


def _retention_duration(
    of_video: Sequence[Row], videos: Optional[Sequence[Row]], rules: Row
) -> Optional[float]:
    """That of the call's videos, else as in section 3, which an engagement row went through already."""
    video = of_video[0]["videoId"]
    known = catalogue(videos).get(video, (None, None))[0]
    if known is None and "videoDuration" in of_video[0]:
        stated: Optional[float] = of_video[0]["videoDuration"]
        return stated
    return duration_of(of_video, video, videos, rules)[0]


def retention(
    rows: Sequence[Row],
    videos: Optional[Sequence[Row]] = None,
    buckets: int = 100,
    bucket_seconds: Optional[float] = None,
    rules: Optional[Row] = None,
) -> list[Row]:
    """The audience and the plays of every bucket of every video, from session or from engagement rows."""
    result = []
    for video in sorted({row["videoId"] for row in rows}):
        of_video = [row for row in rows if row["videoId"] == video]
        d = _retention_duration(of_video, videos, {**RULES, **(rules or {})})
        if d is None:
            continue
        users: dict[Any, list[Interval]] = {}
        for row in of_video:
            users.setdefault(row["userId"], []).extend(interval_pairs(row["watchedIntervals"]))
        played = [
            interval
            for row in of_video
            for column in ("watchedIntervals", "replayedIntervals")
            for interval in interval_pairs(row[column])
        ]
        for start, end in bucket_edges(d, buckets, bucket_seconds):
            size = end - start
            audience = total(overlap(union(mine), start, end) / size for mine in users.values())
            result.append(
                {
                    "videoId": video,
                    "startSeconds": start,
                    "endSeconds": end,
                    "audience": audience,
                    "retention": audience / len(users),
                    "plays": overlap(played, start, end) / size,
                }
            )
    return result
