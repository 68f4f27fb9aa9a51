"""Results as tables: their schemas come from the one list of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from watchspan.insight.columns import COUNT, DAY, INSTANT, KEY, NUMBER, SWITCH, TABLES, TEXT
from watchspan.report import result

_TYPES = {
    TEXT: pa.string(),
    NUMBER: pa.float64(),
    COUNT: pa.int64(),
    INSTANT: pa.timestamp("us", "UTC"),
    DAY: pa.date32(),
    SWITCH: pa.bool_(),
}


def names(table: str) -> list[str]:
    """The names of a table's columns, in order.

    Args:
        table: Which one, as `TABLES` names it.
    """
    return [column.name for column in TABLES[table].columns]


def schema(name: str, keys: Mapping[str, pa.DataType]) -> pa.Schema:
    """The schema of a table.

    Args:
        name: Which one, as `TABLES` names it.
        keys: The types of its keys in the input.
    """
    return pa.schema(
        [
            pa.field(c.name, keys[c.name] if c.type == KEY else _TYPES[c.type], nullable=c.nullable)
            for c in TABLES[name].columns
        ]
    )


def made(
    name: str, columns: Mapping[str, Any], keys: Mapping[str, pa.DataType], how: Mapping[str, Any]
) -> pa.Table:
    """A table of values.

    Args:
        name: Which one, as `TABLES` names it.
        columns: Name -> its values, of all columns of the table.
        keys: The types of its keys in the input.
        how: What the rows that it was made of say of themselves: `report` and `rules`.
    """
    kinds = schema(name, keys)
    arrays = [_array(columns[field.name], field.type) for field in kinds]
    batch = pa.RecordBatch.from_arrays(arrays, schema=kinds)
    return result([batch], kinds, name, figures=how.get("report"), rules=how.get("rules"))


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    return pa.array(values, kind)
