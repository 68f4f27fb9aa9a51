"""Laws of the metric definitions, which the second opinion keeps whatever the events are."""

import math
import random
from typing import Any

import pytest

from support.oracle import RULES, VOCABULARY, Row, sessions
from support.oracle_engagement import engagement, retention
from support.oracle_intervals import interval_pairs, length

START = 1_768_471_200_000_000
KINDS = ["play", "resume", "pause", "close", "ended", "seek", "seek_start", "heartbeat", "rate_change"]
RATES = [None, None, 0.5, 1.0, 2.0, 4.0]
RULE_CHOICES = {
    "tolerance_seconds": [0.0, 0.5, 5.0, 20.0],
    "max_segment_seconds": [20.0, 7200.0],
    "max_unstated_speed": [1.0, 1.25, 4.0],
    "backward_skip_seconds": [0.0, 2.0, 30.0],
    "session_timeout_seconds": [None, 30.0, 1800.0],
    "heartbeat_seconds": [None, 10.0],
    "open_segment_cap_seconds": [0.0, 300.0],
}
INTERVALS = ("watchedIntervals", "replayedIntervals")
STREAMS = 200
# What is added up in other orders differs in its last digits.
EXACT = 1e-6


def stream(rng: random.Random, rates: Any = RATES) -> list[Row]:
    """Events of two users, two videos and two sessions, whose positions mostly follow the clock.

    Times and positions are halves of a second, which add up exactly.
    """
    clock, position = START, 0.0
    rows = []
    steadily = rng.random() < 0.5
    for _ in range(rng.randrange(1, 26)):
        gap = rng.choice([0, 0.5, 0.5, 0.5, 1, 2] if steadily else [0, 1, 5, 10, 30, 150, 2000])
        clock += int(gap * 1_000_000)
        steps = [gap, gap, gap * 2, gap + 1, gap + 2, gap + 5, gap / 2, 0.0, -0.5, -2.0]
        position = max(0.0, position + rng.choice(steps))
        if rng.random() < 0.15:
            position = rng.randrange(0, 300) / 2
        rows.append(
            {
                "timestamp": clock,
                "userId": rng.choice(["ann", "ann", "ann", "bob"]),
                "videoId": rng.choice(["v1", "v1", "v1", "v2"]),
                "sessionId": rng.choice(["s1", "s1", "s1", "s2"]),
                "eventName": rng.choice([*KINDS, *["heartbeat"] * (20 if steadily else 2), "play"]),
                "currentTime": rng.choice([position] * 8 + [None]),
                "seekFrom": rng.choice([None, position, rng.randrange(0, 300) / 2]),
                "playbackRate": rng.choice(rates),
                "videoDuration": rng.choice([None, None, 100.0, 100.5, 60.0]),
            }
        )
    return rows


def some_rules(rng: random.Random) -> Row:
    """Some rules that differ from their defaults."""
    names = rng.sample(sorted(RULE_CHOICES), rng.randrange(0, 5))
    return {name: rng.choice(RULE_CHOICES[name]) for name in names}


