"""Random streams of events: mostly what players send, sometimes what none should."""

import random

import pyarrow as pa

import watchspan as ws
from support.oracle import RULES, VOCABULARY, sessions
from support.oracle_engagement import ADDITIVE, SCORING, engagement, retention
from support.scenarios import TIMESTAMP_COLUMNS, assert_rows, timestamp_text

START = 1_768_471_200_000_000
NAMES = [*sorted(VOCABULARY), "quality_change", None]
NUMBERS = {"currentTime", "seekFrom", "playbackRate", "videoDuration"}
VIDEOS = pa.schema([("videoId", pa.string()), ("duration", pa.float64()), ("title", pa.string())])
NOT_A_POSITION = [None, None, float("nan"), float("inf"), -1.0]
# What a stream may hold in its optional columns.
OPTIONAL = {
    "seekFrom": [None, None, 5.0, 30.5, -1.0, float("nan")],
    "playbackRate": [None, None, None, 0.5, 1.0, 1.0, 1.5, 2.0, 0.0, float("inf")],
    "sequence": [None, 1, 2],
    "videoDuration": [None, None, 0.0, float("nan"), 100.0, 100.4, 101.0, 250.0],
}
# Rules that differ from their defaults.
RULE_CHOICES = {
    "tolerance_seconds": [0.0, 0.5, 2.0, 20.0],
    "max_segment_seconds": [20.0, 1800.0],
    "max_unstated_speed": [1.0, 1.25, 4.0],
    "forward_skip_seconds": [0.0, 30.0],
    "backward_skip_seconds": [0.0, 0.5, 30.0],
    "session_timeout_seconds": [5.0, 30.0, 300.0, 1800.0],
    "open_segment_cap_seconds": [0.0, 20.0, 5000.0],
    "heartbeat_seconds": [1.0, 10.0, 40.0],
    "completion_threshold": [0.5, 1.0],
    "completion_slack_seconds": [2.0, 10.0, 30.0, 1000.0],
    "count_unobserved": [True],
    "very_short_seconds": [0.0, 60.0],
    "excessive_ratio": [0.1, 0.5, 1.0],
    "sufficient_watch_percentage": [20.0, 100.0],
    "position_slack_seconds": [0.0, 100.0],
    "estimate_duration": [False],
}


def position(rng, now):
    """Mostly where playback would be, sometimes anywhere, sometimes nothing that is a position."""
    roll = rng.random()
    if roll < 0.55:
        return float(now)
    if roll < 0.85:
        return rng.choice([0.0, 10.0, 30.5, 95.0, 100.0, float(rng.randrange(0, 130))])
    return rng.choice([*NOT_A_POSITION, -0.0])


def anything(rng, now):
    """Any events at all: the seconds since the one before, name and position of each.

    Other plots add what else the event must hold; columns that the stream lacks are left out.
    """
    for _ in range(rng.randrange(1, 12)):
        gap = rng.choice([0, 0, 1, 4, 5, 6, 10, 30, 31, 300, 1800, 1801, 4000]) + rng.choice([0, 0, 0, 0.25])
        now = rng.choice([now, (now + int(gap)) % 120])
        yield gap, rng.choice(NAMES), position(rng, now)


def ahead_of_the_clock(rng, now):
    """Heartbeats every half second, each a little ahead of the last, with stalls between them."""
    yield 1, rng.choice(["play", "heartbeat"]), float(now)
    step = rng.choice([0.5, 1.0, 1.25, 1.5, 2.5, 5.5])
    for _ in range(rng.randrange(3, 14)):
        now += rng.choice([step, step, step, step, 0, -0.5, -2])
        yield 0.5, rng.choice(["heartbeat"] * 8 + ["rate_change", "seek"]), max(0.0, float(now))
    yield rng.choice([0.5, 3]), *last_stop(rng, now + step)


