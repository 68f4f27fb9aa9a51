"""The second opinion: the metric definitions (docs/metrics.md) as slow, plain Python.

It shares nothing with the product, not even the defaults, which are stated here again on purpose. This
file goes from events to session rows; ``oracle_engagement`` goes on from there.
"""

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

Row = dict[str, Any]
Interval = tuple[float, float]

NAMES: dict[str, str] = {
    "play": "video_play play",
    "resume": "video_resume resume",
    "pause": "video_pause pause",
    "end": "video_ended video_end ended end",
    "seek": "video_seek video_seeked seek seeked",
    "seek_start": "video_seek_start seek_start",
    "heartbeat": "video_heartbeat video_progress video_ping heartbeat progress ping",
    "close": "video_close video_stop close stop",
    "rate_change": "video_rate_change rate_change",
}
VOCABULARY: dict[str, str] = {name: kind for kind, names in NAMES.items() for name in names.split()}

RULES: dict[str, Any] = {
    "tolerance_seconds": 5.0,
    "max_segment_seconds": 7200.0,
    "forward_skip_seconds": 5.0,
    "backward_skip_seconds": 2.0,
    "session_timeout_seconds": None,
    "open_segment_cap_seconds": 300.0,
    "heartbeat_seconds": None,
    "completion_threshold": 0.95,
    "count_unobserved": False,
    "very_short_seconds": 10.0,
    "excessive_ratio": 1.2,
    "sufficient_watch_percentage": 75.0,
    "position_slack_seconds": 5.0,
    "estimate_duration": True,
}

KIND_ORDER = ["heartbeat", "seek_start", "pause", "close", "end", "seek", "rate_change", "play", "resume"]
REASONS = [
    "null_key",
    "invalid_timestamp",
    "ignored_event",
    "unknown_event",
    "invalid_position",
    "duplicate",
]
TIMEOUT_WITHOUT_COLUMN = 1800.0
NEAR = 1.0

EPOCH = dt.datetime(1970, 1, 1)
FIRST_MICROS = (dt.datetime.min - EPOCH) // dt.timedelta(microseconds=1)
LAST_MICROS = (dt.datetime.max - EPOCH) // dt.timedelta(microseconds=1)
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)


class Event(NamedTuple):
    """An accepted event."""

    user: Any
    video: Any
    session: Any
    time: int
    kind: str
    position: float
    rate: Optional[float]
    seek_from: Optional[float]
    sequence: Optional[int]


# ---------------------------------------------------------------------------------------------- times


def parse_micros(value: Any) -> Optional[int]:
    """Microseconds since 1970 UTC, or None for an invalid timestamp."""
    if isinstance(value, str):
        return _parse_text(value)
    return value if value is not None and FIRST_MICROS <= value <= LAST_MICROS else None


def _parse_text(text: str) -> Optional[int]:
    match = RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        local = dt.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    fraction = int(((match.group(7) or "") + "000000")[:6])
    offset = 60 * int(match.group(10) or 0) + int(match.group(11) or 0)
    if match.group(9) == "-":
        offset = -offset
    micros = (local - EPOCH) // dt.timedelta(microseconds=1) + fraction - offset * 60_000_000
    return micros if FIRST_MICROS <= micros <= LAST_MICROS else None


def micros_text(micros: int) -> str:
    """As ``2026-01-15T10:00:00.000000Z``."""
    time = EPOCH + dt.timedelta(microseconds=micros)
    return time.isoformat(timespec="microseconds") + "Z"


# ------------------------------------------------------------------------------------ section 1: clean


def finite(value: Any) -> bool:
    """Whether the value is a number that is neither NaN nor infinite."""
    return value is not None and math.isfinite(value)


def finite_or_null(value: Any) -> Optional[float]:
    """The number, or None for what is not finite."""
    return value if finite(value) else None


def _drop_reason(row: Row, has_session: bool, vocabulary: dict[str, str]) -> Optional[str]:
    keys = ["userId", "videoId"] + (["sessionId"] if has_session else [])
    kind = vocabulary.get(row["eventName"])
    if any(row[key] is None or row[key] == "" for key in keys):
        return "null_key"
    if parse_micros(row["timestamp"]) is None:
        return "invalid_timestamp"
    if kind == "ignore":
        return "ignored_event"
    if kind is None:
        return "unknown_event"
    if not finite(row["currentTime"]) or row["currentTime"] < 0:
        return "invalid_position"
    return None


