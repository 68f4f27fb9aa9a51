"""The tables' columns as Spark knows them, derived from the core's one definition of them.

A table goes from Spark to the core in *Spark's layout*: whole numbers have 64 bits, and lists of pairs are
two lists of numbers, because those of stored tables may have more parts. It comes back as it is, but for
Spark 3.3, which cannot take such lists. Spark matches what a Python task yields by position, and in silence,
so what comes back is declared here and held to there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import pyarrow as pa
import pyspark
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core
from watchspan.comments import comments
from watchspan.errors import ColumnTypeError, MissingColumnError

KEYS = ("userId", "videoId", "sessionId")
# Text as SQL, of its bytes in hexadecimal digits.
TEXT = "CAST(X'{}' AS STRING)"
# Spark 3.3 takes no list of structs from Python, and putting lists of numbers together costs newer ones much.
_TAKES_PAIRS = tuple(map(int, re.findall(r"\d+", pyspark.__version__)[:2])) >= (3, 4)

# What the pairs consist of that the core knows: in stored tables they may have more parts.
_PARTS = {
    spec["name"]: re.findall(r"(\w+): ", spec["type"])
    for table in ("sessions", "engagement")
    for spec in _core.column_specs(table)
}

# Spark's name of a type -> its like in Arrow; TIMESTAMP is an instant, TIMESTAMP_NTZ counts as UTC.
_ARROW_TYPES = {
    "string": pa.string(),
    "char": pa.string(),
    "varchar": pa.string(),
    "byte": pa.int8(),
    "short": pa.int16(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
    "void": pa.null(),
}
_SPARK_TYPES = {
    pa.string(): T.StringType(),
    pa.int8(): T.ByteType(),
    pa.int16(): T.ShortType(),
    pa.int32(): T.IntegerType(),
    pa.int64(): T.LongType(),
    pa.float64(): T.DoubleType(),
    pa.bool_(): T.BooleanType(),
    pa.timestamp("us", "UTC"): T.TimestampType(),
}


def arrow_schema(schema: T.StructType, used: Collection[str]) -> pa.Schema:
    """A data frame's schema in Arrow, for the core to check.

    The type of a column that is not used does not matter, so it may be one that Arrow does not have.

    Raises:
        ColumnTypeError: If a used column has such a type.
    """
    return pa.schema(
        [(field.name, _arrow_type(field) if field.name in used else pa.null()) for field in schema.fields]
    )


def _arrow_type(field: T.StructField) -> pa.DataType:
    try:
        return to_arrow(field.dataType)
    except KeyError as error:
        raise ColumnTypeError(
            f"Column {field.name!r} has the type {field.dataType.simpleString()}, which cannot be read: cast "
            "it, or leave it out with columns={...: None} if it is optional."
        ) from error


def to_arrow(kind: T.DataType) -> pa.DataType:
    """The Arrow type in which Spark hands a column to Python; KeyError if there is none."""
    if isinstance(kind, T.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, T.ArrayType):
        return pa.list_(to_arrow(kind.elementType))
    if isinstance(kind, T.StructType):
        return pa.struct([(field.name, to_arrow(field.dataType)) for field in kind.fields])
    return _ARROW_TYPES[kind.typeName()]


def to_spark(kind: pa.DataType) -> T.DataType:
    """The Spark type of a column of the core's tables; all within it is nullable, as Spark reads it back."""
    if pa.types.is_list(kind):
        return T.ArrayType(to_spark(kind.value_type))
    if pa.types.is_struct(kind):
        return T.StructType([T.StructField(field.name, to_spark(field.type)) for field in kind])
    return _SPARK_TYPES[kind]


def table_schema(table: str, schema: pa.Schema) -> T.StructType:
    """The Spark schema of one of the core's tables, with the columns' meanings as comments.

    Every column is nullable: in a cluster Spark answers a null in any other with an error of its own.

    Args:
        table: Which table, as `_core.column_specs` names it.
        schema: The schema that the core gives it, which knows the types of the keys.
    """
    meaning = comments(table)
    return T.StructType(
        [
            T.StructField(field.name, to_spark(field.type), True, {"comment": meaning[field.name]})
            for field in schema
        ]
    )


