"""Delta tables as sources: what their files alone do not say is honoured."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan.errors import SourceError

deltalake = pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")
wd = pytest.importorskip("watchspan.delta")

RAW = [
    {"at": 1768471200000 + 1000 * second, "who": {"id": user}, "clip": "v", "what": what,
     "body": f'{{"ms": {1000 * at}}}'}
    for user in ("ann", "bob")
    for second, what, at in ((0, "play", 0), (30, "pause", 30))
]  # fmt: skip
WHERE = {
    "timestamp": ws.Column("at", unit="ms"),
    "userId": "who.id",
    "videoId": "clip",
    "eventName": "what",
    "currentTime": ws.Column("body.ms", unit="ms"),
}


def events():
    start = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)
    return pa.table({
        "timestamp": [start, start + dt.timedelta(seconds=30)] * 2, "userId": ["ann", "ann", "bob", "bob"],
        "videoId": ["v"] * 4, "eventName": ["play", "pause"] * 2, "currentTime": [0.0, 30.0] * 2,
    })  # fmt: skip


def test_deleted_rows_are_gone_by_path_and_by_table(tmp_path):
    path = str(tmp_path / "events")
    deltalake.write_deltalake(path, events())
    table = deltalake.DeltaTable(path)
    table.delete("userId = 'bob'")
    for source in (path, tmp_path / "events", table):
        assert ws.aggregate(source)["userId"].to_pylist() == ["ann"]
        assert ws.validate(source).read == 2
    rows = ws.aggregate(events(), videos=deltalake.DeltaTable(videos(tmp_path)))
    assert rows["watchPercentage"].to_pylist() == [50.0] * 2


def videos(tmp_path):
    path = str(tmp_path / "videos")
    deltalake.write_deltalake(path, pa.table({"videoId": ["v"], "duration": [60.0]}), mode="overwrite")
    return path


def test_tables_of_raw_records_are_kept_up_to_date(tmp_path):
    raw, table = str(tmp_path / "raw"), str(tmp_path / "engagement")
    deltalake.write_deltalake(raw, pa.Table.from_pylist(RAW))
    done = wd.update(raw, table, videos=videos(tmp_path), columns=WHERE)
    assert done.sessions_written == 2
    late = [{**RAW[0], "at": RAW[1]["at"] + 10_000, "body": '{"ms": 30000}'},
            {**RAW[1], "at": RAW[1]["at"] + 25_000, "body": '{"ms": 45000}'}]  # fmt: skip
    deltalake.write_deltalake(raw, pa.Table.from_pylist(late), mode="append")
    wd.update(raw, table, "2026-01-15", "2026-01-16", videos=videos(tmp_path), columns=WHERE)
    kept = pa.table(deltalake.DeltaTable(table).scan())
    found = dict(zip(kept["userId"].to_pylist(), kept["totalWatchTime"].to_pylist()))
    whole = ws.aggregate([*RAW, *late], columns=WHERE)
    assert found == dict(zip(whole["userId"].to_pylist(), whole["totalWatchTime"].to_pylist()))
    assert found == {"ann": 45.0, "bob": 30.0}


def test_what_is_no_table_is_said(tmp_path):
    (tmp_path / "broken" / "_delta_log").mkdir(parents=True)
    with pytest.raises(SourceError, match=r"broken.* is no Delta table that can be read"):
        ws.aggregate(tmp_path / "broken")
