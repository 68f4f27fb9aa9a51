"""Tables as files: the format by suffix, and either the whole file or none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Callable, Union

import pyarrow as pa

from watchspan.errors import SourceError
from watchspan.sources.formats import format_of
from watchspan.sources.overflow import Overflow

# Rows per row group or record batch of a written file.
_GROUP_ROWS = 131_072


def write(table: pa.Table | Overflow, path: str | os.PathLike[str]) -> None:
    """Writes a table as Parquet, CSV, JSON lines or Arrow, by the path's suffix.

    Lists become JSON text in CSV. Directories above the path are made. Whoever reads the path meanwhile sees
    the old file or the new one, never a part: the file is written beside it and renamed when it is complete.

    Args:
        table: The table, or one that may be larger than memory.
        path: Where to: a path, or an URI that pyarrow knows, such as `s3://bucket/rows.parquet`.

    Raises:
        SourceError: If the suffix is not known, or the path is a directory.
        OSError: If the file system refuses.

    >>> import pyarrow as pa, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(pa.table({"a": [1, None]}), os.path.join(folder, "new", "rows.jsonl"))
    ...     with open(os.path.join(folder, "new", "rows.jsonl")) as lines:
    ...         print(lines.read(), end="")
    {"a": 1}
    {"a": null}
    """
    from pyarrow import fs

    asked = os.fspath(path)
    form = format_of(asked)
    if "://" in asked:
        filesystem, place = fs.FileSystem.from_uri(asked)
    else:
        filesystem, place = fs.LocalFileSystem(), os.path.abspath(asked)
    if filesystem.get_file_info(place).type == fs.FileType.Directory:
        raise SourceError(f"Cannot write {asked!r}: it is a directory.")
    folder, _, name = place.replace(os.sep, "/").rpartition("/")
    filesystem.create_dir(folder, recursive=True)
    # The suffix stays the same: the stream compresses by it.
    partial = f"{folder}/.part-{os.getpid()}-{name}"
    try:
        with filesystem.open_output_stream(partial) as sink:
            _WRITERS[form](table, sink)
        filesystem.move(partial, place)
    except BaseException:
        if filesystem.get_file_info(partial).is_file:
            filesystem.delete_file(partial)
        raise


def _groups(table: pa.Table | Overflow) -> Iterator[pa.Table]:
    """The table in pieces of about so many rows as a row group has."""
    found: list[pa.RecordBatch] = []
    for batch in table.to_batches():
        found.append(batch)
        if sum(batch.num_rows for batch in found) >= _GROUP_ROWS:
            yield pa.Table.from_batches(found)
            found = []
    if found:
        yield pa.Table.from_batches(found)


def _write_parquet(table: pa.Table | Overflow, sink: Any) -> None:
    from pyarrow import parquet as pq

    with pq.ParquetWriter(sink, table.schema) as writer:
        for group in _groups(table):
            writer.write_table(group.replace_schema_metadata(table.schema.metadata))


def _write_ipc(table: pa.Table | Overflow, sink: Any) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        for group in _groups(table):
            writer.write_table(group.replace_schema_metadata(table.schema.metadata))


def _write_csv(table: pa.Table | Overflow, sink: Any) -> None:
    from pyarrow import csv

    schema = pa.schema(
        [(field.name, pa.string() if _is_nested(field.type) else field.type) for field in table.schema]
    )
    with csv.CSVWriter(sink, schema) as writer:
        for batch in _batches(table):
            columns = [
                _json_column(column) if _is_nested(column.type) else column for column in batch.columns
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _batches(table: pa.Table | Overflow) -> Iterator[pa.RecordBatch]:
    for group in _groups(table):
        yield from group.to_batches(max_chunksize=_GROUP_ROWS)


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def _json_column(column: pa.Array) -> pa.Array:
    texts = [None if value is None else _ENCODER.encode(value) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def _write_json(table: pa.Table | Overflow, sink: Any) -> None:
    for batch in _batches(table):
        names, columns = batch.schema.names, [_values(column) for column in batch.columns]
        lines = (_ENCODER.encode(dict(zip(names, row))) + "\n" for row in zip(*columns))
        sink.write("".join(lines).encode())


def _values(column: pa.Array) -> list[Any]:
    """The column's values; instants without their zone, for which pyarrow before 12 needs another package."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    return list(column.to_pylist())


def _as_text(value: Any) -> str:
    """What JSON has no type for: instants, which are in UTC, become RFC 3339 text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    return str(value)


# One for all rows: making it takes longer than using it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_as_text)


_WRITERS: dict[str, Callable[[Union[pa.Table, Overflow], Any], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "json": _write_json,
    "ipc": _write_ipc,
}
