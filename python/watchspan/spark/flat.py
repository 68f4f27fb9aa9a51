"""Tables of any shape under the default names: what columns may be mapped to, as expressions of Spark's.

What it means is the core's to say; here it is said in other words, so that only what is used is read and
crosses a shuffle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core, arguments
from watchspan.columns import ALL, EVENTS, VIDEOS, Columns, Place, Records, core_place, place_of
from watchspan.errors import MissingColumnError, OptionError
from watchspan.presets import Preset, reading
from watchspan.sources import is_nested
from watchspan.spark.layout import quoted
from watchspan.spark.units import in_seconds, instants, stamp

# A column, and the type that it has.
_Typed = tuple[Column, T.DataType]
# One step of a path, as the core takes it apart.
_Step = tuple[str, str, Any]


def flat_events(
    events: DataFrame, *, preset: Preset = None, columns: Mapping[str, Place] | None = None
) -> DataFrame:
    """Raw events with the columns in use under their default names, as expressions that Spark plans.

    `aggregate_events` and the others do this themselves; it is here to look at, and for `engagement_udf`.

    Args:
        events: The raw events.
        preset: As for `watchspan.aggregate`.
        columns: As for `watchspan.aggregate`; they go before those of the preset.

    Returns:
        The columns in use, then all others whose names are not taken.

    Raises:
        MissingColumnError: If a needed column is not there.
        OptionError: If an argument is not accepted.
    """
    return flat("events", events, reading(preset, columns, None, None).columns or {})


def flattened(table: str, frame: DataFrame, columns: Columns | None) -> DataFrame:
    """The data frame as it is if `columns` says names alone, else flat; `names_of` says its names then."""
    return flat(table, frame, columns) if columns is not None and is_nested(columns) else frame


def names_of(columns: Columns | None) -> dict[str, str | None] | None:
    """The names in a data frame from `flattened`."""
    return None if columns is None or is_nested(columns) else arguments.column_names(columns)


def flat(table: str, frame: DataFrame, columns: Columns) -> DataFrame:
    """The columns of a table of `events` or `videos` in use, under their default names, then all others."""
    unnest, fill = (columns.unnest, columns.fill) if isinstance(columns, Records) else (None, ())
    if unnest and unnest in frame.columns and isinstance(frame.schema[unnest].dataType, T.ArrayType):
        frame = frame.withColumn(unnest, F.explode_outer(quoted(unnest)))
    chosen: dict[str, Column] = {}
    wanted = VIDEOS if table == "videos" else EVENTS
    places = _places(table, frame, {name: _without_default(place) for name, place in columns.items()})
    plain = _places(table, frame, {name: _default_alone(name, place) for name, place in columns.items()})
    for name, column in wanted.items():
        place = columns.get(name, name)
        if place is None:
            continue
        found, extra = _values(frame, places.get(name, [])), place if isinstance(place, Mapping) else {}
        if not found and extra.get("or_default"):
            # A column of the default name is what it is everywhere: the preset's units and words are not its.
            found, extra = _values(frame, plain.get(name, [])), {"value": extra["value"]}
        made = _made(name, found, extra)
        if made is not None:
            chosen[name] = made.alias(name)
        elif column.required or _must_be(name, columns):
            path = (place_of(columns.get(name)) or [name])[0]
            raise MissingColumnError(
                f"The {table} table has no column {path!r} (mapped to {name!r}); it has "
                f"{', '.join(frame.columns)}."
            )
    unused = {name for name, place in columns.items() if place is None}
    taken = {name.lower() for name in {*chosen, *unused}}
    others = [quoted(name) for name in frame.columns if name.lower() not in taken]
    return _filled(frame.select(*chosen.values(), *others), fill)


def _filled(events: DataFrame, columns: Sequence[str]) -> DataFrame:
    """The events with what one record of their session says, if there is but one such thing."""
    names = [name for name in columns if name in events.columns]
    if "sessionId" not in events.columns or not names:
        return events
    session = Window.partitionBy("sessionId")
    for name in names:
        # Empty text says nothing.
        said = F.when(F.col(name).cast(T.StringType()) != "", F.col(name))
        least, most = F.min(said).over(session), F.max(said).over(session)
        events = events.withColumn(name, F.coalesce(F.col(name), F.when(least == most, least)))
    return events


def _must_be(name: str, columns: Columns) -> bool:
    place = columns.get(name)
    return place is not None and not (isinstance(place, Mapping) and place["or_default"])


def _without_default(place: Any) -> Any:
    """The place without the column of the default name, and whether it is found or not."""
    if isinstance(place, Mapping) and place["or_default"]:
        return {**place, "or_default": False, "value": ""}
    return place


def _default_alone(name: str, place: Any) -> Any:
    """Of such a place the column of the default name alone; any other place as it is."""
    return core_place(name, value="") if isinstance(place, Mapping) and place["or_default"] else place


def _places(table: str, frame: DataFrame, columns: Columns) -> dict[str, list[tuple[str, str]]]:
    """Of each column in use where it may be: the column of the table, and the path."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, own, path in _core.used_columns(table, dict(columns), frame.columns):
        found.setdefault(name, []).append((own, path))
    return found


def _values(frame: DataFrame, places: Sequence[tuple[str, str]]) -> list[_Typed]:
    return [value for own, path in places if (value := _value(frame, own, path)) is not None]


