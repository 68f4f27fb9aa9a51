"""What the tables look like in Spark, and what their inputs must: the core is asked.

So a missing column or a type that cannot be read is refused where the job is planned, in the core's words.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from watchspan import _core, arguments, sources
from watchspan.columns import Place
from watchspan.errors import OptionError
from watchspan.rules import Rules
from watchspan.spark import layout
from watchspan.spark.flat import flattened, names_of


def engagement_schema(
    events: DataFrame | T.StructType | None = None, *, columns: Mapping[str, Place] | None = None
) -> T.StructType:
    """The schema of the engagement table, with the columns' meanings as comments.

    Args:
        events: Events or their schema, whose keys decide the types of the result's. None: text.
        columns: As for `aggregate_events`. Without `events` nothing is looked up, and only the default names
            in it are checked.

    Returns:
        What `aggregate_events` on such events returns. Every column is nullable.

    Raises:
        ColumnError: If the columns of the events do not fit.
        OptionError: If `columns` maps what cannot be mapped.

    Example:
        >>> engagement_schema()["totalWatchTime"].dataType.simpleString()
        'double'
    """
    events, names = _flat(events, columns)
    return engagement_of(events, names, None)


def session_schema(
    events: DataFrame | T.StructType | None = None,
    *,
    columns: Mapping[str, Place] | None = None,
    rules: Rules | None = None,
) -> T.StructType:
    """The schema of the session table, with the columns' meanings as comments.

    Args:
        events: As for `engagement_schema`.
        columns: Likewise.
        rules: With a session timeout session ids are text, whatever they are in the events.

    Returns:
        What `session_rows` on such events returns. Every column is nullable.

    Raises:
        ColumnError: If the columns of the events do not fit.
        OptionError: If `columns` maps what cannot be mapped.

    Example:
        >>> session_schema()["watchedIntervals"].dataType.simpleString()
        'array<struct<start:double,end:double>>'
    """
    events, names = _flat(events, columns)
    return sessions_of(events, names, None, arguments.rules_argument(rules))


def _flat(
    events: DataFrame | T.StructType | None, columns: Mapping[str, Place] | None
) -> tuple[DataFrame | T.StructType | None, dict[str, str | None] | None]:
    """Events and the names of their columns; of a mere schema only names can be looked up."""
    if events is None or isinstance(events, T.StructType):
        return events, arguments.column_names(columns)
    places = arguments.column_mapping(columns)
    return flattened("events", data_frame("events", events), places), names_of(places)


def engagement_of(
    events: DataFrame | T.StructType | None,
    columns: dict[str, str | None] | None,
    vocabulary: str | dict[str, str] | None,
) -> T.StructType:
    """The engagement table's schema for these events, which the core checks, and the vocabulary with them."""
    _core.check_vocabulary(vocabulary)
    return layout.table_schema("engagement", _core.aggregate_schema(_arrow_events(events, columns), columns))


def sessions_of(
    events: DataFrame | T.StructType | None,
    columns: dict[str, str | None] | None,
    vocabulary: str | dict[str, str] | None,
    rules: Rules,
) -> T.StructType:
    """The session table's schema for these events, likewise."""
    _core.check_vocabulary(vocabulary)
    schema = _core.sessions_schema(_arrow_events(events, columns), columns, rules)
    return layout.table_schema("sessions", schema)


def engagement_of_sessions(sessions: DataFrame) -> T.StructType:
    """The engagement table's schema for these session rows, which the core checks on the way."""
    schema = data_frame("sessions", sessions).schema
    names = {spec["name"] for spec in _core.column_specs("sessions")}
    made = _core.engagement_schema(layout.arrow_schema(schema, names))
    return layout.table_schema("engagement", made)


def _arrow_events(
    events: DataFrame | T.StructType | None, columns: Mapping[str, str | None] | None
) -> pa.Schema | None:
    if events is None:
        return None
    schema = events if isinstance(events, T.StructType) else data_frame("events", events).schema
    return layout.arrow_schema(schema, sources.wanted("events", columns).find(schema.names))


def data_frame(option: str, frame: DataFrame) -> DataFrame:
    """The argument, if it is a data frame whose rows are all there.

    Raises:
        OptionError: If it is something else.
    """
    # Not by its class: that of Spark Connect is another one, up to Spark 3.5.
    if not hasattr(frame, "mapInArrow"):
        raise OptionError(
            f"{option} is of type {type(frame).__module__}.{type(frame).__qualname__}, but a DataFrame of "
            "Spark 3.3 or newer is needed. For tables that Spark does not hold there is watchspan.aggregate."
        )
    if frame.isStreaming:
        raise OptionError(
            f"{option} is a stream, of which only a part is there at any time: use foreachBatch, and pass "
            "the batch's DataFrame."
        )
    return frame
