"""Rows that watchspan made, read as what the sums of this package need: plain columns without surprises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core, sources
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError
from watchspan.instants import micros
from watchspan.report import read_metadata
from watchspan.text import shown

# What the rows of a table are, and who makes them.
_NEEDED = {
    "engagement": "A table of engagement rows is needed, as aggregate() and engagement() return it.",
    "sessions": "A table of session rows is needed, as sessions() returns it.",
    "retention": "A table of retention is needed, as retention() returns it.",
}
_LONG_LIST = 40
# Of each of them engagement rows have one.
_PAIR = ("userId", "videoId")

# Name -> values, each column in one piece.
Columns = dict[str, pa.Array]


def read(source: Any, table: str, names: Sequence[str]) -> tuple[Columns, dict[str, Any]]:
    """Some columns of a table of rows, and what it says about how it was made.

    Text is plain text, numbers are int64 or double, instants microseconds since 1970 as int64; lists are as
    they come.

    Args:
        source: The rows, in any form.
        table: What they are: `engagement` or `sessions`.
        names: Which columns.

    Raises:
        MissingColumnError: If a column is not there, or not once.
        ColumnTypeError: If one has another type than such a table has.
        DataError: If a value is null, NaN or infinite where no such row has that.
        SourceError: If the rows cannot be read.
    """
    made = read_metadata(source) or {}
    return plain(sources.read_table(source), table, names), made


def plain(found: pa.Table, table: str, names: Sequence[str]) -> Columns:
    """Some columns of a pyarrow table of rows, as `read` has them."""
    specs = {spec["name"]: spec for spec in _core.column_specs(table)}  # type: ignore[arg-type]
    columns, needed = typed(found, table, names), _NEEDED[table]
    for name, column in columns.items():
        _refuse_odd(name, column, specs[name]["nullable"], needed)
        if specs[name]["type"] == _INSTANT:
            _refuse_far(name, column, needed)
    return columns


def typed(found: pa.Table, table: str, names: Sequence[str]) -> Columns:
    """The same, whatever their values are."""
    specs = {spec["name"]: spec for spec in _core.column_specs(table)}  # type: ignore[arg-type]
    needed, columns = _NEEDED[table], Columns()
    for name in names:
        count = found.column_names.count(name)
        if count != 1:
            raise MissingColumnError(
                f"The table has {'no column' if not count else f'{count} columns named'} {name!r}; it has "
                f"{listed(found.column_names)}. {needed}"
            )
        try:
            columns[name] = plain_column(found[name], specs[name]["type"])
        except (pa.ArrowException, UnicodeDecodeError, KeyError) as error:
            kind = found.schema.field(name).type
            raise ColumnTypeError(f"Column {name!r} is of type {kind}. {needed}") from error
    return columns


def is_sessions(found: pa.Table) -> bool:
    """Whether a table is one of session rows, by its columns."""
    return "sessionStart" in found.column_names


def chosen(found: pa.Table, mask: pa.Array) -> pa.Table:
    """The rows of a table where a condition holds."""
    for place, field in enumerate(found.schema):
        if "string_view" in str(field.type):  # which polars hands out, and pyarrow cannot take rows of
            found = found.set_column(place, field.name, found[place].cast(_without_views(field.type)))
    return found.filter(mask)


def _without_views(kind: pa.DataType) -> pa.DataType:
    """The same type with plain text in it."""
    if pa.types.is_dictionary(kind):
        return _without_views(kind.value_type)
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.large_list(_without_views(kind.value_type))
    return pa.large_string() if str(kind) == "string_view" else kind


def listed(names: Sequence[str]) -> str:
    """Names of columns as a message lists them."""
    more = f" and {len(names) - _LONG_LIST} more" if len(names) > _LONG_LIST else ""
    return (", ".join(names[:_LONG_LIST]) or "no columns") + more


def plain_column(column: pa.ChunkedArray, kind: str) -> pa.Array:
    """A column as the type that documentation calls `kind`, in one piece; a key if it calls none so.

    Raises:
        KeyError: If it is of a type that is not read as that one.
        ArrowException: If a value cannot be.
    """
    chunks = [_plain_chunk(chunk, kind) for chunk in column.chunks]
    return pa.concat_arrays(chunks) if chunks else _plain_chunk(pa.nulls(0, column.type), kind)


def _plain_chunk(chunk: pa.Array, kind: str) -> pa.Array:
    """A chunk as the type that documentation calls `kind`.

    Raises:
        KeyError: If it is of a type that is not read as that one.
        ArrowException: If a value cannot be.
    """
    found = chunk.type
    if pa.types.is_dictionary(found) or str(found) in ("large_string", "string_view"):
        chunk = chunk.cast(pa.string())
    elif pa.types.is_null(found) and kind in _PLAIN:
        chunk = pa.nulls(len(chunk), _PLAIN[kind][1])
    elif pa.types.is_timestamp(found):
        chunk = chunk.cast(pa.timestamp("us", found.tz), safe=False)
    if kind.startswith("list"):
        return _list(chunk)
    fits, target = _PLAIN.get(kind, (_is_key, None))
    if not fits(chunk.type):
        raise KeyError(kind)
    return chunk if target is None or chunk.type == target else chunk.cast(target)


def _list(chunk: pa.Array) -> pa.Array:
    if not (pa.types.is_list(chunk.type) or pa.types.is_large_list(chunk.type)):
        raise KeyError("list")
    return chunk


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_key(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind))


_INSTANT = "timestamp[us, tz=UTC]"
# What documentation calls a type: what is read as it, and as what.
_PLAIN = {
    "double": (_is_number, pa.float64()),
    "int64": (pa.types.is_integer, pa.int64()),
    "bool": (pa.types.is_boolean, pa.bool_()),
    "string": (pa.types.is_string, pa.string()),
    _INSTANT: (pa.types.is_timestamp, pa.int64()),
}


def _refuse_odd(name: str, column: pa.Array, nullable: bool, needed: str) -> None:
    if not nullable and column.null_count:
        raise DataError(
            f"Column {name!r} is null in {column.null_count:,} of {len(column):,} rows, which it never is in "
            f"such a table: leave those rows out. {needed}"
        )
    if not pa.types.is_floating(column.type):
        return
    odd = column.filter(pc.invert(pc.fill_null(pc.is_finite(column), True)))
    if len(odd):
        raise DataError(
            f"Column {name!r} is {odd[0].as_py()} in {len(odd):,} of {len(column):,} rows, which it never is "
            f"in such a table: a value that is not known is null there. {needed}"
        )


def _refuse_far(name: str, column: pa.Array, needed: str) -> None:
    ends = pc.min_max(column).as_py()
    if len(column) and not _FIRST <= ends["min"] <= ends["max"] <= _LAST:
        raise DataError(
            f"Column {name!r} has a time outside the years 1 to 9999, which no row of such a table has: "
            f"leave that row out. {needed}"
        )


_FIRST, _LAST = (micros(instant) for instant in (datetime.min, datetime.max))


# Sums. They are those of whole millionths: exact, so that neither order nor threads can change them.
MILLION = 1_000_000
_MOST = 2**63 - 1


def millionths(name: str, column: pa.Array) -> pa.Array:
    """Numbers as int64 of millionths, to the nearest.

    Raises:
        DataError: If their sum would not be one.
    """
    largest = pc.max(pc.abs(column)).as_py() or 0
    if largest * MILLION * max(1, len(column)) >= _MOST:
        raise DataError(
            f"Column {name!r} is as large as {shown(largest)}, which cannot be summed up over "
            f"{len(column):,} rows: leave such rows out."
        )
    if pa.types.is_integer(column.type):
        return pc.multiply(column, MILLION)
    return pc.floor(pc.add(pc.multiply(column, float(MILLION)), 0.5)).cast(pa.int64())


def ones(mask: pa.Array) -> pa.Array:
    """1 where a condition holds, 0 where it does not or nobody knows."""
    return pc.fill_null(mask, False).cast(pa.int64())


def where(mask: pa.Array, column: pa.Array) -> pa.Array:
    """The numbers of a column where a condition holds, else 0."""
    return pc.if_else(pc.fill_null(mask, False), pc.fill_null(column, 0), 0)


def grouped(
    keys: Mapping[str, pa.Array],
    sums: Mapping[str, pa.Array],
    least: Mapping[str, pa.Array] | None = None,
    most: Mapping[str, pa.Array] | None = None,
) -> Columns:
    """Groups of rows, ordered by their keys.

    Args:
        keys: By which columns.
        sums: Columns of which to take the sum; without nulls.
        least: Columns of which to take the least.
        most: Columns of which to take the greatest.

    Returns:
        Name of a key or column -> its values, a group each, and `rows`: how many a group has.
    """
    count = constant(1, len(next(iter(keys.values()))))
    parts = (("sum", {**sums, "rows": count}), ("min", least or {}), ("max", most or {}))
    columns = {f"{how}_{name}": column for how, named in parts for name, column in named.items()}
    groups = (
        pa.table({**keys, **columns})
        .group_by(list(keys))
        .aggregate([(name, name.partition("_")[0]) for name in columns])
    )
    order = pc.sort_indices(groups, sort_keys=[(key, "ascending") for key in keys])
    found = {key: _in_one(groups[key]).take(order) for key in keys}
    for how, named in parts:
        found.update({name: _in_one(groups[f"{how}_{name}_{how}"]).take(order) for name in named})
    return found


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def constant(value: int, count: int) -> pa.Array:
    """So many times the same number."""
    return pc.fill_null(pa.nulls(count, pa.int64()), value)


def ratio(above: pa.Array, below: pa.Array) -> pa.Array:
    """One number by another; null where that is 0."""
    quotient = pc.divide(as_double(above), as_double(below))
    return pc.if_else(pc.equal(below, 0), pa.scalar(None, pa.float64()), quotient)


def as_double(column: pa.Array) -> pa.Array:
    """Numbers as doubles, the nearest if they are too large for all their digits."""
    return column.cast(pa.float64(), safe=False)


def hours(microseconds: pa.Array) -> pa.Array:
    """Hours out of microseconds."""
    return pc.divide(as_double(microseconds), 3600.0 * MILLION)


def instants(microseconds: pa.Array) -> pa.Array:
    """Instants out of microseconds since 1970."""
    return microseconds.cast(pa.int64()).view(pa.timestamp("us", "UTC"))


def refuse_twice(columns: Columns, argument: str) -> None:
    """Refuses engagement rows of which a user and a video have several.

    Args:
        columns: Their columns.
        argument: What the argument is called that holds them.

    Raises:
        DataError: If there are such rows.
    """
    count = constant(1, len(columns["userId"]))
    pairs = pa.table({**{key: columns[key] for key in _PAIR}, "rows": count})
    pairs = pairs.group_by(list(_PAIR)).aggregate([("rows", "sum")])
    if pairs.num_rows == len(count):
        return
    twice = pairs.filter(pc.greater(pairs["rows_sum"], 1)).sort_by([(key, "ascending") for key in _PAIR])
    user, video = (shown(twice[key][0].as_py()) for key in _PAIR)
    raise DataError(
        f"{argument} has several rows of {twice.num_rows:,} pairs, among them user {user} and video {video}: "
        "engagement rows have one for each. Make one table of the events or sessions of all periods."
    )
