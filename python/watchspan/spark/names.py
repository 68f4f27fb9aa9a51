"""Tables by name or by path, in a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.utils import AnalysisException

from watchspan.errors import SourceError
from watchspan.table_names import Table, table_name

# What Spark and Delta say of a table that is not there, in their versions.
# That a file of a table is not there is something else.
_ABSENT = re.compile(
    r"(?:TABLE|VIEW|SCHEMA|DATABASE|CATALOG|PATH)\w*_(?:NOT_FOUND|DOES_NOT_EXIST)|DELTA_MISSING_DELTA_TABLE"
    r"|\b(?:table|view|schema|database|catalog|path)\b.* (?:not found|doesn't exist|does not exist)"
    r"|not a Delta table",
    re.IGNORECASE,
)
# Names, which may have any of these words in them.
_QUOTED = re.compile(r"`(?:[^`]|``)*`|'[^']*'|\"[^\"]*\"")
# Whether Spark replaces `${...}` in every text that it parses.
_SUBSTITUTION = "spark.sql.variable.substitute"
# How many tables an error names.
_SHOWN = 20


@contextmanager
def literal(spark: SparkSession, *names: Any) -> Iterator[None]:
    """Lets `${...}` be a part of these names, where Spark would put in the value of a variable."""
    if not any(isinstance(name, str) and "${" in name for name in names):
        yield
        return
    before = spark.conf.get(_SUBSTITUTION, "true")
    spark.conf.set(_SUBSTITUTION, "false")
    try:
        yield
    finally:
        spark.conf.set(_SUBSTITUTION, before)


def read_table(spark: SparkSession, option: str, name: str) -> DataFrame:
    """The table as a data frame.

    Raises:
        SourceError: If it is not there; the message lists the tables that are.
    """
    table = table_name(option, name)
    try:
        frame = spark.table(table.sql)
        frame.schema  # noqa: B018 - over Spark Connect nothing is looked up before
    except AnalysisException as error:
        if is_absent(error):
            raise SourceError(_explain(spark, option, name, table)) from error
        raise
    return frame


def is_absent(error: AnalysisException) -> bool:
    """Whether Spark says that a table is not there."""
    return _ABSENT.search(_QUOTED.sub("", str(error))) is not None


def _explain(spark: SparkSession, option: str, name: str, table: Table) -> str:
    if table.path is not None:
        return f"{option} is {name!r}, but there is no Delta table at that path."
    place = Table(table.parts[:-1]).sql if len(table.parts) > 1 else None
    database = place or Table((spark.catalog.currentDatabase(),)).sql
    try:
        found = spark.sql(f"SHOW TABLES IN {place}" if place else "SHOW TABLES").collect()
    except Exception as error:  # whatever it is, the table cannot be found there
        why = str(error).strip().splitlines()[0]
        return f"{option} is {name!r}, but there is no such table: {database} cannot be listed ({why})."
    names = sorted(row["tableName"] for row in found)
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"{option} is {name!r}, but there is no such table; {database} has: {shown or 'no tables'}."
