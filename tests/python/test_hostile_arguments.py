"""Arguments and tables that nobody means well with: each is refused in a sentence, by a class of ours."""

from __future__ import annotations

import contextlib
import json
import random
from typing import Any, Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.events import event_rows
from watchspan import sources
from watchspan.errors import WatchspanError
from watchspan.summary import NEEDED

EVENTS = {
    "timestamp": ["2026-01-15T10:00:00Z"],
    "userId": ["a"],
    "videoId": ["v"],
    "eventName": ["play"],
    "currentTime": [0],
}
ARMS = {"userId": ["a", "b", "c", "d"], "group": ["x", "x", "y", "y"]}


class NoNumber:
    """Says that it is an integer, and then is too large."""

    def __index__(self) -> int:
        raise OverflowError("too large")


class NoText:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


VALUES: list[Any] = [
    10**30, 10**5000, -(10**30), 2**63, 2**64, 1e308, float("inf"), float("nan"), True, "", "\udcff", b"\xff",
    "9" * 400 + "GB", "x" * 100_000, NoNumber(), NoText(), endless(), deep(), {}, {"a": endless()},
]  # fmt: skip


def _key(value: Any) -> Any:
    return value if type(value).__hash__ else "x"


CALLS: dict[str, Callable[[Any], Any]] = {
    **{
        f"aggregate, {name}": lambda value, name=name: ws.aggregate(EVENTS, **{name: value})
        for name in ("threads", "memory_limit", "vocabulary", "columns", "rules", "scoring", "unique_seconds")
    },
    "columns, name": lambda value: ws.aggregate(EVENTS, columns={"userId": value}),
    "columns, key": lambda value: ws.aggregate(EVENTS, columns={_key(value): "a"}),
    "vocabulary, name": lambda value: ws.aggregate(EVENTS, vocabulary={_key(value): "play"}),
    "vocabulary, kind": lambda value: ws.aggregate(EVENTS, vocabulary={"play": value}),
    "examples": lambda value: ws.validate(EVENTS, examples=value),
    "top": lambda value: ws.summarize(ws.aggregate(EVENTS), top=value),
    "buckets": lambda value: ws.retention(ws.aggregate(EVENTS), buckets=value),
    "bucket_seconds": lambda value: ws.retention(ws.aggregate(EVENTS), bucket_seconds=value),
    "timezone": lambda value: ws.daily(ws.sessions(EVENTS), timezone=value),
    **{
        f"cohorts, {name}": lambda value, name=name: ws.cohorts(ws.sessions(EVENTS), **{name: value})
        for name in ("by", "as_of", "videos_group")
    },
    **{
        f"compare, {name}": lambda value, name=name: ws.compare(
            ws.aggregate(EVENTS), **{"groups": ARMS, name: value}
        )
        for name in (
            "groups",
            "before",
            "control",
            "metrics",
            "confidence",
            "power",
            "shares",
            "before_days",
            "rules",
        )
    },
    **{
        f"segments, {name}": lambda value, name=name: ws.segments(ws.sessions(EVENTS), **{name: value})
        for name in ("rules", "as_of", "videos")
    },
    **{
        f"completion, {name}": lambda value, name=name: ws.completion_curve(
            ws.aggregate(EVENTS), **{name: value}
        )
        for name in ("buckets", "mature_days", "as_of", "by", "videos")
    },
    **{
        f"moments, {name}": lambda value, name=name: ws.moments(ws.aggregate(EVENTS), **{name: value})
        for name in (
            "buckets",
            "bucket_seconds",
            "confidence",
            "min_viewers",
            "min_share",
            "max_each",
            "threads",
            "videos",
            "columns",
        )
    },
    "totals": lambda value: (ws.video_totals(value), ws.user_totals(value)),
    "user": lambda value: ws.explain(EVENTS, value, "v"),
    "video": lambda value: ws.explain(EVENTS, "a", value),
    "preset": ws.vocabulary,
    "events": ws.aggregate,
    "videos": lambda value: ws.aggregate(EVENTS, videos=value),
    "report": ws.report,
    **{
        f"a column, {name}": lambda value, name=name: ws.aggregate({**EVENTS, name: [value]})
        for name in EVENTS
    },
    **{
        f"a row, {name}": lambda value, name=name: ws.aggregate(
            [{**{n: v[0] for n, v in EVENTS.items()}, name: value}]
        )
        for name in EVENTS
    },
}


@pytest.mark.parametrize("call", CALLS)
def test_whatever_is_passed_is_taken_or_refused_in_a_sentence(call: str) -> None:
    for value in VALUES:
        with contextlib.suppress(WatchspanError):
            CALLS[call](value)


def test_nested_objects_of_pandas_do_not_end_the_process() -> None:
    pandas = pytest.importorskip("pandas")
    for value in (endless(), deep()):
        with pytest.raises(ws.errors.ColumnTypeError, match=r"'userId'.*32 deep"):
            ws.aggregate(pandas.DataFrame({**EVENTS, "userId": [value]}))


# Paths.


