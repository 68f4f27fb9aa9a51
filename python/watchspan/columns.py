"""The columns of the tables that come in: events and videos.

The core defines each column once: its table, whether it is needed, what kind of values it holds and the
types that it is read from. Here is what the whole package knows of that. Whoever reads such tables, or makes
or names a column of one, asks here: files, Spark, Delta, Azure and KQL.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from watchspan import _core

__all__ = ["EVENTS", "VIDEOS", "InputColumn", "videos_schema"]


@dataclass(frozen=True)
class InputColumn:
    """One column of an input table.

    Attributes:
        name: Its default name.
        table: `events` or `videos`; of the key that both have, `events`.
        required: Whether the table must have it.
        family: What kind of values it holds: `instant`, `key`, `seconds`, `number`, `integer` or `text`.
        type: Of the types that it is read from the one to choose where there is a choice.
    """

    name: str
    table: str
    required: bool
    family: str
    type: pa.DataType

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.family in {"seconds", "number", "integer"}


_ALL = [
    InputColumn(spec["name"], spec["table"], spec["required"], spec["family"], spec["type"])
    for spec in _core.input_column_specs()
]
# By their default names, in the core's order. The key of the videos is one of both tables.
EVENTS = {column.name: column for column in _ALL if column.table == "events"}
VIDEOS = {column.name: column for column in _ALL if column.table == "videos" or column.name == "videoId"}


def videos_schema(key: pa.DataType) -> pa.Schema:
    """The schema of a videos table with all columns under their default names.

    Args:
        key: The type of `videoId`.
    """
    return pa.schema([(name, key if name == "videoId" else column.type) for name, column in VIDEOS.items()])
