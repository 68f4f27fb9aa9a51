"""Key moments: by hand, the laws, against a second opinion in numpy, and what is refused."""

from __future__ import annotations

import math
from typing import Any, Optional

import pyarrow as pa
import pytest

import watchspan as ws
from support import moments_oracle
from support.insight_rows import hostile_columns, other_ways, sample_events, with_column
from support.viewers import DURATION, INTERVALS, Plant, rows_of
from watchspan import sample
from watchspan.errors import DataError, MissingColumnError, OptionError, WatchspanError
from watchspan.insight.completion import wilson

KINDS = ["dip", "drop", "end", "intro", "spike", "steady"]
Stretches = list[tuple[float, float]]


def rows_by_hand(*viewers: tuple[int, Stretches, Stretches], duration: Optional[float] = 100.0) -> pa.Table:
    """Rows of so many viewers each who watched, and again, these stretches of one video."""
    rows = []
    for count, watched, again in viewers:
        pairs = [[{"start": start, "end": end} for start, end in those] for those in (watched, again)]
        rows += [
            {
                "userId": f"u{len(rows) + number}",
                "videoId": "v",
                "videoTitle": None,
                "videoDuration": duration,
                "durationSource": "metadata",
                "maxPositionReached": max((end for _, end in watched), default=0.0),
                "watchedIntervals": pairs[0],
                "replayedIntervals": pairs[1],
            }
            for number in range(count)
        ]
    table = pa.Table.from_pylist(rows)
    for name in ("watchedIntervals", "replayedIntervals"):
        table = with_column(table, name, table[name].cast(INTERVALS))
    return with_column(table, "videoTitle", table["videoTitle"].cast(pa.string()))


