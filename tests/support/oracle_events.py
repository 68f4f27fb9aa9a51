"""The second opinion, section 1: from rows to accepted events in order, and to the sessions of those."""

import datetime as dt
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

Row = dict[str, Any]

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

KIND_ORDER = ["heartbeat", "seek_start", "pause", "close", "end", "seek", "rate_change", "play", "resume"]
KINDS_WITHOUT_POSITION = ("pause", "close", "end", "rate_change")
KINDS_THAT_PLAY = ("play", "resume", "heartbeat")
REASONS = [
    "unreadable",
    "null_key",
    "invalid_timestamp",
    "ignored_event",
    "unknown_event",
    "invalid_position",
    "duplicate",
]
TIMEOUT_WITHOUT_COLUMN = 1800.0

EPOCH = dt.datetime(1970, 1, 1)
FIRST_MICROS = (dt.datetime.min - EPOCH) // dt.timedelta(microseconds=1)
LAST_MICROS = (dt.datetime.max - EPOCH) // dt.timedelta(microseconds=1)
RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)


class Event(NamedTuple):
    """An accepted event. What is not known of it is None."""

    user: Any
    video: Any
    session: Any
    time: int
    kind: str
    position: Optional[float]
    rate: Optional[float] = None
    seek_from: Optional[float] = None
    duration: Optional[float] = None
    sequence: Optional[int] = None


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


def seconds_between(earlier: int, later: int) -> float:
    """The seconds from one time in microseconds to another."""
    return (later - earlier) / 1e6


# -------------------------------------------------------------------------------------------- numbers


def number(value: Any) -> Optional[float]:
    """The number, or None for what is not a finite one."""
    return float(value) + 0.0 if value is not None and math.isfinite(value) else None


def not_negative(value: Any) -> Optional[float]:
    """The number, or None for what is not a finite one that is at least 0: positions and ``seekFrom``."""
    known = number(value)
    return known if known is not None and known >= 0 else None


def positive(value: Any) -> Optional[float]:
    """The number, or None for what is not a finite one above 0: rates and durations."""
    known = number(value)
    return known if known is not None and known > 0 else None


# ---------------------------------------------------------------------------------------------- clean


def _drop_reason(row: Row, has_session: bool, vocabulary: dict[str, str]) -> Optional[str]:
    """The first reason that applies."""
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
    if not_negative(row["currentTime"]) is None and kind not in KINDS_WITHOUT_POSITION:
        return "invalid_position"
    return None


def _accepted(row: Row, has_session: bool, vocabulary: dict[str, str]) -> Event:
    time = parse_micros(row["timestamp"])
    assert time is not None
    return Event(
        user=row["userId"],
        video=row["videoId"],
        session=row["sessionId"] if has_session else None,
        time=time,
        kind=vocabulary[row["eventName"]],
        position=not_negative(row["currentTime"]),
        rate=positive(row.get("playbackRate")),
        seek_from=not_negative(row.get("seekFrom")),
        duration=positive(row.get("videoDuration")),
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
        _nulls_last(event.position),
        _nulls_last(event.seek_from),
        _nulls_last(event.rate),
        _nulls_last(event.duration),
    )


def _identity(event: Event) -> tuple[Any, ...]:
    """What is the same of duplicates."""
    keys = (event.user, event.video, event.session)
    return (*keys, event.time, event.sequence, event.kind, event.position)


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
        if _identity(event) in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(_identity(event))
            kept.append(event)
    return kept, {"read": len(rows), "kept": len(kept), "dropped": dropped}


# ------------------------------------------------------------------------------------------- sessions


def played_through(a: Event, b: Event, rules: Row, timeout: float) -> bool:
    """Whether the gap between neighbours was spent playing, as far as these two events can tell."""
    if a.video != b.video or a.kind not in KINDS_THAT_PLAY or a.position is None or b.position is None:
        return False
    gap = seconds_between(a.time, b.time)
    d = b.position - a.position
    speed = max(1.0, rules["max_unstated_speed"], 0.0 if a.rate is None else a.rate)
    most = min(rules["max_segment_seconds"], gap * speed + rules["tolerance_seconds"])
    return 0 < d <= most and gap - d <= timeout


def _pieces(events: Sequence[Event], rules: Row, timeout: float) -> list[list[Event]]:
    """Events over all videos, cut wherever the gap is greater than the timeout and was not played through."""
    pieces: list[list[Event]] = []
    for b in sorted(events, key=lambda event: (event.time, event.video, *event_order(event))):
        a = pieces[-1][-1] if pieces else None
        if a is None or (
            seconds_between(a.time, b.time) > timeout and not played_through(a, b, rules, timeout)
        ):
            pieces.append([])
        pieces[-1].append(b)
    return pieces


def cut_sessions(events: Sequence[Event], has_session: bool, rules: Row) -> list[list[Event]]:
    """One list per user and (cut) session, over all videos; its events carry the session's id."""
    timeout = rules["session_timeout_seconds"]
    groups: dict[tuple[Any, Any], list[Event]] = {}
    for event in events:
        groups.setdefault((event.user, event.session), []).append(event)
    if has_session and timeout is None:
        return list(groups.values())
    result = []
    for group in groups.values():
        for piece in _pieces(group, rules, TIMEOUT_WITHOUT_COLUMN if timeout is None else timeout):
            started = micros_text(piece[0].time)
            name = f"{piece[0].session}@{started}" if has_session else started
            result.append([event._replace(session=name) for event in piece])
    return result