@pytest.fixture(params=range(STREAMS))
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Chance, another one for every stream."""
    return random.Random(request.param)


def test_play_time_is_no_more_than_the_clock(rng: random.Random) -> None:
    for row in sessions(stream(rng), rng.random() < 0.5, some_rules(rng))[0]:
        assert row["playTime"] <= (row["sessionEnd"] - row["sessionStart"]) / 1e6 + EXACT


def top_speed(events: list[Row], row: Row, rules: Row) -> float:
    """The largest limit in force: what was stated, and what may be until then."""
    keys = ("userId", "videoId", "sessionId")
    mine = [event for event in events if all(event[key] == row[key] for key in keys)]
    stated = [event["playbackRate"] for event in mine if event["playbackRate"] is not None]
    return max(1.0, rules["max_unstated_speed"], *stated)


def test_watch_time_is_what_the_clock_allows(rng: random.Random) -> None:
    """At the top speed and within the tolerance, once for a session and not once for every event.

    Steps back that are no backward skip let what follows them be seen again at the same time, and so this
    is the law of players that take no such steps.
    """
    events = stream(rng)
    rules = {**RULES, **some_rules(rng), "session_timeout_seconds": None, "backward_skip_seconds": 0.0}
    for row in sessions(events, rules=rules)[0]:
        clock = (row["sessionEnd"] - row["sessionStart"]) / 1e6
        most = top_speed(events, row, rules) * clock + rules["tolerance_seconds"]
        assert row["watchTime"] <= most + EXACT


def test_at_speed_1_watch_time_is_no_more_than_the_clock(rng: random.Random) -> None:
    events, tolerance = stream(rng, [1.0]), rng.choice([0.0, 0.5, 5.0])
    rules = {"tolerance_seconds": tolerance, "backward_skip_seconds": 0.0}
    for row in sessions(events, rules=rules)[0]:
        clock = (row["sessionEnd"] - row["sessionStart"]) / 1e6
        assert row["watchTime"] <= clock + tolerance + EXACT


def test_plays_add_up_to_the_watch_time(rng: random.Random) -> None:
    rows = sessions(stream(rng), rules=some_rules(rng))[0]
    buckets, duration = rng.choice([1, 7, None]), rng.choice([60.0, 100.0, None])
    videos = [{"videoId": "v1", "duration": duration}, {"videoId": "v2", "duration": duration}]
    size = {"bucket_seconds": 7.0} if buckets is None else {"buckets": buckets}
    for given_rows in (rows, engagement(rows, videos)):
        for video in ("v1", "v2"):
            curve = [row for row in retention(given_rows, videos, **size) if row["videoId"] == video]
            if not curve:
                continue
            d = curve[-1]["endSeconds"]
            plays = sum(row["plays"] * (row["endSeconds"] - row["startSeconds"]) for row in curve)
            assert math.isclose(plays, watched_up_to(d, given_rows, video), abs_tol=EXACT)
    watched = sum(row["watchTime"] for row in rows)
    assert math.isclose(sum(watched_up_to(math.inf, rows, v) for v in ("v1", "v2")), watched, abs_tol=EXACT)


def watched_up_to(d: float, rows: list[Row], video: str) -> float:
    """The watch time of a video up to there."""
    columns = [row[name] for row in rows if row["videoId"] == video for name in INTERVALS]
    played = [interval for column in columns for interval in interval_pairs(column)]
    return length((start, min(end, d)) for start, end in played if start < d)


def test_replayed_intervals_are_what_was_rewatched(rng: random.Random) -> None:
    rules = some_rules(rng)
    rows = sessions(stream(rng), rng.random() < 0.5, rules)[0]
    for row in rows:
        twice = length(interval_pairs(row["replayedIntervals"]))
        assert math.isclose(row["watchTime"], row["uniqueSecondsWatched"] + twice, abs_tol=EXACT)
    for row in engagement(rows, rules=rules):
        twice = length(interval_pairs(row["replayedIntervals"]))
        assert math.isclose(row["rewatchedSeconds"], twice, abs_tol=EXACT)


def assert_close(rows: list[Row], others: list[Row]) -> None:
    """The same numbers, but for what other orders of summing do to them."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others):
        assert row == pytest.approx(other, abs=EXACT)


def test_the_order_of_rows_does_not_matter(rng: random.Random) -> None:
    events, rules, has_session = stream(rng), some_rules(rng), rng.random() < 0.5
    events += rng.sample(events, rng.randrange(0, len(events)))
    shuffled = rng.sample(events, len(events))
    rows, report = sessions(events, has_session, rules)
    again, report_again = sessions(shuffled, has_session, rules)
    assert (again, report_again) == (rows, report)
    again = rng.sample(again, len(again))
    assert engagement(again, rules=rules) == engagement(rows, rules=rules)
    assert_close(retention(again, buckets=3), retention(rows, buckets=3))


def test_numbers_are_possible(rng: random.Random) -> None:
    """Finite, not negative; and the walk asserts that a player that plays stands somewhere."""
    for row in sessions(stream(rng), rng.random() < 0.5, some_rules(rng))[0]:
        numbers = [value for value in row.values() if isinstance(value, (int, float))]
        numbers += [number for stretch in row["unobserved"] for number in stretch.values()]
        assert all(math.isfinite(number) and number >= 0 for number in numbers)
        assert row["uniqueSecondsWatched"] <= row["watchTime"] + EXACT


def test_every_kind_is_drawn() -> None:
    assert {VOCABULARY[name] for name in KINDS} == set(VOCABULARY.values())
