"""Kinds of users: who is new, who left, who finishes, who only tries."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import arguments, sources
from watchspan._core import rule_specs
from watchspan.api import engagement
from watchspan.errors import OptionError
from watchspan.insight import tables
from watchspan.insight.calendar import floored
from watchspan.insight.options import Segments
from watchspan.insight.rows import Columns, as_double, chosen, grouped, is_sessions, plain
from watchspan.insight.thresholds import REST, SEGMENTS
from watchspan.insight.totals import USER_NEEDS, user_columns
from watchspan.instants import DAY, Instant
from watchspan.report import read_metadata
from watchspan.rules import Rules
from watchspan.text import shown


def segments(
    rows: Any, *, rules: Segments | None = None, as_of: Instant = None, videos: Any = None
) -> pa.Table:
    """Says of each user which kind of viewer that is: lapsed, new, finisher, skipper, sampler or loyal.

    Args:
        rows: A table from `aggregate`, `engagement` or `sessions`, or the path of Parquet or Arrow files that
            hold one. Only session rows tell who is loyal.
        rules: The thresholds; None: `Segments()`.
        as_of: Until when the rows are known; sessions that began later are left out, but engagement rows are
            as they are. None: the newest event of the rows.
        videos: Durations for session rows, as for `aggregate`; engagement rows state theirs.

    Returns:
        The table of segments (see `docs/columns.md`), ordered by userId: user totals, whether each segment
        applies, and the first that does.

    Raises:
        MissingColumnError: If it is neither an engagement nor a session table.
        ColumnTypeError: If a column of it has another type than in such a table.
        DataError: If a value is null, NaN or too large, as no such row has it.
        OptionError: If an option is not accepted, or `videos` is given with engagement rows.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:01:00Z", "2026-01-30T10:00:00Z"],
    ...     "userId": ["ann", "ann", "bob"],
    ...     "videoId": ["v1"] * 3,
    ...     "eventName": ["play", "pause", "play"],
    ...     "currentTime": [0, 60, 0],
    ... })
    >>> ws.segments(rows).select(["userId", "isLapsed", "isNew", "segment"]).to_pylist()[0]
    {'userId': 'ann', 'isLapsed': True, 'isNew': False, 'segment': 'lapsed'}
    """
    if rules is not None and not isinstance(rules, Segments):
        raise OptionError(f"rules is {shown(rules)}, but a watchspan.Segments is needed.")
    until = arguments.instant_argument("as_of", as_of)
    made, table, visits = read_metadata(rows) or {}, sources.read_table(rows), None
    if is_sessions(table):
        visits = plain(table, "sessions", ("userId", "sessionStart", "sessionEnd"))
        if until is None:
            until = pc.max(visits["sessionEnd"]).as_py()
        if until is not None:
            is_known = pc.less_equal(visits["sessionStart"], until)
            visits = {name: column.filter(is_known) for name, column in visits.items()}
            table = chosen(table, is_known)
        table = engagement(table, videos=videos, rules=rules_of(made))
    elif videos is not None:
        raise OptionError(
            "videos is for session rows, but these are engagement rows, which state their durations: leave "
            "it out, or pass the sessions."
        )
    columns = user_columns(plain(table, "engagement", USER_NEEDS))
    if until is None:
        until = pc.max(columns["lastSeen"].cast(pa.int64())).as_py() or 0
    given = rules or Segments()
    weeks = None if visits is None else _weeks(columns["userId"], visits, until, given)
    flags = flags_of(columns, weeks, until, given)
    named = {f"is{name.title()}": flag for name, flag in flags.items()}
    found = {**columns, **named, "segment": first_of(flags, len(columns["userId"]))}
    return tables.made("segments", found, {"userId": columns["userId"].type}, made)


def rules_of(made: dict[str, Any]) -> Rules:
    """The rules that the sessions were made with."""
    given = made.get("rules") or {}
    return Rules(**{spec["name"]: given[spec["name"]] for spec in rule_specs() if spec["name"] in given})


def flags_of(columns: Columns, weeks: pa.Array | None, until: int, rules: Segments) -> Columns:
    """Name of a segment -> of which users it is true, in the order in which they are tried.

    Args:
        columns: Those of user totals.
        weeks: In how many of the last weeks each user was active; None: nobody knows.
        until: Until when the rows are known, in microseconds since 1970.
        rules: The thresholds.
    """
    videos, now = as_double(columns["videos"]), pa.scalar(until, pa.int64())
    since = {name: pc.subtract(now, columns[name].cast(pa.int64())) for name in ("firstSeen", "lastSeen")}
    days = {name: pc.divide(as_double(micros), float(DAY)) for name, micros in since.items()}
    flags = {
        "lapsed": pc.greater_equal(days["lastSeen"], rules.lapsed_days),
        "new": pc.less(days["firstSeen"], rules.new_days),
        "finisher": pc.and_kleene(
            pc.greater_equal(videos, rules.finisher_videos),
            pc.greater_equal(columns["completionRate"], rules.finisher_completion),
        ),
        "skipper": pc.greater_equal(columns["forwardSkipsPer10Min"], rules.skipper_skips),
        "sampler": pc.and_kleene(
            pc.greater_equal(videos, rules.sampler_videos),
            pc.less_equal(columns["coverage"], rules.sampler_coverage),
        ),
        "loyal": pa.nulls(len(videos), pa.bool_())
        if weeks is None
        else pc.greater_equal(as_double(weeks), rules.loyal_weeks),
    }
    return {name: flags[name] for name, _ in SEGMENTS}


def _weeks(users: pa.Array, visits: Columns, until: int, rules: Segments) -> pa.Array:
    """In how many of the last weeks before `until` each user was active."""
    age = floored(pc.subtract(pa.scalar(until, pa.int64()), visits["sessionStart"]), 7 * DAY)
    is_recent = pc.less(as_double(age), rules.loyal_of_weeks)
    recent = {"userId": visits["userId"].filter(is_recent), "week": age.filter(is_recent)}
    weeks = grouped({"userId": grouped(recent, {})["userId"]}, {})
    return pc.fill_null(weeks["rows"].take(pc.index_in(users, value_set=weeks["userId"])), 0)


def first_of(flags: Columns, count: int) -> pa.Array:
    """The first segment that applies to each user."""
    rest, _ = REST
    found = pc.fill_null(pa.nulls(count, pa.string()), rest)
    for name, flag in reversed(list(flags.items())):
        found = pc.if_else(pc.fill_null(flag, False), pa.scalar(name), found)
    return found
