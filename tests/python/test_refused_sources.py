"""What cannot be read says why."""

from __future__ import annotations

import pathlib
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from support.files import write_csv, write_parquet
from watchspan.errors import ColumnTypeError, MissingColumnError, MissingDependencyError, SourceError


def test_paths_that_lead_nowhere_are_named(tmp_path: pathlib.Path, events: pa.Table) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "delta" / "_delta_log").mkdir(parents=True)
    (tmp_path / "mixed").mkdir()
    write_parquet(events, tmp_path / "mixed" / "a.parquet")
    write_csv(events, tmp_path / "mixed" / "b.csv")
    (tmp_path / "fake.parquet").write_text("not Parquet at all")
    (tmp_path / "nothing.parquet").write_text("")
    (tmp_path / "notes.txt").write_text("x")
    cases = {
        "missing.parquet": "no file or directory.*missing.parquet",
        "*.pq": "No file matches",
        "empty": "holds no files",
        "delta": "Delta table",
        "mixed": "different formats: .*Parquet.* and CSV",
        "fake.parquet": "Cannot read as Parquet.*fake.parquet",
        "nothing.parquet": "is empty: it has 0 bytes",
        "notes.txt": r"notes\.txt.* is unknown.*\.parquet",
    }
    for name, message in cases.items():
        # The Delta table needs deltalake, which not every Python has.
        with pytest.raises((SourceError, MissingDependencyError), match=message):
            ws.aggregate(tmp_path / name)
    with pytest.raises(SourceError, match=r"Cannot open 'nosuch://bucket/x\.parquet'"):
        ws.aggregate("nosuch://bucket/x.parquet")


@pytest.mark.parametrize("source", [None, 3, b"events.parquet", object()])
def test_objects_without_a_table_are_refused(source: Any) -> None:
    with pytest.raises(SourceError, match="Cannot read events from an object of type"):
        ws.aggregate(source)


def test_an_iterator_of_something_else_is_refused(events: pa.Table) -> None:
    with pytest.raises(SourceError, match="type int as item 0: record batches are needed"):
        ws.aggregate(iter([1, 2]))
    with pytest.raises(SourceError, match="type str as item 1"):
        ws.aggregate([*events.to_batches(), "x"])
    with pytest.raises(SourceError, match="Row 1 of the list"):
        ws.aggregate([{"userId": "u"}, 3])


def test_an_exception_of_a_generator_arrives_as_it_is(events: pa.Table, videos: pa.Table) -> None:
    def broken(error: BaseException) -> Any:
        yield from events.to_batches()
        raise error

    class TheirError(Exception):
        """Not one of ours."""

    for function in (ws.aggregate, ws.sessions, ws.validate):
        with pytest.raises(TheirError, match="theirs"):
            function(broken(TheirError("theirs")))
    with pytest.raises(TheirError, match="theirs"):
        ws.aggregate(pa.lib.RecordBatchReader.from_batches(events.schema, broken(TheirError("theirs"))))
    with pytest.raises(KeyError):
        ws.aggregate(events, videos=broken(KeyError("x")))
    with pytest.raises(KeyboardInterrupt):
        ws.aggregate(broken(KeyboardInterrupt()))


def test_columns_that_are_no_arrow_columns_are_named() -> None:
    row = {
        "timestamp": "2026-01-15T10:00:00Z",
        "userId": "u",
        "videoId": "v",
        "eventName": "play",
        "currentTime": 0,
    }
    mixed = [row, {**row, "userId": 3}]
    with pytest.raises(ColumnTypeError, match="'userId'"):
        ws.aggregate(mixed)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ColumnTypeError, match="userId"):
        ws.aggregate(pandas.DataFrame(mixed))
    with pytest.raises(SourceError, match=r"differ in length: .*userId 2"):
        ws.aggregate({**{name: [value] for name, value in row.items()}, "userId": ["u", "v"]})


def test_columns_that_are_not_used_may_hold_anything(events: pa.Table) -> None:
    pandas = pytest.importorskip("pandas")
    frame = events.to_pandas()
    frame["raw"] = [{"a": 1}, "text", 3.5, object()] * (len(frame) // 4)
    assert isinstance(frame, pandas.DataFrame)
    assert ws.aggregate(frame).equals(ws.aggregate(events))
    assert ws.aggregate({**events.to_pydict(), "raw": [object()] * events.num_rows}).equals(
        ws.aggregate(events)
    )


@pytest.mark.parametrize("empty", [[], iter([]), {}, ()])
def test_nothing_at_all(empty: Any) -> None:
    if empty == {}:
        with pytest.raises(MissingColumnError, match="no columns"):
            ws.aggregate(empty)
        return
    assert ws.aggregate(empty).num_rows == 0


def test_a_header_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "events.csv"
    path.write_bytes(b"\xffid,timestamp\n1,2\n")
    with pytest.raises(SourceError, match="CSV"):
        ws.aggregate(path)


def test_an_array_that_is_no_json_is_named(tmp_path):
    path = tmp_path / "events.jsonl"
    for text in ("[" * 100_000, "[\n{]\n"):
        path.write_text(text)
        with pytest.raises(SourceError, match="begins as an array, but is no JSON"):
            ws.aggregate(path)


def test_arrow_data_that_is_no_table_is_refused():
    # Without the PyCapsule protocol a column is taken for an iterable of rows.
    with pytest.raises(SourceError, match=r"not a table|record batches are needed"):
        ws.aggregate(pa.array([1]))
