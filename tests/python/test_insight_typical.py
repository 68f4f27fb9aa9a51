"""Typical retention: by hand, the laws, and what is refused."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from support.insight_rows import hostile_columns, other_ways, sample_events, sample_rows, with_column
from watchspan import sample
from watchspan.errors import DataError, MissingColumnError, OptionError, WatchspanError
from watchspan.insight.typical import length_class


def curves(*videos: tuple[float, list[float]]) -> pa.Table:
    """A retention table of videos of these lengths and shares."""
    return pa.table(
        {
            "videoId": [f"v{number}" for number, (_, shares) in enumerate(videos) for _ in shares],
            "videoDuration": [duration for duration, shares in videos for _ in shares],
            "bucket": [bucket for _, shares in videos for bucket in range(len(shares))],
            "retention": [share for _, shares in videos for share in shares],
        }
    )


def test_quarters_by_hand() -> None:
    table = curves(*((180.0 + number, [1.0, number / 10]) for number in range(11)), (45.0, [0.5, 0.25]))
    assert ws.typical(table).to_pylist() == [
        {"lengthClass": "< 1 min", "bucket": 0, "p25": None, "median": None, "p75": None, "videos": 1},
        {"lengthClass": "< 1 min", "bucket": 1, "p25": None, "median": None, "p75": None, "videos": 1},
        {"lengthClass": "3-10 min", "bucket": 0, "p25": 1.0, "median": 1.0, "p75": 1.0, "videos": 11},
        {"lengthClass": "3-10 min", "bucket": 1, "p25": 0.25, "median": 0.5, "p75": 0.75, "videos": 11},
    ]


def test_classes_begin_with_their_first_number() -> None:
    lengths = (59.9, 60.0, 179.9, 180.0, 599.9, 600.0, 1799.9, 1800.0)
    names = ["< 1 min", "1-3 min", "1-3 min", "3-10 min", "3-10 min", "10-30 min", "10-30 min", ">= 30 min"]
    assert [length_class(seconds) for seconds in lengths] == names
    told = ws.typical(curves(*((length, [1.0]) for length in lengths))).to_pylist()
    assert [row["lengthClass"] for row in told] == list(dict.fromkeys(names)), "in order of length"


def test_the_standard_library_says_the_same() -> None:
    retention = ws.retention(ws.sessions(sample_events()), videos=sample.videos(3), buckets=20)
    rows, found = retention.to_pylist(), ws.typical(retention).to_pylist()
    assert sum(row["videos"] for row in found) == len(rows)
    known = [row for row in found if row["median"] is not None]
    assert len(known) >= 20
    for row in known:
        alike = [
            other["retention"]
            for other in rows
            if other["bucket"] == row["bucket"] and length_class(other["videoDuration"]) == row["lengthClass"]
        ]
        expected = statistics.quantiles(alike, n=4, method="inclusive")
        assert [row["p25"], row["median"], row["p75"]] == pytest.approx(expected, abs=1e-12)


def test_order_and_form_do_not_matter() -> None:
    retention = ws.retention(sample_rows(), buckets=10)
    expected = ws.typical(retention)
    for name, other in other_ways(retention):
        assert ws.typical(other).equals(expected), name
    assert ws.typical(ws.retention(ws.aggregate([]))).num_rows == 0


def test_what_is_no_such_table_is_refused() -> None:
    with pytest.raises(DataError, match=r"cut into 1 to .* buckets, .*without bucket_seconds="):
        ws.typical(ws.retention(sample_rows(), bucket_seconds=100))
    with pytest.raises(MissingColumnError, match=r"no column 'bucket'; .*retention\(\)"):
        ws.typical(curves((60.0, [1.0])).drop_columns(["bucket"]))
    with pytest.raises(OptionError, match=r"^by is 'tier', but \"length\" is needed"):
        ws.typical(curves((60.0, [1.0])), by="tier")


def test_whatever_is_in_a_column_is_taken_or_refused() -> None:
    table, told = curves((60.0, [1.0, 0.5]), (90.0, [1.0, 0.25])), 0
    for name in table.column_names:
        for column in [*hostile_columns(4), pa.array([math.nan, 1.0, None, -1.0])]:
            try:
                made: Any = ws.typical(with_column(table, name, column))
                assert made.num_rows <= 4
            except WatchspanError:
                told += 1
    assert told > 20
