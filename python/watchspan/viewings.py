"""Session rows of sources that tell what was watched, not what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from watchspan import _core, arguments, sources
from watchspan.columns import Columns, Place, core_place, place_of
from watchspan.errors import MissingColumnError, OptionError
from watchspan.report import result, warn_of_loss
from watchspan.rules import Rules

# What the columns of intervals are called -> the columns of events that the core reads them as.
_READ_AS = {
    "userId": "userId",
    "videoId": "videoId",
    "sessionId": "sessionId",
    "start": "seekFrom",
    "end": "currentTime",
    "timestamp": "timestamp",
    "playbackRate": "playbackRate",
    "videoDuration": "videoDuration",
}
# When something was watched of which nobody says when.
_NO_TIME = "1970-01-01T00:00:00Z"


def sessions_of_intervals(
    intervals: Any,
    *,
    columns: Mapping[str, Place] | None = None,
    rules: Rules | None = None,
    threads: int | None = None,
) -> pa.Table:
    """Turns watched intervals into sessions, from which `engagement` and `retention` follow.

    It is for sources that say what was watched, not what happened: viewing histories, tables of watched
    segments, `played-segments` of xAPI. Nothing is judged: each interval counts as watched. What intervals do
    not tell is 0 or empty: pauses, skips, ends, rejected and unobserved stretches.

    Args:
        intervals: One row per watched interval, in any form that `aggregate` takes: `userId`, `videoId`,
            `start` and `end` (positions in seconds; text, units and paths as for events); optionally
            `sessionId`, `timestamp` (when watching the interval began), `playbackRate` (1 where it is
            missing) and `videoDuration`. Without `timestamp`, or where it is null, sessions are of
            1970-01-01. Rows that are equal in all of these and have a timestamp are one.
        columns: Where these columns are, as for `aggregate`.
        rules: The thresholds, of which only `session_timeout_seconds` matters here: without `sessionId` a
            user's session ends after so long (30 minutes if it is None) without anything playing.
        threads: As for `aggregate`.

    Returns:
        The session table, as from `sessions`; `eventCount` counts intervals, and `report` those dropped.

    Raises:
        WatchspanError: As `aggregate` does.

    >>> import watchspan as ws
    >>> rows = ws.sessions_of_intervals({
    ...     "userId": ["ann", "ann"], "videoId": ["v1", "v1"], "start": [0, 30], "end": [60, 90],
    ... })
    >>> rows.select(["watchTime", "uniqueSecondsWatched"]).to_pylist()
    [{'watchTime': 120.0, 'uniqueSecondsWatched': 90.0}]
    """
    places, settled = _places(columns), arguments.rules_argument(rules)
    cores = arguments.thread_count(threads)
    try:
        taken = sources.read(intervals, sources.wanted("events", places))
        batches, schema, figures = _core.sessions_of_intervals(taken, places, settled, cores)
    except MissingColumnError as error:
        raise MissingColumnError(_in_intervals(str(error))) from error
    table = result(batches, schema, "sessions", figures=figures, rules=settled)
    warn_of_loss(table)
    return table


def _places(columns: Mapping[str, Place] | None) -> Columns:
    """Where the columns that events would have are."""
    given = arguments.column_mapping(columns) or {}
    for name in given:
        if name not in _READ_AS:
            raise OptionError(
                f"columns maps {name!r}, which is not a column of intervals; these are: "
                f"{', '.join(_READ_AS)}."
            )
    places = {_READ_AS[name]: place for name, place in given.items()}
    for name in ("start", "end"):
        places.setdefault(_READ_AS[name], name)
    places["eventName"] = core_place(value="interval")
    places["timestamp"] = _undated(places.get("timestamp", "timestamp"))
    return places


def _undated(place: Any) -> Any:
    """The place of timestamps, where none stands for no time."""
    if isinstance(place, Mapping):
        return {**place, "paths": place["paths"] or ["timestamp"], "value": place["value"] or _NO_TIME}
    return core_place(*place_of(place), value=_NO_TIME)


def _in_intervals(message: str) -> str:
    """A message about columns of events as one about those of intervals."""
    for name, read_as in _READ_AS.items():
        message = message.replace(f' (mapped to "{read_as}")', "").replace(f'"{read_as}"', f'"{name}"')
    return message.replace("The events table", "The table of intervals")
