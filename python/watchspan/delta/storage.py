"""Delta tables through deltalake: opening, creating, and rows in the shape that a table has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import fs

from watchspan import _core
from watchspan.comments import comments
from watchspan.errors import MissingDependencyError, OptionError, SourceError
from watchspan.refresh import KEYS, PROCESSED_AT, PROCESSED_AT_MEANS, TableName

try:
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import TableNotFoundError
    from deltalake.fs import DeltaStorageHandler
    from deltalake.schema import Schema as DeltaSchema
except ImportError as error:
    raise MissingDependencyError(
        'Delta tables need the package deltalake: pip install "watchspan[delta]" (Python 3.10 or newer).'
    ) from error

__all__ = [
    "CONFIGURATION",
    "DeltaTable",
    "StorageOptions",
    "add_columns",
    "conform",
    "create",
    "find",
    "is_empty",
    "open_table",
    "options_argument",
    "own_columns",
    "place",
    "schema_of",
    "write_deltalake",
]

# Deletion vectors would keep readers out that do not know them.
CONFIGURATION = {"delta.enableDeletionVectors": "false"}

# Where a column says how it is computed.
_GENERATED = "delta.generationExpression"

# What deltalake needs to reach a storage, as text; values may be secret.
StorageOptions = Mapping[str, str]


def place(option: str, table: Any) -> str:
    """A table's path or URI.

    Raises:
        OptionError: If it is none.
    """
    found = os.fspath(table) if isinstance(table, (str, os.PathLike)) else None
    if isinstance(found, str) and found and "\0" not in found:
        return found
    raise OptionError(f"{option} is {table!r}, but the path or URI of a Delta table is needed.")


def options_argument(options: Any) -> dict[str, str] | None:
    """The argument `storage_options` as deltalake takes it.

    Raises:
        OptionError: If it is not a mapping of text to text. The message names no value: it may be a secret.
    """
    if options is None:
        return None
    accepted = "a mapping of text to text is needed"
    if not isinstance(options, Mapping):
        raise OptionError(f"storage_options is of type {type(options).__name__}, but {accepted}.")
    for name, value in options.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise OptionError(
                f"storage_options has a value of type {type(value).__name__} for {name!r}, but {accepted}."
            )
    return dict(options) or None


def find(uri: str, options: StorageOptions | None) -> DeltaTable | None:
    """The table at that place, as it is now; None if there is none.

    Raises:
        SourceError: If there are files, but no log of a table.
    """
    chosen = dict(options) if options else None
    try:
        return DeltaTable(uri, storage_options=chosen)
    except TableNotFoundError:
        left = _left(uri, chosen)
    if left is None:
        return None
    # Not without a word: a new table would hide what is there.
    raise SourceError(
        f"The folder {uri!r} holds {left!r}, but no log of a Delta table (`_delta_log`) that can be read. If "
        "it was a table, restore the log from a copy, or move the folder away; else name another place."
    )


def _left(uri: str, options: dict[str, str] | None) -> str | None:
    """A file or folder at that place that may be somebody's data or what remains of a log."""
    try:
        folder = fs.PyFileSystem(DeltaStorageHandler(uri, options))
        kept = [found.base_name for found in folder.get_file_info(fs.FileSelector(""))]
    except (TableNotFoundError, FileNotFoundError):
        return None
    log = [found.path for found in folder.get_file_info(fs.FileSelector("_delta_log", allow_not_found=True))]
    return next((name for name in [*kept, *log] if not name.startswith((".", "_")) or name in log), None)


def open_table(option: str, table: Any, options: StorageOptions | None, what: str) -> DeltaTable:
    """The table at that place, or the `DeltaTable` itself.

    Raises:
        OptionError: If it is neither.
        SourceError: If there is no Delta table.
    """
    if isinstance(table, DeltaTable):
        return table
    uri = place(option, table)
    found = find(uri, options)
    if found is None:
        raise SourceError(f"There is no Delta table at {uri!r}, which should hold the {what}.")
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
    uri: str, schema: pa.Schema, properties: Mapping[str, str], options: StorageOptions | None, **how: Any
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


def own_columns(table: TableName, there: Iterable[str]) -> dict[str, str]:
    """The columns of a table that are ours: our name -> the table's, which may differ in case.

    All others are somebody else's, or a newer watchspan's: no row of them is ever changed.
    """
    if table == "pending":
        ours = [*KEYS["pending"]]
    else:
        ours = [*(spec["name"] for spec in _core.column_specs(table)), PROCESSED_AT]
    names = {name.lower(): name for name in there}
    return {name: names[name.lower()] for name in ours if name.lower() in names}


def add_columns(table: DeltaTable, schema: pa.Schema) -> None:
    """Adds the columns that a table from an older version lacks; its rows hold nulls there.

    Raises:
        SourceError: If somebody has added a column that deltalake cannot keep right.
    """
    for found in table.schema().fields:
        if _GENERATED in (found.metadata or {}):
            raise SourceError(
                f"The table at {table.table_uri!r} has the generated column {found.name!r}, which deltalake "
                "does not compute anew where rows change: keep the table with Spark, or drop the column."
            )
    there = {field.name.lower() for field in table.schema().fields}
    lacking = [field for field in schema if field.name.lower() not in there]
    if lacking:
        table.alter.add_columns(DeltaSchema.from_arrow(pa.schema(lacking)).fields)


def is_empty(table: DeltaTable) -> bool:
    """Whether a table has no rows, as far as its files tell."""
    return not table.file_uris()


def conform(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, sources: Mapping[str, str]
) -> pa.RecordBatchReader:
    """The columns of a schema in its types: other engines spell text and lists differently.

    Args:
        batches: The rows.
        schema: The columns to make.
        sources: Name in the schema -> name in the rows; what is not named is null.
    """
    plain = pa.schema([pa.field(f.name, f.type) for f in schema])

    def conformed() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [
                batch.column(batch.schema.names.index(sources[field.name])).cast(field.type)
                if field.name in sources
                else pa.nulls(batch.num_rows, field.type)
                for field in plain
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=plain)

    return pa.RecordBatchReader.from_batches(plain, conformed())
