"""Parquet read by the core gives what pyarrow's reader gives; what it writes is what other readers read."""

from __future__ import annotations

import decimal
import math
import pathlib
import random
import time
from typing import Any, Callable

import pyarrow as pa
import pytest
from pyarrow import compute as pc
from pyarrow import dataset as ds
from pyarrow import fs
from pyarrow import parquet as pq

import watchspan as ws
from watchspan import _core, sample, sources
from watchspan.errors import SourceError
from watchspan.sources.parquet import core_files
from watchspan.sources.places import locate
from watchspan.sources.scans import open_typed, scan_dataset

EVENTS = sources.wanted("events", None)
Path = pathlib.Path


def by_core(path: Path, columns: Any = None) -> Any:
    """The files at a path as the core reads them; None where it leaves them to pyarrow."""
    paths = sorted(map(str, path.rglob("*.parquet"))) if path.is_dir() else [str(path)]
    return core_files(paths, locate(paths[0])[0], sources.wanted("events", columns))


def assert_alike(path: Path, **arguments: Any) -> pa.Table:
    """The rows of files, which both readers have to read alike."""
    assert by_core(path, arguments.get("columns")) is not None, "pyarrow would read it"
    dataset = ds.dataset(path, format="parquet")
    for compute in (ws.aggregate, ws.sessions):
        assert compute(path, **arguments).equals(compute(dataset, **arguments), check_metadata=True)
    told = [ws.validate(source, columns=arguments.get("columns")) for source in (path, dataset)]
    assert [told[0].read, told[0].dropped] == [told[1].read, told[1].dropped]
    rows = [found.examples.select(["reason", "row"]) for found in told]
    assert rows[0].equals(rows[1])
    return ws.aggregate(path, **arguments)


def assert_same(one: pa.Table, other: pa.Table) -> None:
    """Two tables of the same values; what is no number equals itself here."""
    assert one.schema.equals(other.schema)
    assert str(one.to_pylist()) == str(other.to_pylist())


