"""The columns of the tables that come in: events and videos.

The core defines each column once: its table, whether it is needed, what kind of values it holds and the
types that it is read from. Here is what the whole package knows of that. Whoever reads such tables, or makes
or names a column of one, asks here: files, Spark, Delta, Azure and KQL.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from watchspan import _core

__all__ = ["ALL", "EVENTS", "VIDEOS", "InputColumn", "videos_schema"]


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
