"""Delta tables through SQL and data frames alone, so that it works on every kind of compute."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.utils import AnalysisException, ParseException

from watchspan.errors import ColumnTypeError
from watchspan.refresh import KEYS, PROCESSED_AT, PROCESSED_AT_MEANS, ConflictError
from watchspan.spark import layout
from watchspan.spark.names import is_absent
from watchspan.table_names import Table

_LOG = logging.getLogger("watchspan")
# What Delta says, in its versions, when somebody else committed at the same time.
_CONFLICT = re.compile(
    r"io\.delta\.exceptions\.\w+|Concurrent(?:Append|DeleteRead|DeleteDelete|Transaction|Write)Exception"
    r"|MetadataChangedException|ProtocolChangedException"
    r"|DELTA_CONCURRENT_\w+|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED"
    # Not Delta's: rows that an executor kept are gone. Starting over helps there too.
    r"|Checkpoint block \S+ not found|CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND"
)
# Every reader can read the tables: deletion vectors would shut out old runtimes and other libraries.
_PROPERTIES = {"delta.enableDeletionVectors": "false"}


@contextmanager
def conflicts() -> Iterator[None]:
    """Turns Delta's many words for a conflicting commit into a `ConflictError`."""
    try:
        yield
    except Exception as error:
        found = _CONFLICT.search(f"{type(error).__name__}: {error}")
        if found is None:
            raise
        raise ConflictError(found.group()) from error


def processed_at() -> T.StructField:
    """The column that says when a row was written."""
    return T.StructField(PROCESSED_AT, T.TimestampType(), True, {"comment": PROCESSED_AT_MEANS})


def properties(spark: SparkSession, table: Table) -> dict[str, str] | None:
    """The table's properties; None if it is not there."""
    try:
        with _unlogged():
            rows = spark.sql(f"SHOW TBLPROPERTIES {table.sql}").collect()
    except AnalysisException as error:
        if is_absent(error):
            return None
        raise
    return {row["key"]: row["value"] for row in rows}


@contextmanager
def _unlogged() -> Iterator[None]:
    """Spark 4 logs a query that fails as an error, at length; that a table is not there yet is none."""
    logger = logging.getLogger("SQLQueryContextLogger")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def set_properties(spark: SparkSession, table: Table, values: dict[str, str]) -> None:
    """Sets properties of a table. One commit."""
    with conflicts():
        spark.sql(f"ALTER TABLE {table.sql} SET TBLPROPERTIES ({_listed(values)})")


def create(
    spark: SparkSession,
    table: Table,
    schema: T.StructType,
    comment: str,
    values: dict[str, str],
    cluster_by: Sequence[str] | None = None,
) -> None:
    """Creates a Delta table.

    Args:
        spark: The session.
        table: The table.
        schema: Its columns, with their comments.
        comment: What it holds.
        values: Properties beside those that all tables have.
        cluster_by: Columns to cluster by, where Delta can.
    """
    columns = ", ".join(map(_column, schema.fields))
    statement = (
        f"CREATE TABLE IF NOT EXISTS {table.sql} ({columns}) USING DELTA COMMENT {quoted_text(comment)} "
        f"TBLPROPERTIES ({_listed({**_PROPERTIES, **values})})"
    )
    with conflicts():
        if cluster_by:
            keys = ", ".join(f"`{name}`" for name in cluster_by)
            try:
                spark.sql(f"{statement} CLUSTER BY ({keys})")
                return
            except (ParseException, AnalysisException) as error:
                why = str(error).strip().splitlines()[0]
                _LOG.warning("The table %s is not clustered, because this Delta cannot: %s", table.sql, why)
        spark.sql(statement)


def add_columns(spark: SparkSession, table: Table, schema: T.StructType) -> None:
    """Adds the columns that a table lacks. One commit, none if it lacks none.

    Raises:
        ColumnTypeError: If a key of the table is text and the schema's an integer, or the other way round.
    """
    there = {field.name.lower(): field for field in spark.table(table.sql).schema.fields}
    for name in KEYS["sessions"]:
        _check_key(table, schema, there, name)
    lacking = [field for field in schema.fields if field.name.lower() not in there]
    if lacking:
        with conflicts():
            spark.sql(f"ALTER TABLE {table.sql} ADD COLUMNS ({', '.join(map(_column, lacking))})")


