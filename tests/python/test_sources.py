"""Every form in which a table can be handed in gives the same rows."""

from __future__ import annotations

import gzip
import json
import pathlib
from typing import Any, Callable

import pyarrow as pa
import pytest
from pyarrow import dataset

import watchspan as ws
from support.files import write_csv, write_parquet
from watchspan import sources
from watchspan.errors import ColumnTypeError, MissingColumnError, SourceError

PYARROW = tuple(int(part) for part in pa.__version__.split(".")[:2])
needs_capsules = pytest.mark.skipif(PYARROW < (14, 0), reason="this pyarrow has no C stream protocol")
needs_json = pytest.mark.skipif(
    not hasattr(dataset, "JsonFileFormat"), reason="no JSON datasets in this pyarrow"
)


def from_polars(table: pa.Table) -> Any:
    return pytest.importorskip("polars").from_arrow(table)


def from_lazy_polars(table: pa.Table) -> Any:
    return from_polars(table).lazy()


def from_pandas(table: pa.Table) -> Any:
    pytest.importorskip("pandas")
    return table.to_pandas()


def from_pandas_with_index(table: pa.Table) -> Any:
    return from_pandas(table).set_index("userId" if "userId" in table.column_names else "videoId")


def from_duckdb(table: pa.Table) -> Any:
    duckdb = pytest.importorskip("duckdb")
    return duckdb.connect().from_arrow(table)


def from_arro3(table: pa.Table) -> Any:
    return pytest.importorskip("arro3.core").Table.from_arrow(table)


def from_nanoarrow(table: pa.Table) -> Any:
    return pytest.importorskip("nanoarrow").ArrayStream(table)


IN_MEMORY: dict[str, Callable[[pa.Table], Any]] = {
    "table": lambda table: table,
    "batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: pa.lib.RecordBatchReader.from_batches(table.schema, table.to_batches()),
    "dataset": dataset.dataset,
    "generator": lambda table: (batch for batch in table.to_batches(max_chunksize=3)),
    "list of batches": lambda table: table.to_batches(max_chunksize=3),
    "list of tables": lambda table: [table.slice(0, 4), table.slice(4)],
    "dict of columns": lambda table: table.to_pydict(),
    "dict of arrays": lambda table: dict(zip(table.column_names, table.columns)),
    "list of dicts": lambda table: table.to_pylist(),
    "pandas": from_pandas,
    "pandas with an index": from_pandas_with_index,
}
BY_CAPSULE: dict[str, Callable[[pa.Table], Any]] = {
    "polars": from_polars,
    "polars, lazy": from_lazy_polars,
    "duckdb": from_duckdb,
    "arro3": from_arro3,
    "nanoarrow": from_nanoarrow,
}


@pytest.mark.parametrize("name", IN_MEMORY)
def test_what_pyarrow_knows_is_read(name: str, events: pa.Table, videos: pa.Table) -> None:
    expected = ws.aggregate(events, videos=videos)
    assert ws.aggregate(IN_MEMORY[name](events), videos=IN_MEMORY[name](videos)).equals(
        expected, check_metadata=True
    )


@needs_capsules
@pytest.mark.parametrize("name", BY_CAPSULE)
def test_what_other_libraries_make_is_read(name: str, events: pa.Table, videos: pa.Table) -> None:
    expected = ws.aggregate(events, videos=videos)
    found = ws.aggregate(BY_CAPSULE[name](events), videos=BY_CAPSULE[name](videos))
    assert found.equals(expected, check_metadata=True)


@pytest.mark.parametrize("name", IN_MEMORY)
def test_every_form_can_be_validated(name: str, events: pa.Table) -> None:
    expected, found = ws.validate(events), ws.validate(IN_MEMORY[name](events))
    assert (found.read, found.kept, found.dropped) == (expected.read, expected.kept, expected.dropped)
    assert found.examples.num_rows == 2
    assert set(found.examples.column_names) == {"reason", "row", *events.column_names}