@pytest.fixture(scope="module")
def month() -> pa.Table:
    """Some thousand events, among them late, repeated and broken ones."""
    return sample.generate(20_000, seed=3).read_all()


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with other values in one column."""
    return table.set_column(table.schema.names.index(name), name, values)


def _cast(name: str, kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    return lambda table: with_column(table, name, table[name].cast(kind, safe=False))


def _times(kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    return _cast("timestamp", kind)


def _decimals(table: pa.Table) -> pa.Table:
    def exact(value: float | None) -> decimal.Decimal | None:
        return None if value is None or not math.isfinite(value) else decimal.Decimal(f"{value:.3f}")

    values = [exact(value) for value in table["currentTime"].to_pylist()]
    return with_column(table, "currentTime", pa.array(values, pa.decimal128(18, 3)))


def _numbered(name: str, kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def number(table: pa.Table) -> pa.Table:
        codes = table[name].combine_chunks().dictionary_encode()
        return with_column(table, name, codes.indices.cast(kind))

    return number


TYPES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "as it is": lambda table: table,
    "no session": lambda table: table.drop_columns(["sessionId"]),
    "large text": _cast("userId", pa.large_string()),
    "text views": lambda table: with_column(table, "userId", table["userId"].cast(pa.string_view())),
    "small dictionary": lambda table: with_column(
        table,
        "eventName",
        table["eventName"].combine_chunks().dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
    ),
    "users as dictionary": lambda table: with_column(
        table, "userId", table["userId"].combine_chunks().dictionary_encode()
    ),
    "milliseconds": _times(pa.timestamp("ms")),
    "nanoseconds": _times(pa.timestamp("ns")),
    "in Paris": _times(pa.timestamp("us", "Europe/Paris")),
    "seconds": _times(pa.timestamp("s")),
    "times as text": _times(pa.string()),
    "short floats": _cast("currentTime", pa.float32()),
    "half floats": _cast("currentTime", pa.float16()),
    "whole positions": _cast("currentTime", pa.int32()),
    "positions as text": _cast("currentTime", pa.string()),
    "decimals": _decimals,
    "users as numbers": _numbered("userId", pa.int64()),
    "videos as unsigned": _numbered("videoId", pa.uint32()),
    "videos as shorts": _numbered("videoId", pa.int16()),
}


@pytest.mark.parametrize("change", TYPES.values(), ids=TYPES)
def test_types_are_read_alike(
    change: Callable[[pa.Table], pa.Table], month: pa.Table, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(change(month), path, row_group_size=7_000)
    assert assert_alike(path).num_rows > 100


WRITERS: dict[str, dict[str, Any]] = {
    **{name: {"compression": name} for name in ("none", "snappy", "gzip", "brotli", "lz4", "zstd")},
    "instants of 96 bits": {"use_deprecated_int96_timestamps": True},
    "no dictionaries": {"use_dictionary": False},
    "some dictionaries": {"use_dictionary": ["userId", "eventName"]},
    "dictionaries that overflow": {"dictionary_pagesize_limit": 2_000},
    "second pages": {"data_page_version": "2.0"},
    "first version": {"version": "1.0"},
    "small pages": {"data_page_size": 1_000},
    "one row group": {"row_group_size": 1 << 20},
    "many row groups": {"row_group_size": 501},
    "no schema of Arrow": {"store_schema": False},
    "page index": {"write_page_index": True},
    "no statistics": {"write_statistics": False},
    "deltas": {
        "use_dictionary": False,
        "column_encoding": {"userId": "DELTA_BYTE_ARRAY", "videoId": "DELTA_LENGTH_BYTE_ARRAY",
                            "timestamp": "DELTA_BINARY_PACKED", "currentTime": "BYTE_STREAM_SPLIT"},
    },
}  # fmt: skip


@pytest.mark.parametrize("how", WRITERS.values(), ids=WRITERS)
def test_what_pyarrow_writes_is_read_alike(how: dict[str, Any], month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month, path, **how)
    assert_alike(path)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"])
def test_what_polars_writes_is_read_alike(codec: Any, month: pa.Table, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    path = tmp_path / "events.parquet"
    polars.from_arrow(month).write_parquet(path, compression=codec)
    assert_alike(path)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "brotli", "lz4_raw", "zstd"])
def test_what_duckdb_writes_is_read_alike(codec: str, month: pa.Table, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "events.parquet"
    connection = duckdb.connect()
    connection.register("month", month)
    connection.execute(f"copy month to '{path}' (format parquet, compression {codec})")
    assert_alike(path)


def test_text_in_dictionaries_stays_there(month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month, path)
    files = by_core(path)
    (batch,) = files
    assert pa.types.is_dictionary(batch.schema.field("userId").type)
    assert pa.types.is_dictionary(batch.schema.field("eventName").type)
    assert (files.rows, files.rows_read) == (20_000, 20_000)
    # The keys are compared together, so one in plain text makes all of them plain.
    pq.write_table(month, path, use_dictionary=["userId", "videoId", "eventName"])
    (batch,) = by_core(path)
    assert pa.types.is_string(batch.schema.field("userId").type)
    assert pa.types.is_dictionary(batch.schema.field("eventName").type)


def test_only_what_is_used_is_read(month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month.append_column("agent", pa.array(["x"] * 20_000)), path)
    (batch,) = by_core(path)
    assert "agent" not in batch.schema.names and "userId" in batch.schema.names


def test_nested_columns_are_read_by_path(month: pa.Table, tmp_path: Path) -> None:
    users = pa.StructArray.from_arrays(
        [month["userId"].combine_chunks(), pa.array(["x"] * 20_000)], ["id", "agent"]
    )
    context = pa.StructArray.from_arrays([users, pa.array(range(20_000))], ["user", "number"])
    lists = pa.array([[{"at": position}] for position in month["currentTime"].to_pylist()])
    nested = month.drop_columns(["userId", "currentTime"])
    nested = nested.append_column("context", context).append_column("marks", lists)
    path = tmp_path / "events.parquet"
    pq.write_table(nested, path, row_group_size=3_000)
    columns = {"userId": "context.user.id", "currentTime": "marks[0].at"}
    assert assert_alike(path, columns=columns).equals(ws.aggregate(month))
    batch = next(iter(by_core(path, columns)))
    assert batch.schema.field("context").type == pa.struct([("user", pa.struct([("id", pa.string())]))])


def test_several_files_are_one_table(month: pa.Table, tmp_path: Path) -> None:
    for number in range(4):
        pq.write_table(
            month.slice(number * 5_000, 5_000), tmp_path / f"{number}.parquet", row_group_size=1_999
        )
    assert assert_alike(tmp_path).equals(ws.aggregate(month))
    # Columns that nobody wants may differ.
    pq.write_table(month.slice(0, 5_000).append_column("note", pa.array([1] * 5_000)), tmp_path / "0.parquet")
    assert assert_alike(tmp_path).equals(ws.aggregate(month))


def test_what_the_core_does_not_read_is_left_to_pyarrow(month: pa.Table, tmp_path: Path) -> None:
    expected = ws.aggregate(month)
    # Files whose types differ.
    unlike = tmp_path / "unlike"
    unlike.mkdir()
    pq.write_table(month.slice(0, 9_000), unlike / "a.parquet")
    pq.write_table(
        _cast("userId", pa.large_string())(month.slice(9_000)), unlike / "b.parquet", store_schema=True
    )
    pq.write_table(_times(pa.timestamp("ms", "UTC"))(month.slice(0, 0)), unlike / "c.parquet")
    assert by_core(unlike) is None
    assert ws.aggregate(unlike).equals(expected)
    # A column that stands in the folders' names.
    parts = tmp_path / "parts"
    ds.write_dataset(month, parts, format="parquet", partitioning=["videoId"], partitioning_flavor="hive")
    assert by_core(parts) is None
    assert ws.aggregate(parts).equals(expected)
    # Folders whose names say nothing that is wanted.
    days = tmp_path / "days"
    for day in range(2):
        (days / f"date=2026-01-0{day + 1}").mkdir(parents=True)
        pq.write_table(month.slice(day * 10_000, 10_000), days / f"date=2026-01-0{day + 1}" / "a.parquet")
    assert by_core(days) is not None
    assert ws.aggregate(days).equals(expected)


@pytest.mark.parametrize("limit", ["100kB", "1MB", "20MB", "1GB"])
@pytest.mark.parametrize("threads", [1, 3])
def test_limits_change_nothing(limit: str, threads: int, tmp_path: Path) -> None:
    events = sample.generate(300_000, seed=5).read_all()
    path = tmp_path / "events.parquet"
    pq.write_table(events, path, row_group_size=40_000)
    expected = ws.aggregate(events, threads=1)
    assert ws.aggregate(path, memory_limit=limit, threads=threads).equals(expected)


def test_nothing_in_files_is_an_empty_table(month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month.slice(0, 0), path)
    rows = assert_alike(path)
    assert rows.num_rows == 0 and ws.report(rows)["read"] == 0


def test_videos_are_read_too(month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "videos.parquet"
    sources.write(sample.videos(3), path)
    assert ws.aggregate(month, videos=path).equals(ws.aggregate(month, videos=sample.videos(3)))


class Elsewhere(fs.FileSystemHandler):  # type: ignore[misc]
    """The local disk as another place, which notes of which files something was read."""

    def __init__(self) -> None:
        self.local, self.seen = fs.LocalFileSystem(), set[str]()

    def get_type_name(self) -> str:
        return "elsewhere"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> Any:
        return self.local.get_file_info(paths)

    def get_file_info_selector(self, selector: Any) -> Any:
        return self.local.get_file_info(selector)

    def open_input_stream(self, path: str) -> Any:
        return self.open_input_file(path)

    def open_input_file(self, path: str) -> Any:
        self.seen.add(path)
        return self.local.open_input_file(path)

    def create_dir(self, *_: Any) -> None:
        raise NotImplementedError

    delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = create_dir
    move = copy_file = open_output_stream = open_append_stream = create_dir


def test_files_elsewhere_are_fetched_ahead(month: pa.Table, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.parquet") for number in range(8)]
    for number, path in enumerate(paths):
        pq.write_table(month.slice(number * 2_500, 2_500), path)
    place = Elsewhere()
    dataset = open_typed(paths, fs.PyFileSystem(place), "parquet", EVENTS)
    place.seen.clear()
    batches = scan_dataset(dataset, EVENTS)
    first = next(batches)
    deadline = time.monotonic() + 60
    while len(place.seen) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(place.seen) >= 4
    assert pa.types.is_dictionary(first.schema.field("userId").type)
    assert ws.aggregate([first, *batches]).equals(ws.aggregate(month))


def test_plain_delta_tables_are_read_by_the_core(month: pa.Table, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    path = tmp_path / "events"
    for start in (0, 12_000):
        deltalake.write_deltalake(path, month.slice(start, 12_000), mode="append")
    table = deltalake.DeltaTable(path)
    assert isinstance(sources.read(table, EVENTS), _core.ParquetFiles)
    assert ws.aggregate(path).equals(ws.aggregate(month))
    # What was rewritten is left out, and a column that only folders tell is deltalake's to read.
    table.delete("\"eventName\" = 'seek'")
    left = month.filter(pc.not_equal(month["eventName"], "seek"))
    assert ws.aggregate(path).equals(ws.aggregate(left))
    deltalake.write_deltalake(tmp_path / "parts", month, partition_by=["videoId"])
    parts = deltalake.DeltaTable(tmp_path / "parts")
    assert not isinstance(sources.read(parts, EVENTS), _core.ParquetFiles)
    kept = month.filter(pc.is_valid(month["videoId"]))
    assert ws.sessions(parts).num_rows == ws.sessions(kept).num_rows


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """The bytes of a file, some of them cut off or changed."""
    data = bytearray(whole)
    if rng.random() < 0.2:
        del data[rng.randrange(len(data)) :]
        return bytes(data)
    for _ in range(rng.choice([1, 3, 30])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("how", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}], ids=str)
def test_damage_is_told(how: dict[str, Any], month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month.slice(0, 3_000), path, row_group_size=1_000, compression="snappy", **how)
    whole, told = path.read_bytes(), 0
    for seed in range(100):
        path.write_bytes(damaged(whole, random.Random(seed)))
        try:
            files = by_core(path)
            if files is not None:
                _core.sessions(files, None, None, ws.Rules(), 2)
        except SourceError:
            told += 1
    assert told > 5


def test_a_damaged_file_is_named(month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month, path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[4:200] = b"\xff" * 196
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"events\.parquet cannot be read as Parquet: .*write it anew"):
        ws.aggregate(path)


def test_a_file_that_vanishes_is_told(month: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(month, path)
    files = by_core(path)
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        ws.aggregate(files)


def test_what_the_core_writes_is_what_pyarrow_would_write(month: pa.Table, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    for table in (ws.aggregate(month, videos=sample.videos(3)), ws.sessions(month), month, month.slice(0, 0)):
        sources.write(table, ours)
        pq.write_table(table, theirs)
        found, expected = pq.read_table(ours), pq.read_table(theirs)
        assert found.schema.equals(expected.schema, check_metadata=True)
        assert_same(found, expected)
        names = [[column.path for column in pq.ParquetFile(path).schema] for path in (ours, theirs)]
        assert names[0] == names[1]
        kinds = [
            [(str(column.physical_type), str(column.logical_type)) for column in pq.ParquetFile(path).schema]
            for path in (ours, theirs)
        ]
        assert kinds[0] == kinds[1]


def test_row_groups_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    numbers = pa.table({"number": range(300_000), "half": [number // 2 % 7 for number in range(300_000)]})
    sources.write(numbers, path)
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [131_072, 131_072, 37_856]
    # Only what repeats has a dictionary.
    assert [groups[0].column(column).has_dictionary_page for column in range(2)] == [False, True]
    assert groups[0].column(0).statistics.max == 131_071
    assert file.read().equals(numbers)


def test_other_readers_read_what_the_core_writes(month: pa.Table, tmp_path: Path) -> None:
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    path = tmp_path / "rows.parquet"
    rows = ws.aggregate(month)
    sources.write(rows, path)
    assert polars.read_parquet(path).to_arrow().to_pylist() == rows.to_pylist()
    found = duckdb.sql(f"select * from '{path}'").to_arrow_table()
    assert (
        found.drop_columns(["firstWatchDate", "lastWatchDate"]).to_pylist()
        == rows.drop_columns(["firstWatchDate", "lastWatchDate"]).to_pylist()
    )


def test_a_file_is_ended_once(month: pa.Table, tmp_path: Path) -> None:
    with open(tmp_path / "rows.parquet", "wb") as stream:
        sink = _core.ParquetSink(stream)
        sink.add(month)
        assert sink.rows == 20_000
        sink.finish(month)
        with pytest.raises(SourceError, match="ended before"):
            sink.add(month)
    assert_same(pq.read_table(tmp_path / "rows.parquet"), month)


def test_the_errors_of_a_stream_are_told(month: pa.Table) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    sink = _core.ParquetSink(Full())
    sink.add(month)
    with pytest.raises(SourceError, match="No space left"):
        sink.finish(month)
