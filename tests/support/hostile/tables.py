"""The tables that are handed over, small, in every layout that columns may have, and who takes them."""

from __future__ import annotations

import datetime as dt
import decimal
import functools
from typing import Any, Callable

import pyarrow as pa

import watchspan as ws
from watchspan import _core

START = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)
KINDS = ("events", "videos", "sessions", "engagement", "spans", "spark_layout")
USERS = ("ann", "bob", "a user id that is longer than a view's twelve bytes", None)
VIDEOS = ("v1", "video 2", "a video id that is longer than a view's twelve bytes")
NAMES = ("play", "pause", "resume", "seek", "heartbeat", "ended", "close", "unheard of")
_ROWS = 24

_HAS_VIEWS = hasattr(pa, "string_view")
_VIEW = pa.string_view() if _HAS_VIEWS else pa.string()


def _coded(codes: pa.DataType, values: pa.DataType) -> pa.DataType:
    return pa.dictionary(codes, values)


# Key, event name, timestamp, position and the other numbers of each layout.
_LAYOUTS: tuple[tuple[pa.DataType, pa.DataType, pa.DataType, pa.DataType, pa.DataType], ...] = (
    (pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.float64(), pa.float64()),
    (pa.large_string(), pa.large_string(), pa.timestamp("ns"), pa.int32(), pa.float32()),
    (_VIEW, _VIEW, pa.timestamp("ms", "Europe/Berlin"), pa.decimal128(20, 3), pa.int8()),
    (
        _coded(pa.int32(), pa.string()),
        _coded(pa.int8(), pa.string()),
        pa.timestamp("s"),
        pa.float32(),
        pa.uint16(),
    ),
    (_coded(pa.uint64(), pa.large_string()), _VIEW, pa.string(), pa.uint64(), pa.decimal256(40, 2)),
    (pa.int64(), pa.string(), _VIEW, pa.decimal256(50, 9), pa.null()),
    (pa.uint8(), _coded(pa.int16(), pa.large_string()), pa.large_string(), pa.int64(), pa.decimal128(9, 1)),
    (pa.int16(), pa.string(), _coded(pa.int32(), pa.timestamp("us", "UTC")), pa.null(), pa.int64()),
)
LAYOUTS = len(_LAYOUTS)


def array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """An array of that type; text becomes a number where numbers are asked for."""
    if pa.types.is_dictionary(kind):
        return array(values, kind.value_type).dictionary_encode().cast(kind)
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    if pa.types.is_integer(kind):
        return pa.array(
            [None if v is None else len(v) if isinstance(v, str) else int(v) for v in values], kind
        )
    if pa.types.is_decimal(kind):
        return pa.array([None if v is None else decimal.Decimal(v) for v in values], kind)
    if isinstance(values[0], dt.datetime) and not pa.types.is_timestamp(kind):
        return pa.array([v and v.isoformat() for v in values], kind)
    if pa.types.is_timestamp(kind):
        micros = [
            v and round((v - START.replace(year=1970, month=1, hour=0)).total_seconds()) for v in values
        ]
        factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        return pa.array([m and m * factor for m in micros], pa.int64()).cast(kind)
    return pa.array(values, kind)


