"""Tables as files: the format by suffix, and either the whole file or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Callable, Union

import pyarrow as pa

from watchspan.sources.formats import format_of
from watchspan.sources.outputs import whole_file
from watchspan.sources.overflow import Overflow
from watchspan.sources.parquet import ParquetTable
from watchspan.text import json_lines, to_json, without_formulas

# Rows per record batch of a written file; of Parquet the core knows.
_GROUP_ROWS = 131_072


def write(table: pa.Table | Overflow, path: str | os.PathLike[str], *, escape_formulas: bool = False) -> None:
    """Writes a table as Parquet, CSV, JSON lines or Arrow, by the path's suffix.

    Lists become JSON text in CSV. JSON has null for numbers that are not finite. Directories above the path
    are made. Whoever reads the path meanwhile sees the old file or the new one, never a part: the file takes
    the path's name when it is complete. A link at the path is replaced, and what it leads to stays.

    Args:
        table: The table, or one that may be larger than memory.
        path: Where to: a path, or an URI that pyarrow knows, such as `s3://bucket/rows.parquet`.
        escape_formulas: Whether to put a quote before text in CSV that a spreadsheet would run as a formula,
            because it begins with `=`, `+`, `-`, `@`, a tab or a line end. The text is then not exact.

    Raises:
        SourceError: If the suffix is not known, the path is a directory, or the file system refuses.

    >>> import pyarrow as pa, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(pa.table({"a": [1, None]}), os.path.join(folder, "new", "rows.jsonl"))
    ...     with open(os.path.join(folder, "new", "rows.jsonl")) as lines:
    ...         print(lines.read(), end="")
    {"a": 1}
    {"a": null}
    """
    form = format_of(os.fsdecode(path))
    with whole_file(path) as sink:
        if form == "csv":
            _write_csv(table, sink, escape_formulas)
        else:
            _WRITERS[form](table, sink)


def write_lines(table: pa.Table | Overflow, stream: IO[bytes]) -> None:
    """Writes a table as JSON lines to an open stream, such as standard output."""
    _write_json(table, stream)
    stream.flush()


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
    file = ParquetTable(sink)
    for batch in table.to_batches():
        file.add(batch)
    file.finish(table.schema)


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[ParquetTable]:
    """A Parquet file at `path` that takes a table's rows as they are made; nothing is left of it on errors.

    Raises:
        SourceError: If the file system refuses.
    """
    with whole_file(path) as stream:
        yield ParquetTable(stream)


def _write_ipc(table: pa.Table | Overflow, sink: Any) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        for group in _groups(table):
            writer.write_table(group.replace_schema_metadata(table.schema.metadata))


def _write_csv(table: pa.Table | Overflow, sink: Any, escape_formulas: bool) -> None:
    from pyarrow import csv

    schema = pa.schema([(field.name, _csv_type(field.type, escape_formulas)) for field in table.schema])
    with csv.CSVWriter(sink, schema) as writer:
        for batch in _batches(table):
            columns = [_csv_column(column, escape_formulas) for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _csv_type(kind: pa.DataType, escape_formulas: bool) -> pa.DataType:
    return _csv_column(pa.nulls(0, kind), escape_formulas).type


def _csv_column(column: pa.Array, escape_formulas: bool) -> pa.Array:
    if pa.types.is_nested(column.type):
        texts = [None if value is None else to_json(value) for value in column.to_pylist()]
        column = pa.array(texts, pa.string())
    return without_formulas(column) if escape_formulas else column


def _batches(table: pa.Table | Overflow) -> Iterator[pa.RecordBatch]:
    for group in _groups(table):
        yield from group.to_batches(max_chunksize=_GROUP_ROWS)


def _write_json(table: pa.Table | Overflow, sink: Any) -> None:
    for batch in _batches(table):
        sink.write(json_lines(batch.schema.names, map(_values, batch.columns)).encode())


def _values(column: pa.Array) -> list[Any]:
    """The column's values; instants without their zone, for which pyarrow before 12 needs another package."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    return list(column.to_pylist())


_WRITERS: dict[str, Callable[[Union[pa.Table, Overflow], Any], None]] = {
    "parquet": _write_parquet,
    "json": _write_json,
    "ipc": _write_ipc,
}
