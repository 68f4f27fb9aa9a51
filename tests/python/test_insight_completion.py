"""Who finishes: by hand, the laws of the curve, and against plain Python."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from typing import Any, Optional

import pyarrow as pa
import pytest

import watchspan as ws
from support.insight_rows import hostile_columns, other_ways, sample_rows, with_column
from watchspan.errors import DataError, MissingColumnError, OptionError, WatchspanError
from watchspan.insight.completion import wilson


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return sample_rows()


def watched(*viewers: tuple[str, float, str, bool], duration: Optional[float] = 100.0) -> pa.Table:
    """Rows of viewers who watched from 0 to a position on some day, and whether they finished."""
    events = []
    for user, position, day, is_finished in viewers:
        at = dt.datetime.fromisoformat(f"{day}T10:00:00+00:00")
        for name, where in (("play", 0.0), ("ended" if is_finished else "pause", position)):
            events.append({
                "timestamp": at + dt.timedelta(seconds=where), "userId": user, "videoId": "v",
                "sessionId": user, "eventName": name, "currentTime": where,
            })  # fmt: skip
    known = None if duration is None else {"videoId": ["v"], "duration": [duration]}
    return ws.aggregate(events, videos=known)


def test_a_curve_by_hand() -> None:
    rows = watched(
        ("all", 100, "2026-01-01", True),
        ("half", 50, "2026-01-01", False),
        ("little", 10, "2026-01-01", False),
        ("nothing", 0, "2026-01-01", False),
        ("edge", 75, "2026-01-02", False),
        ("young", 100, "2026-01-03", True),
    )
    # Fourteen days before, to the second: edge began at 10:00 on 2 January.
    found = ws.completion_curve(rows, buckets=4, as_of="2026-01-16T10:00:00Z").to_pylist()
    assert [(r["bucket"], r["startSeconds"], r["viewers"], r["completed"], r["leftOut"]) for r in found] == [
        (0, 0.0, 5, 1, 1),
        (1, 25.0, 3, 1, 1),
        (2, 50.0, 3, 1, 1),
        (3, 75.0, 2, 1, 1),
    ]
    assert [row["probability"] for row in found] == [1 / 5, 1 / 3, 1 / 3, 1 / 2]
    earlier = ws.completion_curve(rows, buckets=1, as_of="2026-01-16T09:59:59.999999Z").to_pylist()
    assert [(row["viewers"], row["leftOut"]) for row in earlier] == [(4, 2)]
    # The newest event is of 3 January, so that without `as_of` nobody is mature.
    now = ws.completion_curve(rows, buckets=1).to_pylist()
    assert [(row["viewers"], row["probability"], row["leftOut"]) for row in now] == [(0, None, 6)]
    assert ws.completion_curve(rows, buckets=1, mature_days=0).to_pylist()[0]["viewers"] == 6


def test_who_skips_to_the_end_and_completes_got_there() -> None:
    rows = watched(("skipper", 30, "2026-01-01", False), ("other", 30, "2026-01-01", False))
    completed = with_column(rows, "isCompletedAtLeastOnce", [True, False], pa.bool_())
    found = ws.completion_curve(completed, buckets=2, as_of="2026-02-01").to_pylist()
    assert [(row["viewers"], row["completed"]) for row in found] == [(2, 1), (1, 1)]


def test_durations_are_those_of_the_call_else_of_the_rows() -> None:
    rows = watched(("u", 50, "2026-01-01", False))
    found = ws.completion_curve(rows, buckets=2, as_of="2026-02-01").to_pylist()
    assert [(row["startSeconds"], row["viewers"]) for row in found] == [(0.0, 1), (50.0, 1)]
    longer = {"videoId": ["v"], "duration": [200.0]}
    found = ws.completion_curve(rows, videos=longer, buckets=2, as_of="2026-02-01").to_pylist()
    assert [(row["startSeconds"], row["viewers"]) for row in found] == [(0.0, 1), (100.0, 0)]
    unknown = ws.aggregate(
        {"timestamp": ["2026-01-01T10:00:00Z"], "userId": ["u"], "videoId": ["v"], "eventName": ["play"],
         "currentTime": [0]}, rules=ws.Rules(estimate_duration=False),
    )  # fmt: skip
    assert ws.completion_curve(unknown).num_rows == 0
    assert ws.completion_curve(unknown, videos=longer, buckets=2, mature_days=0).num_rows == 2


def test_wilson_by_hand() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for found, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(found, of) == (found / of, pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert wilson(0, 0) == (None, None, None)
    for of in (1, 7, 1_000_000):
        assert wilson(0, of)[1] == 0.0
        assert wilson(of, of)[2] == 1.0


# A second opinion.


def naive(rows: list[dict[str, Any]], buckets: int, mature: dt.timedelta, by: str) -> list[tuple[Any, ...]]:
    """The curves, row by row and bucket by bucket."""
    as_of = max(row["lastWatchDate"] for row in rows)
    longest: dict[str, float] = defaultdict(float)
    for row in rows:
        longest[row["videoId"]] = max(longest[row["videoId"]], row["videoDuration"] or 0.0)
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if longest[row["videoId"]]:
            groups[row["videoId"] if by == "video" else None].append(row)
    made: list[tuple[Any, ...]] = []
    for key in sorted(groups):
        old = [row for row in groups[key] if as_of - row["firstWatchDate"] >= mature]
        for bucket in range(buckets):
            there = []
            for row in old:
                duration = longest[row["videoId"]]
                end = max((part["end"] for part in row["watchedIntervals"]), default=0.0)
                reach = duration if row["isCompletedAtLeastOnce"] else min(end, duration)
                if reach >= duration * (bucket / buckets):
                    there.append(row["isCompletedAtLeastOnce"])
            start = None if by == "all" else longest[key] * (bucket / buckets)
            share = sum(there) / len(there) if there else None
            made.append((key, bucket, start, len(there), sum(there), share, len(groups[key]) - len(old)))
    return made


@pytest.mark.parametrize("by", ["video", "all"])
@pytest.mark.parametrize(("buckets", "days"), [(20, 14), (7, 3.5), (1, 0), (100, 1)])
def test_plain_python_says_the_same(rows: pa.Table, by: str, buckets: int, days: float) -> None:
    expected = naive(rows.to_pylist(), buckets, dt.timedelta(days=days), by)
    found = ws.completion_curve(rows, buckets=buckets, mature_days=days, by=by).to_pylist()
    names = ("videoId", "bucket", "startSeconds", "viewers", "completed", "probability", "leftOut")
    assert [tuple(row[name] for name in names) for row in found] == expected
    assert len(expected) >= (buckets if by == "all" else 10 * buckets)
    assert any(row["completed"] for row in found)
    assert days == 0 or any(row["leftOut"] for row in found)


# Laws.


@pytest.mark.parametrize("by", ["video", "all"])
def test_the_laws_of_the_curve(rows: pa.Table, by: str) -> None:
    found = ws.completion_curve(rows, by=by, mature_days=5).to_pylist()
    curves: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        curves[row["videoId"]].append(row)
    assert len(curves) == 1 if by == "all" else len(curves) > 10
    newest = max(rows["lastWatchDate"].to_pylist())
    timed = [row for row in rows.to_pylist() if row["videoDuration"]]
    for video, curve in curves.items():
        assert [row["bucket"] for row in curve] == list(range(20))
        shares = [row["probability"] for row in curve if row["viewers"]]
        assert shares == sorted(shares), "never falls"
        assert len({row["completed"] for row in curve}) == 1, "who completed got everywhere"
        for row in curve:
            if row["viewers"]:
                assert 0 <= row["probabilityLow"] <= row["probability"] <= row["probabilityHigh"] <= 1
        of_it = [row for row in timed if by == "all" or row["videoId"] == video]
        mature = [r["isCompletedAtLeastOnce"] for r in of_it if (newest - r["firstWatchDate"]).days >= 5]
        assert curve[0]["viewers"] == len(mature)
        assert curve[0]["viewers"] + curve[0]["leftOut"] == len(of_it)
        if mature:
            assert curve[0]["probability"] == sum(mature) / len(mature)


def test_all_is_the_sum_of_the_videos(rows: pa.Table) -> None:
    each, whole = (ws.completion_curve(rows, by=by, mature_days=2).to_pylist() for by in ("video", "all"))
    for row in whole:
        same = [other for other in each if other["bucket"] == row["bucket"]]
        for name in ("viewers", "completed", "leftOut"):
            assert sum(other[name] for other in same) == row[name]
    assert len(whole) == 20


INTERVALS = pa.list_(pa.struct([("start", pa.float64()), ("end", pa.float64())]))


@pytest.mark.parametrize("duration", [0.1, 0.7, 33.3, 1234.567])
@pytest.mark.parametrize("buckets", [3, 7, 49, 999])
def test_a_bucket_begins_where_it_says(duration: float, buckets: int) -> None:
    """A position that is the start of a bucket, to the last bit, is in it; the one before it is not."""
    row = watched(("u", 10, "2026-01-01", False), duration=duration)
    row = with_column(row, "isCompletedAtLeastOnce", [False], pa.bool_())
    for bucket in {1, buckets // 3, buckets // 2, buckets - 1}:
        start = duration * (bucket / buckets)
        for end, reached in ((start, bucket + 1), (math.nextafter(start, 0.0), bucket)):
            ended = with_column(row, "watchedIntervals", [[{"start": 0.0, "end": end}]], INTERVALS)
            found = ws.completion_curve(ended, buckets=buckets, mature_days=0).to_pylist()
            assert sum(each["viewers"] for each in found) == reached


@pytest.mark.parametrize("by", ["video", "all"])
def test_order_and_form_do_not_matter(rows: pa.Table, by: str) -> None:
    expected = ws.completion_curve(rows, by=by, mature_days=3)
    assert expected.num_rows >= 20
    for name, other in other_ways(rows):
        assert ws.completion_curve(other, by=by, mature_days=3).equals(expected), name


def test_no_rows_and_one_row(rows: pa.Table) -> None:
    for by in ("video", "all"):
        empty = ws.completion_curve(ws.aggregate([]), by=by)
        assert empty.num_rows == 0
        timed = rows.filter(rows["videoDuration"].is_valid())
        one = ws.completion_curve(timed.slice(0, 1), by=by)
        assert one.num_rows == 20
        assert one.schema.names == empty.schema.names
        assert ws.report(one) == ws.report(rows)


# What is refused.


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("buckets", value) for value in (0, 1_001, None, 2.5, "3", True)),
        *(("mature_days", value) for value in (-1, math.nan, math.inf, None, "14", True)),
        *(("as_of", value) for value in ("soon", 3)),
        *(("by", value) for value in ("user", None)),
    ],
)
def test_bad_options_are_named(rows: pa.Table, option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{option} is .*needed"):
        ws.completion_curve(rows, **{option: value})


def test_another_table_is_refused(events: pa.Table, rows: pa.Table) -> None:
    with pytest.raises(MissingColumnError, match=r"no column 'isCompletedAtLeastOnce'; it has .*engagement"):
        ws.completion_curve(ws.sessions(events))
    with pytest.raises(DataError, match=r"is null in 3 of 3 rows, .*unique_seconds=True"):
        ws.completion_curve(ws.aggregate(events, unique_seconds=False))
    with pytest.raises(DataError, match="two different"):
        ws.completion_curve(rows, videos={"videoId": ["v", "v"], "duration": [1, 2]})


def test_whatever_is_in_a_column_is_taken_or_refused(rows: pa.Table) -> None:
    few, told = rows.slice(0, 5), []
    odd = [[{"start": 0.0, "end": end}] * 2 for end in (math.nan, None, -1.0, 1e300)]
    for name in rows.column_names:
        for column in [*hostile_columns(5), *(pa.array([value] * 5) for value in odd)]:
            try:
                ws.completion_curve(with_column(few, name, column), mature_days=0)
            except WatchspanError as error:
                told.append(str(error))
    assert len(told) > 40
