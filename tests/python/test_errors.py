"""Errors survive a pickle, and no input panics."""

from __future__ import annotations

import inspect
import pickle
import random
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import errors
from watchspan.errors import WatchspanError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
# What a producer may hand over under any name: every type that pyarrow makes arrays of without help.
HOSTILE = {
    "null": pa.nulls(4),
    "bool": pa.array([True, None, False, True]),
    "uint64": pa.array([2**64 - 1, 0, None, 1], pa.uint64()),
    "int64": pa.array([2**63 - 1, -(2**63), None, 0]),
    "int8": pa.array([-128, 127, 0, None], pa.int8()),
    "half": pa.array([1.0, None, 2.0, 0.0], pa.float32()).cast(pa.float32()),
    "double": pa.array([float("nan"), float("inf"), -0.0, 1e308]),
    "utf8": pa.array(["", "\x00", None, "play"]),
    "large": pa.array(["x" * 10_000_000, "play", None, "\U0001f600"], pa.large_string()),
    "binary": pa.array([b"\xff", b"", None, b"play"]),
    "dictionary": pa.array(["play", None, "pause", "play"]).dictionary_encode(),
    "dictionary of null": pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["play", None])),
    "dictionary of integers": pa.array([1, 2, 2, None]).dictionary_encode(),
    "seconds": pa.array([2**63 - 1, -(2**63), 0, None], pa.timestamp("s")),
    "nanoseconds": pa.array([2**63 - 1, -(2**63), 1, None], pa.timestamp("ns", "Europe/Berlin")),
    "a zone that is none": pa.array([0, 1, 2, None], pa.timestamp("us", "Nowhere/Never")),
    "date": pa.array([0, 1, None, 2**31 - 1], pa.date32()),
    "duration": pa.array([0, 1, None, 2], pa.duration("us")),
    "decimal": pa.array([1, None, 2, 3]).cast(pa.decimal128(38, 2)),
    "list": pa.array([[1], [], None, [2, None]]),
    "struct": pa.array([{"a": 1}, None, {"a": None}, {}]),
    "sliced": pa.array(["x", "play", None, "pause", "", "y"]).slice(1, 4),
}
DEFAULTS: dict[str, Any] = {
    "timestamp": pa.array([0, 1, 2, 3], pa.timestamp("s")),
    "userId": pa.array(["a", "a", "b", "b"]),
    "videoId": pa.array(["v"] * 4),
    "sessionId": pa.array(["s"] * 4),
    "eventName": pa.array(["play", "pause"] * 2),
    "currentTime": pa.array([0.0, 1.0, 0.0, 1.0]),
    "playbackRate": pa.array([1.0, None, 1.0, 2.0]),
    "seekFrom": pa.array([None, 1.0, None, 1.0]),
    "sequence": pa.array([1, 2, 1, 2]),
}


def test_there_is_one_base_class() -> None:
    assert len(CLASSES) >= 9
    assert all(issubclass(kind, (WatchspanError, Warning)) for kind in CLASSES)
    assert issubclass(WatchspanError, ValueError)


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_survive_a_pickle(kind: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(kind("what was found"), protocol))
        assert type(copy) is kind
        assert str(copy) == "what was found"
    assert kind.__doc__


def test_errors_of_the_core_survive_a_pickle() -> None:
    with pytest.raises(errors.MissingColumnError) as caught:
        ws.aggregate({"userId": ["u"]})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy)) == (errors.MissingColumnError, str(caught.value))


def takes(function: Any, *arguments: Any, **options: Any) -> bool:
    """Whether a function takes its input, or refuses it as bad. Anything else fails the test."""
    try:
        function(*arguments, **options)
    except errors.InternalError:
        raise
    except WatchspanError:
        return False
    return True


def taken_by(table: Any) -> int:
    """How many functions take the table."""
    functions = (ws.aggregate, ws.sessions, ws.validate, lambda events: ws.explain(events, "a", "v"))
    return sum(takes(function, table) for function in functions)


@pytest.mark.parametrize("name", DEFAULTS)
def test_any_type_in_any_column_is_read_or_refused(name: str) -> None:
    taken = sum(taken_by(pa.table({**DEFAULTS, name: array})) for array in HOSTILE.values())
    assert taken >= 4


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_type_in_all_columns_is_read_or_refused(kind: str) -> None:
    taken_by(pa.table(dict.fromkeys(DEFAULTS, HOSTILE[kind])))


