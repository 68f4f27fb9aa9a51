"""Engagement rows in one order, whatever order they come in: one for each pair, known until some time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchspan import arguments, sources
from watchspan.errors import DataError
from watchspan.insight.completion import last_ends
from watchspan.insight.rows import Columns, plain, refuse_twice
from watchspan.instants import Instant, clock
from watchspan.report import read_metadata

# An array of numpy's, which has no type that the oldest of them knows.
Numbers = Any

_KEYS = ("userId", "videoId")
OUTCOME = (*_KEYS, "isCompletedAtLeastOnce", "lastWatchDate")
NEEDED = (
    *OUTCOME,
    "videoTitle",
    "videoDuration",
    "totalWatchTime",
    "totalUniqueSecondsWatched",
    "maxPositionReached",
    "sessionCount",
    "avgPausesPerSession",
    "totalForwardSkips",
    "totalBackwardSkips",
    "firstWatchDate",
    "rewatchedSeconds",
    "totalPlayTime",
    "watchedIntervals",
)


@dataclass(frozen=True)
class Pairs:
    """Rows of pairs of a user and a video.

    Attributes:
        columns: Name of a column -> its values, ordered by the text of userId and videoId.
        table: The rows as they came, for what reads tables.
        until: Until when they are known, in microseconds since 1970.
        made: What the rows say of how they were made.
    """

    columns: Columns
    table: pa.Table
    until: int
    made: dict[str, Any]

    @property
    def is_open(self) -> pa.Array:
        """Which of them are not completed."""
        return pc.invert(self.columns["isCompletedAtLeastOnce"])

    def numbers(self, name: str) -> Numbers:
        """A column as doubles; null is NaN."""
        return as_numbers(self.columns[name])


def read_pairs(rows: Any, argument: str, names: tuple[str, ...], option: str, until: Instant = None) -> Pairs:
    """Reads engagement rows.

    Args:
        rows: The rows, in any form.
        argument: What the argument is called.
        names: Which columns.
        option: What the argument `until` is called.
        until: Until when the rows are known. None: their newest event.

    Raises:
        DataError: If a pair has several rows, or if a row knows of what was later than `until`.
        WatchspanError: As `completion_curve` does.
    """
    given = arguments.instant_argument(option, until)
    made, table = read_metadata(rows) or {}, sources.read_table(rows)
    found = plain(table, "engagement", names)
    if "watchedIntervals" in found:
        _refuse_unknown(found["watchedIntervals"])
        found["reached"] = last_ends(found.pop("watchedIntervals"))
    texts = pa.table({key: found[key].cast(pa.string()) for key in _KEYS})
    order = pc.sort_indices(texts, sort_keys=[(key, "ascending") for key in _KEYS])
    columns = {name: column.take(order) for name, column in found.items()}
    refuse_twice(columns, argument)
    newest = pc.max(columns["lastWatchDate"]).as_py()
    if given is not None and newest is not None and newest > given:
        later = pc.sum(pc.greater(columns["lastWatchDate"], given)).as_py()
        raise DataError(
            f"{later:,} of the {table.num_rows:,} {argument} have events after {option}, "
            f"{clock(given)}Z, up to {clock(newest)}Z, so they know what came later: make the rows of the "
            f"events before {option}, and leave out what clients with a wrong clock sent."
        )
    return Pairs(columns, table, (newest or 0) if given is None else given, made)


def outcomes(then: Pairs, later: Pairs) -> tuple[Numbers, Numbers]:
    """What became of the open pairs.

    Args:
        then: The rows of which some pairs are open.
        later: The same pairs later.

    Returns:
        For each pair of `then`, whether it was open then and is known later; and of each whether it is
        completed later.

    Raises:
        DataError: If `later` is not later, or knows none of the pairs.
    """
    if later.until <= then.until:
        raise DataError(
            f"rows_later are known until {clock(later.until)}Z, but rows_then until {clock(then.until)}Z: "
            "rows of the same events, some days later, are needed. If they are, say until when by until."
        )
    place = pc.index_in(_joined(then.columns), value_set=_joined(later.columns))
    is_known = pc.and_(then.is_open, pc.is_valid(place))
    known = place.filter(is_known)
    if then.table.num_rows and not len(known) and pc.any(then.is_open).as_py():
        raise DataError(
            "None of the pairs that are open in rows_then is in rows_later: rows of the same users and "
            "videos, some days later, are needed."
        )
    before = then.columns["lastWatchDate"].filter(is_known)
    older = pc.sum(pc.less(later.columns["lastWatchDate"].take(known), before)).as_py() or 0
    if older:
        raise DataError(
            f"The last event of {older:,} of {len(known):,} pairs is older in rows_later than in rows_then: "
            "rows of the same events, some days later, are needed."
        )
    completed = pc.fill_null(later.columns["isCompletedAtLeastOnce"].take(place), False)
    return as_flags(is_known), as_flags(completed)


def as_numbers(column: pa.Array) -> Numbers:
    """A column as doubles; null is NaN."""
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def as_flags(column: pa.Array) -> Numbers:
    """A column of truth values."""
    return column.to_numpy(zero_copy_only=False).astype(bool)


def codes(column: pa.Array) -> Numbers:
    """A number for each value of a column, from 0, in the order in which they come."""
    encoded = column.dictionary_encode().indices
    return np.asarray(encoded.to_numpy(zero_copy_only=False), dtype=np.int64)


def _joined(columns: Columns) -> pa.Array:
    """The keys of each pair as one text, which no other pair has."""
    user, video = (columns[key].cast(pa.string()) for key in _KEYS)
    return pc.binary_join_element_wise(pc.utf8_length(user).cast(pa.string()), user, video, ":")


def _refuse_unknown(intervals: pa.Array) -> None:
    if intervals.null_count:
        raise DataError(
            f"Column 'watchedIntervals' is null in {intervals.null_count:,} of {len(intervals):,} rows, so "
            "nobody knows how far their viewers watched: make the rows with unique_seconds=True."
        )
