"""The computation as a function of one user's events, for `applyInPandas` and `applyInArrow`.

`aggregate_events` does the same much faster, because it does not call Python once per user. These forms are
for jobs that group by user anyway. A group is all that they see: durations are never estimated here, because
other users may have got further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable, Literal

import pyarrow as pa
from pyspark.sql import DataFrame

from watchspan import _core, api, arguments, sources
from watchspan.errors import DataError, OptionError
from watchspan.planning import aggregate_schema
from watchspan.rules import Rules, Scoring
from watchspan.spark import layout
from watchspan.spark.schemas import data_frame


def engagement_udf(
    events: DataFrame,
    kind: Literal["pandas", "arrow"] = "pandas",
    *,
    videos: Any = None,
    columns: Mapping[str, str | None] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
) -> Callable[[Any], Any]:
    """A function from all events of one user, or of several, to their engagement rows.

    Args:
        events: The events that are going to be grouped: their columns are checked, and their types tell the
            function what pandas no longer knows. Nothing is computed.
        kind: `pandas` for `applyInPandas`, `arrow` for `applyInArrow` (Spark 4.0 and newer). With `pandas`
            the list column `watchedIntervals` needs Spark 3.5.
        videos: Durations and titles as a local table, anything that `watchspan.aggregate` takes. It travels
            to every task. A video without a duration here has none in the result.
        columns: As for `aggregate_events`.
        vocabulary: As for `aggregate_events`.
        rules: The thresholds; None: `Rules()`. `estimate_duration` has no effect.
        scoring: As for `aggregate_events`.
        unique_seconds: As for `aggregate_events`.

    Returns:
        The function; what it returns has the schema `engagement_schema(events)`.

    Raises:
        WatchspanError: As `aggregate_events` does, and if the videos contradict each other. In a task with
            `pandas`, if a TIMESTAMP falls into the hour that a session's time zone has twice.

    Example:
        >>> compute = engagement_udf(events, videos={"videoId": ["v1"], "duration": [300]})  # doctest: +SKIP
        >>> groups = events.groupBy("userId")  # doctest: +SKIP
        >>> engagement = groups.applyInPandas(compute, engagement_schema(events))  # doctest: +SKIP
    """
    if kind not in {"pandas", "arrow"}:
        raise OptionError(f'kind is {kind!r}, but "pandas" or "arrow" is needed.')
    names = arguments.column_names(columns)
    schema = data_frame("events", events).schema
    used = sources.wanted("events", names).find(schema.names)
    options: dict[str, Any] = {
        "videos": _local(videos, names),
        "columns": names,
        "vocabulary": arguments.vocabulary_argument(vocabulary),
        "rules": replace(arguments.rules_argument(rules), estimate_duration=False),
        "scoring": arguments.scoring_argument(scoring),
        "unique_seconds": arguments.switch_argument("unique_seconds", unique_seconds),
    }
    # Everything that can be wrong with options, columns and videos is wrong here already.
    declared = layout.arrow_schema(schema, used)
    local = options["videos"]
    checked = aggregate_schema(declared, **{name: options[name] for name in options if name != "videos"})
    if local is not None:
        _core.check_videos_schema(local.schema, names, checked.field("videoId").type)
        _core.check_videos(local, names)
    types = pa.schema([declared.field(name) for name in used])
    if kind == "arrow":
        return _arrow_form(types, options)
    return _pandas_form(types, _time_zone(events, types), options)


# Spark looks at what it is given: it must be a function, not a partial one.
def _arrow_form(types: pa.Schema, options: dict[str, Any]) -> Callable[[Any], Any]:
    def compute(events: Any) -> Any:
        return api.aggregate(events.select(types.names), **options).replace_schema_metadata(None)

    return compute


def _pandas_form(types: pa.Schema, zone: str, options: dict[str, Any]) -> Callable[[Any], Any]:
    def compute(events: Any) -> Any:
        table = _table_of(events, types, zone)
        return api.aggregate(table, **options).to_pandas()

    return compute


def _table_of(events: Any, types: pa.Schema, zone: str) -> pa.Table:
    """A data frame of pandas as what it was in Spark."""
    events = events[types.names]
    for field in types:
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            events = events.assign(**{field.name: _instants(events[field.name], zone)})
    return pa.Table.from_pandas(events, schema=types, preserve_index=False)


def _instants(clock: Any, zone: str) -> Any:
    """The instants behind the session's wall clock, which is what Spark shows to pandas."""
    instants = clock.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    if (instants.isna() & clock.notna()).any():
        raise DataError(
            f"A timestamp falls into the hour that the time zone {zone} has twice, and pandas cannot tell "
            'which is meant: set spark.sql.session.timeZone to UTC, or use engagement_udf(events, "arrow").'
        )
    return instants


def _time_zone(events: DataFrame, types: pa.Schema) -> str:
    if any(pa.types.is_timestamp(field.type) and field.type.tz is not None for field in types):
        return str(events.sparkSession.conf.get("spark.sql.session.timeZone"))
    return "UTC"


def _local(videos: Any, columns: Mapping[str, str | None] | None) -> pa.Table | None:
    if videos is None:
        return None
    if hasattr(videos, "mapInArrow"):
        raise OptionError(
            "videos is a Spark DataFrame, which a function inside a task cannot read: pass a local table, "
            "such as videos.toPandas(), or use aggregate_events, which takes one."
        )
    batches = list(sources.replayable(videos, sources.wanted("videos", columns))())
    return pa.Table.from_batches(batches) if batches else None
