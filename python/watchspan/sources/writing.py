"""Tables as files: the format by suffix, and either the whole file or none."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any, Callable

import pyarrow as pa

from watchspan.errors import SourceError
from watchspan.sources.formats import format_of

# Rows per row group or record batch of a written file.
_GROUP_ROWS = 131_072


def write(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Writes a table as Parquet, CSV, JSON lines or Arrow, by the path's suffix.

    Lists become JSON text in CSV. Directories above the path are made. Whoever reads the path meanwhile sees
    the old file or the new one, never a part: the file is written beside it and renamed when it is complete.

    Args:
        table: The table.
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


def _write_parquet(table: pa.Table, sink: Any) -> None:
    from pyarrow import parquet as pq

    pq.write_table(table, sink)


def _write_ipc(table: pa.Table, sink: Any) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _write_csv(table: pa.Table, sink: Any) -> None:
    from pyarrow import csv

    schema = pa.schema(
        [(field.name, pa.string() if _is_nested(field.type) else field.type) for field in table.schema]
    )
    with csv.CSVWriter(sink, schema) as writer:
        for batch in table.to_batches(max_chunksize=_GROUP_ROWS):
            columns = [
                _json_column(column) if _is_nested(column.type) else column for column in batch.columns
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def _json_column(column: pa.Array) -> pa.Array:
    texts = [None if value is None else _ENCODER.encode(value) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def _write_json(table: pa.Table, sink: Any) -> None:
    for batch in table.to_batches(max_chunksize=_GROUP_ROWS):
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


_WRITERS: dict[str, Callable[[pa.Table, Any], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "json": _write_json,
    "ipc": _write_ipc,
}
