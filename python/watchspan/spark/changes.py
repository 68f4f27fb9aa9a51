"""Events of a window of time: which count, exactly, and what of a table must be read for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import sources
from watchspan.columns import EVENTS
from watchspan.errors import ColumnTypeError, MissingColumnError
from watchspan.instants import DAY, clock
from watchspan.refresh import Window
from watchspan.spark import layout
from watchspan.spark.functions import project_events
from watchspan.spark.tasks import FIRST, LAST, scopes_partition, within_partition

# The year 10000, which no timestamp reaches and no literal can say.
_NO_MORE = 253_402_300_800_000_000
# Times before and after all that count, for windows without a bound.
_EARLIEST, _LATEST = -(2**62), 2**62
# What decides whether an event is accepted, and to whom it belongs.
_DECIDING = {"sessionId"} | {name for name, column in EVENTS.items() if column.required}
_Columns = Mapping[str, "str | None"]


def scopes(
    events: DataFrame,
    columns: _Columns | None,
    vocabulary: str | dict[str, str] | None,
    window: Window | None,
) -> DataFrame:
    """Who has accepted events in a window, and from when to when; a scope may occur more than once.

    Args:
        events: The events.
        columns: Names in it.
        vocabulary: As for `aggregate_events`.
        window: The window; None: all the events.

    Raises:
        ColumnError: If the window is on a column that is not there, or that holds no times.
    """
    start = end = None
    if window is not None and window.changed_by is not None:
        events = events.filter(_arrived(events.schema, window, window.changed_by))
    elif window is not None:
        start, end = window.start, window.end
        events = pruned(events, columns, start, end)
    taken = project_events(events, columns)
    taken = taken.select(*(name for name in taken.columns if name in _DECIDING))
    keys = [field for field in layout.arrow_of(taken.schema) if field.name in ("userId", "sessionId")]
    declared = pa.schema([*keys, ("firstTime", pa.int64()), ("lastTime", pa.int64())])
    task = partial(scopes_partition, vocabulary=vocabulary, start=start, end=end, declared=declared)
    return taken.mapInArrow(task, layout.spark_schema(declared))


def within(events: DataFrame, columns: _Columns | None, window: Window) -> DataFrame:
    """The events of a window on their own time, under the names that they have.

    Spark reads text as timestamps in its own way, so there the core decides; only columns in use remain.
    """
    if window.start is None and window.end is None:
        return events
    names = sources.wanted("events", columns).own(events.columns)
    if "timestamp" not in names:
        return events  # whoever works on them says what is missing
    if _is_typed(events.schema[names["timestamp"]].dataType):
        return pruned(events, columns, window.start, window.end)
    taken = project_events(events, columns)
    declared = layout.arrow_of(taken.schema)
    first = _EARLIEST if window.start is None else window.start
    last = _LATEST if window.end is None else window.end - 1
    bounded = taken.withColumn(FIRST, F.lit(first).cast("bigint")).withColumn(
        LAST, F.lit(last).cast("bigint")
    )
    rows = bounded.mapInArrow(partial(within_partition, declared=declared), taken.schema)
    return rows.select(
        *(F.col(default).cast(events.schema[own].dataType).alias(own) for default, own in names.items())
    )


def pruned(events: DataFrame, columns: _Columns | None, start: int | None, end: int | None) -> DataFrame:
    """The events from `start` to before `end`, so far as Spark can tell: all if their times are text."""
    own = sources.wanted("events", columns).own(events.columns).get("timestamp")
    if own is None or not _is_typed(events.schema[own].dataType):
        return events
    return events.filter(_between(layout.quoted(own), events.schema[own].dataType, start, end))


def _arrived(schema: T.StructType, window: Window, name: str) -> Column:
    if name not in schema.names:
        raise MissingColumnError(
            f"changed_by is {name!r}, but the events have no such column; they have "
            f"{', '.join(schema.names)}."
        )
    kind = schema[name].dataType
    if not _is_typed(kind) and not isinstance(kind, T.DateType):
        raise ColumnTypeError(
            f"changed_by is {name!r}, which has the type {kind.simpleString()}, but a timestamp or a date is "
            "needed: add such a column to the events, or leave changed_by out."
        )
    return _between(layout.quoted(name), kind, window.start, window.end)


def _is_typed(kind: T.DataType) -> bool:
    return kind.typeName() in ("timestamp", "timestamp_ntz")


def _between(column: Column, kind: T.DataType, start: int | None, end: int | None) -> Column:
    """A condition on a column of times that Spark can hand to the files' statistics."""
    condition = F.lit(True)
    if start is not None:
        condition = condition & (column >= _literal(kind, start))
    if end is not None and end < _NO_MORE:
        condition = condition & (column < _literal(kind, end))
    return condition


def _literal(kind: T.DataType, micros: int) -> Column:
    """An instant as that type has it, whatever the session's time zone."""
    if isinstance(kind, T.DateType):
        # A day is its midnight, so it is at or after an instant if it is at or after the next midnight.
        return F.expr(f"DATE'{clock(-(-micros // DAY) * DAY)[:10]}'")
    if kind.typeName() == "timestamp":
        return F.expr(f"timestamp_micros({micros})")
    return F.expr(f"TIMESTAMP_NTZ'{clock(micros, between=' ')}'")
