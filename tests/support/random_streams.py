"""Random streams of events: mostly what players send, sometimes what none should."""

import random

import pyarrow as pa

import watchspan as ws
from support.oracle import RULES, VOCABULARY, sessions
from support.oracle_engagement import ADDITIVE, SCORING, engagement, retention
from support.scenarios import TIMESTAMP_COLUMNS, assert_rows, timestamp_text

START = 1_768_471_200_000_000
NAMES = [*sorted(VOCABULARY), "quality_change", None]
NUMBERS = {"currentTime", "seekFrom", "playbackRate"}


def position(rng, now):
    """Mostly where playback would be, sometimes anywhere, sometimes nothing that is a position."""
    roll = rng.random()
    if roll < 0.6:
        return float(now)
    if roll < 0.95:
        return rng.choice([0.0, 10.0, 30.5, 95.0, 100.0, float(rng.randrange(0, 130))])
    return rng.choice([None, float("nan"), float("inf"), -1.0, -0.0])


def stream(rng, has_session, optional):
    """Events of a few users on a few videos, in random order, with repeats."""
    rows = []
    for user in rng.sample(["ann", "bob", "cid", "dé"], rng.randrange(1, 4)):
        clock, now = START, 0
        for _ in range(rng.randrange(1, 18)):
            gap = rng.choice([0, 0, 1, 4, 5, 6, 10, 30, 31, 300, 1800, 1801, 4000])
            clock += gap * 1_000_000 + rng.choice([0, 0, 0, 250_000])
            now = rng.choice([now, (now + gap) % 120])
            row = {
                "timestamp": rng.choice([clock] * 30 + [None]),
                "userId": rng.choice([user] * 30 + [None, ""]),
                "videoId": rng.choice(["v1", "v1", "v2", "v3"]),
                "eventName": rng.choice(NAMES),
                "currentTime": position(rng, now),
            }
            if has_session:
                odd = rng.random() < 0.1
                row["sessionId"] = rng.choice(["s1", "s2", "s1!", ""] if odd else ["s1", "s2"])
            for name, values in optional.items():
                row[name] = rng.choice(values)
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
    choices = {
        "tolerance_seconds": [0.0, 2.0],
        "max_segment_seconds": [20.0],
        "forward_skip_seconds": [0.0, 30.0],
        "backward_skip_seconds": [0.0, 30.0],
        "session_timeout_seconds": [30.0, 1800.0],
        "open_segment_cap_seconds": [0.0, 20.0],
        "heartbeat_seconds": [10.0],
        "completion_threshold": [0.5],
        "count_unobserved": [True],
        "excessive_ratio": [0.1],
        "sufficient_watch_percentage": [20.0],
        "position_slack_seconds": [0.0],
        "estimate_duration": [False],
    }
    names = rng.sample(sorted(choices), rng.randrange(0, 5))
    return {name: rng.choice(choices[name]) for name in names}


def assert_second_opinion(seed):
    """The product's tables of a random stream are those of the second opinion."""
    rng = random.Random(seed)
    has_session = rng.random() < 0.6
    optional = {
        "seekFrom": [None, None, 5.0, 30.5, -1.0, float("nan")],
        "playbackRate": [None, None, 1.0, 2.0, 0.0, float("inf")],
        "sequence": [None, 1, 2],
    }
    optional = {name: optional[name] for name in rng.sample(sorted(optional), rng.choice([0, 0, 1, 3]))}
    rows = stream(rng, has_session, optional)
    columns = [*rows[0]]
    rules = any_rules(rng)
    scoring = rng.choice([{}, ADDITIVE, {"skips": -1.0, "high": 60.0}])
    videos = [
        {"videoId": "v1", "duration": 100.0, "title": "One"},
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
    given = pa.Table.from_pylist(videos)
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
