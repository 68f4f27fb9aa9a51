"""Rows as services deliver them, turned into the engine's columns.

A tracker's numbers arrive as text, `NaN` too, and a missing value as the text "null". Values of type dynamic
are JSON text from Log Analytics and objects from Data Explorer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa

from watchspan.azure.queries import ITEM_COUNT
from watchspan.sources.arguments import NUMBERS

__all__ = ["as_batch", "input_schema", "types_of"]

_INSTANT = pa.timestamp("us", "UTC")
_MOST = 2**63


def types_of(column: str) -> pa.DataType:
    """The type of a column of the engine's input, as it is read from a service."""
    if column == "timestamp":
        return _INSTANT
    if column in NUMBERS:
        return pa.float64()
    return pa.int64() if column in ("sequence", ITEM_COUNT) else pa.string()


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
    except (ValueError, TypeError, OverflowError):
        unreadable(column)
        return None


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        # Kusto writes seven digits, and no Python before 3.11 reads other than three or six.
        head, dot, fraction = value.strip().rstrip("Zz").partition(".")
        value = datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}" if dot else head)
    if not isinstance(value, datetime):
        raise TypeError("no time")
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    # The text NaN is a number that is none; the engine counts it as a position that cannot be.
    return float(value)


def _integer(value: Any) -> int:
    number = _number(value) if not isinstance(value, int) or isinstance(value, bool) else value
    if isinstance(number, float) and (not math.isfinite(number) or not number.is_integer()):
        raise ValueError("no whole number")
    if not -_MOST <= number < _MOST:
        raise OverflowError("too large")
    return int(number)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (bool, dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)