# Files.


def write_json(table: pa.Table, path: pathlib.Path) -> None:
    rows = table.to_pylist()
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows), encoding="utf-8")


def write_ipc(table: pa.Table, path: pathlib.Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def write_gzip(table: pa.Table, path: pathlib.Path) -> None:
    plain = path.with_name("plain.tmp")
    write_csv(table, plain)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


FILES = {
    "events.parquet": write_parquet,
    "events.pq": write_parquet,
    "EVENTS.PARQUET": write_parquet,
    "events.csv": write_csv,
    "events.csv.gz": write_gzip,
    "events.arrow": write_ipc,
    "events.feather": write_ipc,
    "events.json": write_json,
    "events.jsonl": write_json,
    "events.ndjson": write_json,
}
SHAPES: dict[str, Callable[[pathlib.Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "list": lambda path: [path],
    "directory": lambda path: path.parent,
    "glob": lambda path: str(path.parent / f"*{path.suffix}"),
    "deep glob": lambda path: str(path.parent.parent / "**" / f"*{path.suffix}"),
    "uri": lambda path: path.as_uri(),
    "uri glob": lambda path: f"{path.parent.as_uri()}/*{path.suffix}",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FILES)
def test_files_are_read(name: str, shape: str, tmp_path: pathlib.Path, events: pa.Table) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    FILES[name](events, folder / name)
    source = SHAPES[shape](folder / name)
    assert ws.aggregate(source).equals(ws.aggregate(events), check_metadata=True)
    assert ws.validate(source).examples.num_rows == 2


@pytest.mark.parametrize("name", FILES)
def test_videos_may_be_files_too(
    name: str, tmp_path: pathlib.Path, events: pa.Table, videos: pa.Table
) -> None:
    FILES[name](videos, tmp_path / name)
    assert ws.aggregate(events, videos=tmp_path / name).equals(ws.aggregate(events, videos=videos))


def test_several_files_are_one_table(tmp_path: pathlib.Path, events: pa.Table) -> None:
    write_parquet(events.slice(0, 3), tmp_path / "a.parquet")
    write_parquet(events.slice(3), tmp_path / "b.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".a.parquet.crc").write_text("x")
    expected = ws.aggregate(events)
    assert ws.aggregate(tmp_path).equals(expected)
    assert ws.aggregate([tmp_path / "b.parquet", tmp_path / "a.parquet"]).equals(expected)
    # A file named twice is read once.
    assert ws.aggregate([tmp_path / "a.parquet", tmp_path]).equals(expected)


def test_files_may_differ_in_type_and_in_optional_columns(tmp_path: pathlib.Path, events: pa.Table) -> None:
    with_rate = events.append_column("playbackRate", pa.array([1] * events.num_rows, pa.int32()))
    position = with_rate.column_names.index("currentTime")
    whole = with_rate.set_column(position, "currentTime", with_rate["currentTime"].cast(pa.int64()))
    nothing = events.slice(0, 2).drop(["sessionId"]).append_column("sessionId", pa.nulls(2))
    write_parquet(events.slice(0, 3), tmp_path / "a.parquet")
    write_parquet(whole.slice(3), tmp_path / "b.parquet")
    assert ws.aggregate(tmp_path).equals(ws.aggregate(events))
    write_parquet(nothing.select(events.column_names), tmp_path / "c.parquet")
    assert ws.report(ws.aggregate(tmp_path))["dropped"]["null_key"] == 3


def test_a_column_that_only_later_files_have_counts(tmp_path: pathlib.Path, events: pa.Table) -> None:
    write_parquet(events.slice(0, 3), tmp_path / "a.parquet")
    doubled = events.slice(3).append_column("playbackRate", pa.array([2.0] * (events.num_rows - 3)))
    write_parquet(doubled, tmp_path / "b.parquet")
    found = ws.validate(tmp_path).examples
    assert "playbackRate" in found.column_names


def test_files_of_contradicting_types_are_refused(tmp_path: pathlib.Path, events: pa.Table) -> None:
    write_parquet(events, tmp_path / "a.parquet")
    users = pa.array(range(events.num_rows))
    write_parquet(events.set_column(1, "userId", users), tmp_path / "b.parquet")
    with pytest.raises(
        ColumnTypeError, match=r"'userId' is of different types: .*string in .*a\.parquet.*int64"
    ):
        ws.aggregate(tmp_path)


def test_a_file_without_a_needed_column_is_refused_among_others(
    tmp_path: pathlib.Path, events: pa.Table
) -> None:
    for suffix, write in (("parquet", write_parquet), ("csv", write_csv)):
        folder = tmp_path / suffix
        folder.mkdir()
        write(events, folder / f"a.{suffix}")
        write(events.rename_columns(["timestamp", "uid", *events.column_names[2:]]), folder / f"b.{suffix}")
        with pytest.raises(MissingColumnError, match=rf'b\.{suffix} has no column "userId".*uid'):
            ws.aggregate(folder)


def test_partition_directories_are_columns(tmp_path: pathlib.Path, events: pa.Table) -> None:
    for day in ("a", "b"):
        (tmp_path / f"videoId={day}").mkdir()
        write_parquet(events.drop(["videoId"]), tmp_path / f"videoId={day}" / "x.parquet")
    assert set(ws.aggregate(tmp_path)["videoId"].to_pylist()) == {"a", "b"}


def test_columns_are_mapped_in_files(tmp_path: pathlib.Path, events: pa.Table) -> None:
    # A dot in a name is no path into a struct.
    renamed = events.rename_columns(["at", "user.id", *events.column_names[2:]])
    write_parquet(renamed, tmp_path / "a.parquet")
    write_csv(renamed, tmp_path / "a.csv")
    columns = {"timestamp": "at", "userId": "user.id"}
    for path in tmp_path.iterdir():
        assert ws.aggregate(path, columns=columns).equals(ws.aggregate(events), check_metadata=True)
        with pytest.raises(MissingColumnError, match=r"user\.id"):
            ws.aggregate(path)


def test_only_needed_columns_of_files_are_read(tmp_path: pathlib.Path, events: pa.Table) -> None:
    taken = sources.read(_with_ballast(events, tmp_path), sources.wanted("events", None))
    assert next(iter(taken)).schema.names == [
        "timestamp",
        "userId",
        "videoId",
        "sessionId",
        "eventName",
        "currentTime",
    ]


def _with_ballast(events: pa.Table, folder: pathlib.Path) -> pathlib.Path:
    write_parquet(events.append_column("ballast", pa.array(["x"] * events.num_rows)), folder / "a.parquet")
    return folder / "a.parquet"


def test_tables_of_rows_are_not_read_from_text_files(tmp_path: pathlib.Path, events: pa.Table) -> None:
    for name, title in (("rows.csv", "CSV"), ("rows.jsonl", "JSON lines")):
        sources.write(ws.sessions(events), tmp_path / name)
        for function in (ws.engagement, ws.retention, ws.summarize):
            with pytest.raises(SourceError, match=rf"is {title}, .* Parquet or Arrow"):
                function(tmp_path / name)


# Text files, which know no types.


def test_csv_keeps_keys_as_they_are_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        "\ufefftimestamp,userId,videoId,sessionId,eventName,currentTime,note\n"
        '2026-01-15T10:00:00Z,007,1e3,NA,play,0,"two\nlines"\n'
        "2026-01-15T10:00:30Z,007,1e3,NA,pause,30,\n"
        ",007,1e3,NA,pause,30,\n"
        "2026-01-15T10:00:30Z,,1e3,NA,pause,30,\n"
        '2026-01-15T10:00:30Z,"",1e3,NA,pause,30,\n',
        encoding="utf-8",
    )
    rows = ws.sessions(path)
    keys = rows.select(["userId", "videoId", "sessionId", "watchTime"]).to_pylist()
    assert keys == [{"userId": "007", "videoId": "1e3", "sessionId": "NA", "watchTime": 30.0}]
    dropped = ws.report(rows)["dropped"]
    assert (dropped["null_key"], dropped["invalid_timestamp"]) == (2, 1)


def test_types_in_csv_do_not_depend_on_the_first_rows(tmp_path: pathlib.Path) -> None:
    line = "2026-01-15T10:00:00Z,{user},v,s,play,{position}\n"
    text = "timestamp,userId,videoId,sessionId,eventName,currentTime\n"
    text += line.format(user=1, position=0) * 60_000 + line.format(user="x", position=0.5)
    path = tmp_path / "events.csv"
    path.write_text(text, encoding="utf-8")
    assert ws.aggregate(path)["userId"].to_pylist() == ["1", "x"]


def test_csv_that_is_not_utf8_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.csv"
    head = b"timestamp,userId,videoId,sessionId,eventName,currentTime\n"
    path.write_bytes(head + b"2026-01-15T10:00:00Z,J\xfcrgen,v,s,play,0\n")
    with pytest.raises(SourceError, match=r"(?i)utf-?8"):
        ws.aggregate(path)


def test_a_header_is_an_empty_table(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("timestamp,userId,videoId,eventName,currentTime\n")
    assert ws.aggregate(path).num_rows == 0
    assert ws.report(ws.aggregate(path))["read"] == 0


def test_json_lines_need_not_agree_on_keys(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.jsonl"
    base = {"timestamp": "2026-01-15T10:00:00Z", "userId": "2026-01-15", "videoId": 7, "eventName": "play"}
    later = {**base, "timestamp": "2026-01-15T10:00:30Z", "eventName": "pause"}
    rows = [
        {**base, "currentTime": 0},
        {**later, "currentTime": 30.5, "playbackRate": 1.25, "raw": {"a": 1}},
        {**later, "userId": None, "currentTime": 1, "raw": "text"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    table = ws.sessions(path)
    assert table.select(["userId", "videoId", "watchTime"]).to_pylist() == [
        {"userId": "2026-01-15", "videoId": "7", "watchTime": 30.5}
    ]
    # No session column is another thing than one of nulls.
    assert table["sessionId"].to_pylist() == ["2026-01-15T10:00:00.000000Z"]
    assert ws.report(table)["dropped"]["null_key"] == 1


def test_integer_timestamps_in_json_are_refused_with_the_fix(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.jsonl"
    row = {"timestamp": 1768471200, "userId": "u", "videoId": "v", "eventName": "play", "currentTime": 0}
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(ColumnTypeError, match="unit"):
        ws.aggregate(path)


@pytest.mark.parametrize("text", ["{", "3\n", "nothing\n", "[1, 2]"])
def test_json_without_objects_is_refused(text: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(text)
    with pytest.raises(SourceError, match="holds no JSON objects: its first line is"):
        ws.aggregate(path)


def test_an_empty_json_file_is_an_empty_table(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("")
    assert ws.aggregate(path).num_rows == 0


def test_json_lines_are_cut_into_blocks_at_line_ends(
    tmp_path: pathlib.Path, events: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    write_json(events, path)
    # A last line may lack its end, and one may be longer than a block.
    long = json.dumps({**events.slice(0, 1).to_pylist()[0], "eventName": "x" * 5000}, default=str)
    path.write_text(path.read_text() + "\n\n" + long)
    expected = ws.sessions(path)
    assert ws.report(expected)["dropped"]["unknown_event"] == 2
    for size in (1, 7, 100, 1000, 1 << 20):
        monkeypatch.setattr(sources.lines, "_BLOCK_BYTES", size)
        assert ws.sessions(path).equals(expected, check_metadata=True)
