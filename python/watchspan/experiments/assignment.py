"""Who is in which group of an experiment, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import sources
from watchspan.columns import VIDEOS
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError
from watchspan.insight.columns import INSTANT, KEY
from watchspan.insight.rows import Columns, grouped, listed, plain_column
from watchspan.instants import micros, parsed
from watchspan.text import shown

_NEEDED = (
    "groups needs the columns userId and group, of text or integers, and may have exposedAt, from when on a "
    "user's sessions count."
)


@dataclass(frozen=True)
class Assignment:
    """Who is in which group.

    Attributes:
        users: The users, each once.
        group: The number of each one's group.
        names: The groups, by alphabet.
        exposed: Since when each one's sessions count, microseconds since 1970; None: nobody says.
        in_two: How many users are in several groups, and left out here.
    """

    users: pa.Array
    group: pa.Array
    names: list[str]
    exposed: Optional[pa.Array]
    in_two: int

    @property
    def sizes(self) -> list[int]:
        """How many users each group has."""
        found = {entry["values"]: entry["counts"] for entry in pc.value_counts(self.group).to_pylist()}
        return [found.get(number, 0) for number in range(len(self.names))]

    def places(self, users: pa.Array) -> pa.Array:
        """Which of the users these are; null for those who are none of them."""
        return pc.index_in(users, value_set=self.users).cast(pa.int64())


def read_assignment(source: Any, kind: pa.DataType) -> Assignment:
    """Reads who is in which group.

    Args:
        source: A table of `userId`, `group`, and perhaps `exposedAt`, in any form that events may have.
        kind: The type that users have in the rows.

    Raises:
        MissingColumnError: If a column is not there, or not once.
        ColumnTypeError: If a column has a type that is not read, or users cannot be those of the rows.
        DataError: If a user, a group or a time is null, or a time is none; if there are fewer than two
            groups, or a group has fewer than two users.
        SourceError: If it cannot be read.
    """
    found = _columns(source)
    for name, column in found.items():
        if column.null_count:
            raise DataError(f"{_nulls(name, column)} {_NEEDED}")
    if pc.any(pc.equal(found["group"], "")).as_py():
        raise DataError(f'A group in groups has the name "": give each a name. {_NEEDED}')
    keys = {"userId": as_kind(found["userId"], kind, "groups"), "group": found["group"]}
    first = {"exposedAt": found["exposedAt"]} if "exposedAt" in found else {}
    pairs = grouped(keys, {}, least=first)
    groups = grouped({"userId": pairs["userId"]}, {})
    several = groups["userId"].filter(pc.greater(groups["rows"], 1))
    is_in_one = pc.is_null(pc.index_in(pairs["userId"], value_set=several))
    pairs = {name: column.filter(is_in_one) for name, column in pairs.items()}
    names = sorted(set(found["group"].to_pylist()))
    number = pc.index_in(pairs["group"], value_set=pa.array(names, pa.string())).cast(pa.int64())
    made = Assignment(pairs["userId"], number, names, pairs.get("exposedAt"), len(several))
    _refuse_few(made)
    return made


def as_kind(users: pa.Array, kind: pa.DataType, table: str) -> pa.Array:
    """Users with the type that they have in the rows.

    Raises:
        ColumnTypeError: If one of them cannot be read as that.
    """
    try:
        return users.cast(kind)
    except pa.ArrowException as error:
        raise ColumnTypeError(
            f"userId is of type {users.type} in {table}, but of type {kind} in the rows, and not every value "
            f"can be read as that: {error}. Give both the same type."
        ) from error


def _columns(source: Any) -> Columns:
    table, found = read_groups(source), Columns()
    for name in ("userId", "group", "exposedAt"):
        count = table.column_names.count(name)
        if name == "exposedAt" and not count:
            _refuse_misspelt(table.column_names)
            continue
        if count != 1:
            raise MissingColumnError(
                f"groups has {'no column' if not count else f'{count} columns named'} {name!r}; it has "
                f"{listed(table.column_names)}. {_NEEDED}"
            )
        try:
            found[name] = _READ[name](table[name])
        except (pa.ArrowException, UnicodeDecodeError, KeyError) as error:
            kind = table.schema.field(name).type
            times = ", but times are needed" if name == "exposedAt" else ""
            raise ColumnTypeError(f"Column {name!r} of groups is of type {kind}{times}. {_NEEDED}") from error
    return found


def _refuse_misspelt(names: Sequence[str]) -> None:
    """Times under another spelling would be passed over, and all sessions would count."""
    for name in names:
        if name.replace("_", "").lower() == "exposedat":
            raise MissingColumnError(
                f"groups has a column {name!r}, but none named 'exposedAt': rename it to that, or leave it "
                "out if all sessions of the rows count."
            )


def read_groups(source: Any) -> pa.Table:
    """Who is in which group, as a table of what was given."""
    if not sources.are_paths(source):
        return sources.read_table(source)
    # To what reads files, text of videos is any text.
    places: dict[str, Any] = {name: "userId" if column.required else None for name, column in VIDEOS.items()}
    places["title"] = "group"
    try:
        return sources.read_table(source, sources.wanted("videos", {**places, "durationSource": "exposedAt"}))
    except MissingColumnError:
        pass
    try:
        return sources.read_table(source, sources.wanted("videos", places))
    except MissingColumnError as error:
        told = str(error).partition(" Rename a column")[0].replace("The videos table has", "groups has")
        for name in places:
            told = told.replace(f' (mapped to "{name}")', "")
        raise MissingColumnError(f"{told} {_NEEDED}") from error


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column; of text, if all of it is null or there is none."""
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _users(column: pa.ChunkedArray) -> pa.Array:
    return plain_column(_typed(column), KEY)


def _groups(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.string())
    return plain_column(_typed(column), KEY).cast(pa.string())


def _times(column: pa.ChunkedArray) -> pa.Array:
    """Microseconds since 1970; what has no zone is UTC, and a date its midnight."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(column.type):
        return plain_column(column, INSTANT)
    texts = plain_column(column, "string")
    try:
        return pa.array(
            [None if text is None else micros(parsed(text)) for text in texts.to_pylist()], pa.int64()
        )
    except ValueError as error:
        raise DataError(
            f"A time in column 'exposedAt' of groups is none that is read ({_odd(texts)}): write it as in "
            "2026-01-15T10:00:00Z."
        ) from error


def _odd(texts: pa.Array) -> str:
    for text in texts.to_pylist():
        try:
            parsed("1970-01-01" if text is None else text)
        except ValueError:
            return shown(text)
    return "out of range"


_READ = {"userId": _users, "group": _groups, "exposedAt": _times}


def _nulls(name: str, column: pa.Array) -> str:
    hint = (
        " Nobody knows from when on such users count: leave out who was never exposed, in all groups alike, "
        "or take the time of the assignment."
        if name == "exposedAt"
        else ""
    )
    return f"Column {name!r} of groups is null in {column.null_count:,} of {len(column):,} rows.{hint}"


def _refuse_few(made: Assignment) -> None:
    if len(made.names) < 2:
        have = f"only the group {shown(made.names[0])}" if made.names else "no rows"
        raise DataError(f"groups has {have}, but two groups are needed to compare them.")
    for name, users in zip(made.names, made.sizes):
        if users < 2:
            raise DataError(
                f"The group {shown(name)} has {users} users that are in no other one, but at least two are "
                "needed."
            )
