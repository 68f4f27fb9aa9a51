"""Data frames from Arrow tables, and how their rows are held against those of the embedded engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

PLAIN_TYPES = {
    pa.string(): "string",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.timestamp("us"): "timestamp_ntz",
    pa.timestamp("us", "UTC"): "timestamp",
}


def spark_type(kind: pa.DataType) -> str:
    """The name of the like type of Spark."""
    if pa.types.is_list(kind):
        return f"array<{spark_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{spark_type(field.type)}' for field in kind)}>"
    return PLAIN_TYPES[kind]


def data_frame(session: SparkSession, table: pa.Table) -> DataFrame:
    """The table as a data frame, in any version of Spark."""
    schema = ", ".join(f"`{field.name}` {spark_type(field.type)}" for field in table.schema)
    return session.createDataFrame([tuple(row.values()) for row in table.to_pylist()], schema)


def collected(frame: DataFrame, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The rows in the order of these columns."""
    rows = [python_value(row.asDict(recursive=True)) for row in frame.collect()]
    return sorted(rows, key=lambda row: [row[key] for key in keys])


def python_value(value: Any) -> Any:
    """A collected value as pyarrow would give it: Spark gives times in the zone of this process."""
    if isinstance(value, dict):
        return {name: python_value(one) for name, one in value.items()}
    if isinstance(value, list):
        return [python_value(one) for one in value]
    return value.astimezone(dt.timezone.utc) if isinstance(value, dt.datetime) else value


def assert_same_table(frame: DataFrame, rows: list[dict[str, Any]], table: pa.Table) -> None:
    """The data frame, whose rows these are, is the table: columns, types, rows in this order, exactly."""
    kinds = [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]
    assert kinds == [(field.name, spark_type(field.type)) for field in table.schema]
    assert rows == table.to_pylist()


@contextmanager
def settings(spark: SparkSession, values: Mapping[str, Any]) -> Iterator[None]:
    """Settings of the session, put back afterwards."""
    before = {key: spark.conf.get(key, None) for key in values}
    for key, value in values.items():
        spark.conf.set(key, str(value))
    try:
        yield
    finally:
        for key, old in before.items():
            spark.conf.unset(key) if old is None else spark.conf.set(key, old)
