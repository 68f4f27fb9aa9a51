"""Sample events that look like a month of a learning site: to try things out, for tests, for benchmarks.

The viewers pause, seek, replay, open several tabs and close the browser; the tracker retries, delivers late
and now and then sends rubbish. What is generated depends on the arguments alone, not on the machine or the
Python version. One viewer, ``peter``, is always the same: he is the worked example of the documentation.
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_left
from itertools import islice
from operator import itemgetter
from typing import Iterable, Iterator, Optional, Tuple

import pyarrow as pa

from watchspan.errors import OptionError
from watchspan.instants import micros, parsed
from watchspan.sample._catalogue import WELCOME, Video, catalogue, choose
from watchspan.sample._viewing import Row, Uniform, exponential, session, viewer_of
from watchspan.text import shown

__all__ = [
    "EVENTS_SCHEMA",
    "GROUPS_SCHEMA",
    "MOMENTS_SCHEMA",
    "VIDEOS_SCHEMA",
    "events",
    "generate",
    "groups",
    "moments",
    "videos",
]

EVENTS_SCHEMA = pa.schema(
    [
        ("timestamp", pa.timestamp("us", "UTC")),
        ("userId", pa.string()),
        ("videoId", pa.string()),
        ("sessionId", pa.string()),
        ("eventName", pa.string()),
        ("currentTime", pa.float64()),
        ("playbackRate", pa.float64()),
        ("seekFrom", pa.float64()),
        ("sequence", pa.int64()),
    ]
)
VIDEOS_SCHEMA = pa.schema([("videoId", pa.string()), ("duration", pa.float64()), ("title", pa.string())])
MOMENTS_SCHEMA = pa.schema(
    [
        ("videoId", pa.string()),
        ("kind", pa.string()),
        ("startSeconds", pa.float64()),
        ("endSeconds", pa.float64()),
        ("share", pa.float64()),
    ]
)
GROUPS_SCHEMA = pa.schema([("userId", pa.string()), ("group", pa.string())])

# When an event arrives, and the event.
_Delivery = Tuple[int, Row]

_SECOND = 1_000_000
_MONTH_START = micros(parsed("2026-01-01"))
_MONTH_SECONDS = 30 * 86_400
_PETER_START = micros(parsed("2026-01-15T10:00"))
_PETER = (
    (0, "video_play", 0.0),
    (30, "video_pause", 30.0),
    (35, "video_resume", 30.0),
    (125, "video_pause", 120.0),
    (130, "video_resume", 110.0),
    (140, "video_pause", 120.0),
)

# Measured over a million rows; it only decides how well the events fill the month.
_EVENTS_PER_SESSION = 9.5
_EVENTS_PER_USER = 120
_MOST = 10**12
# How busy each hour of a day is.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 8, 9, 9, 8, 8, 9, 11, 13, 14, 12, 8, 4)
_MEAN_HOUR = sum(_HOURS) / len(_HOURS)


def generate(
    rows: int = 1_000_000, *, seed: int = 0, users: Optional[int] = None, batch_rows: int = 65_536
) -> pa.lib.RecordBatchReader:
    """Generates events one batch at a time, so that any number of rows fits into memory.

    They come in the order in which a collector would have received them. The log simply breaks off after the
    last row, so some viewings have no end.

    Args:
        rows: How many rows, exactly; at least 6, which is peter's story.
        seed: Another seed gives another month.
        users: How many viewers there are beside peter; about one for 120 rows if not given.
        batch_rows: How many rows a batch has.

    Returns:
        A reader of record batches with the schema ``EVENTS_SCHEMA``.

    Raises:
        OptionError: If a number is too small or too large.

    Example:
        >>> from watchspan import sample
        >>> sum(batch.num_rows for batch in sample.generate(10_000, seed=1))
        10000
    """
    _at_least("rows", rows, len(_PETER))
    _at_least("batch_rows", batch_rows, 1)
    users = _user_count(rows, users)
    others = islice(_in_order_of_arrival(_sessions(rows, seed, users)), rows - len(_PETER))
    deliveries = heapq.merge(others, _peter(), key=itemgetter(0))
    return pa.lib.RecordBatchReader.from_batches(EVENTS_SCHEMA, _batches(deliveries, batch_rows))


def events(rows: int = 1_000_000, seed: int = 0) -> pa.Table:
    """Generates events as one table.

    Args:
        rows: How many rows, exactly; at least 6.
        seed: Another seed gives another month.

    Returns:
        A table with the schema ``EVENTS_SCHEMA``.

    Example:
        >>> from watchspan import sample
        >>> sample.events(1_000).num_rows
        1000
    """
    return generate(rows, seed=seed).read_all()


def videos(seed: int = 0) -> pa.Table:
    """The videos that the events of the same seed are about.

    A few are missing or have no duration, and a few durations are wrong: catalogues are like that.

    Args:
        seed: The seed of the events.

    Returns:
        A table with the schema ``VIDEOS_SCHEMA``.

    Example:
        >>> from watchspan import sample
        >>> sample.videos().column("videoId")[0].as_py()
        'welcome'
    """
    listed = [video for video in catalogue(seed) if video.listed]
    columns = ([v.key for v in listed], [v.duration for v in listed], [v.title for v in listed])
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, VIDEOS_SCHEMA)], schema=VIDEOS_SCHEMA)


def moments(seed: int = 0) -> pa.Table:
    """The moments that the events of the same seed show: stretches at which many viewers do the same.

    Args:
        seed: The seed of the events.

    Returns:
        A table with the schema ``MOMENTS_SCHEMA``, at most one row a video: the ``kind`` (``spike``: they
        watch it again; ``dip``: they pass over it; ``drop``: they leave), where it begins and ends in seconds
        of the video, and the ``share`` of the viewers who play up to it and do so.

    Example:
        >>> from watchspan import sample
        >>> sorted(set(sample.moments()["kind"].to_pylist()))
        ['dip', 'drop', 'spike']
    """
    rows = [(video.key, *video.moment) for video in catalogue(seed) if video.moment is not None]
    return pa.table([pa.array(c, f.type) for c, f in zip(zip(*rows), MOMENTS_SCHEMA)], schema=MOMENTS_SCHEMA)


def groups(seed: int = 0, *, rows: int = 1_000_000, users: Optional[int] = None) -> pa.Table:
    """Which viewers are of which group of an experiment: those who are treated watch about a tenth more.

    Peter is of no group.

    Args:
        seed: The seed of the events.
        rows: How many rows of events there are, which says how many viewers.
        users: As for `generate`.

    Returns:
        A table with the schema ``GROUPS_SCHEMA``, one row a viewer, whether or not they have events:
        ``group`` is ``treatment`` or ``control``.

    Raises:
        OptionError: If a number is too small or too large.

    Example:
        >>> from watchspan import sample
        >>> sample.groups(rows=1_000).num_rows
        8
    """
    _at_least("rows", rows, len(_PETER))
    viewers = [viewer_of(number, seed) for number in range(_user_count(rows, users))]
    named = ["treatment" if viewer.treated else "control" for viewer in viewers]
    return pa.table([[viewer.key for viewer in viewers], named], schema=GROUPS_SCHEMA)


def _user_count(rows: int, users: Optional[int]) -> int:
    users = max(2, rows // _EVENTS_PER_USER) if users is None else users
    _at_least("users", users, 1)
    return users


def _sessions(rows: int, seed: int, users: int) -> Iterator[tuple[int, list[_Delivery]]]:
    """Endless sessions in the order of their start: when it begins, and its events as they are delivered."""
    uniform = random.Random(f"events {seed}").random
    videos = catalogue(seed)
    left_off: dict[int, tuple[Video, float]] = {}
    gap = _MONTH_SECONDS * _EVENTS_PER_SESSION / rows
    clock = _MONTH_START
    number = 0
    while True:
        hour = clock // (3600 * _SECOND) % 24
        clock += int(exponential(uniform, gap * _MEAN_HOUR / _HOURS[hour]) * 1000) * 1000
        number += 1
        # The power makes some viewers keener than others.
        user = int(users * uniform() ** 1.5)
        start = left_off.pop(user, None)
        if start is None or uniform() < 0.4:
            start = (choose(videos, uniform), 0.0)
        players = session(viewer_of(user, seed), start, f"s-{number:07x}", clock, videos, uniform)
        last = players[-1]
        if last.position < last.video.length - 5:
            left_off[user] = (last.video, last.position)
        yield clock, [d for player in players for row in player.rows for d in _delivered(row, uniform)]


def _delivered(row: Row, uniform: Uniform) -> Iterable[_Delivery]:
    """What arrives of an event, and when: once and soon, as a rule."""
    arrival = row[0] + int(uniform() * 2 * _SECOND)
    chance = uniform()
    if chance > 0.02:
        return ((arrival, row),)
    if chance > 0.013:  # sent by a device that was offline
        return ((arrival + int(uniform() * 6 * 3600 * _SECOND), row),)
    if chance > 0.005:  # sent again, because the answer got lost
        return ((arrival, row), (arrival + int((1 + uniform() * 60) * _SECOND), row))
    return ((arrival, _spoiled(row, int(uniform() * len(_SPOILS)))),)


# What trackers get wrong: the number of the column, and what is found there.
_SPOILS = (
    (0, None),
    (1, None),
    (1, ""),
    (2, None),
    (3, ""),
    (4, None),
    (4, "video_quality_change"),
    (4, "VIDEO_PAUSE"),
    (5, None),
    (5, math.nan),
    (5, -1.0),
)


def _spoiled(row: Row, spoil: int) -> Row:
    column, value = _SPOILS[spoil]
    return (*row[:column], value, *row[column + 1 :])


def _in_order_of_arrival(sessions: Iterable[tuple[int, list[_Delivery]]]) -> Iterator[_Delivery]:
    waiting: list[_Delivery] = []
    # Sorting what waits only after it has doubled keeps the cost per event the same however much overlaps.
    limit = 4096
    for start, deliveries in sessions:
        if len(waiting) >= limit:
            waiting.sort(key=itemgetter(0))
            due = bisect_left(waiting, (start,))
            yield from waiting[:due]
            del waiting[:due]
            limit = 2 * len(waiting) + 4096
        waiting += deliveries


def _peter() -> Iterator[_Delivery]:
    for sequence, (second, name, position) in enumerate(_PETER):
        clock = _PETER_START + second * _SECOND
        yield clock, (clock, "peter", WELCOME, "peter-1", name, position, 1.0, None, sequence)


def _batches(deliveries: Iterator[_Delivery], batch_rows: int) -> Iterator[pa.RecordBatch]:
    while True:
        chunk = [row for _, row in islice(deliveries, batch_rows)]
        if not chunk:
            return
        arrays = [pa.array(column, field.type) for column, field in zip(zip(*chunk), EVENTS_SCHEMA)]
        yield pa.RecordBatch.from_arrays(arrays, schema=EVENTS_SCHEMA)


def _at_least(option: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"{option} is {shown(value)}, but a whole number from {least} up is needed.")
    if value > _MOST:
        raise OptionError(f"{option} is {shown(value)}, but at most {_MOST:,} is possible.")
