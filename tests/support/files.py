"""Files as others write them."""

from __future__ import annotations

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv


def write_parquet(table: pa.Table, path: pathlib.Path) -> None:
    pq.write_table(table, path)


def write_csv(table: pa.Table, path: pathlib.Path) -> None:
    as_text = {
        name: ["" if v is None else str(v) for v in table[name].to_pylist()] for name in table.column_names
    }
    csv.write_csv(pa.table(as_text), path)


def assert_same_rows(one: pa.Table, other: pa.Table) -> None:
    """Tables of the same values; in old pyarrow what the items of a list are called in a file stays."""
    assert one.column_names == other.column_names
    for name, column in zip(other.column_names, other.columns):
        is_nested = pa.types.is_nested(column.type)
        assert one[name].to_pylist() == column.to_pylist() if is_nested else one[name].equals(column), name