def ahead_and_away(rng, now):
    """As far ahead of the clock as may be, then what might make one forget it, then on."""
    speed = rng.choice([1.0, 1.0, 1.0, 2.0, None])
    limit = 2 if speed is None else speed
    yield 1, "play", float(now), {"playbackRate": speed}
    now += 10 * limit + rng.choice([2, 5, 5, 5, 5, 5.5])
    yield 10, "heartbeat", float(now), {"playbackRate": speed}
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        gap = rng.choice([0.5, 0.5, 1, 2, 4])
        away = rng.choice(["pause"] * 3 + ["heartbeat", "rate_change", "rate_change", "seek", "seek_start"])
        there = None if away == "rate_change" else float(now)
        yield gap, away, there, {"playbackRate": speed, "seekFrom": float(now)}
        if away != "heartbeat":
            name = rng.choice(["play"] * 6 + ["seek", "seek_start", "heartbeat"])
            yield rng.choice([0.5, 1, 1, 2, 4]), name, float(now), {"playbackRate": speed}
    now += 10 * limit + rng.choice([0, 0.5, 1, 2, 4, 5])
    yield 10, rng.choice(["heartbeat", "pause"]), float(now), {"playbackRate": rng.choice([speed, 2.0])}
    yield 3, *last_stop(rng, now + 3)


def played_through(rng, now):
    """A long silence in which the position went on by about as much, at some speed."""
    gap = rng.choice([6, 31, 35, 301, 301, 1801, 1801, 1805, 3000, 7199, 7205])
    speed = rng.choice([0.5, 1, 1, 1, 1.25, 2, 3, 4, 4])
    spare = rng.choice([0, 0, 0.5, 5, 5.5, 20, -5, -30, -30.5, -300, -1800, -1800.5])
    another_before, another_after = rng.random() < 0.2, rng.random() < 0.2
    first = rng.choice(["play", "resume", "heartbeat", "heartbeat", "pause"])
    yield 1, first, float(now), {"playbackRate": rng.choice([None, float(speed), float(speed)])}
    if another_before:
        yield 0, "pause", 0.0, {"videoId": rng.choice(["v0", "v3"])}
    name = rng.choice(["heartbeat", "pause", "ended", "seek", "rate_change", "play"])
    yield gap, name, max(0.0, now + gap * speed + spare)
    if another_after:
        yield 0, "pause", 0.0, {"videoId": rng.choice(["v0", "v3"])}


def standing_still(rng, now):
    """A paused player's signs of life, which drift, and what may wake it."""
    yield 1, rng.choice(["play", "heartbeat"]), float(now)
    yield 10, rng.choice(["pause", "seek_start", "ended"]), rng.choice([now + 10.0, now + 10.0, None])
    if rng.random() < 0.3:
        yield 1, "seek_start", now + rng.choice([10.0, 60.0])
    for number in range(rng.randrange(1, 5)):
        yield rng.choice([1, 10]), "heartbeat", now + 10 + number * rng.choice([0, 0.25, 0.5, 1])
    rate = rng.choice([None, 0.5, 1.0, 2.0, 4.0])
    wakes = rng.choice(["play", "seek", "seek_start", "pause", "rate_change", "heartbeat"])
    yield 10, wakes, now + rng.choice([15.0, 20.0, 25.0, 30.0, 35.0, 60.0]), {"playbackRate": rate}
    yield 1, rng.choice(["play", "seek"]), now + rng.choice([10.0, 10.5, 60.0]), {"seekFrom": None}


