"""Rows as the services take them: what a value becomes, what is stamped on a row, what a table looks like."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, Union

import pyarrow as pa

from watchspan import instants
from watchspan.arguments import instant_argument
from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.queries import name_of
from watchspan.errors import DataError, OptionError
from watchspan.instants import Instant
from watchspan.refresh import KEYS

__all__ = ["STAMPED", "Stamp", "create_table_commands", "log_analytics_columns", "records", "size_of"]

_RUN_ID = re.compile(r"[\w.-]{1,100}")
# What every row carries beside its own columns.
STAMPED = {
    "TimeGenerated": pa.timestamp("us", "UTC"),
    "runId": pa.string(),
    "rowKey": pa.string(),
    "windowStart": pa.timestamp("us", "UTC"),
    "windowEnd": pa.timestamp("us", "UTC"),
}
_LONGEST_NAME, _MOST_COLUMNS = 45, 500
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Stamp:
    """What the rows of a run have in common.

    Attributes:
        run_id: What the run is called.
        computed_at: When the rows were computed, as text.
        start: The first instant of the window that they are about, as text, or None.
        end: The first instant after it.
    """

    run_id: str
    computed_at: str
    start: Union[str, None]
    end: Union[str, None]

    @classmethod
    def of(
        cls, run_id: str | None, window: tuple[Instant, Instant], resume: Checkpoint | str | None = None
    ) -> Stamp:
        """The stamp of a new run, or of the one that goes on.

        Raises:
            OptionError: If the run's name or the window cannot be used.
        """
        given = Checkpoint.of(resume)
        if given is not None and run_id not in (None, given.run_id):
            raise OptionError(f"run_id is {run_id!r}, but the run to go on with is {given.run_id!r}.")
        name = given.run_id if given else uuid.uuid4().hex if run_id is None else run_id
        if not isinstance(name, str) or not _RUN_ID.fullmatch(name):
            raise OptionError(
                f"run_id is {name!r}, but up to 100 letters, digits, '.', '_' or '-' are needed."
            )
        start, end = (_text_of(option, value) for option, value in zip(("start", "end"), window))
        computed = given.computed_at if given else instants.text(datetime.now(timezone.utc))
        return cls(name, computed, start, end)

    def on(self, key: list[Any]) -> dict[str, Any]:
        """What is stamped on the row with this key."""
        # The window is part of it: what one run says about Monday and another about Tuesday are two rows.
        text = json.dumps([*key, self.start, self.end], ensure_ascii=True)
        return {
            "TimeGenerated": self.computed_at,
            "runId": self.run_id,
            "rowKey": hashlib.sha256(text.encode()).hexdigest()[:32],
            "windowStart": self.start,
            "windowEnd": self.end,
        }


def records(table: Any, stamp: Stamp) -> Iterator[dict[str, Any]]:
    """The rows of a table, in values that JSON knows, with their stamp.

    Raises:
        DataError: If it is no table of rows with keys.
    """
    key = _key_of(table.schema.names)
    for batch in table.to_batches():
        names = batch.schema.names
        columns = [_values(name, column) for name, column in zip(names, batch.columns)]
        for row in zip(*columns):
            record = dict(zip(names, row))
            yield {**stamp.on([record[name] for name in key]), **record}


def _key_of(names: list[str]) -> tuple[str, ...]:
    """The columns that tell rows apart, those of sessions if there are sessions.

    Raises:
        DataError: If the table has no such columns, or one that is stamped on it.
    """
    taken = [name for name in STAMPED if name in names]
    if taken:
        raise DataError(f"The rows have a column {taken[0]!r}, which the upload adds itself: rename it.")
    for key in (KEYS["sessions"], KEYS["engagement"]):
        if all(name in names for name in key):
            return key
    raise DataError(
        "The rows have no columns 'userId' and 'videoId': a table from aggregate() or sessions() is needed."
    )


def _values(name: str, column: pa.Array) -> list[Any]:
    try:
        if pa.types.is_timestamp(column.type):
            numbers = column.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
            return [None if n is None else instants.text(n) for n in numbers]
        return [_plain(value) for value in column.to_pylist()]
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(
            f"The column {name!r} of type {column.type} holds a value that no service takes ({error}): "
            "convert it, or leave the column out. Nothing was sent."
        ) from error


def _plain(value: Any) -> Any:
    """A value as JSON knows it: NaN and the infinities are no numbers there."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, datetime):
        return instants.text(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"JSON has nothing for {type(value).__name__}")


def size_of(value: Any) -> int:
    """How many bytes a value is in a field."""
    if isinstance(value, str):
        return len(value.encode())
    return len(json.dumps(value, ensure_ascii=False).encode()) if isinstance(value, (list, dict)) else 8


def _text_of(option: str, value: Instant) -> str | None:
    number = instant_argument(option, value)
    return None if number is None else instants.text(number)


def log_analytics_columns(schema: pa.Schema) -> list[dict[str, str]]:
    """The columns of a custom table for rows of this schema, as a stream declaration has them.

    Args:
        schema: The rows' schema.

    Returns:
        For each column its `name` and `type`, those that are stamped on rows first.

    Raises:
        DataError: If Log Analytics cannot have such a column, or so many.
    """
    columns = [
        {"name": name, "type": _log_analytics_type(kind)} for name, kind in _with_stamp(schema).items()
    ]
    if len(columns) > _MOST_COLUMNS:
        raise DataError(f"The rows have {len(columns)} columns; a table holds {_MOST_COLUMNS}.")
    for column in columns:
        name = column["name"]
        if len(name) > _LONGEST_NAME or not _COLUMN.fullmatch(name):
            raise DataError(
                f"Log Analytics has no column called {name!r}: a name begins with a letter and has up to "
                f"{_LONGEST_NAME} letters, digits or underscores. Rename the column."
            )
    return columns


def create_table_commands(table: str, schema: pa.Schema) -> list[str]:
    """The commands that make a table for rows of this schema in Data Explorer, and let rows stream in.

    Args:
        table: What to call it.
        schema: The rows' schema.
    """
    columns = ", ".join(
        f"{_plain_name(name)}: {_kusto_type(kind)}" for name, kind in _with_stamp(schema).items()
    )
    return [
        f".create-merge table {_plain_name(table)} ({columns})",
        f".alter table {_plain_name(table)} policy streamingingestion enable",
    ]


def _plain_name(name: str) -> str:
    """A name as it stands, where people read it and it is no word of the language; else in brackets."""
    return name if _COLUMN.fullmatch(name) and not name.islower() else name_of(name)


def _with_stamp(schema: pa.Schema) -> dict[str, pa.DataType]:
    return {**STAMPED, **{field.name: field.type for field in schema}}


def _kusto_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "datetime"
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind):
        return "long"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "real"
    return "dynamic" if pa.types.is_nested(kind) else "string"


def _log_analytics_type(kind: pa.DataType) -> str:
    name = _kusto_type(kind)
    return "boolean" if name == "bool" else name
