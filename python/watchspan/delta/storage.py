"""Delta tables through deltalake: opening, creating, and rows in the shape that a table has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from watchspan.comments import comments
from watchspan.errors import MissingDependencyError, SourceError
from watchspan.refresh import KEYS, PROCESSED_AT, PROCESSED_AT_MEANS, TableName

try:
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import TableNotFoundError
    from deltalake.schema import Schema as DeltaSchema
except ImportError as error:
    raise MissingDependencyError(
        'Delta tables need the package deltalake: pip install "watchspan[delta]" (Python 3.10 or newer).'
    ) from error

__all__ = [
    "CONFIGURATION",
    "DeltaTable",
    "add_columns",
    "conform",
    "create",
    "find",
    "is_empty",
    "open_table",
    "schema_of",
    "write_deltalake",
]

# Deletion vectors would keep readers out that do not know them.
CONFIGURATION = {"delta.enableDeletionVectors": "false"}

Options = Mapping[str, str]


def find(uri: str, options: Options | None) -> DeltaTable | None:
    """The table at that place, as it is now; None if there is none."""
    try:
        return DeltaTable(uri, storage_options=dict(options) if options else None)
    except TableNotFoundError:
        return None


def open_table(table: Any, options: Options | None, what: str) -> DeltaTable:
    """The table at that place, or the `DeltaTable` itself.

    Raises:
        SourceError: If there is no Delta table.
    """
    if isinstance(table, DeltaTable):
        return table
    found = find(os.fspath(table), options)
    if found is None:
        raise SourceError(f"There is no Delta table at {os.fspath(table)!r}, which should hold the {what}.")
    return found


def schema_of(table: TableName, rows: pa.Schema) -> pa.Schema:
    """The schema of a stored table: every column can be null and says what it means; text is plain text.

    Args:
        table: Which table.
        rows: The schema of its rows, whose keys have the type of the input's.
    """
    meaning = comments("engagement" if table == "pending" else table)
    fields = [pa.field(f.name, f.type, metadata={"comment": meaning.get(f.name, "")}) for f in rows]
    if table == "pending":
        return pa.schema([field for field in fields if field.name in KEYS["pending"]])
    processed = pa.field(PROCESSED_AT, pa.timestamp("us", "UTC"), metadata={"comment": PROCESSED_AT_MEANS})
    return pa.schema([*fields, processed])


def create(
    uri: str, schema: pa.Schema, properties: Mapping[str, str], options: Options | None, **how: Any
) -> DeltaTable:
    """Creates an empty table."""
    return DeltaTable.create(
        uri,
        schema,
        mode="ignore",
        configuration={**CONFIGURATION, **properties},
        storage_options=dict(options) if options else None,
        raise_if_key_not_exists=False,
        **how,
    )


def add_columns(table: DeltaTable, schema: pa.Schema) -> None:
    """Adds the columns that a table from an older version lacks; its rows hold nulls there."""
    there = {field.name for field in table.schema().fields}
    lacking = [field for field in schema if field.name not in there]
    if lacking:
        table.alter.add_columns(DeltaSchema.from_arrow(pa.schema(lacking)).fields)


def is_empty(table: DeltaTable) -> bool:
    """Whether a table has no rows, as far as its files tell."""
    return not table.file_uris()


def conform(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatchReader:
    """The columns of a schema, by name, in its types: other engines spell text and lists differently."""
    plain = pa.schema([pa.field(f.name, f.type) for f in schema])

    def conformed() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [batch.column(batch.schema.get_field_index(name)) for name in plain.names]
            arrays = [column.cast(kind) for column, kind in zip(columns, plain.types)]
            yield pa.RecordBatch.from_arrays(arrays, schema=plain)

    return pa.RecordBatchReader.from_batches(plain, conformed())
