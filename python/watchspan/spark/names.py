"""Tables by name or by path, as SQL spells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.utils import AnalysisException

from watchspan.errors import OptionError, SourceError

_PART = r"(?:`(?:[^`]|``)+`|[^`./\s]+)"
_NAME = re.compile(rf"{_PART}(?:\.{_PART})*")
# What Spark and Delta say of a table that is not there, in their versions.
_ABSENT = re.compile(
    r"NOT_FOUND|DELTA_MISSING|DOES_NOT_EXIST|not found|doesn't exist|does not exist|not a Delta table", re.I
)
# Whether Spark replaces `${...}` in every text that it parses.
_SUBSTITUTION = "spark.sql.variable.substitute"
# How many tables an error names.
_SHOWN = 20


@dataclass(frozen=True)
class Table:
    """A table of the catalog, or the Delta table in a folder.

    Attributes:
        parts: Its name, such as catalog, schema and table; for a folder the format and its path.
    """

    parts: tuple[str, ...]

    @property
    def path(self) -> str | None:
        """The folder; None if it is a table of the catalog."""
        return self.parts[1] if self.parts[0] == "delta" and "/" in self.parts[-1] else None

    @property
    def sql(self) -> str:
        """The table as SQL names it."""
        return ".".join("`" + part.replace("`", "``") + "`" for part in self.parts)

    def beside(self, suffix: str) -> Table:
        """The table beside it whose name ends with this suffix."""
        *front, last = self.parts
        return Table((*front, last + suffix))


def table_name(option: str, name: Any) -> Table:
    """Reads a name (`a`, `schema.a`, `catalog.schema.a`) or a path (what has a `/`) of a table.

    Raises:
        OptionError: If it is neither.
    """
    if isinstance(name, str) and _NAME.fullmatch(name.strip()):
        parts = [
            part[1:-1].replace("``", "`") if part.startswith("`") else part
            for part in re.findall(_PART, name)
        ]
        return Table((*parts[:-1], parts[-1].rstrip("/")))
    if isinstance(name, str) and "/" in name:
        return Table(("delta", name.strip().rstrip("/")))
    raise OptionError(
        f"{option} is {name!r}, but the name of a table ('events', 'schema.events', 'catalog.schema.events') "
        "or the path of a Delta table is needed."
    )


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
    return _ABSENT.search(str(error)) is not None


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