def _events(layout: int) -> pa.Table:
    key, name, time, position, number = _LAYOUTS[layout]
    rows = range(_ROWS)
    return pa.table(
        {
            "timestamp": array([START + dt.timedelta(seconds=10 * row) for row in rows], time),
            "userId": array([USERS[row // 5 % 4] for row in rows], key),
            "videoId": array([VIDEOS[row // 3 % 3] for row in rows], key),
            **({} if layout % 4 == 1 else {"sessionId": array([f"s{row // 9}" for row in rows], key)}),
            "eventName": array([NAMES[row % len(NAMES)] for row in rows], name),
            "currentTime": array([None if row == 7 else 10 * (row % 12) for row in rows], position),
            **(
                {}
                if layout % 3 == 0
                else {
                    "playbackRate": array([1, 2, None] * (_ROWS // 3), number),
                    "seekFrom": array([None, 5, 7] * (_ROWS // 3), number),
                    "sequence": array([1, 2, None] * (_ROWS // 3), pa.uint64() if layout % 2 else pa.int8()),
                }
            ),
        }
    )


def _videos(layout: int) -> pa.Table:
    key, name, _, position, _ = _LAYOUTS[layout]
    return pa.table(
        {
            "videoId": array(list(VIDEOS), key),
            "duration": array([100, None, 60], position),
            "title": array(["One", None, "A title that is longer than a view's twelve bytes"], name),
        }
    )


@functools.cache
def table(kind: str, layout: int) -> pa.Table:
    """A table of that kind, its events in that layout."""
    events = _events(layout)
    if kind == "events":
        return events
    if pa.types.is_null(events["currentTime"].type):  # no row would be left
        events = events.set_column(
            events.schema.get_field_index("currentTime"), "currentTime", array([5] * _ROWS, pa.float64())
        )
    if kind == "videos":
        return _videos(layout)
    if kind == "spans":
        bounds = array([0] * _ROWS, pa.int64()), array([2**62] * _ROWS, pa.int64())
        return events.append_column("_first", bounds[0]).append_column("_last", bounds[1])
    if kind == "spark_layout":
        return pa.Table.from_batches([_core.to_spark_layout(batch("sessions", layout))])
    make: Callable[..., pa.Table] = ws.sessions if kind == "sessions" else ws.aggregate
    return make(events, threads=1).combine_chunks()


@functools.cache
def batch(kind: str, layout: int, part: int = 0) -> pa.RecordBatch:
    """The whole table as one batch, or (part 1) some of its rows, which do not begin at the first."""
    found = table(kind, layout).combine_chunks().to_batches()
    whole = found[0] if found else pa.RecordBatch.from_pylist([], table(kind, layout).schema)
    return whole.slice(1, max(len(whole) - 3, 0)) if part else whole


# What takes a table of a kind, of that layout, as the first argument or as videos.
Verb = Callable[[Any, int], Any]
VERBS: dict[str, dict[str, Verb]] = {
    "events": {
        "aggregate": lambda x, _: ws.aggregate(x, threads=1),
        "aggregate with two threads": lambda x, n: ws.aggregate(x, threads=2, videos=table("videos", n)),
        "aggregate within a limit": lambda x, _: ws.aggregate(x, threads=1, memory_limit=1),
        "sessions": lambda x, _: ws.sessions(x, threads=1),
        "validate": lambda x, _: ws.validate(x, threads=1),
        "explain": lambda x, n: ws.explain(x, *some_keys(n), threads=1),
        "aggregate an iterator": lambda x, _: ws.aggregate(iter([x, x]), threads=1),
        "validate an iterator": lambda x, _: ws.validate(iter([x, x]), threads=1),
        "core.scopes": lambda x, _: _core.scopes(x, None, None, None, None, 1),
        "core.furthest": lambda x, _: _core.furthest(x, None, None, ws.Rules(), 1),
    },
    "videos": {
        "aggregate": lambda x, n: ws.aggregate(table("events", n), videos=x, threads=1),
        "engagement": lambda x, n: ws.engagement(table("sessions", n), videos=x, threads=1),
        "retention": lambda x, n: ws.retention(table("sessions", n), videos=x, threads=1, buckets=3),
        "an iterator": lambda x, n: ws.aggregate(table("events", n), videos=iter([x]), threads=1),
    },
    "sessions": {
        "engagement": lambda x, _: ws.engagement(x, threads=1),
        "retention": lambda x, _: ws.retention(x, threads=1, buckets=3),
        "engagement of an iterator": lambda x, _: ws.engagement(iter([x]), threads=1),
        "core.to_spark_layout": lambda x, _: _core.to_spark_layout(x),
    },
    "engagement": {
        "retention": lambda x, _: ws.retention(x, threads=1, buckets=3),
        "summarize": lambda x, _: ws.summarize(x),
        "core.to_spark_layout": lambda x, _: _core.to_spark_layout(x),
    },
    "spans": {"core.within": lambda x, _: _core.within(x, None)},
    "spark_layout": {"core.from_spark_layout": lambda x, _: _core.from_spark_layout(x)},
}
# These take one batch, and no stream.
BATCH_ONLY = frozenset({"core.within", "core.to_spark_layout", "core.from_spark_layout"})


def some_keys(layout: int) -> list[Any]:
    """A user and a video of the events, as one who asks for them would write them."""
    events = table("events", layout)
    return [events[name][0].as_py() for name in ("userId", "videoId")]
