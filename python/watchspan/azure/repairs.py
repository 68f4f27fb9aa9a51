"""Rows as services deliver them, turned into the engine's columns.

A tracker's numbers arrive as text, `NaN` too, and a missing value as the text "null". Values of type dynamic
are JSON text from Log Analytics and objects from Data Explorer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa

from watchspan import instants
from watchspan.azure.failures import ServiceError
from watchspan.azure.queries import ITEM_COUNT
from watchspan.columns import EVENTS
from watchspan.errors import DataError

__all__ = ["as_batch", "as_table", "figures", "input_schema", "types_of", "whole_rows"]

_MOST = 2**63
# What becomes of the services' types; the values of others say themselves what they are.
_TYPES = {
    "string": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "real": pa.float64(),
    "decimal": pa.float64(),
}
# Longer ones are none that fits, and reading them takes time by the square of their length.
_WHOLE = re.compile(r"[+-]?\d{1,40}")
_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)


def types_of(column: str) -> pa.DataType:
    """The type of a column of the engine's input, as it is read from a service."""
    if column in EVENTS:
        return EVENTS[column].type
    return pa.int64() if column == ITEM_COUNT else pa.string()


def input_schema(columns: Iterable[str]) -> pa.Schema:
    """The schema of batches with these columns."""
    return pa.schema([(column, types_of(column)) for column in columns])


def as_batch(
    rows: Sequence[Sequence[Any]], schema: pa.Schema, unreadable: Callable[[str], object]
) -> pa.RecordBatch:
    """Rows of values, in the order of the schema, as a batch.

    Args:
        rows: The rows.
        schema: What they are to become.
        unreadable: Called with the column's name for each value that is none of its type, and becomes null.
    """
    values = list(zip(*rows)) if rows else [() for _ in schema]
    arrays = []
    for field, column in zip(schema, values):
        read = _readers(field)
        arrays.append(pa.array([_or_none(read, v, field.name, unreadable) for v in column], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def as_table(columns: Iterable[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows of any query as a table. A number that is none (`NaN`, or an infinite one) is null in it.

    Args:
        columns: The name of each column, and its type as the service calls it.
        rows: The rows.

    Raises:
        DataError: If a column holds values of several types, as one of type dynamic may, or of another one.
    """
    made = {}
    for place, (name, kind) in enumerate(columns):
        target, values = _TYPES.get(kind), [row[place] for row in rows]
        read = _finite if target == pa.float64() else _flat
        try:
            made[name] = pa.array([read(value) for value in values], target)
        except (pa.ArrowException, *_UNREADABLE) as error:
            raise DataError(
                f"The column {name!r} of the query holds values of several types, or that are none of its "
                f"type: convert it there, as by todouble({name}) or tostring({name})."
            ) from error
    return pa.table(made)


def whole_rows(place: str, columns: Sequence[Any], rows: Any) -> Sequence[Sequence[Any]]:
    """The rows of an answer, each of which has a value for each column.

    Raises:
        ServiceError: If the answer is no table.
    """
    if not all(isinstance(name, str) for name in columns) or len(set(columns)) != len(columns):
        raise ServiceError(f"{place} answered with columns that have no names, or the same ones.")
    for row in rows:
        if not isinstance(row, (list, tuple)) or len(row) != len(columns):
            raise ServiceError(f"{place} answered with a row that has not a value for each column.")
    return list(rows)


def figures(place: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """What a query of `count_query` says.

    Raises:
        ServiceError: If the answer is another one.
    """
    counts, times = ("rows", "events", "sampled"), ("firstEvent", "lastEvent")
    if len(rows) != 1 or list(columns) != [*counts, *times]:
        raise ServiceError(f"{place} did not say how many events there are.")
    found = dict(zip(columns, rows[0]))
    try:
        # The sum over no rows may be null.
        found["events"] = 0 if found["events"] is None else found["events"]
        numbers = {name: _integer(found[name]) for name in counts}
        moments = {name: None if found[name] is None else _instant(found[name]) for name in times}
    except _UNREADABLE as error:
        raise ServiceError(f"{place} did not say in numbers how many events there are.") from error
    return {**numbers, **moments}


def _flat(value: Any) -> Any:
    """A value that holds no others: those are JSON text."""
    return _text(value) if isinstance(value, (str, dict, list)) else value


def _finite(value: Any) -> float | None:
    # NaN and the infinities arrive as text, and so does every decimal.
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None


def _readers(field: pa.Field) -> Callable[[Any], Any]:
    if pa.types.is_timestamp(field.type):
        return _instant
    if pa.types.is_floating(field.type):
        return _number
    return _integer if pa.types.is_integer(field.type) else _text


def _or_none(read: Callable[[Any], Any], value: Any, column: str, unreadable: Callable[[str], object]) -> Any:
    # As text a tracker's null is "null"; as a value of type dynamic it is None. The queries read it so too.
    if value is None or value in ("", "null"):
        return None
    try:
        return read(value)
    except _UNREADABLE:
        unreadable(column)
        return None


def _instant(value: Any) -> datetime:
    found = instants.parsed(value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        raise TypeError("no time")
    return instants.aware(found).astimezone(timezone.utc)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    # The text NaN is a number that is none; the engine counts it as a position that cannot be.
    return float(value)


def _integer(value: Any) -> int:
    # As a float a number of more than 15 digits would become another one.
    is_exact = isinstance(value, str) and _WHOLE.fullmatch(value.strip())
    number = int(value) if is_exact or type(value) is int else _number(value)
    if isinstance(number, float) and (not math.isfinite(number) or not number.is_integer()):
        raise ValueError("no whole number")
    if not -_MOST <= number < _MOST:
        raise OverflowError("too large")
    return int(number)


def _text(value: Any) -> str:
    if isinstance(value, str):
        # JSON can hold halves of characters, which no column of text does.
        if not value.isascii():
            value.encode()
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (bool, dict, list)):
        return json.dumps(value, separators=(",", ":"))
    # Among others whole numbers, of which Python makes no text if they have thousands of digits.
    return str(value)
