"""Who comes back: users by when they began, period by period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import arguments
from watchspan.errors import ColumnTypeError, DataError
from watchspan.insight import tables
from watchspan.insight.calendar import first_day, periods
from watchspan.insight.pairs import read_pairs
from watchspan.insight.rows import MILLION, Columns, constant, grouped, millionths, read
from watchspan.instants import Instant

_NEEDED = ("userId", "videoId", "sessionStart", "sessionEnd", "watchTime")
_MOST_ROWS = 5_000_000
# How many weeks, and after each, pages show: a clock that is centuries off makes thousands.
WEEKS = 26
# A cohort: the number of its period, and that of its group.
Cohort = tuple[int, int]


def cohorts(sessions: Any, *, by: str = "week", videos_group: Any = None, as_of: Instant = None) -> pa.Table:
    """Says how many of those who began in a period came back in each later one.

    Args:
        sessions: A table from `sessions`, or the path of Parquet or Arrow files that hold one.
        by: How long a period is: `day`, `week` (from Monday on) or `month`, in UTC.
        videos_group: Groups of videos, each of which is looked at alone: a table of `videoId` and `group`, in
            any form that `aggregate` takes. None: all videos are one.
        as_of: Until when the sessions are known; those that began later are left out. None: the newest
            `sessionEnd`.

    Returns:
        The table of cohorts (see `docs/columns.md`), ordered by (cohort, group, period), null groups last.
        Periods that `as_of` has not reached have no row; the one that it is in is partial.

    Raises:
        MissingColumnError: If it is not a session table, or one of the groups has not both columns.
        ColumnTypeError: If a column of it has another type than in a session table.
        DataError: If a value is null, NaN or too large, as no session row has it; a video has two groups; or
            the periods since the first session would make more than five million rows.
        OptionError: If `by` or `as_of` is not accepted.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> sessions = ws.sessions_of_intervals({
    ...     "userId": ["ann", "bob", "ann"],
    ...     "videoId": ["v1", "v1", "v1"],
    ...     "start": [0, 0, 60],
    ...     "end": [60, 60, 90],
    ...     "timestamp": ["2026-01-05T10:00:00Z", "2026-01-06T10:00:00Z", "2026-01-12T10:00:00Z"],
    ... })
    >>> ws.cohorts(sessions).select(["period", "cohortUsers", "activeUsers", "share"]).to_pylist()[1]
    {'period': 1, 'cohortUsers': 2, 'activeUsers': 1, 'share': 0.5}
    """
    by = arguments.choice_argument("by", by, ("day", "week", "month"))
    until = arguments.instant_argument("as_of", as_of)
    found, how = read(sessions, "sessions", _NEEDED)
    numbers, names = _groups(found["videoId"], videos_group)
    if until is None:
        until = pc.max(found["sessionEnd"]).as_py()
    if until is None:
        return cohorts_of({}, 0, names, by, how)
    is_known = pc.less_equal(found["sessionStart"], until)
    known = {name: column.filter(is_known) for name, column in {**found, "group": numbers}.items()}
    now = periods(pa.array([until], pa.int64()), by)[0].as_py()
    return cohorts_of(_cells(known, by), now, names, by, how)


def cohorts_of(
    cells: Mapping[Cohort, Mapping[int, tuple[int, int]]],
    now: int,
    names: Sequence[str | None],
    by: str,
    how: Mapping[str, Any],
) -> pa.Table:
    """The table of cohorts from what the sessions of each cohort and period sum up to, whoever summed it up.

    Args:
        cells: Cohort, as the numbers of its period and its group -> number of a period -> active users, and
            microseconds that they watched.
        now: The number of the period that is not over.
        names: What the groups are called.
        by: As for `cohorts`.
        how: What the sessions say of themselves.
    """
    columns: dict[str, list[Any]] = {name: [] for name in tables.names("cohorts")}
    for row in _rows(cells, now, names, by):
        for name, value in zip(columns, row):
            columns[name].append(value)
    return tables.made("cohorts", columns, {}, how)


def _groups(videos: pa.Array, videos_group: Any) -> tuple[pa.Array, list[str | None]]:
    """The number of each row's group, and the names of the groups, the last of which is none."""
    if videos_group is None:
        return constant(0, len(videos)), [None]
    keys, values = read_pairs(videos_group, "videos_group", "videoId", "group")
    try:
        keys = keys.cast(videos.type)
    except pa.ArrowException as error:
        raise ColumnTypeError(
            f"videoId is of type {keys.type} in videos_group, but of type {videos.type} in the sessions, and "
            f"not every value can be read as that: {error}. Give both the same type."
        ) from error
    group_of: dict[Any, str] = {}
    for video, group in zip(keys.to_pylist(), values.to_pylist()):
        if video is not None and group is not None and group_of.setdefault(video, group) != group:
            raise DataError(
                f"The video {video!r} is in two groups of videos_group, {group_of[video]!r} and {group!r}: "
                "leave one row of each video."
            )
    names = [*sorted(set(group_of.values())), None]
    number_of = {name: number for number, name in enumerate(names)}
    seen = videos.dictionary_encode()
    numbers = [number_of[group_of.get(video)] for video in seen.dictionary.to_pylist()]
    return pa.array(numbers, pa.int64()).take(seen.indices), names


def _cells(found: Columns, by: str) -> dict[Cohort, dict[int, tuple[int, int]]]:
    """Cohort -> number of a period -> active users, and microseconds that they watched."""
    users = found["userId"].dictionary_encode()
    everyone = max(1, len(users.dictionary))
    pairs = pc.add(pc.multiply(found["group"], everyone), users.indices.cast(pa.int64())).dictionary_encode()
    pair, period = pairs.indices.cast(pa.int64()), periods(found["sessionStart"], by)
    # In the order of their numbers, which are all there: the n-th is that of pair n.
    first = grouped({"pair": pair}, {}, least={"period": period})["period"]
    keys = {"group": found["group"], "cohort": first.take(pair), "period": period}
    watched = {"watched": millionths("watchTime", found["watchTime"])}
    active = grouped({**keys, "pair": pair}, watched)
    cells = grouped({name: active[name] for name in keys}, {"watched": active["watched"]})
    made: dict[Cohort, dict[int, tuple[int, int]]] = {}
    parts = (cells[name].to_pylist() for name in (*keys, "rows", "watched"))
    for group, cohort, number, count, micros in zip(*parts):
        made.setdefault((cohort, group), {})[number] = count, micros
    return made


def _rows(
    cells: Mapping[Cohort, Mapping[int, tuple[int, int]]], now: int, names: Sequence[str | None], by: str
) -> Iterator[tuple[Any, ...]]:
    """The rows of the table, in order."""
    count = sum(now - cohort + 1 for cohort, _ in cells)
    if count > _MOST_ROWS:
        earliest = first_day(min(cohort for cohort, _ in cells), by)
        raise DataError(
            f"{len(cells):,} cohorts, the first of {earliest}, would have {count:,} rows until "
            f"{first_day(now, by)}: leave out sessions whose clocks were wrong, or take a longer period."
        )
    for cohort, group in sorted(cells):
        found, day = cells[cohort, group], first_day(cohort, by)
        size, _ = found[cohort]
        for number in range(cohort, now + 1):
            active, micros = found.get(number, (0, 0))
            hours = micros / (3600 * MILLION)
            yield day, names[group], number - cohort, size, active, active / size, hours, number == now
