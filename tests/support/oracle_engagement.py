"""The second opinion, continued: session rows to engagement rows and retention."""

import math
from collections.abc import Sequence
from typing import Any, Optional, Union

from support.oracle import RULES, Interval, Row, finite_or_null, interval_dicts, length, union

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

NEED_DURATION = ["coverage", "completion", "reach", "rewatch"]
NEED_NOTHING = ["watch_minutes", "completions", "sessions", "skips"]
NEED_UNIQUE_SECONDS = [
    "totalUniqueSecondsWatched",
    "uniqueWatchPercentage",
    "rewatchedSeconds",
    "watchedIntervals",
]


def round2(x: float) -> float:
    """Two decimals, halves up."""
    return math.floor(100 * x + 0.5) / 100


def percentage(value: float, d: Optional[float]) -> Optional[float]:
    """The value as a percentage of the duration."""
    return None if d is None else round2(value / d * 100)


def _intervals(row: Row) -> list[Interval]:
    return [(interval["start"], interval["end"]) for interval in row["watchedIntervals"]]


# -------------------------------------------------------------------------------------------- duration


def catalogue(videos: Optional[Sequence[Row]]) -> dict[Any, tuple[Optional[float], Optional[str]]]:
    """Duration (None if it is missing) and title by video."""
    known: dict[Any, tuple[Optional[float], Optional[str]]] = {}
    for video in videos or []:
        name, duration = video.get("videoId"), finite_or_null(video.get("duration"))
        if name is None or name == "":
            continue
        entry = (duration if duration is not None and duration > 0 else None, video.get("title"))
        if known.setdefault(name, entry) != entry:
            raise ValueError(f"videos holds two different rows for {name!r}")
    return known


def estimate(rows: Sequence[Row], video: Any) -> Optional[float]:
    """A guess of the duration from all users' rows for the video."""
    of_video = [row for row in rows if row["videoId"] == video]
    ends = [end for row in of_video for _, end in _intervals(row)]
    guess = max(ends) if ends else max(row["maxPosition"] for row in of_video)
    return guess if guess > 0 else None


def duration_of(
    rows: Sequence[Row], video: Any, videos: Optional[Sequence[Row]], rules: Row
) -> tuple[Optional[float], Optional[str]]:
    """The duration and its source."""
    stated, _ = catalogue(videos).get(video, (None, None))
    if stated is not None:
        return stated, "metadata"
    guess = estimate(rows, video) if rules["estimate_duration"] else None
    return guess, None if guess is None else "estimated"


# --------------------------------------------------------------------------- section 3: engagement rows


def _completions(row: Row, d: Optional[float], source: Optional[str], rules: Row) -> int:
    """How often one session completed the video."""
    if d is None:
        return len(row["endPositions"])
    mark = rules["completion_threshold"] * d
    count = sum(1 for end in row["endPositions"] if end >= mark)
    watched = row["watchedIntervals"]
    if count == 0 and source == "metadata" and watched and watched[-1]["end"] >= mark:
        return 1
    return count


def _cut_stretches(row: Row, cap: float) -> list[Interval]:
    """A session's unobserved stretches, cut at the end of the video: start and seconds."""
    return [
        (stretch["start"], max(0.0, min(stretch["seconds"], cap - stretch["start"])))
        for stretch in row["unobserved"]
    ]


def _flags(row: Row, group: Sequence[Row], d: Optional[float], sufficiency: float, rules: Row) -> list[str]:
    """All data quality flags that apply, in their order."""
    source, total = row["durationSource"], row["totalWatchTime"]
    reached = max(one["maxPosition"] for one in group)
    ends = [end for one in group for end in one["endPositions"]]
    flags = []
    if d is None:
        flags.append("missing_duration")
    if source == "estimated":
        flags.append("estimated_duration")
    if d is not None and total > rules["excessive_ratio"] * d * row["sessionCount"]:
        flags.append("excessive_watch_time")
    if d is not None and row["completionCount"] and sufficiency < rules["sufficient_watch_percentage"]:
        flags.append("completed_without_sufficient_watch")
    if source == "metadata" and d is not None and reached > d + rules["position_slack_seconds"]:
        flags.append("position_exceeds_duration")
    if row["rejectedSegmentCount"] > 0:
        flags.append("implausible_segments")
    if d is not None and any(end < rules["completion_threshold"] * d for end in ends):
        flags.append("ended_before_duration")
    if total < rules["very_short_seconds"]:
        flags.append("very_short_watch")
    return flags