def returned(schema: T.StructType) -> T.StructType:
    """The columns of a table as they come from the core: those of `schema`, as far as Spark can take them."""
    return T.StructType([column for field in schema.fields for column in _returned(field)])


def arrow_of(schema: T.StructType) -> pa.Schema:
    """The Arrow schema of what a task returns as `schema`."""
    return pa.schema([(field.name, to_arrow(field.dataType)) for field in schema.fields])


def spark_schema(schema: pa.Schema) -> T.StructType:
    """The Spark schema of columns of a task, as `mapInArrow` wants it declared."""
    return T.StructType([T.StructField(field.name, to_spark(field.type)) for field in schema])


def _returned(field: T.StructField) -> Iterator[T.StructField]:
    if _is_split(field.dataType):
        for part in field.dataType.elementType.names:
            yield T.StructField(f"{field.name}_{part}", T.ArrayType(T.DoubleType()))
    else:
        yield field


def is_pairs(kind: T.DataType) -> bool:
    """Whether it is a list of structs."""
    return isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.StructType)


def _is_split(kind: T.DataType) -> bool:
    """Whether it comes from the core as lists of numbers that are put together here."""
    return is_pairs(kind) and not _TAKES_PAIRS


def engagement_columns(rows: DataFrame, names: Collection[str]) -> DataFrame:
    """These columns of engagement rows in Spark's layout.

    Raises:
        MissingColumnError: If one is not there.
    """
    for name in names:
        if name not in rows.columns:
            raise MissingColumnError(
                f"The rows have no column {name!r}; they have {', '.join(rows.columns)}. Engagement rows are "
                "needed, as aggregate_events() returns them and update() keeps them."
            )
    return to_spark_layout(rows, names)


def to_spark_layout(frame: DataFrame, names: Iterable[str]) -> DataFrame:
    """These columns of a data frame in Spark's layout."""
    chosen = (column for name in names for column in _laid_out_columns(frame.schema[name]))
    return frame.select(*chosen)


def _laid_out_columns(field: T.StructField) -> Iterator[Column]:
    if is_pairs(field.dataType):
        for part in _PARTS[field.name]:
            yield quoted(field.name).getField(part).alias(f"{field.name}_{part}")
    else:
        yield plain_column(field, field.name)


def plain_column(field: T.StructField, name: str) -> Column:
    """A column of plain values as it crosses to the core, under its default name."""
    column = quoted(field.name)
    if isinstance(field.dataType, T.IntegralType):
        column = column.cast(T.LongType())
    elif name in KEYS:
        # Also what is nothing but null, and text whose collation would call different keys equal.
        column = column.cast(T.StringType())
    return column.alias(name)


def put_together(frame: DataFrame, schema: T.StructType) -> DataFrame:
    """The table with this schema, comments included, from its rows as they came `returned`."""
    if not any(_is_split(field.dataType) for field in schema.fields):
        return frame
    return frame.select(
        *(_column(field).alias(field.name, metadata=field.metadata) for field in schema.fields)
    )


def as_declared(frame: DataFrame, schema: T.StructType) -> DataFrame:
    """The columns of this schema in its order, cast to its types, with its comments."""
    columns = (F.col(field.name).cast(field.dataType) for field in schema.fields)
    return frame.select(
        *(column.alias(field.name, metadata=field.metadata) for column, field in zip(columns, schema.fields))
    )


def _column(field: T.StructField) -> Column:
    if _is_split(field.dataType):
        parts = [F.col(f"{field.name}_{part}") for part in field.dataType.elementType.names]
        # By position: the cast gives the parts the names that they have in the table.
        return F.arrays_zip(*parts).cast(field.dataType)
    return F.col(field.name)


def text(value: str) -> str:
    """`value` as SQL, whatever characters it has, and however the session reads quotes."""
    return TEXT.format(value.encode().hex())


def quoted(name: str) -> Column:
    """The column of that name, whatever characters it has."""
    return F.col("`" + name.replace("`", "``") + "`")