def _made(name: str, found: Sequence[_Typed], extra: Mapping[str, Any]) -> Column | None:
    """What the column of the default name `name` is, of what was `found`; None if that is nothing."""
    if extra.get("timezone"):
        raise OptionError(
            f"columns gives {name!r} the time zone {extra['timezone']!r}, which cannot be read on Spark: "
            "make instants of the stamps first, as to_utc_timestamp does."
        )
    found = [_without(value, extra.get("missing") or ()) for value in found]
    if extra.get("value") is not None:
        found.append((F.lit(extra["value"]), T.StringType()))
    if not found:
        return None
    column, kind = _first(found)
    unit = extra.get("unit")
    if unit is None:
        return column
    return instants(column, kind, unit) if ALL[name].family == "instant" else in_seconds(column, kind, unit)


def _value(frame: DataFrame, own: str, path: str) -> _Typed | None:
    """What lies at the end of a path that begins at the column `own`."""
    steps = [] if path == own else _core.path_steps(path)[1:]
    return _walk((quoted(own), frame.schema[own].dataType), steps)


def _walk(value: _Typed, steps: Sequence[_Step]) -> _Typed | None:
    column, kind = value
    if not steps:
        return _settled(value)
    (how, name, _), rest = steps[0], steps[1:]
    if isinstance(kind, T.NullType):
        return column, kind
    if isinstance(kind, T.StructType) and how == "field":
        inner = next((field for field in kind.fields if field.name == name), None)
        return None if inner is None else _walk((column.getField(name), inner.dataType), rest)
    if isinstance(kind, T.MapType) and how == "field":
        return _walk((column.getItem(name), kind.valueType), rest)
    if isinstance(kind, T.ArrayType):
        return _of_array(column, kind.elementType, steps)
    return _in_json(column, steps) if isinstance(kind, T.StringType) else None


def _of_array(column: Column, item: T.DataType, steps: Sequence[_Step]) -> _Typed | None:
    (how, name, must_be), rest = steps[0], steps[1:]
    if how == "item":
        index = int(name)
        return _walk((F.when(F.size(column) > index, column.getItem(index)), item), rest)
    if how != "where" or _walk((F.lit(None), item), [("field", name, None)]) is None:
        return None
    # A lambda of Spark's has one parameter for the item alone.
    chosen = F.filter(column, lambda each: _text_of(_walk((each, item), [("field", name, None)])) == must_be)
    return _walk((F.when(F.size(chosen) > 0, chosen.getItem(0)), item), rest)


def _in_json(text: Column, steps: Sequence[_Step]) -> _Typed:
    """What text that holds JSON says at the end of the steps, as text."""
    path, rest = "$", list(steps)
    while rest and rest[0][0] != "where":
        how, name, _ = rest.pop(0)
        path += f"[{name}]" if how == "item" else f"['{name}']"
    found = text if path == "$" else F.get_json_object(text, path)
    if not rest:
        return found, T.StringType()
    items = T.ArrayType(T.MapType(T.StringType(), T.StringType()))
    return _walk((F.from_json(found, items), items), rest) or (F.lit(None), T.NullType())


def _settled(value: _Typed) -> _Typed:
    """The end of a path: of a struct the first of its values that is one, as key/value arrays have them."""
    column, kind = value
    if not isinstance(kind, T.StructType):
        return value
    nested = (T.StructType, T.MapType, T.ArrayType)
    parts = [(column.getField(f.name), f.dataType) for f in kind.fields if not isinstance(f.dataType, nested)]
    return _first(parts) if parts else (F.lit(None), T.NullType())


def _first(values: Sequence[_Typed]) -> _Typed:
    """The first value that is not null; of several types numbers if all are some, and else text."""
    values = [value for value in values if not isinstance(value[1], T.NullType)] or list(values[:1])
    kinds = [kind for _, kind in values]
    if all(kind == kinds[0] for kind in kinds):
        kind = kinds[0]
        columns = [column for column, _ in values]
    elif all(isinstance(kind, T.IntegralType) for kind in kinds):
        kind, columns = T.LongType(), [column.cast(T.LongType()) for column, _ in values]
    elif all(isinstance(kind, T.NumericType) for kind in kinds):
        kind, columns = T.DoubleType(), [column.cast(T.DoubleType()) for column, _ in values]
    else:
        kind, columns = T.StringType(), [_text_of(value) for value in values]
    return (columns[0] if len(columns) == 1 else F.coalesce(*columns)), kind


def _text_of(value: _Typed | None) -> Column:
    if value is None:
        return F.lit(None).cast(T.StringType())
    column, kind = value
    return stamp(column) if isinstance(kind, T.TimestampType) else column.cast(T.StringType())


def _without(value: _Typed, missing: Sequence[str]) -> _Typed:
    """The value without what stands for nothing."""
    column, kind = value
    if not missing or isinstance(kind, T.NullType):
        return value
    if isinstance(kind, T.NumericType):
        words = [number for number in map(_number, missing) if number is not None]
        is_missing = reduce(lambda a, b: a | b, (column == number for number in words), F.lit(False))
    else:
        is_missing = column.cast(T.StringType()).isin(list(missing))
    return F.when(~is_missing, column), kind


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