def found(rows: Any, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """The moments by kind."""
    kinds: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for row in ws.moments(rows, **options).to_pylist():
        kinds[row["kind"]].append(row)
    return kinds


def place(row: dict[str, Any]) -> tuple[float, float]:
    """Where it is, without the errors of the last digits of edges."""
    return round(row["startSeconds"], 9), round(row["endSeconds"], 9)


def test_intro_and_end_by_hand() -> None:
    rows = rows_by_hand((3, [(0, 100)], []), (1, [(0, 95)], []), (2, [(0, 30)], []), (4, [(0, 29.9)], []))
    kinds = found(rows)
    assert {kind for kind, those in kinds.items() if those} == {"intro", "end"}, "too few viewers for others"
    (intro,), (end,) = kinds["intro"], kinds["end"]
    assert (place(intro), intro["size"], intro["viewers"], intro["z"]) == ((0.0, 30.0), 0.6, 10, None)
    assert (place(end), end["size"], end["viewers"]) == ((95.0, 100.0), 0.4, 10)
    assert (intro["sizeLow"], intro["sizeHigh"]) == pytest.approx(wilson(6, 10)[1:], abs=1e-12)
    sure = found(rows, confidence=0.99)["end"][0]
    assert (sure["sizeLow"], sure["sizeHigh"]) == pytest.approx(wilson(4, 10, 0.99)[1:], abs=1e-12)


def test_short_videos_have_only_an_intro_and_an_end() -> None:
    rows = rows_by_hand((100, [(0, 59.9)], []), duration=59.9)
    assert [row["kind"] for row in ws.moments(rows).to_pylist()] == ["end", "intro"]
    short = ws.moments(rows_by_hand((5, [(0, 20)], []), (5, [(0, 19.9)], []), duration=20.0)).to_pylist()
    assert [(row["endSeconds"], row["size"]) for row in short] == [(20.0, 1.0), (20.0, 0.5)]
    longer = rows_by_hand((100, [(0, 59.9)], []), duration=60.0)
    assert [row["kind"] for row in ws.moments(longer).to_pylist()] == ["end", "intro", "steady"]


def test_steady_by_hand() -> None:
    # Ten leave at 35, ten at 90: from 36 on to 66 is the first stretch that loses nobody.
    rows = rows_by_hand((10, [(0, 35.5)], []), (10, [(0, 90)], []), (80, [(0, 100)], []))
    (steady,) = found(rows)["steady"]
    assert (place(steady), steady["size"], steady["sizeLow"], steady["viewers"]) == (
        (36.0, 66.0),
        0.0,
        0.0,
        90,
    )
    # 41 stretches begin from 30 to 70.
    assert steady["sizeHigh"] == pytest.approx(wilson(0, 90, 1 - 0.05 / 41)[2], abs=1e-12)


def test_a_dip_by_hand() -> None:
    rows = rows_by_hand((40, [(0, 50), (55, 100)], []), (60, [(0, 100)], []))
    kinds = found(rows)
    (dip,) = kinds["dip"]
    assert (place(dip), dip["size"], dip["viewers"]) == ((50.0, 55.0), -0.4, 100)
    # d is 1 for 40 of 100: the mean is 0.4, and the variance 0.4 · 0.6 · 100 / 99.
    error = math.sqrt(0.24 / 99)
    assert dip["z"] == pytest.approx(0.4 / error, rel=1e-9)
    # 98 + 95 + 92 + 86 + 77 windows.
    margin = moments_oracle.critical(0.05 / (4 * 448)) * error
    assert (dip["sizeLow"], dip["sizeHigh"]) == pytest.approx((-0.4 - margin, -0.4 + margin), rel=1e-9)
    assert kinds["spike"] == kinds["drop"] == [], "what is beside a dip is no spike"


def test_a_spike_by_hand() -> None:
    rows = rows_by_hand((30, [(0, 100)], [(20, 22), (20, 22)]), (70, [(0, 100)], []))
    (spike,) = found(rows)["spike"]
    assert (place(spike), spike["size"]) == ((20.0, 22.0), 0.6)
    # d is 2 for 30 of 100.
    assert spike["z"] == pytest.approx(0.6 / math.sqrt(4 * 0.21 / 99), rel=1e-9)
    assert found(rows, min_share=0.61)["spike"] == []
    few = rows_by_hand((9, [(0, 100)], [(20, 22)]), (91, [(0, 100)], []))
    assert found(few, confidence=0.51)["spike"] == [], "nine viewers are too few"


def test_a_drop_by_hand() -> None:
    rows = rows_by_hand(
        (20, [(0, 60.5)], []), *((1, [(0, at + 0.5)], []) for at in range(40, 90, 2)), (155, [(0, 100)], [])
    )
    (drop,) = found(rows)["drop"]
    # Ten left from 40 on, so 190 were there; beside it five left of 10 buckets' 1,799.
    assert (place(drop), drop["viewers"]) == ((60.0, 61.0), 190)
    there = [200 - sum(at + 0.5 < edge for at in range(40, 90, 2)) - 20 * (edge > 60) for edge in range(101)]
    beside = [bucket for bucket in range(55, 66) if bucket != 60]
    rest = sum(there[b] - there[b + 1] for b in beside) / sum(there[b] for b in beside)
    assert drop["size"] == pytest.approx((there[60] - there[61]) / 190 - rest, rel=1e-9)
    assert drop["sizeLow"] > 0
    # Everybody's last position is the end: nobody leaves.
    assert found(rows_by_hand((100, [(0, 100)], [])))["drop"] == []


def test_what_everybody_does_has_no_z() -> None:
    dip = found(rows_by_hand((100, [(0, 50), (55, 100)], [])))["dip"]
    assert [(place(row), row["size"], row["sizeLow"], row["sizeHigh"], row["z"]) for row in dip] == [
        ((50.0, 55.0), -1.0, -1.0, -1.0, None)
    ]


def test_rows_that_do_not_tell_of_replays_have_no_spikes() -> None:
    rows = rows_by_hand((100, [(0, 50), (55, 100)], [(20, 22)]))
    assert len(found(rows)["spike"]) == 1
    for other in (rows.drop_columns(["replayedIntervals"]),
                  with_column(rows, "replayedIntervals", [None] * 100, INTERVALS)):  # fmt: skip
        kinds = found(other)
        assert (len(kinds["spike"]), len(kinds["dip"])) == (0, 1)


def test_durations_that_are_estimates_are_left_out() -> None:
    rows = rows_by_hand((100, [(0, 100)], []))
    guessed = with_column(rows, "durationSource", ["estimated"] * 100, pa.string())
    assert ws.moments(guessed).num_rows == 0
    known = {"videoId": ["v"], "duration": [200.0], "title": ["Title"]}
    told = ws.moments(guessed, videos=known).to_pylist()
    assert {row["videoTitle"] for row in told} == {"Title"}
    # Half of a video of 200 s: then everybody leaves.
    sizes = {row["kind"]: row["size"] for row in told}
    assert sizes == {"drop": 1.0, "end": 0.0, "intro": 1.0, "steady": 0.0}
    sessions = ws.sessions(sample_events())
    assert ws.moments(sessions).num_rows == 0
    assert ws.moments(sessions, videos=sample.videos(3)).num_rows > 0


@pytest.mark.parametrize(
    "plant", [None, Plant("spike", 200, 230, 0.1), Plant("dip", 200, 230, 0.1), Plant("drop", 200, 206, 0.1)]
)
def test_numpy_says_the_same(plant: Optional[Plant]) -> None:
    rows = rows_of(2, 700, 5, plant)
    for buckets, error in ((100, 0.05), (30, 0.2)):
        made = ws.moments(rows, buckets=buckets, confidence=1 - error).to_pylist()
        for video in (0, 1):
            of_it = [row for row in rows.to_pylist() if row["videoId"] == video]
            expected = moments_oracle.moments(of_it, buckets, error)
            told = [row for row in made if row["videoId"] == video]
            assert len(told) == len(expected)
            for row, other in zip(told, expected):
                for name, value in other.items():
                    is_exact = value is None or isinstance(value, str)
                    assert row[name] == (value if is_exact else pytest.approx(value, rel=1e-6)), name
        assert plant is None or plant.kind in {row["kind"] for row in made}


# Laws.


def test_sessions_say_what_engagement_rows_say() -> None:
    events, videos = sample.events(60_000, seed=4), sample.videos(4)
    sessions = ws.sessions(events)
    rows = ws.engagement(sessions, videos=videos)
    expected = ws.moments(rows, min_viewers=20)
    assert len(set(expected["kind"].to_pylist())) > 3
    assert ws.moments(sessions, videos=videos, min_viewers=20).equals(expected)


def test_order_form_and_threads_do_not_matter() -> None:
    rows = rows_of(3, 300, 6, Plant("dip", 200, 230, 0.2))
    rows = with_column(rows, "videoId", rows["videoId"].cast(pa.string()))
    expected = ws.moments(rows)
    assert expected.schema.field("videoId").type == pa.string()
    keys = [(row["videoId"], row["kind"], row["startSeconds"]) for row in expected.to_pylist()]
    assert keys == sorted(keys)
    assert {"dip", "end", "intro", "steady"} <= set(expected["kind"].to_pylist())
    for name, other in other_ways(rows):
        assert ws.moments(other).equals(expected), name
    for threads in (1, 2, 7):
        assert ws.moments(rows, threads=threads).equals(expected)


def test_one_large_video_is_summed_up_in_parts() -> None:
    rows = rows_of(1, 40_000, 7, Plant("spike", 200, 230, 0.05))
    expected = ws.moments(rows, threads=1)
    assert "spike" in expected["kind"].to_pylist()
    assert ws.moments(rows.take(pa.array(range(rows.num_rows))[::-1]), threads=4).equals(expected)


def test_at_most_so_many_of_each_kind() -> None:
    again = [(at, at + 2.0) for at in range(10, 90, 10)]
    rows = rows_by_hand((50, [(0, 100)], again), (50, [(0, 100)], []))
    assert len(found(rows)["spike"]) == 5
    assert len(found(rows, max_each=100)["spike"]) == len(again)
    assert len(found(rows, max_each=1)["spike"]) == 1


def test_buckets_by_their_length() -> None:
    rows = rows_by_hand((40, [(0, 50), (55, 100)], []), (60, [(0, 100)], []))
    assert [place(row) for row in found(rows, bucket_seconds=2.5)["dip"]] == [(50.0, 55.0)]
    told = zip(*(ws.moments(rows, **{name: 1 if name == "bucket_seconds" else 100}).to_pylist()
                 for name in ("bucket_seconds", "buckets")))  # fmt: skip
    assert all(
        (place(one), one["z"], one["size"]) == (place(other), other["z"], other["size"])
        for one, other in told
    )
    assert {row["kind"] for row in ws.moments(rows, bucket_seconds=1e6).to_pylist()} == {"end", "intro"}
    with pytest.warns(ws.errors.WatchspanWarning, match=r"1 of the videos .* 10,000 buckets of 0\.001 s"):
        assert ws.moments(rows, bucket_seconds=0.001).num_rows == 0


# What is refused.


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("buckets", value) for value in (0, 19, 10_001, None, 2.5, "30", True)),
        *(("bucket_seconds", value) for value in (0, -1, math.nan, math.inf, "3")),
        *(("confidence", value) for value in (0.5, 1, 0.2, 95, math.nan, None, "0.9", True)),
        *(("min_viewers", value) for value in (0, -1, 1.5, None, 2**70)),
        *(("min_share", value) for value in (-0.1, 1.1, math.nan, None)),
        *(("max_each", value) for value in (0, 2.5, None)),
        *(("threads", value) for value in (0, "2")),
    ],
)
def test_bad_options_are_named(option: str, value: Any) -> None:
    rows = rows_by_hand((1, [(0, 1)], []))
    with pytest.raises(OptionError, match=f"^{option} is .*needed"):
        ws.moments(rows, **{option: value})


