"""Cohorts: by hand, the laws that they obey, and against plain Python."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from typing import Any, Iterator, Optional

import pyarrow as pa
import pytest

import watchspan as ws
from support.insight_rows import hash_of, hostile_columns, other_ways, sample_events, with_column
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError, OptionError, WatchspanError

PERIODS = ("day", "week", "month")


@pytest.fixture(scope="module")
def sessions() -> pa.Table:
    return ws.sessions(sample_events())


def sessions_of(*visits: tuple[str, str, str]) -> pa.Table:
    """A session of an hour for each user, video and time."""
    return ws.sessions_of_intervals([
        {"userId": user, "videoId": video, "sessionId": at, "start": 0, "end": 3600, "timestamp": at}
        for user, video, at in visits
    ])  # fmt: skip


# 2026-01-05 is a Monday.
VISITS = (
    ("ann", "v", "2026-01-05T00:00:00Z"),
    ("ann", "v", "2026-01-11T22:59:59Z"),
    ("ann", "w", "2026-01-19T10:00:00Z"),
    ("bob", "w", "2026-01-07T10:00:00Z"),
    ("cem", "v", "2026-01-12T00:00:00Z"),
)


def test_weeks_by_hand() -> None:
    found = ws.cohorts(sessions_of(*VISITS)).to_pylist()
    first, second = dt.date(2026, 1, 5), dt.date(2026, 1, 12)
    assert [tuple(row.values()) for row in found] == [
        (first, None, 0, 2, 2, 1.0, 3.0, False),
        (first, None, 1, 2, 0, 0.0, 0.0, False),
        (first, None, 2, 2, 1, 0.5, 1.0, True),
        (second, None, 0, 1, 1, 1.0, 1.0, False),
        (second, None, 1, 1, 0, 0.0, 0.0, True),
    ]


def test_days_and_months_by_hand() -> None:
    visits = (("ann", "v", "2025-12-31T23:00:00Z"), ("ann", "v", "2026-02-01T00:00:00Z"))
    found = ws.cohorts(sessions_of(*visits), by="month").to_pylist()
    assert [(str(row["cohort"]), row["period"], row["activeUsers"]) for row in found] == [
        ("2025-12-01", 0, 1),
        ("2025-12-01", 1, 0),
        ("2025-12-01", 2, 1),
    ]
    days = ws.cohorts(sessions_of(*visits), by="day").to_pylist()
    assert [row["activeUsers"] for row in days] == [1, *[0] * 31, 1]
    assert {row["cohort"] for row in days} == {dt.date(2025, 12, 31)}


def test_what_is_later_than_as_of_is_not_known() -> None:
    found = ws.cohorts(sessions_of(*VISITS), as_of="2026-01-11T23:30:00Z").to_pylist()
    assert [(row["period"], row["cohortUsers"], row["isPartial"]) for row in found] == [(0, 2, True)]
    later = ws.cohorts(sessions_of(*VISITS), as_of=dt.date(2026, 1, 26)).to_pylist()
    assert [row["period"] for row in later] == [0, 1, 2, 3, 0, 1, 2]
    assert [row["isPartial"] for row in later] == [False] * 3 + [True] + [False] * 2 + [True]
    assert ws.cohorts(sessions_of(*VISITS), as_of="2026-01-01").num_rows == 0


def test_each_group_of_videos_is_looked_at_alone() -> None:
    groups = {"videoId": ["w", "unseen", None], "group": ["course", "other", "nothing"]}
    found = ws.cohorts(sessions_of(*VISITS), videos_group=groups).to_pylist()
    rows = [(str(r["cohort"]), r["group"], r["period"], r["cohortUsers"], r["activeUsers"]) for r in found]
    assert rows == [
        ("2026-01-05", "course", 0, 1, 1),
        ("2026-01-05", "course", 1, 1, 0),
        ("2026-01-05", "course", 2, 1, 0),
        ("2026-01-05", None, 0, 1, 1),
        ("2026-01-05", None, 1, 1, 0),
        ("2026-01-05", None, 2, 1, 0),
        ("2026-01-12", None, 0, 1, 1),
        ("2026-01-12", None, 1, 1, 0),
        ("2026-01-19", "course", 0, 1, 1),
    ]


# A second opinion.


def start_of(day: dt.date, by: str) -> dt.date:
    if by == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def following(day: dt.date, by: str) -> dt.date:
    return start_of(day + dt.timedelta(days={"day": 1, "week": 7, "month": 31}[by]), by)


def naive(rows: list[dict[str, Any]], group: Optional[str], by: str) -> Iterator[tuple[Any, ...]]:
    """The cohorts of sessions of one group, user by user and period by period."""
    now = start_of(max(row["sessionEnd"] for row in rows).date(), by)
    visits: dict[str, dict[dt.date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["group"] == group:
            visits[row["userId"]][start_of(row["sessionStart"].date(), by)].append(row["watchTime"])
    for cohort in sorted({min(periods) for periods in visits.values()}):
        members = [periods for periods in visits.values() if min(periods) == cohort]
        day, number = cohort, 0
        while day <= now:
            active = [periods[day] for periods in members if day in periods]
            hours = math.fsum(time for times in active for time in times) / 3600
            yield (cohort, group, number, len(members), len(active), len(active) / len(members),
                   pytest.approx(hours, rel=1e-9), day == now)  # fmt: skip
            day, number = following(day, by), number + 1


def group_of(video: str) -> Optional[str]:
    return (None, "odd", "even")[hash_of(video) % 3]


def groups_of(sessions: pa.Table) -> dict[str, list[Any]]:
    videos = sorted(set(sessions["videoId"].to_pylist()))
    return {"videoId": videos, "group": [group_of(video) for video in videos]}


@pytest.mark.parametrize("by", PERIODS)
@pytest.mark.parametrize("is_grouped", [False, True])
def test_plain_python_says_the_same(sessions: pa.Table, by: str, is_grouped: bool) -> None:
    rows = [
        {**row, "group": group_of(row["videoId"]) if is_grouped else None} for row in sessions.to_pylist()
    ]
    names = sorted({row["group"] for row in rows}, key=lambda name: (name is None, name))
    expected = [row for name in names for row in naive(rows, name, by)]
    expected.sort(key=lambda row: (row[0], names.index(row[1])))
    found = ws.cohorts(sessions, by=by, videos_group=groups_of(sessions) if is_grouped else None)
    assert [tuple(row.values()) for row in found.to_pylist()] == expected
    assert len(names) == (3 if is_grouped else 1)
    assert len(expected) >= (2 if by == "month" else 10)


# Laws.


@pytest.mark.parametrize("by", PERIODS)
def test_the_laws_of_cohorts(sessions: pa.Table, by: str) -> None:
    found = ws.cohorts(sessions, by=by).to_pylist()
    begun = [row for row in found if row["period"] == 0]
    assert {row["share"] for row in begun} == {1.0}
    assert sum(row["cohortUsers"] for row in begun) == len(set(sessions["userId"].to_pylist()))
    seen = {(r["userId"], start_of(r["sessionStart"].date(), by)) for r in sessions.to_pylist()}
    assert sum(row["activeUsers"] for row in found) == len(seen)
    assert sum(row["watchHours"] for row in found) == pytest.approx(
        sum(sessions["watchTime"].to_pylist()) / 3600
    )
    assert all(0 <= row["activeUsers"] <= row["cohortUsers"] for row in found)
    partial = [row for row in found if row["isPartial"]]
    assert len(partial) == len(begun)
    assert any(row["period"] > 0 and row["activeUsers"] for row in found)


@pytest.mark.parametrize("by", PERIODS)
def test_order_and_form_do_not_matter(sessions: pa.Table, by: str) -> None:
    groups = groups_of(sessions)
    expected = ws.cohorts(sessions, by=by, videos_group=groups)
    for name, other in other_ways(sessions):
        assert ws.cohorts(other, by=by, videos_group=groups).equals(expected), name
    turned = {name: values[::-1] for name, values in groups.items()}
    assert ws.cohorts(sessions, by=by, videos_group=turned).equals(expected)


def test_what_was_known_earlier_stays(sessions: pa.Table) -> None:
    """Later sessions change nothing of a period that was over."""
    early = ws.cohorts(sessions, by="day", as_of="2026-01-12").to_pylist()
    late = {(r["cohort"], r["period"]): r for r in ws.cohorts(sessions, by="day").to_pylist()}
    over = [row for row in early if not row["isPartial"]]
    assert len(over) > 20
    for row in over:
        assert row == {**late[row["cohort"], row["period"]], "isPartial": False}


def test_no_rows_and_one_row(sessions: pa.Table) -> None:
    for as_of in (None, "2026-01-01"):
        assert ws.cohorts(ws.sessions([]), as_of=as_of).num_rows == 0
    one = ws.cohorts(sessions.slice(0, 1))
    assert [row["share"] for row in one.to_pylist()][:1] == [1.0]
    assert ws.report(one) == ws.report(sessions)


def test_keys_may_be_numbers() -> None:
    visits = sessions_of(("ann", "1", "2026-01-05T00:00:00Z"), ("bob", "2", "2026-01-05T00:00:00Z"))
    numbers = with_column(visits, "videoId", [1, 2], pa.int64())
    for keys in (["2"], [2]):
        found = ws.cohorts(numbers, videos_group={"videoId": keys, "group": [7]})
        assert found["group"].to_pylist() == ["7", None]
    with pytest.raises(ColumnTypeError, match=r"type string in videos_group, but of type int64"):
        ws.cohorts(numbers, videos_group={"videoId": ["two"], "group": ["g"]})


# What is refused.


@pytest.mark.parametrize(
    ("option", "value"),
    [*(("by", by) for by in ("year", "", None, 7)), *(("as_of", at) for at in ("soon", 3, "2026-02-30"))],
)
def test_bad_options_are_named(sessions: pa.Table, option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{option} is .*needed"):
        ws.cohorts(sessions, **{option: value})


@pytest.mark.parametrize(
    ("groups", "error", "told"),
    [
        (
            {"videoId": ["v"]},
            MissingColumnError,
            'videos_group has no column "group"; it has videoId\\. A table',
        ),
        ({"group": ["g"]}, MissingColumnError, 'no column "videoId"'),
        ({"videoId": ["v"], "group": [1.5]}, ColumnTypeError, "'group' of videos_group is of type double"),
        ({"videoId": ["v", "v"], "group": ["a", "b"]}, DataError, "'v' is in two groups"),
    ],
)
def test_groups_that_are_none_are_named(sessions: pa.Table, groups: Any, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        ws.cohorts(sessions, videos_group=groups)


def test_a_clock_that_is_far_off_does_not_fill_the_memory() -> None:
    days = [f"{year:04}-01-{day:02}T00:00:00Z" for year in (1, 2) for day in range(1, 10)]
    visits = [(day, "v", day) for day in days]
    with pytest.raises(DataError, match=r"18 cohorts, the first of 0001-01-01, would have [\d,]+ rows"):
        ws.cohorts(sessions_of(*visits, ("last", "v", "9999-12-31T00:00:00Z")).slice(0, 18), by="day",
                   as_of="9999-12-31")  # fmt: skip


def test_another_table_is_refused(sessions: pa.Table, events: pa.Table) -> None:
    with pytest.raises(MissingColumnError, match=r"no column 'sessionStart'; it has .*sessions\(\)"):
        ws.cohorts(ws.aggregate(events))
    times = [math.nan, *sessions["watchTime"].to_pylist()[1:]]
    with pytest.raises(DataError, match="'watchTime' is nan in 1 of"):
        ws.cohorts(with_column(sessions, "watchTime", times, pa.float64()))


def test_whatever_is_in_a_column_is_taken_or_refused(sessions: pa.Table) -> None:
    few, told = sessions.slice(0, 5), []
    for name in ("userId", "videoId", "sessionStart", "sessionEnd", "watchTime"):
        for column in hostile_columns(5):
            try:
                ws.cohorts(with_column(few, name, column), by="day")
            except WatchspanError as error:
                told.append(str(error))
    assert len(told) > 25
    assert [text for text in told if not text.endswith(".")] == []
