"""`check` on what nobody should hand over: a clear answer, never a traceback."""

from __future__ import annotations

import contextlib
import json

import pyarrow as pa
import pytest

import watchspan as ws
from support.commands import RUNNER
from watchspan.cli.app import app
from watchspan.errors import SourceError, WatchspanError

NEEDED = ("timestamp", "userId", "videoId", "eventName", "currentTime")
ROW = {
    "timestamp": "2026-01-15T10:00:00Z",
    "userId": "a",
    "videoId": "v",
    "eventName": "play",
    "currentTime": 0,
}
MANY = {f"k{number}": number for number in range(10_000)}

FILES = {
    "no bytes.jsonl": b"",
    "no lines.jsonl": b"\n\n \n",
    "words.jsonl": b"hello\nworld\n",
    "bytes.jsonl": bytes(range(256)) * 50,
    "scalars.jsonl": b'1\n2\n"x"\n',
    "lists.jsonl": b"[1, 2]\n[3]\n",
    "deep.jsonl": (b'{"a":' * 200 + b"1" + b"}" * 200 + b"\n") * 3,
    "deeper.jsonl": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n") * 2,
    "mixed.jsonl": b'{"timestamp":1,"userId":{},"videoId":[],"eventName":null,"currentTime":"x"}\n'
    b'{"timestamp":"2026-01-01T00:00:00Z","userId":1,"videoId":true,"eventName":5,"currentTime":1e400}\n'
    b'{"userId":"\\ud800","eventName":"\\u0000"}\n',
    "no bytes.csv": b"",
    "header.csv": b"a,b,c\n",
    "ragged.csv": b"a,b\n1,2,3\n",
    "broken.parquet": b"PAR1 and nothing else",
}

TABLES = {
    "nothing": {},
    "no columns": pa.table({}),
    "no rows": pa.table({name: pa.array([], pa.string()) for name in NEEDED}),
    "nulls": pa.table({name: pa.nulls(5) for name in NEEDED}),
    "of no use": pa.table({"x": [0.5, 0.25], "y": [None, True]}),
    "far": pa.table({"timestamp": pa.array([2**62, 1], pa.timestamp("s")), "userId": ["a", "b"]}),
    "bytes": pa.table({"timestamp": pa.array([b"\xff\xfe", b"x"]), "userId": pa.array([b"a", b"b"])}),
    "not dicts": [{"a": 1}, 2],
}


@pytest.mark.parametrize("name", FILES)
def test_files(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with contextlib.suppress(WatchspanError):
        found = ws.check(path)
        assert not found.is_usable
        assert found.findings or not found.read
        assert len(str(found).splitlines()) > 1
    done = RUNNER.invoke(app, ["check", str(path)])
    assert done.exit_code == 1
    assert "fault in watchspan" not in done.output


@pytest.mark.parametrize("name", TABLES)
def test_tables(name):
    found = ws.check(TABLES[name])
    assert not found.is_usable
    assert found.findings or not found.read
    json.dumps(found.to_dict())


@pytest.mark.parametrize("source", [None, 5, [1, 2], [], iter(())])
def test_what_is_no_table(source):
    with pytest.raises(SourceError):
        ws.check(source)


def test_objects_of_ten_thousand_keys(tmp_path):
    for number, rows in enumerate(([{**ROW, "more": MANY}] * 20, [{**ROW, **MANY}] * 20)):
        path = tmp_path / f"{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert ws.check(path).columns == {}
        assert ws.check(rows).is_usable


def test_one_row():
    assert ws.check([ROW]).is_usable
    found = ws.check(
        {"time": ["2026-01-01 10:00"], "user": ["a"], "video": ["v"], "event": ["play"], "position": [0]}
    )
    assert found.columns["timestamp"] == "time"


def test_what_a_terminal_might_obey():
    rows = [{**ROW, "userId": "\x1b[31mred", "eventName": "play\x1b[0m"}] * 3
    assert "\x1b" not in str(ws.check(rows))
