"""Days and hours: by hand, where clocks change, and against plain Python."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

import watchspan as ws
from support.insight_rows import hostile_columns, other_ways, sample_events, with_column
from watchspan.errors import DataError, MissingColumnError, OptionError, WatchspanError

UTC = dt.timezone.utc


@pytest.fixture(scope="module")
def sessions() -> pa.Table:
    return ws.sessions(sample_events())


def sessions_at(*starts: str, user: str = "u") -> pa.Table:
    """A session of ten minutes from each of these times on."""
    return ws.sessions_of_intervals([
        {"userId": user, "videoId": "v", "sessionId": str(number), "start": 0, "end": 600, "timestamp": start}
        for number, start in enumerate(starts)
    ])  # fmt: skip


def counted(sessions: pa.Table, **options: Any) -> list[tuple[Any, ...]]:
    rows = ws.daily(sessions, **options).to_pylist()
    return [(str(row["day"]), row["hour"], row["viewers"], row["sessions"]) for row in rows]


def test_days_by_hand() -> None:
    made = [sessions_at("2026-01-15T00:00:00Z", "2026-01-15T23:59:59.999999Z", "2026-01-16T00:00:00Z"),
            sessions_at("2026-01-16T12:00:00Z", user="other")]  # fmt: skip
    found = ws.daily(pa.concat_tables(made)).to_pylist()
    assert found == [
        {"videoId": "v", "day": dt.date(2026, 1, 15), "hour": None, "viewers": 1, "sessions": 2,
         "watchHours": 1200 / 3600},
        {"videoId": "v", "day": dt.date(2026, 1, 16), "hour": None, "viewers": 2, "sessions": 2,
         "watchHours": 1200 / 3600},
    ]  # fmt: skip


def test_the_day_is_that_of_the_zone() -> None:
    late = sessions_at("2026-01-15T23:30:00Z")
    assert counted(late, timezone="Europe/Berlin") == [("2026-01-16", None, 1, 1)]
    assert counted(late, timezone="America/New_York", by="hour") == [("2026-01-15", 18, 1, 1)]
    assert counted(late, timezone="Asia/Kathmandu", by="hour") == [("2026-01-16", 5, 1, 1)]


def test_an_hour_that_clocks_show_twice_is_one() -> None:
    # Berlin sets its clocks back from 3:00 to 2:00 at 01:00 UTC.
    twice = sessions_at("2026-10-25T00:10:00Z", "2026-10-25T01:10:00Z", "2026-10-25T02:10:00Z")
    expected = [("2026-10-25", 2, 1, 2), ("2026-10-25", 3, 1, 1)]
    assert counted(twice, timezone="Europe/Berlin", by="hour") == expected
    # And ahead from 2:00 to 3:00, also at 01:00 UTC.
    once = sessions_at("2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z")
    expected = [("2026-03-29", 1, 1, 1), ("2026-03-29", 3, 1, 1)]
    assert counted(once, timezone="Europe/Berlin", by="hour") == expected


def test_clocks_may_change_within_a_quarter_of_an_hour_and_before_1970() -> None:
    # Liberia went from -0:43:08 to -0:44:30 at midnight, 00:43:08 UTC, so that the day before went on.
    change = sessions_at("1919-03-01T00:43:07Z", "1919-03-01T00:43:08Z", "1919-03-01T00:44:30Z")
    expected = [("1919-02-28", None, 1, 2), ("1919-03-01", None, 1, 1)]
    assert counted(change, timezone="Africa/Monrovia") == expected
    assert counted(sessions_at("1969-12-31T23:59:59.999999Z"), by="hour") == [("1969-12-31", 23, 1, 1)]


def test_the_ends_of_the_calendar_have_days_too() -> None:
    ends = sessions_at("0001-01-01T00:00:00Z", "9999-12-31T20:00:00Z")
    for zone in ("America/New_York", "Asia/Tokyo"):
        assert ws.daily(ends, timezone=zone, by="hour").num_rows == 2


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Australia/Lord_Howe"])
@pytest.mark.parametrize("by", ["day", "hour"])
def test_plain_python_says_the_same(sessions: pa.Table, zone: str, by: str) -> None:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in sessions.to_pylist():
        at = row["sessionStart"].astimezone(ZoneInfo(zone))
        key = (row["videoId"], at.date(), at.hour if by == "hour" else None)
        groups.setdefault(key, []).append(row)
    found = ws.daily(sessions, timezone=zone, by=by).to_pylist()
    keys = [(row["videoId"], row["day"], row["hour"]) for row in found]
    assert keys == sorted(groups, key=lambda key: (key[0], key[1], key[2] or 0))
    assert len(keys) > 50
    for key, row in zip(keys, found):
        rows = groups[key]
        assert row["viewers"] == len({r["userId"] for r in rows})
        assert row["sessions"] == len(rows)
        hours = math.fsum(r["watchTime"] for r in rows) / 3600
        assert row["watchHours"] == pytest.approx(hours, rel=1e-9, abs=1e-9)


def test_days_add_up_to_the_sessions_and_hours_to_days(sessions: pa.Table) -> None:
    days, hours = (ws.daily(sessions, by=by, timezone="Asia/Tokyo").to_pylist() for by in ("day", "hour"))
    total = sum(sessions["watchTime"].to_pylist()) / 3600
    for table in (days, hours):
        assert sum(row["sessions"] for row in table) == sessions.num_rows
        assert sum(row["watchHours"] for row in table) == pytest.approx(total)
    for day in days:
        parts = [h for h in hours if (h["videoId"], h["day"]) == (day["videoId"], day["day"])]
        assert sum(part["sessions"] for part in parts) == day["sessions"]
        most = max(part["viewers"] for part in parts)
        assert most <= day["viewers"] <= sum(part["viewers"] for part in parts)
    assert len(hours) > len(days)


def test_order_and_form_do_not_matter(sessions: pa.Table) -> None:
    expected = ws.daily(sessions, by="hour", timezone="Europe/Berlin")
    for name, other in other_ways(sessions):
        assert ws.daily(other, by="hour", timezone="Europe/Berlin").equals(expected), name


def test_stamps_may_be_of_other_units_and_zones(sessions: pa.Table) -> None:
    expected = ws.daily(sessions, by="hour")
    for kind in (pa.timestamp("ns", "UTC"), pa.timestamp("us", "America/New_York"), pa.timestamp("us")):
        moved = with_column(sessions, "sessionStart", sessions["sessionStart"].cast(kind))
        assert ws.daily(moved, by="hour").equals(expected), kind


def test_no_rows_and_one_row(sessions: pa.Table) -> None:
    empty = ws.daily(ws.sessions([]))
    assert empty.num_rows == 0
    one = ws.daily(sessions.slice(0, 1))
    assert one.num_rows == 1
    assert one.schema.names == empty.schema.names
    assert ws.report(one) == ws.report(sessions)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("timezone", zone) for zone in ("Nowhere/Land", "", "Europe", "../UTC", "a\0b", "\udcff", None, 3)),
        *(("by", by) for by in ("week", "", None, 1, ["day"])),
    ],
)
def test_bad_options_are_named(sessions: pa.Table, option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{option} is .*needed"):
        ws.daily(sessions, **{option: value})


def test_another_table_is_refused(sessions: pa.Table, events: pa.Table) -> None:
    with pytest.raises(MissingColumnError, match=r"no column 'sessionStart'; it has .*sessions\(\)"):
        ws.daily(ws.aggregate(events))
    times = [math.nan, *sessions["watchTime"].to_pylist()[1:]]
    with pytest.raises(DataError, match="'watchTime' is nan in 1 of"):
        ws.daily(with_column(sessions, "watchTime", times, pa.float64()))
    far = [2**62, *[0] * (sessions.num_rows - 1)]
    with pytest.raises(DataError, match="'sessionStart' has a time outside the years 1 to 9999"):
        ws.daily(with_column(sessions, "sessionStart", far, pa.timestamp("us", "UTC")))


def test_whatever_is_in_a_column_is_taken_or_refused(sessions: pa.Table) -> None:
    few, told = sessions.slice(0, 5), []
    for name in ("userId", "videoId", "sessionStart", "watchTime"):
        for column in hostile_columns(5):
            try:
                found = ws.daily(with_column(few, name, column), by="hour")
            except WatchspanError as error:
                told.append(str(error))
            else:
                assert found.num_rows <= 5
    assert len(told) > 25
    assert [text for text in told if not text.endswith(".")] == []
