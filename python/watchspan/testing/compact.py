"""Events as compact text, a line each, for tests: `0:30 pause 30`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from watchspan import arguments, instants
from watchspan.columns import EVENTS
from watchspan.errors import DataError, OptionError
from watchspan.rules import Rules, Scoring
from watchspan.testing.checking import check_videos, rows_argument, seconds_argument
from watchspan.testing.stories import Story
from watchspan.testing.telling import Told, tell
from watchspan.text import shown

_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d(?:\.\d+)?)", re.ASCII)
# When clocks of compact text begin.
START = dt.datetime(2026, 1, 15, tzinfo=dt.timezone.utc)
# What a line may say beside time, name and position: short names, and those of the columns.
_SHORT = {
    "user": "userId",
    "video": "videoId",
    "session": "sessionId",
    "rate": "playbackRate",
    "from": "seekFrom",
}
_ALWAYS = [name for name, column in EVENTS.items() if column.required]
_OPTIONAL = [name for name, column in EVENTS.items() if not column.required]
_NAMES = {**_SHORT, **{name: name for name in (*_OPTIONAL, "userId", "videoId")}}
USER, VIDEO, SESSION = "user", "video", "session"


def events_of(text: str) -> list[dict[str, Any]]:
    """The events in compact text.

    Each line is one: when, what, where, and what else is known, as in `1:05 seek 10 from=65`. When is a time
    since the beginning, `m:ss` or `h:mm:ss`, or an instant as `2026-01-15T10:00:00Z`; where is a position in
    seconds or as `m:ss`, or `-` if the event has none. `user=`, `video=`, `session=`, `rate=`, `from=`,
    `sequence=` and `videoDuration=` say more. A `#` begins a remark.

    Raises:
        DataError: If a line is none; the message names it.
        OptionError: If it is no text.

    >>> events_of("0:30 pause 30 rate=2")[0]["playbackRate"]
    2.0
    """
    if not isinstance(text, str):
        raise OptionError(f"text is {shown(text)}, but text with a line for each event is needed.")
    lines = [
        (number, line.partition("#")[0].split()) for number, line in enumerate(text.splitlines(), start=1)
    ]
    found = [_event(number, parts) for number, parts in lines if parts]
    if not found:
        raise DataError("The story has no events: give a line for each, as in '0:30 pause 30'.")
    named = [name for name in _OPTIONAL if any(name in event for event in found)]
    defaults: dict[str, Any] = {"userId": USER, "videoId": VIDEO}
    defaults.update({name: SESSION if name == "sessionId" else None for name in named})
    return [{name: event.get(name, defaults.get(name)) for name in (*_ALWAYS, *named)} for event in found]


def story(
    text: str,
    *,
    duration: float | None = None,
    videos: Sequence[Mapping[str, Any]] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
) -> Told:
    """What comes of a story that is told as compact text: the fixture `story`.

    Args:
        text: The events, a line each: time, name and position, and what else is known, as in
            `1:05 seek 10 from=65`; see docs/testing.md. The user is `user`, the video `video`, unless a line
            says otherwise.
        duration: How long the video `video` is, seconds.
        videos: Durations and titles of others, each a dict as in a story's file.
        vocabulary: As for `watchspan.aggregate`.
        rules: As for `watchspan.aggregate`.
        scoring: As for `watchspan.aggregate`.
        unique_seconds: As for `watchspan.aggregate`.

    Returns:
        What came of it: `sessions` and `engagement` as tables, `dropped`, and `expect(...)`, which fails with
        what was expected, what came, and how each event was judged.

    Raises:
        DataError: If a line is none, or `videos` has a field that is none or a value of another kind.
        OptionError: If another argument has a value that is not accepted.
        WatchspanError: As `watchspan.aggregate` does.

    >>> told = story('''
    ...     0:00  play   0
    ...     0:30  pause  30
    ... ''', duration=300)
    >>> told.expect(totalWatchTime=30, watchPercentage=10)
    """
    events = events_of(text)
    listed = [] if videos is None else [dict(video) for video in rows_argument("videos", videos)]
    check_videos(listed)
    if duration is not None:
        listed.insert(0, {"videoId": VIDEO, "duration": seconds_argument("duration", duration)})
    made = Story(
        name="story",
        events=events,
        columns=list(events[0]),
        videos=listed or None,
        vocabulary=arguments.vocabulary_argument(vocabulary),
        rules={} if rules is None else dict(vars(arguments.rules_argument(rules))),
        scoring={} if scoring is None else dict(vars(arguments.scoring_argument(scoring))),
        unique_seconds=unique_seconds,
    )
    return tell(made)


def _event(number: int, parts: Sequence[str]) -> dict[str, Any]:
    if len(parts) < 3:
        raise DataError(
            f"Line {number} is {' '.join(parts)!r}, but time, name and position are needed, as in "
            "'0:30 pause 30', or '0:30 pause -' without a position."
        )
    when, name, where, *more = parts
    event: dict[str, Any] = {
        "timestamp": _instant(number, when),
        "eventName": name,
        "currentTime": None if where == "-" else _number(number, where),
    }
    for part in more:
        said, equals, value = part.partition("=")
        if not equals or said not in _NAMES:
            names = ", ".join(f"{name}=" for name in _NAMES)
            raise DataError(f"Line {number} says {part!r}, but only {names} may follow.")
        event[_NAMES[said]] = _value(number, _NAMES[said], part, value)
    return event


def _value(number: int, column: str, part: str, value: str) -> Any:
    if not EVENTS[column].is_number:
        return value
    if EVENTS[column].family != "integer":
        return _number(number, value)
    if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        raise DataError(f"Line {number} says {part!r}, where a whole number is needed.")
    return int(value)


def _instant(number: int, text: str) -> str:
    seconds = _clock(text)
    try:
        since = None if seconds is None else START + dt.timedelta(seconds=seconds)
        return instants.text(since or instants.parsed(text))
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"Line {number} begins with {shown(text)}, but a time is needed, as in '0:30', '1:00:30' or "
            "'2026-01-15T10:00:00Z'."
        ) from error


def _clock(text: str) -> float | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)


def _number(number: int, text: str) -> float:
    seconds = _clock(text)
    if seconds is not None:
        return seconds
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"Line {number} says {shown(text)}, where a number is needed.") from error