def _check_key(table: Table, schema: T.StructType, there: dict[str, T.StructField], name: str) -> None:
    if name not in schema.names or name.lower() not in there:
        return
    found, wanted = there[name.lower()].dataType, schema[name].dataType
    if isinstance(found, T.IntegralType) != isinstance(wanted, T.IntegralType):
        raise ColumnTypeError(
            f"Column {name!r} is {found.simpleString()} in {table.sql}, but {wanted.simpleString()} in the "
            "events: cast it in the events, or make new tables under another name."
        )


def write(
    frame: DataFrame,
    table: Table,
    mode: str,
    options: dict[str, str] | None = None,
    partition_by: Sequence[str] | None = None,
) -> None:
    """Writes rows by the names of their columns. One commit."""
    writer = frame.write.format("delta").mode(mode).options(**(options or {}))
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    with conflicts():
        if table.path is None:
            writer.saveAsTable(table.sql)
        else:
            writer.save(table.path)


def fitting(
    spark: SparkSession,
    table: Table,
    rows: DataFrame,
    columns: Iterable[str] | None = None,
    keep: Iterable[str] = (),
) -> DataFrame:
    """The rows with the table's names and types, for those columns that both have.

    Args:
        spark: The session.
        table: The table.
        rows: The rows.
        columns: Those of the rows that are meant for the table; None: all.
        keep: Columns of the rows that come along as they are.
    """
    names = {name.lower(): name for name in (rows.columns if columns is None else columns)}
    return rows.select(
        *(
            _fitted(layout.quoted(names[field.name.lower()]), rows.schema, field, names[field.name.lower()])
            for field in spark.table(table.sql).schema.fields
            if field.name.lower() in names
        ),
        *keep,
    )


def _fitted(column: Column, rows: T.StructType, field: T.StructField, name: str) -> Column:
    """A column as a field of the table; parts of a nested one that only the table has are null."""
    found, wanted = rows[name].dataType, field.dataType
    if layout.is_pairs(found) and layout.is_pairs(wanted) and found != wanted:
        parts = found.elementType.names
        column = F.transform(
            column,
            lambda pair: F.struct(
                *(
                    (pair.getField(part.name) if part.name in parts else F.lit(None))
                    .cast(part.dataType)
                    .alias(part.name)
                    for part in wanted.elementType.fields
                )
            ),
        )
    return column.cast(wanted).alias(field.name)


def merge(
    spark: SparkSession,
    table: Table,
    source: str,
    keys: Iterable[str],
    columns: Iterable[str],
    stamp: str,
    deletes: bool = False,
) -> None:
    """Writes the rows of a view into a table by a key. One commit.

    Args:
        spark: The session.
        table: The table.
        source: The view.
        keys: The columns that tell which row is the same.
        columns: The columns to write.
        stamp: What `processedAt` becomes, as SQL.
        deletes: Whether the view has a column `_delete`, and the rows where it is true are to be deleted.
    """
    matching = " AND ".join(f"t.`{name}` = s.`{name}`" for name in keys)
    values = {**{name: f"s.`{name}`" for name in columns}, PROCESSED_AT: stamp}
    updates = ", ".join(f"t.`{name}` = {value}" for name, value in values.items() if name not in keys)
    names = ", ".join(f"`{name}`" for name in values)
    with conflicts():
        spark.sql(
            f"MERGE INTO {table.sql} t USING {source} s ON {matching} "
            f"{'WHEN MATCHED AND s._delete THEN DELETE ' if deletes else ''}"
            f"WHEN MATCHED THEN UPDATE SET {updates} "
            f"WHEN NOT MATCHED{' AND NOT s._delete' if deletes else ''} THEN INSERT ({names}) "
            f"VALUES ({', '.join(values.values())})"
        )


def quoted_text(text: str) -> str:
    """Text as SQL spells it. A dollar sign would begin the name of a variable."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
    return f"'{escaped}'"


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{quoted_text(key)} = {quoted_text(value)}" for key, value in values.items())


def _column(field: T.StructField) -> str:
    comment = (field.metadata or {}).get("comment")
    said = f" COMMENT {quoted_text(comment)}" if comment else ""
    return f"`{field.name}` {_type(field.dataType)}{said}"


def _type(kind: T.DataType) -> str:
    """A type as SQL spells it: names of parts, such as `end`, may be words of SQL."""
    if isinstance(kind, T.ArrayType):
        return f"ARRAY<{_type(kind.elementType)}>"
    if isinstance(kind, T.StructType):
        parts = ", ".join(f"`{field.name}`: {_type(field.dataType)}" for field in kind.fields)
        return f"STRUCT<{parts}>"
    return str(kind.simpleString())
