"""Engagement rows as a Delta table, for those who write whole results."""

from __future__ import annotations

from datetime import datetime, timezone

import pyarrow as pa

from watchspan.delta import storage
from watchspan.errors import DataError, SourceError
from watchspan.refresh import KEYS, PROCESSED_AT, PROPERTY

_KEYS = KEYS["engagement"]


def save(
    rows: pa.Table,
    uri: str,
    mode: str,
    partition_by: list[str],
    options: storage.StorageOptions | None,
) -> None:
    """Writes rows; see `watchspan.delta.write`."""
    there = storage.find(uri, options)
    if there is not None and PROPERTY in there.metadata().configuration:
        raise SourceError(
            f"The table at {uri!r} is kept up to date by update(), and rows written beside it would "
            "contradict its sessions: write to another table, or use update() and rescore()."
        )
    plain = rows.replace_schema_metadata(None)
    schema = storage.schema_of("engagement", plain.schema)
    now = pa.scalar(datetime.now(timezone.utc), pa.timestamp("us", "UTC"))
    stamped = plain.append_column(PROCESSED_AT, pa.repeat(now, plain.num_rows))
    if there is None or mode == "overwrite":
        _overwrite(stamped, schema, uri, partition_by, options)
        return
    storage.add_columns(there, schema)
    if mode == "append":
        storage.write_deltalake(there, stamped, mode="append", schema_mode="merge")
    else:
        _merge(stamped, there)


def _overwrite(
    rows: pa.Table,
    schema: pa.Schema,
    uri: str,
    partition_by: list[str],
    options: storage.StorageOptions | None,
) -> None:
    storage.write_deltalake(
        uri,
        rows.cast(schema),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=partition_by or None,
        configuration=storage.CONFIGURATION,
        storage_options=dict(options) if options else None,
    )


def _merge(rows: pa.Table, table: storage.DeltaTable) -> None:
    pairs = rows.group_by(list(_KEYS)).aggregate([(PROCESSED_AT, "count")])
    if pairs.num_rows < rows.num_rows:
        raise DataError(
            f"The rows hold {rows.num_rows - pairs.num_rows} pairs of user and video twice: a merge needs "
            "one row each."
        )
    matching = " AND ".join(f"t.{name} = s.{name}" for name in _KEYS)
    columns = {name: f"s.{name}" for name in rows.column_names}
    merger = table.merge(rows, matching, source_alias="s", target_alias="t")
    merger.when_matched_update(columns).when_not_matched_insert(columns).execute()
