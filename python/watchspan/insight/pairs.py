"""Tables of two columns that callers make: a key, and the name of what it belongs to."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from watchspan import sources
from watchspan.columns import VIDEOS
from watchspan.errors import ColumnTypeError, MissingColumnError
from watchspan.insight.columns import KEY
from watchspan.insight.rows import listed, plain_column


def read_pairs(source: Any, argument: str, key: str, value: str) -> tuple[pa.Array, pa.Array]:
    """The keys of such a table, and their names as text.

    Args:
        source: The table, in any form that events may have.
        argument: What the argument is called.
        key: The name of the column of keys.
        value: The name of the column of names.

    Raises:
        MissingColumnError: If a column is not there, or not once.
        ColumnTypeError: If one is neither text nor integers.
        SourceError: If the table cannot be read.
    """
    found, columns = _read(source, argument, key, value), []
    for name in (key, value):
        try:
            column = plain_column(found[name], KEY)
            columns.append(column if name == key else column.cast(pa.string()))
        except (pa.ArrowException, UnicodeDecodeError, KeyError) as error:
            kind = found.schema.field(name).type
            raise ColumnTypeError(
                f"Column {name!r} of {argument} is of type {kind}. {_needed(key, value)}"
            ) from error
    return columns[0], columns[1]


def _read(source: Any, argument: str, key: str, value: str) -> pa.Table:
    # To what reads files, a title is any text, and one column may serve several.
    places = {name: key if column.required else None for name, column in VIDEOS.items()}
    places["title"] = value
    try:
        found = sources.read_table(source, sources.wanted("videos", places))
    except MissingColumnError as error:
        told = str(error).partition(" Rename a column")[0].replace("The videos table has", f"{argument} has")
        for name in places:
            told = told.replace(f' (mapped to "{name}")', "")
        raise MissingColumnError(f"{told} {_needed(key, value)}") from error
    for name in (key, value):
        count = found.column_names.count(name)
        if count != 1:
            raise MissingColumnError(
                f'{argument} has {"no column" if not count else f"{count} columns named"} "{name}"; it has '
                f"{listed(found.column_names)}. {_needed(key, value)}"
            )
    return found


def _needed(key: str, value: str) -> str:
    return f"A table with the columns {key} and {value} is needed, of text or integers."