def _accepted(row: Row, has_session: bool, vocabulary: dict[str, str]) -> Event:
    rate, seek_from = finite_or_null(row.get("playbackRate")), finite_or_null(row.get("seekFrom"))
    time = parse_micros(row["timestamp"])
    assert time is not None
    return Event(
        user=row["userId"],
        video=row["videoId"],
        session=row["sessionId"] if has_session else None,
        time=time,
        kind=vocabulary[row["eventName"]],
        position=row["currentTime"],
        rate=rate if rate is not None and rate > 0 else None,
        seek_from=seek_from if seek_from is not None and seek_from >= 0 else None,
        sequence=row.get("sequence"),
    )


def _nulls_last(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def event_order(event: Event) -> tuple[Any, ...]:
    """The order of events within one user, video and session."""
    return (
        event.time,
        _nulls_last(event.sequence),
        KIND_ORDER.index(event.kind),
        event.position,
        _nulls_last(event.seek_from),
        _nulls_last(event.rate),
    )


def clean(rows: Sequence[Row], has_session: bool, vocabulary: dict[str, str]) -> tuple[list[Event], Row]:
    """Accepted events in order, and the drop report."""
    dropped = dict.fromkeys(REASONS, 0)
    events = []
    for row in rows:
        reason = _drop_reason(row, has_session, vocabulary)
        if reason is None:
            events.append(_accepted(row, has_session, vocabulary))
        else:
            dropped[reason] += 1
    seen = set()
    kept = []
    for event in sorted(events, key=event_order):
        identity = event._replace(rate=None, seek_from=None)
        if identity in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(identity)
            kept.append(event)
    return kept, {"read": len(rows), "kept": len(kept), "dropped": dropped}


# --------------------------------------------------------------------------------- section 1: sessions


def _pieces(events: list[Event], timeout: float) -> list[list[Event]]:
    """Events in order, cut wherever the gap between neighbours is greater than the timeout."""
    pieces: list[list[Event]] = []
    for event in events:
        if not pieces or event.time - pieces[-1][-1].time > timeout * 1_000_000:
            pieces.append([])
        pieces[-1].append(event)
    return pieces


def cut_sessions(events: list[Event], has_session: bool, timeout: Optional[float]) -> list[list[Event]]:
    """One list per user and (cut) session, over all videos; its events carry the session's id."""
    groups: dict[tuple[Any, Any], list[Event]] = {}
    for event in events:
        groups.setdefault((event.user, event.session), []).append(event)
    if has_session and timeout is None:
        return list(groups.values())
    result = []
    for group in groups.values():
        for piece in _pieces(group, TIMEOUT_WITHOUT_COLUMN if timeout is None else timeout):
            started = micros_text(piece[0].time)
            name = f"{piece[0].session}@{started}" if has_session else started
            result.append([event._replace(session=name) for event in piece])
    return result


# --------------------------------------------------------------------------------- section 2: the walk


@dataclass(frozen=True)
class State:
    """What is known of the player after an event."""

    position: float
    time: int
    rate: float
    playing: bool
    seeking: bool
    ended: bool
    origin: Optional[float]


@dataclass
class Seen:
    """What one session saw of one video."""

    rules: Row
    watch_time: float = 0.0
    play_time: float = 0.0
    segments: list[Interval] = field(default_factory=list)
    unobserved: list[Interval] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    pauses: int = 0
    forward: int = 0
    backward: int = 0
    rejected: int = 0
    open: int = 0

    def skip_by(self, d: float) -> None:
        if d > self.rules["forward_skip_seconds"]:
            self.forward += 1
        elif d < -self.rules["backward_skip_seconds"]:
            self.backward += 1

    def not_observed(self, start: float, seconds: float) -> None:
        if seconds != 0:
            self.unobserved.append((start, seconds))


def near(a: float, b: float) -> bool:
    """Within 1 second of position."""
    return abs(a - b) <= NEAR


def stale(p: float, state: State) -> bool:
    """Whether p is where a seek came from, although the state is elsewhere."""
    return state.origin is not None and near(p, state.origin) and not near(state.position, state.origin)


def bound(state: State, times: Sequence[int], rules: Row) -> float:
    """The content that may have been played after the state although its stop was never seen."""
    limits = [rules["open_segment_cap_seconds"]]
    if rules["heartbeat_seconds"] is not None:
        limits.append(rules["heartbeat_seconds"])
    limits += [(time - state.time) / 1e6 for time in times if time > state.time]
    return float(state.rate * min(limits))


def after(e: Event, p: float, state: Optional[State]) -> State:
    """The state after an event: the table."""
    playing = state is not None and state.playing
    seeking = state is not None and state.seeking
    ended = state is not None and state.ended
    origin: Optional[float] = None
    if e.kind in ("play", "resume"):
        playing, seeking, ended = True, False, False
    elif e.kind == "heartbeat":
        if not (state is not None and near(p, state.position) and (not playing or seeking)):
            playing, seeking, ended = True, False, False
    elif e.kind in ("pause", "close"):
        playing, seeking = False, False
    elif e.kind == "end":
        playing, seeking, ended = False, False, True
    elif e.kind == "seek_start":
        seeking = True
    elif e.kind == "seek":
        if e.seek_from is not None:
            origin = e.seek_from
        elif state is not None and (state.seeking or not state.playing):
            origin = state.position
        seeking, ended = False, False
    old_rate = 1.0 if state is None else state.rate
    rate = old_rate if e.rate is None else e.rate
    return State(p, e.time, rate, playing, seeking, ended, origin)


# One function, so that it can be read against the definitions from top to bottom.
def walk(events: Sequence[Event], times: Sequence[int], rules: Row) -> Seen:
    """One session of one user and video; ``times`` are those of the session's events on any video."""
    seen = Seen(rules)
    tolerance, max_segment = rules["tolerance_seconds"], rules["max_segment_seconds"]
    state: Optional[State] = None
    for e in events:
        k, p = e.kind, e.position
        starts = k in ("play", "resume")
        if state is not None:
            dt_seconds = (e.time - state.time) / 1e6
            content = dt_seconds * state.rate
            # 1. Stale start.
            if starts and stale(p, state):
                p = state.position
            # 2. Playing and not seeking.
            if state.playing and not state.seeking:
                x = e.seek_from if k == "seek" else p
                u = min(content, max_segment)
                if starts:
                    u = min(u, bound(state, times, rules))
                d = None if x is None else x - state.position
                if x is None or d is None:
                    seen.not_observed(state.position, u)
                elif 0 < d <= max_segment and d <= content + tolerance:
                    seen.segments.append((state.position, x))
                    seen.watch_time += d
                    seen.play_time += min(dt_seconds, d / state.rate)
                elif d > 0 or d < -rules["backward_skip_seconds"]:
                    seen.rejected += 1
                    seen.not_observed(state.position, u)
                    seen.skip_by(d)
                elif starts and dt_seconds > tolerance:
                    seen.open += 1
                    seen.not_observed(state.position, u)
                if k == "seek":
                    seen.skip_by(p - (state.position + content if x is None else x))
            # 3. Not playing, or seeking.
            else:
                d = p - state.position
                if k == "seek" or (starts and not state.ended):
                    seen.skip_by(d)
                elif k == "heartbeat" and not near(p, state.position) and not state.ended:
                    rate = state.rate if e.rate is None else e.rate
                    if 0 < d <= dt_seconds * rate + tolerance:
                        seen.not_observed(state.position, d)
                    else:
                        seen.skip_by(d)
        # 4. Counts.
        if k == "pause":
            seen.pauses += 1
        if k == "end":
            seen.ends.append(p)
        # 5. New state.
        state = after(e, p, state)
    # 6. After the last event.
    if state is not None and state.playing:
        seen.open += 1
        seen.not_observed(state.position, bound(state, times, rules))
    return seen


# ---------------------------------------------------------------------------------------- session rows


def union(intervals: Sequence[Interval]) -> list[Interval]:
    """Sorted, disjoint, touching ones merged."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def length(intervals: Sequence[Interval]) -> float:
    """The sum of the lengths."""
    return float(sum(end - start for start, end in intervals))


def interval_dicts(intervals: Sequence[Interval]) -> list[dict[str, float]]:
    """As rows show them."""
    return [{"start": start, "end": end} for start, end in intervals]


def _session_row(events: Sequence[Event], times: Sequence[int], rules: Row) -> Row:
    seen = walk(events, times, rules)
    watched = union(seen.segments)
    return {
        "userId": events[0].user,
        "videoId": events[0].video,
        "sessionId": events[0].session,
        "sessionStart": events[0].time,
        "sessionEnd": events[-1].time,
        "eventCount": len(events),
        "watchTime": seen.watch_time,
        "playTime": seen.play_time,
        "uniqueSecondsWatched": length(watched),
        "watchedIntervals": interval_dicts(watched),
        "maxPosition": max(event.position for event in events),
        "endPositions": sorted(seen.ends),
        "pauseCount": seen.pauses,
        "forwardSkipCount": seen.forward,
        "backwardSkipCount": seen.backward,
        "rejectedSegmentCount": seen.rejected,
        "openSegmentCount": seen.open,
        "unobserved": [{"start": start, "seconds": seconds} for start, seconds in sorted(seen.unobserved)],
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
    for piece in cut_sessions(events, has_session, every_rule["session_timeout_seconds"]):
        times = [event.time for event in piece]
        videos = sorted({event.video for event in piece})
        for video in videos:
            of_video = [event for event in piece if event.video == video]
            result.append(_session_row(of_video, times, every_rule))
    result.sort(key=lambda row: (row["userId"], row["videoId"], row["sessionStart"], row["sessionId"]))
    return result, report
