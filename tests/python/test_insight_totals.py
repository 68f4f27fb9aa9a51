"""Totals by video and by user: by hand, against plain Python, `summarize` and the notebook's SQL."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable

import pyarrow as pa
import pytest

import watchspan as ws
from support.events import START
from support.insight_rows import hostile_columns, other_ways, sample_rows, with_column
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError, WatchspanError

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "04_analytics.py"


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return sample_rows()


def test_videos_by_hand(events: pa.Table, videos: pa.Table) -> None:
    # peter watched 130 s, 120 of them once, of 300; ann 290 of 300, and 20 of the 40 of v2.
    found = ws.video_totals(ws.aggregate(events, videos=videos)).to_pylist()
    assert found == [
        {
            "videoId": "v1", "videoTitle": "Intro", "videoDuration": 300.0, "viewers": 2, "sessions": 2,
            "watchHours": 420 / 3600, "completionRate": 0.5, "coverage": 410 / 600,
            "averageScore": pytest.approx((28.33 + 87.67) / 2), "rewatchedShare": 10 / 420,
            "flaggedShare": 0.0, "lastWatchDate": START + dt.timedelta(seconds=290),
            "reached25": 1.0, "reached50": 0.5, "reached75": 0.5, "reached100": 0.0,
        },
        {
            "videoId": "v2", "videoTitle": None, "videoDuration": 40.0, "viewers": 1, "sessions": 1,
            "watchHours": 20 / 3600, "completionRate": 0.0, "coverage": 0.5, "averageScore": 35.0,
            "rewatchedShare": 0.0, "flaggedShare": 0.0, "lastWatchDate": START + dt.timedelta(seconds=320),
            "reached25": 1.0, "reached50": 1.0, "reached75": 0.0, "reached100": 0.0,
        },
    ]  # fmt: skip


def test_users_by_hand(events: pa.Table, videos: pa.Table) -> None:
    found = ws.user_totals(ws.aggregate(events, videos=videos)).to_pylist()
    assert found == [
        {
            "userId": "ann", "videos": 2, "sessions": 2, "watchHours": 310 / 3600, "completions": 1,
            "completionRate": 0.5, "coverage": 310 / 340,
            "averageScore": pytest.approx((87.67 + 35) / 2), "forwardSkipsPer10Min": 0.0,
            "firstSeen": START, "lastSeen": START + dt.timedelta(seconds=320),
        },
        {
            "userId": "peter", "videos": 1, "sessions": 1, "watchHours": 130 / 3600, "completions": 0,
            "completionRate": 0.0, "coverage": 0.4, "averageScore": 28.33, "forwardSkipsPer10Min": 0.0,
            "firstSeen": START, "lastSeen": START + dt.timedelta(seconds=140),
        },
    ]  # fmt: skip


def test_skips_are_per_ten_minutes_watched() -> None:
    seconds = (("play", 0, 0), ("seek", 100, 200), ("pause", 150, 250))
    skipping = [
        {"timestamp": START + dt.timedelta(seconds=at), "userId": "u", "videoId": "v", "sessionId": "s",
         "eventName": name, "currentTime": position, "seekFrom": 100.0 if name == "seek" else None}
        for name, at, position in seconds
    ]  # fmt: skip
    found = ws.user_totals(ws.aggregate(skipping)).to_pylist()[0]
    assert found["watchHours"] == 150 / 3600
    assert found["forwardSkipsPer10Min"] == pytest.approx(1 / (150 / 600))


# A second opinion.


def mean(values: list[float]) -> Any:
    return sum(values) / len(values) if values else None


def share(above: float, below: float) -> Any:
    return above / below if below else None


def coverage(rows: list[dict[str, Any]]) -> Any:
    both = [r for r in rows if r["videoDuration"] and r["totalUniqueSecondsWatched"] is not None]
    return share(
        math.fsum(r["totalUniqueSecondsWatched"] for r in both), math.fsum(r["videoDuration"] for r in both)
    )


def shared(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "sessions": sum(r["sessionCount"] for r in rows),
        "watchHours": math.fsum(r["totalWatchTime"] for r in rows) / 3600,
        "completionRate": mean([r["isCompletedAtLeastOnce"] for r in rows]),
        "coverage": coverage(rows),
        "averageScore": mean([r["engagementScore"] for r in rows if r["engagementScore"] is not None]),
    }


def of_video(video: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    known = [r for r in rows if r["durationSource"] in ("metadata", "reported")]
    both = [r for r in rows if r["rewatchedSeconds"] is not None]
    return {
        **shared(rows),
        "videoId": video,
        "videoTitle": max((r["videoTitle"] for r in rows if r["videoTitle"]), default=None),
        "videoDuration": max((r["videoDuration"] for r in rows if r["videoDuration"]), default=None),
        "viewers": len(rows),
        "rewatchedShare": share(
            math.fsum(r["rewatchedSeconds"] for r in both), math.fsum(r["totalWatchTime"] for r in both)
        ),
        "flaggedShare": mean([bool(r["dataQualityFlags"]) for r in rows]),
        "lastWatchDate": max(r["lastWatchDate"] for r in rows),
        **{
            f"reached{percent}": mean([r["completionPercentage"] >= percent for r in known])
            for percent in (25, 50, 75, 100)
        },
    }


def of_user(user: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    watched = math.fsum(r["totalWatchTime"] for r in rows)
    return {
        **shared(rows),
        "userId": user,
        "videos": len(rows),
        "completions": sum(r["completionCount"] for r in rows),
        "forwardSkipsPer10Min": share(sum(r["totalForwardSkips"] for r in rows), watched / 600),
        "firstSeen": min(r["firstWatchDate"] for r in rows),
        "lastSeen": max(r["lastWatchDate"] for r in rows),
    }


def close(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: pytest.approx(v, rel=1e-9, abs=1e-9) if isinstance(v, float) else v for name, v in row.items()
    }


Opinion = Callable[[str, list[dict[str, Any]]], dict[str, Any]]


@pytest.mark.parametrize(
    ("key", "function", "opinion"),
    [("videoId", ws.video_totals, of_video), ("userId", ws.user_totals, of_user)],
)
@pytest.mark.parametrize("seed", [3, 4])
def test_plain_python_says_the_same(key: str, function: Any, opinion: Opinion, seed: int) -> None:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sample_rows(seed).to_pylist():
        groups[row[key]].append(row)
    found = function(sample_rows(seed)).to_pylist()
    assert [row[key] for row in found] == sorted(groups)
    assert len(found) >= 15
    for row in found:
        assert row == close(opinion(row[key], groups[row[key]]))
    nulls = {name for row in found for name, value in row.items() if value is None}
    assert {"coverage", "averageScore"} & nulls if key == "videoId" else found


def test_summarize_says_the_same(rows: pa.Table) -> None:
    figures, videos = ws.summarize(rows, top=9_999), ws.video_totals(rows).to_pylist()
    users = ws.user_totals(rows).to_pylist()
    assert figures["videos"] == len(videos)
    assert figures["users"] == len(users)
    assert figures["rows"] == sum(v["viewers"] for v in videos) == sum(u["videos"] for u in users)
    assert figures["sessions"] == sum(v["sessions"] for v in videos) == sum(u["sessions"] for u in users)
    for totals, count in ((videos, "viewers"), (users, "videos")):
        assert figures["watch_time_hours"] == pytest.approx(sum(t["watchHours"] for t in totals))
        completed = sum(t["completionRate"] * t[count] for t in totals)
        assert figures["completion_rate"] == pytest.approx(completed / figures["rows"])
    flagged = sum(v["flaggedShare"] * v["viewers"] for v in videos)
    assert figures["flags"]["ok"] == pytest.approx(figures["rows"] - flagged)
    by_id = {video["videoId"]: video for video in videos}
    assert len(figures["top_videos"]) == len(videos)
    for top in figures["top_videos"]:
        video = by_id[top["videoId"]]
        assert video["watchHours"] * 3600 == pytest.approx(top["totalWatchTime"])
        for name in ("viewers", "videoTitle", "completionRate", "averageScore"):
            assert video[name] == (pytest.approx(top[name]) if top[name] is not None else None), name


def notebook_query(name: str) -> str:
    """The SQL that notebook 04 gives a name, in the words of DuckDB, without its limit and its rounding."""
    text = NOTEBOOK.read_text(encoding="utf-8")
    sql = re.search(rf'^{name} = spark\.sql\(f?"""(.*?)"""\)', text, re.DOTALL | re.MULTILINE)
    assert sql is not None, f"notebook 04 has no query {name}"
    words = sql[1].replace("LIMIT {top}", "").replace(", 1)", ", 9)")
    return words.replace("LATERAL VIEW explode(sequence(0, 10)) t AS tenth", ", range(11) AS t(tenth)")


def asked(name: str, rows: pa.Table) -> list[dict[str, Any]]:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.register("engagement", rows)
        cursor = connection.execute(notebook_query(name))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def test_the_notebook_says_the_same_of_videos(rows: pa.Table) -> None:
    expected = {row["videoId"]: row for row in asked("top_videos", rows)}
    found = ws.video_totals(rows).to_pylist()
    assert set(expected) == {video["videoId"] for video in found}
    for video in found:
        told = expected[video["videoId"]]
        assert (video["videoTitle"], video["viewers"]) == (told["title"], told["viewers"])
        assert video["watchHours"] == pytest.approx(told["watchHours"])
        for name, theirs, times in (
            ("completionRate", "completionRate", 100),
            ("coverage", "watchedOnAverage", 100),
            ("averageScore", "averageScore", 1),
            ("rewatchedShare", "rewatched", 100),
        ):
            if told[theirs] is None:
                assert video[name] is None, name
            else:
                # The percentages of rows, of which the notebook takes the mean, are rounded.
                rounded = 0.0051 if name == "coverage" else 1e-6
                assert video[name] * times == pytest.approx(told[theirs], abs=rounded), name


def test_the_notebook_says_the_same_of_users(rows: pa.Table) -> None:
    expected = {row["userId"]: row for row in asked("power_users", rows)}
    found = ws.user_totals(rows).to_pylist()
    assert set(expected) == {user["userId"] for user in found}
    for user in found:
        told = expected[user["userId"]]
        for name in ("videos", "sessions", "completions"):
            assert user[name] == told[name]
        assert user["lastSeen"] == told["lastSeen"]
        assert user["watchHours"] == pytest.approx(told["watchHours"])
        told_score = told["averageScore"]
        assert user["averageScore"] == (None if told_score is None else pytest.approx(told_score, abs=1e-6))


def test_the_notebook_says_the_same_of_how_far_viewers_got(rows: pa.Table) -> None:
    known = rows.filter(pa.array([r in ("metadata", "reported") for r in rows["durationSource"].to_pylist()]))
    viewers = known["videoId"].to_pylist()
    reached = {row["percentReached"]: row["viewers"] for row in asked("drop_off", rows)}
    assert len(reached) == 11
    for percent in (50, 100):
        counts = [
            video[f"reached{percent}"] * viewers.count(video["videoId"])
            for video in ws.video_totals(rows).to_pylist()
            if video[f"reached{percent}"] is not None
        ]
        assert sum(counts) == pytest.approx(reached[percent])
    assert reached[50] > reached[100] > 0


# Laws.


@pytest.mark.parametrize("function", [ws.video_totals, ws.user_totals])
def test_order_and_form_do_not_matter(function: Any, rows: pa.Table) -> None:
    expected = function(rows)
    assert expected.num_rows > 10
    for name, other in other_ways(rows):
        assert function(other).equals(expected), name


@pytest.mark.parametrize("function", [ws.video_totals, ws.user_totals])
def test_rows_of_two_parts_are_the_whole(function: Any, rows: pa.Table) -> None:
    key = "videoId" if function is ws.video_totals else "userId"
    chosen = rows[key][0].as_py()
    mask = pa.array([value == chosen for value in rows[key].to_pylist()])
    alone = function(rows.filter(mask)).to_pylist()
    assert alone == [row for row in function(rows).to_pylist() if row[key] == chosen]


def test_keys_may_be_numbers_and_the_report_stays(events: pa.Table) -> None:
    numbers = {"v1": 10, "v2": 9}
    rows = ws.aggregate(
        with_column(events, "videoId", [numbers[v] for v in events["videoId"].to_pylist()], pa.int64())
    )
    found = ws.video_totals(rows)
    assert found.schema.field("videoId").type == pa.int64()
    assert found["videoId"].to_pylist() == [9, 10]
    assert ws.report(found) == ws.report(rows)


@pytest.mark.parametrize("function", [ws.video_totals, ws.user_totals])
def test_no_rows_and_one_row(function: Any, rows: pa.Table) -> None:
    empty = function(ws.aggregate([]))
    assert empty.num_rows == 0
    one = function(rows.slice(0, 1))
    assert one.num_rows == 1
    assert one.schema.names == empty.schema.names


def test_without_unique_seconds_what_needs_them_is_null(events: pa.Table, videos: pa.Table) -> None:
    rows = ws.aggregate(events, videos=videos, unique_seconds=False)
    for video in ws.video_totals(rows).to_pylist():
        assert video["coverage"] is video["rewatchedShare"] is None
        assert video["watchHours"] > 0
    assert {user["coverage"] for user in ws.user_totals(rows).to_pylist()} == {None}


def test_titles_that_differ_are_one(events: pa.Table, videos: pa.Table) -> None:
    rows = pa.concat_tables([
        ws.aggregate(events, videos=with_column(videos, "title", titles, pa.string()))
        for titles in (["B", None], ["A", "Z"], [None, None])
    ])  # fmt: skip
    found = ws.video_totals(rows).to_pylist()
    assert [(v["videoTitle"], v["viewers"]) for v in found] == [("B", 6), ("Z", 3)]


# What is no such table.


@pytest.mark.parametrize("function", [ws.video_totals, ws.user_totals])
def test_another_table_is_refused(function: Any, events: pa.Table, rows: pa.Table) -> None:
    with pytest.raises(MissingColumnError, match=r"no column .*it has .*sessionStart.*engagement rows"):
        function(ws.sessions(events))
    with pytest.raises(MissingColumnError, match=r"it has timestamp, .*aggregate\(\)"):
        function(events)
    with pytest.raises(MissingColumnError, match="2 columns named 'totalWatchTime'"):
        function(rows.append_column("totalWatchTime", rows["totalWatchTime"]))


@pytest.mark.parametrize(
    ("name", "value", "error", "told"),
    [
        ("totalWatchTime", math.nan, DataError, r"'totalWatchTime' is nan in 1 of \d+ rows"),
        ("engagementScore", math.inf, DataError, "'engagementScore' is inf"),
        ("totalWatchTime", None, DataError, "null in 1 of"),
        ("userId", None, DataError, "'userId' is null in 1 of"),
        ("totalWatchTime", 1e300, DataError, "cannot be summed up"),
    ],
)
def test_odd_values_are_named(rows: pa.Table, name: str, value: Any, error: Any, told: str) -> None:
    values = [value, *rows[name].to_pylist()[1:]]
    with pytest.raises(error, match=told):
        ws.user_totals(with_column(rows, name, values, rows.schema.field(name).type))


def test_another_type_is_named(rows: pa.Table) -> None:
    with pytest.raises(ColumnTypeError, match=r"'sessionCount' is of type string.*engagement rows"):
        ws.video_totals(with_column(rows, "sessionCount", ["1"] * rows.num_rows, pa.string()))


@pytest.mark.parametrize("function", [ws.video_totals, ws.user_totals])
def test_whatever_is_in_a_column_is_taken_or_refused(function: Any, rows: pa.Table) -> None:
    few, told = rows.slice(0, 5), []
    for name in rows.column_names:
        for column in hostile_columns(5):
            try:
                found = function(with_column(few, name, column))
            except WatchspanError as error:
                told.append(str(error))
            else:
                assert found.num_rows <= 5
    assert len(told) > 100
    assert [text for text in told if not text.endswith(".")] == []