def test_other_tables_are_refused() -> None:
    with pytest.raises(MissingColumnError, match="userId"):
        ws.moments(ws.video_totals(ws.aggregate(sample_events())))
    with pytest.raises(DataError, match="unique_seconds=True"):
        ws.moments(ws.aggregate(sample_events(), unique_seconds=False))
    assert ws.moments(ws.aggregate([])).num_rows == 0


def test_whatever_is_in_a_column_is_taken_or_refused() -> None:
    rows, told = rows_of(1, 5, 1), []
    odd = [[{"start": 0.0, "end": end}] * 2 for end in (math.nan, None, -1.0, 1e300, 5e-324)]
    for name in rows.column_names:
        for column in [*hostile_columns(5), *(pa.array([value] * 5) for value in odd)]:
            try:
                made = ws.moments(with_column(rows, name, column), min_viewers=1, confidence=0.51)
            except WatchspanError as error:
                told.append(str(error))
                continue
            assert all(row["sizeLow"] <= row["size"] <= row["sizeHigh"] for row in made.to_pylist())
    assert len(told) > 20


@pytest.mark.parametrize("duration", [5e-324, 60.0, 1e12, 1.7e308])
def test_durations_of_any_length(duration: float) -> None:
    rows = rows_of(1, 150, 2)
    videos = {"videoId": [0], "duration": [duration]}
    for row in ws.moments(rows, videos=videos).to_pylist():
        assert 0 <= row["startSeconds"] <= row["endSeconds"] <= duration
        assert all(math.isfinite(row[name]) for name in ("size", "sizeLow", "sizeHigh"))
    assert DURATION == 600
