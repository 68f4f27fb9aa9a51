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


def furthest(events, rules=None):
    return rows(_core.furthest(sources.read(events, None), None, None, rules or ws.Rules(), None))