def _score(row: Row, features: dict[str, float], scoring: Row) -> tuple[Optional[float], Optional[str]]:
    """The score and its tier."""
    names = NEED_DURATION + NEED_NOTHING
    if any(scoring[name] != 0 and name not in features for name in names):
        return None, None
    score = sum(scoring[name] * features[name] for name in names if name in features)
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
    completed = row["completionCount"] > 0 and sufficiency >= rules["sufficient_watch_percentage"]
    covered = row["totalUniqueSecondsWatched"] if unique_seconds else min(row["totalWatchTime"], d)
    needing = {
        "coverage": covered / d,
        "completion": 1.0 if completed else 0.0,
        "reach": row["maxPositionReached"] / d,
        "rewatch": row["rewatchedSeconds"] / d if unique_seconds else 0.0,
    }
    features.update({name: min(1.0, max(0.0, value)) for name, value in needing.items()})
    return features


def _totals(group: Sequence[Row], d: Optional[float], source: Optional[str], rules: Row) -> Row:
    """What does not need the score: sums, union and percentages."""
    cap = math.inf if d is None else d
    stretches = [stretch for row in group for stretch in _cut_stretches(row, cap)]
    unobserved = sum(seconds for _, seconds in stretches)
    intervals = [interval for row in group for interval in _intervals(row)]
    total = sum(row["watchTime"] for row in group)
    if rules["count_unobserved"]:
        total += unobserved
        intervals += [(start, start + seconds) for start, seconds in stretches if seconds > 0]
    watched = union(intervals)
    unique = length([(start, min(end, cap)) for start, end in watched if start < cap])
    reached = min(max(row["maxPosition"] for row in group), cap)
    count = len(group)
    completions = sum(_completions(row, d, source, rules) for row in group)
    lasted = sum(row["sessionEnd"] - row["sessionStart"] for row in group) / 1e6
    return {
        "totalWatchTime": total,
        "totalUniqueSecondsWatched": unique,
        "maxPositionReached": reached,
        "watchPercentage": percentage(total, d),
        "completionPercentage": percentage(reached, d),
        "uniqueWatchPercentage": percentage(unique, d),
        "sessionCount": count,
        "avgWatchTimePerSession": total / count,
        "avgSessionDuration": lasted / count,
        "avgPausesPerSession": sum(row["pauseCount"] for row in group) / count,
        "totalForwardSkips": sum(row["forwardSkipCount"] for row in group),
        "totalBackwardSkips": sum(row["backwardSkipCount"] for row in group),
        "completionCount": completions,
        "isCompletedAtLeastOnce": completions > 0,
        "firstWatchDate": min(row["sessionStart"] for row in group),
        "lastWatchDate": max(row["sessionEnd"] for row in group),
        "isReplay": count > 1,
        "rewatchedSeconds": max(0.0, total - length(watched)),
        "totalPlayTime": sum(row["playTime"] for row in group),
        "unobservedWatchTime": unobserved,
        "openSegmentCount": sum(row["openSegmentCount"] for row in group),
        "rejectedSegmentCount": sum(row["rejectedSegmentCount"] for row in group),
        "eventCount": sum(row["eventCount"] for row in group),
        "watchedIntervals": interval_dicts(watched),
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
    row["engagementScore"], row["engagementTier"] = _score(row, features, scoring)
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


def overlap(intervals: Sequence[Interval], start: float, end: float) -> float:
    """How much of the disjoint intervals lies in the bucket."""
    return sum(max(0.0, min(end, b) - max(start, a)) for a, b in intervals)


def _row_duration(
    rows: Sequence[Row], video: Any, videos: Optional[Sequence[Row]], rules: Row
) -> Optional[float]:
    for row in rows:
        if row["videoId"] == video and "videoDuration" in row:
            stated: Optional[float] = row["videoDuration"]
            return stated
    return duration_of(rows, video, videos, rules)[0]


def retention(
    rows: Sequence[Row],
    videos: Optional[Sequence[Row]] = None,
    buckets: int = 100,
    bucket_seconds: Optional[float] = None,
    rules: Optional[Row] = None,
) -> list[Row]:
    """The audience of every bucket of every video, from session or from engagement rows."""
    result = []
    for video in sorted({row["videoId"] for row in rows}):
        d = _row_duration(rows, video, videos, {**RULES, **(rules or {})})
        if d is None:
            continue
        of_video = [row for row in rows if row["videoId"] == video]
        users: dict[Any, list[Interval]] = {}
        for row in of_video:
            users.setdefault(row["userId"], []).extend(_intervals(row))
        for start, end in bucket_edges(d, buckets, bucket_seconds):
            size = end - start
            audience = sum(overlap(union(mine), start, end) / size for mine in users.values())
            bucket = {
                "videoId": video,
                "startSeconds": start,
                "endSeconds": end,
                "audience": audience,
                "retention": audience / len(users),
            }
            if "sessionId" in of_video[0]:
                bucket["plays"] = sum(overlap(_intervals(row), start, end) / size for row in of_video)
            result.append(bucket)
    return result