def to_the_end(rng, now):
    """Played to the end, of which one or two trackers tell, perhaps without a position; perhaps again."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        yield 5, "play", float(now)
        if rng.random() < 0.3:
            yield 7, "rate_change", rng.choice([now + 7.0, None])
        yield rng.choice([90, 95, 100]), *last_stop(rng, 100)
        for _ in range(rng.choice([0, 1, 2])):
            yield rng.choice([0, 0.25, 3]), *last_stop(rng, rng.choice([98.5, 99, 100, 100.5, 101, 101.5]))
        now = 0


def last_stop(rng, now):
    """The name and position of a stop."""
    name = rng.choice(["ended", "end", "pause", "close"])
    return name, rng.choice([float(now), float(now), *NOT_A_POSITION[:3]])


PLOTS = [
    *[anything] * 3,
    ahead_of_the_clock,
    ahead_and_away,
    ahead_and_away,
    played_through,
    played_through,
    standing_still,
    to_the_end,
]


def stream(rng, has_session, optional):
    """Events of a few users on a few videos, in random order, with repeats."""
    rows = []
    for user in rng.sample(["ann", "bob", "cid", "dé"], rng.randrange(1, 4)):
        clock = START
        speeds_from = rng.choice([0, 0, 3, 8, 1000])  # until then no speed is stated
        number = 0
        for _ in range(rng.randrange(1, 4)):
            # What belongs together is mostly of one video and session, and otherwise of any.
            video, session = rng.choice(["v1", "v1", "v2"]), rng.choice(["s1", "s2"])
            mixed = rng.random() < 0.3
            for gap, name, place, *more in rng.choice(PLOTS)(rng, rng.choice([0, 0, 20, 90])):
                clock += int(gap * 1_000_000)
                row = {
                    "timestamp": rng.choice([clock] * 60 + [None]),
                    "userId": rng.choice([user] * 60 + [None, ""]),
                    "videoId": rng.choice(["v1", "v1", "v2", "v3"]) if mixed else video,
                    "eventName": name,
                    "currentTime": rng.choice([place] * 20 + NOT_A_POSITION[:3]),
                }
                if has_session:
                    odd = rng.random() < 0.05
                    row["sessionId"] = rng.choice(["s1", "s2", "s1!", ""]) if odd or mixed else session
                for column, values in optional.items():
                    row[column] = rng.choice(values)
                    if column == "playbackRate" and number < speeds_from:
                        row[column] = None
                number += 1
                for column, value in more[0].items() if more else ():
                    if column in row and not mixed:
                        row[column] = value
                rows.extend([row] * rng.choice([1, 1, 1, 1, 2]))
    rng.shuffle(rows)
    return rows


def table(rows, columns):
    arrays = {}
    for name in columns:
        values = [row[name] for row in rows]
        if name == "timestamp":
            arrays[name] = pa.array(values, pa.timestamp("us", "UTC"))
        elif name == "sequence":
            arrays[name] = pa.array(values, pa.int64())
        elif name in NUMBERS:
            arrays[name] = pa.array(values, pa.float64(), from_pandas=False)
        else:
            arrays[name] = pa.array(values, pa.string())
    return pa.table(arrays)


def any_rules(rng):
    """A few rules that differ from their defaults."""
    names = rng.sample(sorted(RULE_CHOICES), rng.randrange(0, 5))
    return {name: rng.choice(RULE_CHOICES[name]) for name in names}


def assert_second_opinion(seed):
    """The product's tables of a random stream are those of the second opinion."""
    rng = random.Random(seed)
    has_session = rng.random() < 0.5
    names = rng.sample(sorted(OPTIONAL), rng.choice([0, 1, 2, len(OPTIONAL), len(OPTIONAL)]))
    optional = {name: OPTIONAL[name] for name in names}
    rows = stream(rng, has_session, optional)
    columns = [*rows[0]]
    rules = any_rules(rng)
    scoring = rng.choice([{}, ADDITIVE, {"skips": -1.0, "high": 60.0}])
    videos = [
        {"videoId": "v1", "duration": rng.choice([100.0, 100.0, None]), "title": "One"},
        {"videoId": "v2", "duration": None, "title": None},
    ]
    unique_seconds = rng.random() < 0.8

    expected, report = sessions(rows, has_session, rules)
    kwargs = {"rules": ws.Rules(**rules)}
    batches = table(rows, columns).to_batches(max_chunksize=rng.randrange(1, 40))
    actual = ws.sessions(iter(batches), threads=rng.randrange(1, 4), **kwargs)
    assert_rows(actual.to_pylist(), with_text(expected))
    assert ws.report(actual) == report

    scored = {"scoring": ws.Scoring(**{**SCORING, **scoring}), "unique_seconds": unique_seconds}
    given = pa.Table.from_pylist(videos, VIDEOS)
    combined = ws.aggregate(iter(batches), videos=given, **kwargs, **scored)
    assert ws.engagement(actual, videos=given, **kwargs, **scored).equals(combined, check_metadata=True)
    wanted = engagement(expected, videos, rules, scoring, unique_seconds)
    assert_rows(combined.to_pylist(), with_text(wanted))
    curves = ws.retention(actual, videos=given, buckets=7).to_pylist()
    estimated = {**RULES, **rules, "estimate_duration": True}
    assert_rows(curves, retention(expected, videos, buckets=7, rules=estimated))


def with_text(rows):
    """The oracle's rows with times as the comparison writes them."""
    return [{k: timestamp_text(v) if k in TIMESTAMP_COLUMNS else v for k, v in row.items()} for row in rows]
