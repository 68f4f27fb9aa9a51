"""The second opinion: the metric definitions (docs/metrics.md) as slow, plain Python.

It shares nothing with the product, not even the defaults, which are stated here again on purpose. This
file goes from events to session rows: ``oracle_events`` cleans, orders and cuts, ``oracle_walk`` walks, and
``oracle_engagement`` goes on from there.
"""

from collections.abc import Sequence
from typing import Any, Optional

from support.oracle_events import (
    NAMES,
    VOCABULARY,
    Event,
    Row,
    clean,
    cut_sessions,
    micros_text,
    parse_micros,
)
from support.oracle_intervals import Interval, interval_dicts, length, replays, union, within_floats
from support.oracle_walk import walk

__all__ = [
    "NAMES",
    "RULES",
    "VOCABULARY",
    "Event",
    "Interval",
    "Row",
    "micros_text",
    "parse_micros",
    "sessions",
]

RULES: dict[str, Any] = {
    "tolerance_seconds": 5.0,
    "max_segment_seconds": 7200.0,
    "max_unstated_speed": 2.0,
    "forward_skip_seconds": 5.0,
    "backward_skip_seconds": 2.0,
    "session_timeout_seconds": None,
    "open_segment_cap_seconds": 300.0,
    "heartbeat_seconds": None,
    "completion_threshold": 0.95,
    "completion_slack_seconds": None,
    "count_unobserved": False,
    "very_short_seconds": 10.0,
    "excessive_ratio": 1.2,
    "sufficient_watch_percentage": 75.0,
    "position_slack_seconds": 5.0,
    "estimate_duration": True,
}


def _session_row(events: Sequence[Event], times: Sequence[int], rules: Row) -> Row:
    seen = walk(events, times, rules)
    watched = union(seen.segments)
    reported = [event.duration for event in events if event.duration is not None]
    stretches = [(start, within_floats(seconds)) for start, seconds in seen.unobserved]
    return {
        "userId": events[0].user,
        "videoId": events[0].video,
        "sessionId": events[0].session,
        "sessionStart": events[0].time,
        "sessionEnd": events[-1].time,
        "eventCount": len(events),
        "watchTime": within_floats(seen.watch_time),
        "playTime": within_floats(seen.play_time),
        "uniqueSecondsWatched": length(watched),
        "watchedIntervals": interval_dicts(watched),
        "replayedIntervals": interval_dicts(replays(seen.segments)),
        "reportedDuration": max(reported, default=None),
        "maxPosition": seen.max_position,
        "endPositions": sorted(within_floats(end) for end in seen.ends),
        "pauseCount": seen.pauses,
        "forwardSkipCount": seen.forward,
        "backwardSkipCount": seen.backward,
        "rejectedSegmentCount": seen.rejected,
        "openSegmentCount": seen.open,
        "unobserved": [{"start": start, "seconds": seconds} for start, seconds in sorted(stretches)],
    }


def sessions(
    rows: Sequence[Row],
    has_session: bool = True,
    rules: Optional[Row] = None,
    vocabulary: Optional[dict[str, str]] = None,
) -> tuple[list[Row], Row]:
    """The session rows of the events, and the drop report."""
    every_rule = {**RULES, **(rules or {})}
    events, report = clean(rows, has_session, VOCABULARY if vocabulary is None else vocabulary)
    result = []
    for piece in cut_sessions(events, has_session, every_rule):
        times = [event.time for event in piece]
        videos = sorted({event.video for event in piece})
        for video in videos:
            # The pieces are in the order of all videos, and so each video's events in their own.
            of_video = [event for event in piece if event.video == video]
            result.append(_session_row(of_video, times, every_rule))
    result.sort(key=lambda row: (row["userId"], row["videoId"], row["sessionStart"], row["sessionId"]))
    return result, report
