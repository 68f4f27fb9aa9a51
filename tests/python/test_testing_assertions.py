"""assert_events and assert_same_rows: what passes, what fails, and what a failure says."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import watchspan as ws
from support.judged_rows import good_rows
from watchspan.testing import assert_events, assert_same_rows

AHEAD = dt.timezone(dt.timedelta(hours=1))
EVENT = {
    "timestamp": "2026-01-15T10:00:00Z",
    "userId": "ann",
    "videoId": "v1",
    "eventName": "play",
    "currentTime": 0.0,
}


def events(good: int, **bad: int) -> list[dict[str, Any]]:
    """Good events, and some that are dropped for a reason."""
    wrong: dict[str, dict[str, Any]] = {
        "null_key": {"userId": None},
        "unknown_event": {"eventName": "bounce"},
        "invalid_timestamp": {"timestamp": "noon"},
        "ignored_event": {"eventName": "noise"},
        "duplicate": {},
    }
    rows = [{**EVENT, "currentTime": float(number)} for number in range(good)]
    return rows + [{**EVENT, **wrong[reason]} for reason, count in bad.items() for _ in range(count)]


def test_few_dropped_events_are_fine() -> None:
    found = assert_events(events(95, null_key=5))
    assert (found.read, found.kept) == (100, 95)


def test_many_dropped_events_fail_with_examples() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_events(events(94, null_key=4, unknown_event=2))
    head, *lines = str(raised.value).splitlines()
    assert head == "6 of 100 events (6.0%) were dropped as null_key, unknown_event, but at most 5.0% may be."
    assert any(line.startswith("  null_key") for line in lines)
    assert any("'bounce'" in line for line in lines)


def test_what_is_ignored_or_sent_twice_is_not_lost() -> None:
    names = {"play": "play", "noise": "ignore"}
    found = assert_events(events(10, ignored_event=50, duplicate=40), max_dropped=0, vocabulary=names)
    assert found.dropped["ignored_event"] == 50
    assert found.dropped["duplicate"] == 40


def test_a_reason_has_its_own_share() -> None:
    many = events(60, unknown_event=30, null_key=10)
    with pytest.raises(AssertionError, match="40 of 100 events"):
        assert_events(many)
    assert_events(many, unknown_event=0.3, max_dropped=0.1)
    with pytest.raises(AssertionError, match=r"30 of 100 events \(30.0%\) were dropped as unknown_event"):
        assert_events(many, unknown_event=0.29, max_dropped=0.1)
    with pytest.raises(AssertionError, match=r"10 of 100 events \(10.0%\) were dropped as null_key"):
        assert_events(many, unknown_event=0.3)
    with pytest.raises(AssertionError, match=r"1 of 11 events .* dropped as duplicate"):
        assert_events(events(10, duplicate=1), duplicate=0)


def test_no_events_are_no_good_events() -> None:
    with pytest.raises(AssertionError, match="There are no events"):
        assert_events(pa.Table.from_pylist(events(1)).slice(0, 0))


def test_events_are_read_as_elsewhere() -> None:
    renamed = [{**{k: v for k, v in row.items() if k != "userId"}, "uid": "x"} for row in events(3)]
    assert assert_events(renamed, columns={"userId": "uid"}).kept == 3
    started = [{**row, "eventName": "los"} for row in events(3)]
    assert assert_events(started, vocabulary={"los": "play"}).kept == 3


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan, "5%", True, None])
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(ws.errors.OptionError, match=r"max_dropped is .* a share from 0 to 1"):
        assert_events(events(1), max_dropped=share)
    with pytest.raises(ws.errors.OptionError, match=r"duplicate is .* a share from 0 to 1"):
        assert_events(events(1), duplicate=share)


def test_a_reason_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        ws.errors.OptionError, match="No event is dropped as nul_key; there are unreadable, null_key"
    ):
        assert_events(events(1), nul_key=0)


def test_the_same_rows_in_any_order_and_form(tmp_path: Any) -> None:
    rows = good_rows()
    assert_same_rows(rows, rows)
    assert_same_rows(rows.take([1, 0]), rows)
    assert_same_rows(rows.select(rows.column_names[::-1]), rows)
    pq.write_table(rows, tmp_path / "rows.parquet")
    assert_same_rows(str(tmp_path / "rows.parquet"), rows)
    polars = pytest.importorskip("polars")
    assert_same_rows(polars.from_arrow(rows), rows)


def test_a_difference_is_shown_with_its_row() -> None:
    rows = good_rows()
    place = rows.column_names.index("totalWatchTime")
    other = rows.set_column(place, "totalWatchTime", pa.array([40.0, 131.5]))
    with pytest.raises(AssertionError) as raised:
        assert_same_rows(other, rows)
    assert str(raised.value).splitlines() == [
        "The rows differ in 1 value:",
        "  row                             column          expected  got",
        "  userId='user', videoId='video'  totalWatchTime  130.0     131.5",
    ]
    assert_same_rows(other, rows, tolerance=1.5)
    assert_same_rows(other, rows, ignore=["totalWatchTime"])
    assert_same_rows(other, rows, ignore="totalWatchTime")


def test_the_first_ten_differences_are_shown_and_all_counted() -> None:
    a = pa.table({"videoId": [f"v{i:02}" for i in range(25)], "plays": [float(i) for i in range(25)]})
    b = a.set_column(1, "plays", pa.array([float(i) + 1 for i in range(25)]))
    with pytest.raises(AssertionError) as raised:
        assert_same_rows(a, b)
    head, _, *lines, last = str(raised.value).splitlines()
    assert head == "The rows differ in 25 values:"
    assert len(lines) == 10
    assert lines[0].split() == ["videoId='v00'", "plays", "1.0", "0.0"]
    assert last == "  and 15 more values"


def test_rows_that_only_one_table_has_are_told() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_same_rows({"videoId": ["a", "b"]}, {"videoId": ["b", "c"]})
    lines = [line.split("  ") for line in str(raised.value).splitlines()[2:]]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells == [["videoId='c'", "a row", "no row"], ["videoId='a'", "no row", "a row"]]


def test_columns_that_only_one_table_has_are_told() -> None:
    with pytest.raises(AssertionError, match="only the first has a, b; only the second has c"):
        assert_same_rows({"a": [1], "b": [1], "x": [1]}, {"c": [1], "x": [1]})


def test_rows_without_a_key_are_compared_by_place() -> None:
    same = {"videoId": ["a", "a"], "plays": [1, 2]}
    assert_same_rows(same, same)
    with pytest.raises(AssertionError, match=r"row=0 +plays +1 +2"):
        assert_same_rows({"videoId": ["a", "a"], "plays": [2, 1]}, same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0), (1.0, 1.0 + 1e-7), (math.nan, math.nan), (None, None), (math.inf, math.inf), ("a", "a"),
        ([{"start": 0.0, "end": 1.0}], [{"end": 1.0 + 1e-8, "start": 0.0}]), (2**60, 2**60),
        (dt.datetime(2026, 1, 15, 10), dt.datetime(2026, 1, 15, 11, tzinfo=AHEAD)),
    ],
)  # fmt: skip
def test_values_that_are_the_same(one: Any, other: Any) -> None:
    assert_same_rows({"x": [one]}, {"x": [other]})
    assert_same_rows({"x": [other]}, {"x": [one]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 1.0 + 1e-5), (math.nan, 1.0), (None, 0.0), (math.inf, -math.inf), (math.inf, 1.0), (True, 1),
        (False, None), ("a", "b"), ("1", 1), ([1.0], [1.0, 1.0]), ([1.0], [2.0]), ([], None),
        ([{"start": 0.0}], [{"end": 0.0}]), (2**60, 2**60 + 10**6),
        (dt.datetime(2026, 1, 15, 10), dt.datetime(2026, 1, 15, 10, 0, 1)),
    ],
)  # fmt: skip
def test_values_that_are_not_the_same(one: Any, other: Any) -> None:
    for a, b in ((one, other), (other, one)):
        with pytest.raises(AssertionError):
            assert_same_rows({"x": [a]}, {"x": [b]})


@given(st.lists(st.floats(), min_size=1, max_size=5), st.floats(0, 10))
def test_rows_are_the_same_as_themselves_under_any_tolerance(numbers: list[float], tolerance: float) -> None:
    table = pa.table({"x": pa.array(numbers, pa.float64(), from_pandas=False)})
    assert_same_rows(table, table, tolerance=tolerance)


@pytest.mark.parametrize("tolerance", [-1, math.nan, "a", None, True])
def test_what_is_no_tolerance_is_refused(tolerance: Any) -> None:
    with pytest.raises(ws.errors.OptionError, match="tolerance is"):
        assert_same_rows({"x": [1]}, {"x": [1]}, tolerance=tolerance)


def test_a_column_to_ignore_has_to_be_there() -> None:
    with pytest.raises(ws.errors.OptionError, match="ignore names 'y'"):
        assert_same_rows({"x": [1]}, {"x": [1]}, ignore=["y"])


def test_text_of_others_stays_on_its_line() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_same_rows({"x": ["\x1b[31mred\nnext"]}, {"x": ["x" * 10_000]})
    assert len(str(raised.value).splitlines()) == 3
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 2_000
