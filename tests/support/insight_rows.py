"""Rows that the tests of insight share, and what changes about them must not change a result."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any, Iterator

import pyarrow as pa

import watchspan as ws
from watchspan import sample

ROWS = 2_000


@lru_cache
def sample_events(seed: int = 3) -> pa.Table:
    """A small month of events."""
    return sample.events(ROWS, seed=seed)


@lru_cache
def sample_rows(seed: int = 3) -> pa.Table:
    """Engagement rows of it, of which some videos have no duration, and some a guessed one."""
    videos = sample.videos(seed)
    some = videos.take(pa.array([row for row in range(videos.num_rows) if row % 3]))
    events = sample_events(seed)
    guessed = ws.aggregate(events, videos=some)
    unknown = ws.aggregate(events, videos=some, rules=ws.Rules(estimate_duration=False))
    is_taken = [hash_of(video) % 2 == 0 for video in guessed["videoId"].to_pylist()]
    parts = [guessed.filter(pa.array(is_taken)), unknown.filter(pa.array([not taken for taken in is_taken]))]
    rows = pa.concat_tables(parts)
    assert set(rows["durationSource"].to_pylist()) == {"metadata", "estimated", None}
    return rows


def hash_of(text: str) -> int:
    """A number of a text, the same in every process."""
    return sum(map(ord, text))


def other_ways(rows: pa.Table, seed: int = 1) -> Iterator[tuple[str, Any]]:
    """The same rows in other orders and forms."""
    order = list(range(rows.num_rows))
    for number in range(3):
        random.Random(seed + number).shuffle(order)
        yield f"order {number}", rows.take(pa.array(order, pa.int64()))
    yield "backwards", rows.take(pa.array(order[::-1], pa.int64()))
    yield "chunks", pa.concat_tables([rows.slice(start, 7) for start in range(0, rows.num_rows, 7)])
    yield "batches", rows.to_batches(max_chunksize=11)
    text = rows.schema.get_field_index("videoId")
    yield "dictionaries", rows.set_column(text, "videoId", rows["videoId"].dictionary_encode())
    yield "large text", rows.set_column(text, "videoId", rows["videoId"].cast(pa.large_string()))


def with_column(rows: pa.Table, name: str, values: Any, kind: Any = None) -> pa.Table:
    """The rows with other values in a column."""
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, name, values if kind is None else pa.array(values, kind))


def hostile_columns(count: int) -> list[pa.Array]:
    """Columns of that many values that no such table has."""
    values: list[Any] = [
        None,
        float("nan"),
        float("inf"),
        1e300,
        -1.5,
        "x",
        "",
        b"\xff",
        True,
        2**62,
        [1],
        {},
    ]
    return [pa.array([value] * count) for value in values]
