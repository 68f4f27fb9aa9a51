"""The rows of an experiment, and those of the time before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import sources
from watchspan.api import engagement
from watchspan.errors import OptionError
from watchspan.experiments.assignment import Assignment, as_kind, read_assignment
from watchspan.insight.rows import chosen, is_sessions, plain, refuse_twice
from watchspan.insight.segments import rules_of
from watchspan.instants import DAY
from watchspan.report import read_metadata
from watchspan.rules import Rules

_LONGEST = 3_652_059  # days of the years 1 to 9999


@dataclass(frozen=True)
class Period:
    """What was watched in some time.

    Attributes:
        rows: Engagement rows, those of others too.
        places: Which user each is of; null: none of the experiment's.
        others: How many of the rows that were read are of users who do not count.
        own: How many of them are of users who do, at whatever time.
    """

    rows: pa.Table
    places: pa.Array
    others: int
    own: int

    @property
    def is_of_nobody(self) -> bool:
        """Whether there are rows, but none of a user who counts."""
        return self.others > 0 and not self.own


@dataclass(frozen=True)
class Periods:
    """What there is to compare.

    Attributes:
        assigned: Who is in which group.
        now: The experiment.
        before: The time before it; None: nobody knows.
        made: What the rows say of how they were made.
    """

    assigned: Assignment
    now: Period
    before: Optional[Period]
    made: dict[str, Any]

    @property
    def overlap(self) -> float:
        """The share of the rows of `before` that end when one in twenty rows has begun; 0 if nobody knows."""
        if self.before is None:
            return 0.0
        first = _instants(self.now.rows, "firstWatchDate")
        last = _instants(self.before.rows, "lastWatchDate")
        if not len(first) or not len(last):
            return 0.0
        begun = pc.quantile(first, 0.05, interpolation="lower")[0]
        return float(pc.mean(pc.greater(last, begun).cast(pa.float64())).as_py())


@dataclass(frozen=True)
class Making:
    """How session rows become engagement rows.

    Attributes:
        videos: Durations, or None.
        rules: Rules; None: those of the sessions.
    """

    videos: Any
    rules: Optional[Rules]

    @property
    def is_given(self) -> bool:
        """Whether a caller wants something of it."""
        return self.videos is not None or self.rules is not None

    def rows(self, table: pa.Table, made: dict[str, Any]) -> pa.Table:
        """Engagement rows of a table that holds them, or sessions."""
        if not is_sessions(table):
            return table
        return engagement(table, videos=self.videos, rules=self.rules or rules_of(made))


def read_periods(rows: Any, groups: Any, before: Any, before_days: float, making: Making) -> Periods:
    """Reads all tables, and tells the experiment from the time before it.

    Args:
        rows: What was watched during the experiment.
        groups: Who is in which group.
        before: What was watched before it, or None.
        before_days: How many days before `exposedAt` count as that.
        making: How session rows become engagement rows.

    Raises:
        WatchspanError: As `watchspan.compare` does.
    """
    made, table = read_metadata(rows) or {}, sources.read_table(rows)
    users = _users_of(table)
    assigned = read_assignment(groups, users.type)
    if assigned.exposed is not None:
        return _by_exposure(assigned.exposed, table, made, before, before_days, making, assigned)
    earlier, how = (None, {}) if before is None else (sources.read_table(before), read_metadata(before) or {})
    if making.is_given and not any(is_sessions(each) for each in (table, earlier) if each is not None):
        raise OptionError(
            "videos and rules are for session rows, but these are engagement rows, which were made with "
            "them: leave them out, or pass the sessions."
        )
    now = _period("rows", table, made, making, assigned, assigned.places(users))
    if earlier is None:
        return Periods(assigned, now, None, made)
    read = assigned.places(as_kind(_users_of(earlier), users.type, "before"))
    return Periods(assigned, now, _period("before", earlier, how, making, assigned, read), made)


def _by_exposure(
    exposed: pa.Array, table: pa.Table, made: dict[str, Any], before: Any, days: float, making: Making,
    assigned: Assignment,
) -> Periods:  # fmt: skip
    if before is not None:
        raise OptionError(
            "before is given, but groups has exposedAt, which tells the time before: leave before out, and "
            "have the sessions of that time in rows."
        )
    if not is_sessions(table):
        raise OptionError(
            "groups has exposedAt, from when on each user counts, but rows are engagement rows, which are of "
            "all times: pass the sessions of the same events, or leave the column out."
        )
    found = plain(table, "sessions", ("userId", "sessionStart"))
    places = assigned.places(found["userId"])
    since = pc.subtract(found["sessionStart"], exposed.take(places))
    late = pc.fill_null(pc.greater_equal(since, 0), False)
    now = _period("rows", chosen(table, late), made, making, assigned, places)
    if not days:
        return Periods(assigned, now, None, made)
    window = -round(min(days, _LONGEST) * DAY)
    early = pc.fill_null(pc.and_(pc.less(since, 0), pc.greater_equal(since, window)), False)
    earlier = _period("rows", chosen(table, early), made, making, assigned, places.drop_null())
    return Periods(assigned, now, earlier, made)


def _instants(rows: pa.Table, name: str) -> pa.Array:
    """An instant of each row in microseconds, where it is known; rows may lack the column."""
    if name not in rows.column_names:
        return pa.array([], pa.int64())
    return plain(rows, "engagement", (name,))[name].drop_null()


def _users_of(table: pa.Table) -> pa.Array:
    return plain(table, "sessions" if is_sessions(table) else "engagement", ("userId",))["userId"]


def _period(
    name: str, table: pa.Table, made: dict[str, Any], making: Making, assigned: Assignment, read: pa.Array
) -> Period:
    """What was watched according to a table, of whose rows `read` says of which user each was."""
    rows = making.rows(table, made)
    if rows is table and "videoId" in rows.column_names:
        refuse_twice(plain(rows, "engagement", ("userId", "videoId")), name)
    users = as_kind(_users_of(rows), assigned.users.type, "before")
    return Period(rows, assigned.places(users), int(read.null_count), len(read) - int(read.null_count))
