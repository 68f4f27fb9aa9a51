"""The core's functions as other engines call them, and events for them."""

import datetime as dt
import random

import pyarrow as pa

import watchspan as ws
from support.random_streams import any_rules, stream, table
from watchspan import _core, sources

START = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)
START_MICROS = 1_768_471_200_000_000
MICROS = 1_000_000
OPTIONAL = {"seekFrom": [None, 5.0], "playbackRate": [None, 1.0, 2.0], "sequence": [None, 1, 2]}
KNOWN = {"v1": 100.0, "v2": 45.5, "v3": 0.25}


def rows(result):
    """The rows of a result of the core: its batches and their schema."""
    return pa.Table.from_batches(*result[:2]).to_pylist()


def batches(whole, rng):
    return whole.to_batches(max_chunksize=rng.randrange(1, 40))


def random_events(seed):
    rng = random.Random(seed)
    has_session = rng.random() < 0.6
    optional = OPTIONAL if rng.random() < 0.3 else {}
    events = stream(rng, has_session, optional)
    return rng, table(events, list(events[0])), any_rules(rng)


def joined(events, durations, source):
    """The events, each with its video's duration and where that comes from: all from `source`."""
    return joined_as_told(events, {video: (seconds, source) for video, seconds in durations.items()})


def joined_as_told(events, told):
    """The events, each with its video's duration and where that comes from, as `told` by video."""
    pairs = [told.get(video, (None, None)) for video in events["videoId"].to_pylist()]
    found = [seconds for seconds, _ in pairs]
    sources = [None if seconds is None else source for seconds, source in pairs]
    events = events.append_column("_duration", pa.array(found, pa.float64()))
    return events.append_column("_durationSource", pa.array(sources, pa.string()))


def aggregate_joined(events, rules=None, scoring=None, unique_seconds=True, columns=None):
    rules, scoring = rules or ws.Rules(), scoring or ws.Scoring()
    events = sources.read(events, None)
    return _core.aggregate_joined(events, columns, None, rules, scoring, unique_seconds, None)


def assert_same(result, expected):
    found, schema, report = result
    assert pa.Table.from_batches(found, schema).equals(expected.replace_schema_metadata())
    assert report == ws.report(expected)


def furthest(events, rules=None):
    return rows(_core.furthest(sources.read(events, None), None, None, rules or ws.Rules(), None))
