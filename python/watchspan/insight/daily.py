"""What was watched of each video by day, or by hour."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import arguments
from watchspan.insight import tables
from watchspan.insight.calendar import HOUR, dates, floored, local
from watchspan.insight.rows import constant, grouped, hours, millionths, read
from watchspan.instants import DAY

_NEEDED = ("userId", "videoId", "sessionStart", "watchTime")
_KEYS = ("videoId", "day", "hour")


def daily(sessions: Any, *, timezone: str = "UTC", by: str = "day") -> pa.Table:
    """Counts viewers, sessions and hours watched by video and local day, or hour of it.

    A session counts, with all that was watched in it, on the day and in the hour in which it began.

    Args:
        sessions: A table from `sessions`, or the path of Parquet or Arrow files that hold one.
        timezone: Whose days and hours these are: the name of a zone, such as `Europe/Berlin`.
        by: How finely to count: `day` or `hour`.

    Returns:
        The table of days (see `docs/columns.md`), ordered by (videoId, day, hour). Days and hours on which no
        session of a video began have no row.

    Raises:
        MissingColumnError: If it is not a session table.
        ColumnTypeError: If a column of it has another type than in a session table.
        DataError: If a value is null, NaN or too large, as no session row has it.
        OptionError: If `timezone` or `by` is not accepted.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> sessions = ws.sessions({
    ...     "timestamp": ["2026-01-15T23:50:00Z", "2026-01-16T00:26:00Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 2160],
    ... })
    >>> ws.daily(sessions).select(["day", "viewers", "watchHours"]).to_pylist()
    [{'day': datetime.date(2026, 1, 15), 'viewers': 1, 'watchHours': 0.6}]
    >>> ws.daily(sessions, timezone="Europe/Berlin", by="hour").select(["day", "hour"]).to_pylist()
    [{'day': datetime.date(2026, 1, 16), 'hour': 0}]
    """
    is_hourly = arguments.choice_argument("by", by, ("day", "hour")) == "hour"
    zone = arguments.timezone_argument("timezone", timezone)
    found, how = read(sessions, "sessions", _NEEDED)
    clock = local(found["sessionStart"], zone)
    day = floored(clock, DAY)
    hour = pc.divide(pc.subtract(clock, pc.multiply(day, DAY)), HOUR) if is_hourly else constant(0, len(day))
    keys = {"videoId": found["videoId"], "day": day, "hour": hour}
    watched = millionths("watchTime", found["watchTime"])
    users = grouped({**keys, "userId": found["userId"]}, {"watched": watched})
    groups = grouped(
        {key: users[key] for key in _KEYS}, {"watched": users["watched"], "sessions": users["rows"]}
    )
    columns = {
        "videoId": groups["videoId"],
        "day": dates(groups["day"]),
        "hour": groups["hour"] if is_hourly else pa.nulls(len(groups["hour"]), pa.int64()),
        "viewers": groups["rows"],
        "sessions": groups["sessions"],
        "watchHours": hours(groups["watched"]),
    }
    return tables.made("daily", columns, {"videoId": groups["videoId"].type}, how)
