"""The columns of the tables that come in: events and videos.

The core defines each column once: its table, whether it is needed, what kind of values it holds and the
types that it is read from. Here is what the whole package knows of that. Whoever reads such tables, or makes
or names a column of one, asks here: files, Spark, Delta, Azure and KQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import pyarrow as pa

from watchspan import _core

__all__ = ["ALL", "EVENTS", "VIDEOS", "Column", "Columns", "InputColumn", "Place", "videos_schema"]


@dataclass(frozen=True, init=False)
class Column:
    """Where the values of a column are, and how to read them.

    Attributes:
        paths: Names of columns, or paths into nested ones, such as `event.currentTime`, `context["user id"]`,
            `ids[0]` or `params[key="time"].value`: the first that is there and not null counts. None: as
            the preset has it, else the column of the default name. A path goes through structs, maps, lists,
            and text that holds JSON.
        unit: What numbers count: `s`, `ms`, `us`, `ns` or `ticks` (100 ns). None: seconds of positions and
            durations; numbers are no instants then.
        timezone: Where the clocks stand that made stamps without a zone, such as `Europe/Berlin`; of a time
            that they showed twice the first counts. None: UTC.
        value: What the column is where nothing is found.
        missing: Words, or numbers as text, that stand for nothing.

    Example:
        >>> import watchspan as ws
        >>> events = [
        ...     {"timestamp": 1768471200000, "userId": "ann", "videoId": "v1", "event": {"name": "play"}},
        ...     {"timestamp": 1768471230000, "userId": "ann", "videoId": "v1",
        ...      "event": {"name": "pause", "at": "30000"}},
        ... ]
        >>> where = {
        ...     "timestamp": ws.Column(unit="ms"),
        ...     "eventName": "event.name",
        ...     "currentTime": ws.Column("event.at", unit="ms", value="0"),
        ... }
        >>> ws.aggregate(events, columns=where)["totalWatchTime"].to_pylist()
        [30.0]
    """

    paths: tuple[str, ...]
    unit: Optional[str]
    timezone: Optional[str]
    value: Optional[str]
    missing: tuple[str, ...]

    def __init__(
        self,
        *paths: str,
        unit: Optional[str] = None,
        timezone: Optional[str] = None,
        value: Union[str, float, None] = None,
        missing: Sequence[str] = (),
    ) -> None:
        """Takes all as it is; the call that it is for checks it."""
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "timezone", timezone)
        object.__setattr__(self, "value", None if value is None else str(value))
        object.__setattr__(self, "missing", (missing,) if isinstance(missing, str) else tuple(missing))


# What a place says beside its paths.
PARTS = ("unit", "timezone", "value", "missing")
# Where a column is: its name or path, several of which the first counts, or more than that. None: not used.
Place = Union[str, Sequence[str], Column, None]
# Default name -> where the column is, as the core takes it.
Columns = Mapping[str, Any]


class Records(dict[str, Any]):
    """Where the columns are of records that are more, or less, than one event.

    Attributes:
        unnest: The list of which each item is a record, in the place of the list.
        fill: Columns that one record of a session says for all of them.
    """

    def __init__(self, places: Columns, unnest: Optional[str], fill: Sequence[str]) -> None:
        """Takes `places` as the core takes them, `unnest` and `fill`."""
        super().__init__(places)
        self.unnest = unnest
        self.fill = tuple(fill)


def core_place(*paths: str, or_default: bool = False, **parts: Any) -> dict[str, Any]:
    """A place as the core takes it.

    Args:
        paths: As `Column` has them.
        or_default: Whether the column of the default name will do where none of the paths leads anywhere.
        **parts: What else `Column` has, as it has it; nothing else is said.
    """
    column = Column(*paths, **parts)
    said = {part: getattr(column, part) for part in PARTS}
    return {"paths": list(paths), **said, "missing": list(column.missing), "or_default": or_default}


def place_of(place: Mapping[str, Any] | list[str] | str | None) -> list[str]:
    """The paths of a place as the core takes it; none if it is a constant or not used."""
    if isinstance(place, Mapping):
        return list(place["paths"])
    return [] if place is None else [place] if isinstance(place, str) else list(place)


@dataclass(frozen=True)
class InputColumn:
    """One column of an input table.

    Attributes:
        name: Its default name.
        table: `events` or `videos`; of the key that both have, `events`.
        required: Whether the table must have it.
        family: What kind of values it holds: `instant`, `key`, `seconds`, `number`, `integer` or `text`.
        is_number: Whether values of that family are numbers.
        type: Of the types that it is read from the one to choose where there is a choice.
    """

    name: str
    table: str
    required: bool
    family: str
    is_number: bool
    type: pa.DataType


def _column(spec: _core.InputColumnSpec) -> InputColumn:
    return InputColumn(
        spec["name"], spec["table"], spec["required"], spec["family"], spec["is_number"], spec["type"]
    )


# By their default names, in the core's order. The key of the videos is one of both tables.
ALL = {spec["name"]: _column(spec) for spec in _core.input_column_specs()}
EVENTS = {name: column for name, column in ALL.items() if column.table == "events"}
VIDEOS = {name: column for name, column in ALL.items() if column.table == "videos" or name == "videoId"}


def videos_schema(key: pa.DataType) -> pa.Schema:
    """The schema of a videos table with all columns under their default names.

    Args:
        key: The type of `videoId`.
    """
    return pa.schema([(name, key if name == "videoId" else column.type) for name, column in VIDEOS.items()])
