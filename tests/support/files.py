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
