"""What is written reads back, and a failed write leaves what was there."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv

import watchspan as ws
from support.files import assert_same_rows
from watchspan import sources
from watchspan.errors import SourceError


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.feather", "rows.pq"])
def test_what_is_written_reads_back(
    name: str, tmp_path: pathlib.Path, events: pa.Table, videos: pa.Table
) -> None:
    for table in (ws.aggregate(events, videos=videos), ws.sessions(events)):
        path = tmp_path / "new" / "folder" / name
        sources.write(table, path)
        assert_same_rows(sources.read_table(path), table)
        assert ws.report(path) == ws.report(table)
        assert os.listdir(path.parent) == [name]


def test_csv_holds_lists_as_json(tmp_path: pathlib.Path, events: pa.Table) -> None:
    for name in ("rows.csv", "rows.csv.gz"):
        sources.write(ws.sessions(events), tmp_path / name)
        opened = gzip.open if name.endswith("gz") else open
        with opened(tmp_path / name, "rb") as file:
            table = csv.read_csv(pa.BufferReader(file.read()))
        peter = table.to_pylist()[-1]
        assert json.loads(peter["watchedIntervals"]) == [{"start": 0.0, "end": 120.0}]
        assert peter["watchTime"] == 130


def test_json_lines_hold_everything(tmp_path: pathlib.Path, events: pa.Table) -> None:
    rows = ws.aggregate(events)
    sources.write(rows, tmp_path / "rows.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [rows.column_names] * rows.num_rows
    assert lines[-1]["firstWatchDate"] == "2026-01-15T10:00:00.000000Z"
    assert lines[-1]["watchedIntervals"] == [{"start": 0.0, "end": 120.0}]
    assert lines[-1]["videoTitle"] is None


def test_a_failed_write_leaves_the_old_file(
    tmp_path: pathlib.Path, events: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")

    def fail(table: pa.Table, sink: Any) -> None:
        sink.write(b"half")
        raise OSError("disk full")

    monkeypatch.setitem(sources.writing._WRITERS, "json", fail)
    with pytest.raises(SourceError, match=r"Cannot write .*disk full"):
        sources.write(ws.aggregate(events), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rows.jsonl"]


def test_where_nothing_can_be_written(tmp_path: pathlib.Path, events: pa.Table) -> None:
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(SourceError, match="is a directory"):
        sources.write(events, tmp_path / "folder.parquet")
    with pytest.raises(SourceError, match=r"is unknown.*\.parquet"):
        sources.write(events, tmp_path / "rows.xlsx")
