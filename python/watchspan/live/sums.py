"""What kept tables sum up to, by DuckDB: the sums of `watchspan.insight`, of more rows than fit into memory.

All are sums of whole numbers, as there, so each figure is the same to the last digit, whoever adds it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core
from watchspan.delta.inputs import quoted
from watchspan.insight.calendar import periods
from watchspan.insight.cohorts import cohorts_of
from watchspan.insight.columns import QUARTILES
from watchspan.insight.options import Segments
from watchspan.insight.rows import MILLION, Columns
from watchspan.insight.segments import first_of, flags_of
from watchspan.insight.totals import USER_NEEDS, VIDEO_NEEDS, totals_of, user_columns_of
from watchspan.instants import DAY
from watchspan.live.kept import Kept, State
from watchspan.summary import BIN, TIERS
from watchspan.views.measures import COVERED, KNOWN

_EXAMPLES = 3
_COHORTS = ("userId", "sessionStart", "watchTime")
# Before all times, in days: from there on a division that cuts off rounds down.
_BEGINNING = 7 * 530_000


def _micros(column: str) -> str:
    """Seconds as whole microseconds, or anything as millionths, exactly as `rows.millionths` has them."""
    return f"CAST(floor({column} * {float(MILLION)!r}::DOUBLE + 0.5::DOUBLE) AS BIGINT)"


def _sum(what: str, condition: str = "true") -> str:
    return f"CAST(coalesce(sum({what}) FILTER (WHERE {condition}), 0) AS BIGINT)"


def _count(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


# Name of a sum -> the sum, as `totals.py` defines it.
_SHARED = {
    "rows": "count(*)",
    "sessions": _sum("sessionCount"),
    "watched": _sum(_micros("totalWatchTime")),
    "completed": _count("isCompletedAtLeastOnce"),
    "unique": _sum(_micros("totalUniqueSecondsWatched"), COVERED),
    "coverable": _sum(_micros("videoDuration"), COVERED),
    "score": _sum(_micros("engagementScore")),
    "scored": "count(engagementScore)",
}
_OF_VIDEOS = {
    "events": _sum("eventCount"),
    "known": _count(KNOWN),
    "rewatched": _sum(_micros("rewatchedSeconds")),
    "rewatchable": _sum(_micros("totalWatchTime"), "rewatchedSeconds IS NOT NULL"),
    "flagged": _count("dataQualityFlag <> 'ok'"),
    **{
        f"reached{percent}": _count(f"{KNOWN} AND completionPercentage >= {percent}") for percent in QUARTILES
    },
}
_MOST = {
    "videoTitle": "videoTitle",
    "videoDuration": "videoDuration",
    "lastWatchDate": "epoch_us(lastWatchDate)",
}
_OF_USERS = {
    "completions": _sum("completionCount"),
    "skips": _sum("totalForwardSkips"),
    "firstSeen": "min(epoch_us(firstWatchDate))",
    "lastSeen": "max(epoch_us(lastWatchDate))",
}


@dataclass(frozen=True)
class Figures:
    """What engagement rows come to.

    Attributes:
        totals: The video totals, those of `watchspan.video_totals`.
        summary: What of `watchspan.summarize` the page tells.
        examples: Flag -> some of the videos with the most rows that have it as their first.
        scores: Number of a bin of the chart of scores -> rows.
        newest: The last event, in microseconds since 1970; None if there are no rows.
    """

    totals: pa.Table
    summary: dict[str, Any]
    examples: dict[str, list[str]]
    scores: dict[float, int]
    newest: int | None


@dataclass(frozen=True)
class Audience:
    """What is known of users.

    Attributes:
        users: How many there are.
        segments: Kind -> how many users are of it.
        cohorts: Who comes back; None without sessions.
    """

    users: int
    segments: dict[str, int]
    cohorts: pa.Table | None


def figures(kept: Kept, state: State) -> Figures:
    """What the engagement rows of one moment come to.

    Args:
        kept: The tables.
        state: The engagement table at that moment.

    Raises:
        WatchspanError: If a column is not there or has another type, or the table cannot be read.
    """
    needed = (*VIDEO_NEEDS, "eventCount")
    sums = {**_SHARED, **_OF_VIDEOS}
    made = ", ".join(f"{how} AS {quoted(name)}" for name, how in sums.items())
    most = ", ".join(f"max({how}) AS {name}" for name, how in _MOST.items())
    with kept.reading("engagement", state, needed) as sql:
        sql.execute(
            f"CREATE TEMP TABLE parts AS SELECT videoId, dataQualityFlag, {made}, {most} FROM kept "
            "GROUP BY ALL"
        )
        again = ", ".join(f"CAST(sum({quoted(name)}) AS BIGINT) AS {quoted(name)}" for name in sums)
        most = ", ".join(f"max({name}) AS {name}" for name in _MOST)
        groups = _columns(
            sql.sql(f"SELECT videoId, {again}, {most} FROM parts GROUP BY ALL ORDER BY videoId")
        )
        examples = _examples(sql)
    totals = totals_of(groups, {})
    spread = _spread(kept, state)
    whole = {
        name: pc.sum(groups[name]).as_py() or 0
        for name in ("rows", "sessions", "events", "watched", "completed")
    }
    summary = {
        **{name: whole[name] for name in ("rows", "sessions", "events")},
        "videos": totals.num_rows,
        "watch_time_hours": whole["watched"] / (3600 * MILLION),
        "completion_rate": whole["completed"] / whole["rows"] if whole["rows"] else None,
        "tiers": spread["tiers"],
        "flags": spread["flags"],
        "watch_time_seconds": {"median": spread["median"]},
    }
    newest = pc.max(groups["lastWatchDate"]).as_py()
    return Figures(totals, summary, examples, spread["scores"], newest)


def _examples(sql: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    rows = sql.execute(
        "SELECT dataQualityFlag, coalesce(videoTitle, CAST(videoId AS VARCHAR)) FROM parts "
        "WHERE dataQualityFlag <> 'ok' "
        'QUALIFY row_number() OVER (PARTITION BY dataQualityFlag ORDER BY "rows" DESC, videoId) '
        f"<= {_EXAMPLES} ORDER BY ALL"
    )
    for flag, name in rows.fetchall():
        found.setdefault(flag, []).append(name)
    return found


def _spread(kept: Kept, state: State) -> dict[str, Any]:
    """How tiers, scores, flags and watch times are spread over the rows."""
    last = 100 // BIN - 1
    score = f"CASE WHEN engagementScore = 100 THEN {last} ELSE floor(engagementScore / {BIN}::DOUBLE) END"
    with kept.reading("engagement", state, ("engagementTier", "engagementScore", "dataQualityFlags")) as sql:
        rows = sql.execute(
            f"SELECT coalesce(engagementTier, 'unscored'), {score} AS bin, "
            "array_to_string(dataQualityFlags, ','), count(*) FROM kept GROUP BY ALL"
        ).fetchall()
    with kept.reading("engagement", state, ("totalWatchTime",)) as sql:
        (median,) = sql.execute("SELECT quantile_cont(totalWatchTime, 0.5) FROM kept").fetchone()
    tiers = dict.fromkeys([*TIERS, "unscored"], 0)
    flags = dict.fromkeys(["ok", *(name for name, _ in _core.flag_specs())], 0)
    scores: dict[float, int] = {}
    for tier, number, told, count in rows:
        tiers[tier] = tiers.get(tier, 0) + count
        if number is not None:
            scores[number] = scores.get(number, 0) + count
        for flag in told.split(",") if told else ["ok"]:
            flags[flag] = flags.get(flag, 0) + count
    return {"tiers": tiers, "flags": flags, "scores": scores, "median": median}


def audience(kept: Kept, engagement: State, sessions: State | None) -> Audience:
    """What is known of the users of one moment.

    Args:
        kept: The tables.
        engagement: The engagement table at that moment.
        sessions: The session table; None if there is none.

    Raises:
        WatchspanError: As `figures` does.
    """
    rules = Segments()
    visits = None if sessions is None else _visits(kept, sessions, rules)
    made = {**_SHARED, **_OF_USERS}
    with kept.reading("engagement", engagement, USER_NEEDS) as sql:
        columns = ", ".join(f"{how} AS {quoted(name)}" for name, how in made.items())
        sql.execute(f"CREATE TEMP TABLE users AS SELECT userId, {columns} FROM kept GROUP BY ALL")
        if visits is None:
            groups = _columns(sql.sql("SELECT * FROM users"))
        else:
            sql.register("weeks", visits.weeks)
            groups = _columns(
                sql.sql(
                    "SELECT users.*, coalesce(weeks, 0) AS weeks FROM users LEFT JOIN weeks USING (userId)"
                )
            )
    found = user_columns_of(groups)
    until = pc.max(groups["lastSeen"]).as_py() or 0 if visits is None else visits.until
    flags = flags_of(found, None if visits is None else groups["weeks"], until, rules)
    kinds = pc.value_counts(first_of(flags, len(found["userId"]))).to_pylist()
    counts = {each["values"]: each["counts"] for each in kinds}
    return Audience(len(found["userId"]), counts, None if visits is None else visits.cohorts)


@dataclass(frozen=True)
class _Visits:
    """What sessions tell: until when, in how many of the last weeks users were active, and who comes back."""

    until: int
    weeks: pa.Table
    cohorts: pa.Table


def _visits(kept: Kept, state: State, rules: Segments) -> _Visits:
    week, by = 7 * DAY, "week"
    with kept.reading("sessions", state, ("sessionEnd",)) as sql:
        (until,) = sql.execute("SELECT epoch_us(max(sessionEnd)) FROM kept").fetchone()
    if until is None:
        nobody = pa.table({"userId": pa.nulls(0, pa.string()), "weeks": pa.nulls(0, pa.int64())})
        return _Visits(0, nobody, cohorts_of({}, 0, [None], by, {}))
    start = "epoch_us(sessionStart)"
    age = f"({until} - {start}) // {week}"
    with kept.reading("sessions", state, _COHORTS) as sql:
        # A row for each user and week: far fewer than sessions, and all that is asked of them.
        sql.execute(
            f"CREATE TEMP TABLE visits AS SELECT userId, {_floored(f'{start} + {3 * DAY}', week)} AS week, "
            f"CASE WHEN {age} < {float(rules.loyal_of_weeks)!r}::DOUBLE THEN {age} END AS age, "
            f"{_sum(_micros('watchTime'))} AS watched FROM kept GROUP BY ALL"
        )
        sql.execute(
            "CREATE TEMP TABLE users AS SELECT userId, min(week) AS cohort, count(DISTINCT age) AS weeks "
            "FROM visits GROUP BY ALL"
        )
        cells = sql.execute(
            "SELECT cohort, week, count(*), CAST(sum(watched) AS BIGINT) FROM (SELECT userId, week, "
            "sum(watched) AS watched FROM visits GROUP BY ALL) JOIN users USING (userId) GROUP BY ALL"
        ).fetchall()
        weeks = sql.sql("SELECT userId, weeks FROM users").to_arrow_table()
    made: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}
    for cohort, number, users, watched in cells:
        made.setdefault((cohort, 0), {})[number] = users, watched
    now = periods(pa.array([until], pa.int64()), by)[0].as_py()
    return _Visits(until, weeks, cohorts_of(made, now, [None], by, {}))


def _floored(micros: str, by: int) -> str:
    """Whole parts of a division, rounded down, as `calendar.floored` has them."""
    before = _BEGINNING * DAY // by + 1
    return f"({micros} + {before * by}) // {by} - {before}"


def _columns(found: Any) -> Columns:
    """The columns of a query's rows, each in one piece."""
    table = found.to_arrow_table().combine_chunks()
    return {
        name: pa.concat_arrays(table[name].chunks)
        if table.num_rows
        else pa.nulls(0, table.schema.field(name).type)
        for name in table.column_names
    }