@pytest.mark.parametrize(
    "path", ["", [""], ["a.csv", ""], "a\0b.csv", "file://", "file:///\0.csv", "\udcff.csv", "s3://"]
)
def test_paths_that_name_nothing_are_refused(path: Any, tmp_path, monkeypatch) -> None:
    # An empty path once was the folder that one was in.
    (tmp_path / "events.csv").write_text(",".join(EVENTS) + "\n")
    (tmp_path / "a.csv").write_text(",".join(EVENTS) + "\n")
    monkeypatch.chdir(tmp_path)
    totals = (ws.video_totals, ws.user_totals, ws.daily, ws.cohorts, ws.segments, ws.completion_curve)
    totals = (*totals, ws.moments)
    for function in (ws.aggregate, ws.validate, ws.report, ws.summarize, ws.retention, *totals):
        with pytest.raises(ws.errors.SourceError, match=r"^(A path is empty|Cannot open|The paths lie)"):
            function(path)
    with pytest.raises(ws.errors.SourceError, match=r"^(A path is empty|Cannot open|The paths lie)"):
        ws.aggregate(EVENTS, videos=path)


@pytest.mark.parametrize("uri", ["nosuch://me:secret@host/x.csv", "s3://me:sec ret@/x.csv"])
def test_keys_in_uris_are_not_repeated(uri: str) -> None:
    with pytest.raises(ws.errors.SourceError) as told:
        ws.aggregate(uri)
    assert "sec" not in str(told.value)


def test_a_name_in_a_directory_that_is_not_utf8_is_told(tmp_path) -> None:
    try:
        (tmp_path / "\udcff.csv").write_text("")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(ws.errors.SourceError, match=r"not UTF-8.*Rename"):
        ws.aggregate(tmp_path)
    with pytest.raises(ws.errors.SourceError, match=r"not UTF-8.*Rename"):
        ws.aggregate(tmp_path / "*.csv")


# What a table says about itself.


@pytest.mark.parametrize(
    "said",
    [
        b"[" * 100_000, b"5", b"NaN", b'{"report": 5, "rules": 5, "scoring": []}',
        b'{"rules": ["tolerance_seconds"]}',
        b'{"rules": {"tolerance_seconds": [1]}}', b'{"report": {"read": "x", "kept": null, "dropped": {}}}',
        b'{"report": {"read": 1, "kept": 1, "dropped": {"x": 1e999}}}', b'{"report": {"read": NaN}}',
        b'{"rules": ' + b'{"a": ' * 900 + b"1" + b"}" * 901,
    ],
)  # fmt: skip
def test_metadata_that_is_none_of_ours_is_passed_over(said: bytes, tmp_path) -> None:
    sessions = ws.sessions(EVENTS).replace_schema_metadata({"watchspan": said})
    pq.write_table(sessions, tmp_path / "sessions.parquet")
    for source in (sessions, tmp_path / "sessions.parquet"):
        for made in (ws.engagement(source), ws.retention(source)):
            json.loads(made.schema.metadata[b"watchspan"], parse_constant=pytest.fail)
        with pytest.raises(ws.errors.SourceError, match="carries no report"):
            ws.report(source)


def test_metadata_has_no_numbers_that_json_has_not() -> None:
    said = b'{"rules": {"tolerance_seconds": 5.0, "mine": Infinity}}'
    made = ws.retention(ws.sessions(EVENTS).replace_schema_metadata({"watchspan": said}))
    rules = json.loads(made.schema.metadata[b"watchspan"], parse_constant=pytest.fail)["rules"]
    assert rules == {"tolerance_seconds": 5.0, "mine": None}


# Tables that are said to be of engagement rows.


def _columns(rows: int) -> list[pa.Array]:
    kinds = [
        pa.null(), pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.large_string(), pa.binary(),
        pa.list_(pa.string()), pa.list_(pa.int64()), pa.list_(pa.null()), pa.struct([("a", pa.int8())]),
        pa.timestamp("us"), pa.decimal128(5, 2), pa.dictionary(pa.int8(), pa.string()),
    ]  # fmt: skip
    ends = b"".join(number.to_bytes(4, "little") for number in range(rows + 1))
    values = [
        [float("nan"), float("inf"), 1.0], [1e308] * 3, [2**63 - 1] * 3, ["x", None, "y"],
        [True, None, False], [None, ["x"], []], [-0.0, 0.0, None],
    ]  # fmt: skip
    broken = pa.Array.from_buffers(
        pa.string(), rows, [None, pa.py_buffer(ends), pa.py_buffer(b"\xff" * rows)]
    )
    return [*(pa.nulls(rows, kind) for kind in kinds), *map(pa.array, values), broken]


@pytest.mark.parametrize("name", NEEDED)
def test_any_table_is_summed_up_or_refused(name: str, capsys) -> None:
    display = pytest.importorskip("watchspan.cli.display")
    table = ws.aggregate(event_rows())
    assert table.num_rows == 3
    place = table.column_names.index(name)
    for column in _columns(3):
        try:
            found = ws.summarize(table.set_column(place, name, column))
        except WatchspanError:
            continue
        json.dumps(found, allow_nan=False)
        display.summary(found)
    twice = table.append_column(name, table[name])
    with pytest.raises(ws.errors.MissingColumnError, match=f"2 columns named '{name}'"):
        ws.summarize(twice)


# Broken files.

BROKEN = 40


# Arrow files are checked by the engine, whose tests are elsewhere.
@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "jsonl"])
def test_a_broken_file_is_a_sentence(suffix: str, tmp_path, events: pa.Table) -> None:
    dice = random.Random(suffix)
    path = tmp_path / f"events.{suffix}"
    sources.write(events, path)
    whole = path.read_bytes()
    for _ in range(BROKEN):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken[: dice.choice([len(broken), dice.randrange(len(broken))])])
        for function in (ws.aggregate, ws.validate, ws.report, ws.summarize):
            with contextlib.suppress(WatchspanError):
                function(path)