def test_random_tables_are_read_or_refused() -> None:
    taken = 0
    for seed in range(300):
        chance = random.Random(seed)
        columns = {
            name: chance.choice([array, chance.choice(list(HOSTILE.values()))])
            for name, array in DEFAULTS.items()
            if chance.random() > 0.05
        }
        table = pa.table(columns).slice(chance.randrange(4), chance.randrange(5))
        taken += taken_by(chance.choice([table, table.to_batches(max_chunksize=1), table.to_batches()]))
    assert taken > 100


@pytest.mark.parametrize("name", ["userId", "videoId", "sessionId"])
def test_text_that_is_not_utf8_is_read_or_refused(name: str) -> None:
    offsets = pa.array([0, 1, 2, 3, 4], pa.int32()).buffers()[1]
    broken = pa.Array.from_buffers(pa.string(), 4, [None, offsets, pa.py_buffer(b"\xff\xfe\x80x")])
    taken_by(pa.table({**DEFAULTS, name: broken}))


@pytest.mark.parametrize("name", ["videoId", "duration", "title"])
def test_any_type_in_the_videos_table_is_read_or_refused(name: str) -> None:
    videos = {
        "videoId": pa.array(["v", "w", "x", None]),
        "duration": pa.array([1.0] * 4),
        "title": pa.array(["t"] * 4),
    }
    for array in HOSTILE.values():
        takes(ws.aggregate, pa.table(DEFAULTS), videos=pa.table({**videos, name: array}))


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_type_in_session_rows_is_read_or_refused(kind: str) -> None:
    rows = ws.sessions(pa.table(DEFAULTS))
    for index, name in enumerate(rows.column_names):
        hostile = rows.set_column(index, name, HOSTILE[kind].slice(0, rows.num_rows))
        for function in (ws.engagement, ws.retention):
            takes(function, hostile)


def test_batches_that_disagree_are_refused() -> None:
    first = pa.RecordBatch.from_arrays(list(DEFAULTS.values()), names=list(DEFAULTS))
    other = {**DEFAULTS, "userId": pa.array([1, 2, 3, 4])}
    renamed = {("uid" if name == "userId" else name): array for name, array in DEFAULTS.items()}
    fewer = dict(list(DEFAULTS.items())[:4])
    for columns in (other, renamed, fewer):
        later = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
        with pytest.raises(WatchspanError) as caught:
            ws.aggregate([first, later])
        assert not isinstance(caught.value, errors.InternalError)


def test_two_columns_of_one_name_are_refused() -> None:
    table = pa.table([*DEFAULTS.values(), DEFAULTS["userId"]], names=[*DEFAULTS, "userId"])
    with pytest.raises(errors.ColumnError, match="userId"):
        ws.aggregate(table)
    with pytest.raises(errors.ColumnError, match="userId"):
        ws.validate(table)


def test_arrays_that_break_arrows_rules_are_refused() -> None:
    wild = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\xff\0\0\0\2\0\0\0"), pa.py_buffer(b"ab")]
    )
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 9], pa.int8()), pa.array(["u"]), safe=False)
    for keys in (wild, coded):
        events = {
            "timestamp": pa.array(["2026-01-15T10:00:00Z"] * 2),
            "userId": keys,
            "videoId": pa.array(["v"] * 2),
            "eventName": pa.array(["play"] * 2),
            "currentTime": pa.array([0.0, 1.0]),
        }
        with pytest.raises(ws.errors.DataError, match="userId"):
            ws.aggregate(pa.table(events))


def test_session_rows_that_no_run_makes_are_refused() -> None:
    events = {
        "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
        "userId": ["a", "a"],
        "videoId": ["v", "v"],
        "eventName": ["play", "pause"],
        "currentTime": [0, 30],
    }
    rows = ws.sessions(events)
    broken = {
        "watchedIntervals": pa.array(
            [[{"start": 10.0, "end": 5.0}]], rows.schema.field("watchedIntervals").type
        ),
        "maxPosition": pa.array([float("inf")]),
        "eventCount": pa.array([-1]),
    }
    for name, column in broken.items():
        table = rows.set_column(rows.schema.get_field_index(name), name, column)
        with pytest.raises(ws.errors.DataError, match=name):
            ws.engagement(table)
    with pytest.raises(ws.errors.DataError, match="two rows"):
        ws.engagement(pa.concat_tables([rows, rows]))
