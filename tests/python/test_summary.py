"""The summary: checked by hand on a small table, against plain Python on a larger one."""

from __future__ import annotations

import json
import pathlib
import random
import statistics
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from watchspan import _core
from watchspan.errors import MissingColumnError


def test_a_small_table(events: pa.Table, videos: pa.Table) -> None:
    assert ws.summarize(ws.aggregate(events, videos=videos)) == {
        "users": 2,
        "videos": 2,
        "rows": 3,
        "sessions": 3,
        "events": 10,
        "watch_time_hours": 440 / 3600,
        "completion_rate": 1 / 3,
        "tiers": {"High": 1, "Medium": 0, "Low": 2, "Minimal": 0, "unscored": 0},
        "flags": {"ok": 3, **dict.fromkeys((name for name, _ in _core.flag_specs()), 0)},
        "watch_time_seconds": {
            "min": 20.0,
            "p25": 75.0,
            "median": 130.0,
            "mean": 440 / 3,
            "p75": 210.0,
            "p90": 258.0,
            "p99": 286.8,
            "max": 290.0,
        },
        "negative_watch_time": 0,
        "top_videos": [
            {
                "videoId": "v1",
                "videoTitle": "Intro",
                "viewers": 2,
                "totalWatchTime": 420.0,
                "completionRate": 0.5,
                "averageScore": pytest.approx((28.33 + 87.67) / 2),
            },
            {
                "videoId": "v2",
                "videoTitle": None,
                "viewers": 1,
                "totalWatchTime": 20.0,
                "completionRate": 0.0,
                "averageScore": 35.0,
            },
        ],
    }


@pytest.fixture
def many() -> pa.Table:
    """Rows of 40 users and 12 videos, some without a duration, of every tier and several flags."""
    chance = random.Random(7)
    events = []
    for user in range(40):
        for video in chance.sample(range(12), 4):
            start, stop = user * 1000, chance.choice([3, 60, 200, 400])
            for name, at in (("play", 0), ("pause", stop)):
                events.append({
                    "timestamp": f"2026-01-15T{10 + video:02}:{start // 3600:02}:00Z" if not at else
                    f"2026-01-15T{10 + video:02}:{start // 3600 + at // 60:02}:{at % 60:02}Z",
                    "userId": user, "videoId": f"v{video}", "eventName": name, "currentTime": at,
                })  # fmt: skip
    videos = {"videoId": [f"v{video}" for video in range(9)], "duration": [100.0 + 40 * v for v in range(9)]}
    return ws.aggregate(events, videos=videos, rules=ws.Rules(estimate_duration=False))


def test_a_larger_table_agrees_with_plain_python(many: pa.Table) -> None:
    rows, found = many.to_pylist(), ws.summarize(many, top=3)
    times = [row["totalWatchTime"] for row in rows]
    assert found["rows"] == len(rows) == 160
    assert found["users"] == 40
    assert found["watch_time_hours"] == pytest.approx(sum(times) / 3600)
    assert found["watch_time_seconds"]["median"] == pytest.approx(statistics.median(times))
    assert found["completion_rate"] == pytest.approx(
        statistics.mean(r["isCompletedAtLeastOnce"] for r in rows)
    )
    tiers = [row["engagementTier"] or "unscored" for row in rows]
    assert found["tiers"] == {
        tier: tiers.count(tier) for tier in ("High", "Medium", "Low", "Minimal", "unscored")
    }
    assert sum(found["tiers"].values()) == 160
    flags = [flag for row in rows for flag in (row["dataQualityFlags"] or ["ok"])]
    assert found["flags"] == {flag: flags.count(flag) for flag in found["flags"]}
    assert len(flags) > 160, "some row has several flags"
    totals = dict.fromkeys({row["videoId"] for row in rows}, 0.0)
    for row in rows:
        totals[row["videoId"]] += row["totalWatchTime"]
    ranked = sorted(totals, key=lambda key: (-totals[key], key))
    assert [video["videoId"] for video in found["top_videos"]] == ranked[:3]
    unscored = [v for v in ws.summarize(many, top=99)["top_videos"] if v["averageScore"] is None]
    assert {video["videoId"] for video in unscored} == {"v9", "v10", "v11"}


def test_equal_watch_times_are_ordered_by_key() -> None:
    row = {"timestamp": "2026-01-15T10:00:00Z", "userId": "u", "eventName": "play", "currentTime": 0}
    rows = ws.aggregate([{**row, "videoId": video} for video in ("b", "c", "a")])
    assert [video["videoId"] for video in ws.summarize(rows)["top_videos"]] == ["a", "b", "c"]


def forms(rows: pa.Table, folder: pathlib.Path) -> dict[str, Any]:
    """The same rows on the ways that they take in practice."""
    path = folder / "rows.parquet"
    pq.write_table(rows, path, row_group_size=7)
    return {
        "path": path,
        "read back": pq.read_table(path),
        "dictionaries": pq.read_table(path, read_dictionary=["videoId", "engagementTier", "dataQualityFlag"]),
        "chunks": pa.concat_tables([rows.slice(start, 7) for start in range(0, max(rows.num_rows, 1), 7)]),
        "batches": rows.to_batches(max_chunksize=11),
    }


def test_the_way_of_the_rows_does_not_matter(many: pa.Table, tmp_path: pathlib.Path) -> None:
    expected = ws.summarize(many)
    for name, rows in forms(many, tmp_path).items():
        assert ws.summarize(rows) == expected, name
    polars = pytest.importorskip("polars")
    assert ws.summarize(polars.from_arrow(many)) == expected


@pytest.mark.parametrize("unique_seconds", [True, False])
def test_the_summary_is_json(many: pa.Table, events: pa.Table, unique_seconds: bool) -> None:
    empty = ws.aggregate([], unique_seconds=unique_seconds)
    for rows in (many, ws.aggregate(events, unique_seconds=unique_seconds), empty):
        found = ws.summarize(rows)
        assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_an_empty_table(tmp_path: pathlib.Path) -> None:
    rows = ws.aggregate([])
    found = ws.summarize(rows)
    assert (found["rows"], found["users"], found["watch_time_hours"], found["completion_rate"]) == (
        0,
        0,
        0,
        None,
    )
    assert set(found["watch_time_seconds"].values()) == {None}
    assert found["top_videos"] == []
    assert set(found["flags"].values()) == {0}
    for name, source in forms(rows, tmp_path).items():
        if name != "batches":
            assert ws.summarize(source) == found, name


def test_negative_watch_time_is_counted(many: pa.Table) -> None:
    times = [-1.0, -2.0, *many["totalWatchTime"].to_pylist()[2:]]
    index = many.column_names.index("totalWatchTime")
    assert ws.summarize(many.set_column(index, "totalWatchTime", pa.array(times)))["negative_watch_time"] == 2


def test_tables_of_several_runs_may_be_put_together(events: pa.Table, videos: pa.Table) -> None:
    untitled = ws.aggregate(events, videos=videos.drop(["title"]))
    found = ws.summarize(pa.concat_tables([untitled, ws.aggregate(events, videos=videos)]))
    assert [(v["videoId"], v["videoTitle"], v["viewers"]) for v in found["top_videos"]] == [
        ("v1", "Intro", 4),
        ("v2", None, 2),
    ]


def test_another_table_is_refused(events: pa.Table) -> None:
    with pytest.raises(MissingColumnError, match=r"no column 'videoTitle'; it has .*sessionStart"):
        ws.summarize(ws.sessions(events))
    with pytest.raises(MissingColumnError, match="engagement"):
        ws.summarize(events)
