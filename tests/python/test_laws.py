"""Laws that hold for any events, and input that nobody should send."""

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import watchspan as ws

START = 1_768_471_200_000_000
NAMES = ["play", "resume", "pause", "ended", "seek", "seek_start", "heartbeat", "close", "rate_change", "odd"]
VIDEOS = pa.table({"videoId": ["v1"], "duration": [100.0]})

EVENT = st.fixed_dictionaries(
    {
        "timestamp": st.integers(0, 4000).map(lambda second: START + second * 1_000_000),
        "userId": st.sampled_from(["ann", "bob", None]),
        "videoId": st.sampled_from(["v1", "v2"]),
        "sessionId": st.sampled_from(["s1", "s2"]),
        "eventName": st.sampled_from(NAMES),
        # Up to where a float still tells a microsecond from the next.
        "currentTime": st.one_of(
            st.integers(0, 120).map(float),
            st.floats(-5, 2**23, width=32),
            st.sampled_from([math.nan, math.inf, -math.inf]),
        ),
        "seekFrom": st.one_of(st.none(), st.integers(0, 120).map(float)),
        "playbackRate": st.sampled_from([None, 0.5, 1.0, 2.0, -1.0]),
    }
)
EVENTS = st.lists(EVENT, max_size=40)
SCHEMA = pa.schema(
    [
        ("timestamp", pa.timestamp("us", "UTC")),
        *((name, pa.string()) for name in ("userId", "videoId", "sessionId", "eventName")),
        *((name, pa.float64()) for name in ("currentTime", "seekFrom", "playbackRate")),
    ]
)


def table(events):
    columns = [pa.array([event[field.name] for event in events], field.type) for field in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def aggregate(events, **options):
    return ws.aggregate(table(events), videos=VIDEOS, **options)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 7), st.integers(1, 4))
def test_row_order_batches_and_threads_change_nothing(events, chance, size, threads):
    whole = aggregate(events, threads=1)
    shuffled = list(events)
    chance.shuffle(shuffled)
    batches = table(shuffled).to_batches(max_chunksize=size)
    again = ws.aggregate(iter(batches), videos=VIDEOS, threads=threads)
    assert again.equals(whole)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(EVENTS)
def test_repeated_events_change_nothing_but_the_count(events):
    once, twice = aggregate(events), aggregate(events + events)
    assert twice.equals(once)
    kept = ws.report(once)["kept"]
    assert ws.report(twice)["kept"] == kept
    assert ws.report(twice)["dropped"]["duplicate"] == ws.report(once)["dropped"]["duplicate"] * 2 + kept


@settings(max_examples=100, deadline=None, derandomize=True)
@given(EVENTS, st.booleans(), st.booleans())
def test_engagement_is_a_function_of_sessions(events, count_unobserved, unique_seconds):
    rules = ws.Rules(count_unobserved=count_unobserved)
    direct = aggregate(events, rules=rules, unique_seconds=unique_seconds)
    sessions = ws.sessions(table(events), rules=rules)
    again = ws.engagement(sessions, videos=VIDEOS, rules=rules, unique_seconds=unique_seconds)
    assert again.equals(direct, check_metadata=True)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(EVENTS, st.booleans())
def test_numbers_are_possible(events, count_unobserved):
    for row in aggregate(events, rules=ws.Rules(count_unobserved=count_unobserved)).to_pylist():
        numbers = [value for value in row.values() if isinstance(value, (int, float))]
        assert all(math.isfinite(value) and value >= 0 for value in numbers), row
        assert not any(math.copysign(1, value) < 0 for value in numbers), row
        assert row["totalUniqueSecondsWatched"] <= row["totalWatchTime"] + 1e-6
        assert row["totalUniqueSecondsWatched"] <= (row["videoDuration"] or math.inf) + 1e-6
        assert sum(i["end"] - i["start"] for i in row["watchedIntervals"]) <= row["totalWatchTime"] + 1e-6


@settings(max_examples=100, deadline=None, derandomize=True)
@given(EVENTS, EVENTS)
def test_another_user_changes_no_other_row(events, others):
    known = pa.table({"videoId": ["v1", "v2"], "duration": [100.0, 60.0]})
    others = [{**event, "userId": "zoe"} for event in others]
    alone = ws.aggregate(table(events), videos=known).to_pylist()
    together = ws.aggregate(table(events + others), videos=known).to_pylist()
    assert [row for row in together if row["userId"] != "zoe"] == alone


def one_event(**columns):
    event = {
        "timestamp": pa.array([START], pa.timestamp("us")),
        "userId": ["a"],
        "videoId": ["v"],
        "eventName": ["play"],
        "currentTime": [0.0],
    }
    return pa.table({**event, **columns})


def test_long_keys():
    key = "x" * 10_000_000
    rows = ws.aggregate(one_event(userId=[key], videoId=[key + "y"]))
    assert rows["userId"].to_pylist() == [key]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_timestamps_at_the_end_of_their_range(unit, value):
    stamps = pa.array([value], pa.int64()).cast(pa.timestamp(unit))
    report = ws.report(ws.aggregate(one_event(timestamp=stamps)))
    assert report["dropped"]["invalid_timestamp"] == (0 if unit == "ns" else 1)


def test_text_in_a_csv_that_is_not_utf8_is_an_error_of_the_source(tmp_path):
    path = tmp_path / "events.csv"
    header = b"timestamp,userId,videoId,eventName,currentTime\n"
    path.write_bytes(header + b"2026-01-15T10:00:00Z,\xff\xfe,v,play,0\n")
    with pytest.raises(ws.errors.WatchspanError):
        ws.aggregate(path)
