"""The columns that a call needs of a table, and batches without rows, which carry a schema all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from watchspan import _core
from watchspan.columns import EVENTS, VIDEOS, Columns, Records, place_of
from watchspan.errors import MissingColumnError

# The column in which readers of files say that a row could not be read.
UNREADABLE = _core.unreadable


@dataclass(frozen=True)
class Wanted:
    """The columns that a computation uses.

    Attributes:
        table: What the table holds: `events` or `videos`.
        columns: Where they are in it, as the core takes that; None: under their default names.
        unreadable: Where files hold lines that are none: readers say it here, of the first ones at least.
    """

    table: str
    columns: Columns | None
    unreadable: list[str] = field(default_factory=list, compare=False)

    @property
    def unnest(self) -> str | None:
        """The list of which each item is a record."""
        return self.columns.unnest if isinstance(self.columns, Records) else None

    @property
    def fill(self) -> tuple[str, ...]:
        """The columns that one record of a session says for all of them."""
        return self.columns.fill if isinstance(self.columns, Records) and self.table == "events" else ()

    def find(self, names: Iterable[Any]) -> list[str]:
        """Those of a table's columns, whose `names` these are, that are used, each once, in the core's order.

        Raises:
            MissingColumnError: If a needed or mapped column is missing.
            ColumnTypeError: If the name of one is not unique.
        """
        return list(dict.fromkeys(own for _, own, _ in self._used(names)))

    def own(self, names: Iterable[Any]) -> dict[str, str]:
        """Default name -> name in the table, of the columns in use; of one in several, the first."""
        found: dict[str, str] = {}
        for default, own, _ in self._used(names):
            found.setdefault(default, own)
        return found

    def paths(self, names: Iterable[Any]) -> list[str]:
        """What is used of a table whose columns have these names, each as a name or a path."""
        return list(dict.fromkeys(path for _, _, path in self._used(names)))

    def lacks(self, names: Iterable[Any]) -> bool:
        """Whether a needed or mapped column is not among these names."""
        try:
            self._used(names)
        except MissingColumnError:
            return True
        return False

    def nominal(self) -> list[str]:
        """The columns that a table would have of which nothing is known."""
        places = {default: (self.columns or {}).get(default, default) for default in self._all()}
        return [path for place in places.values() for path in place_of(place)[:1]]

    def _all(self) -> Iterable[str]:
        return VIDEOS if self.table == "videos" else EVENTS

    def _used(self, names: Iterable[Any]) -> list[tuple[str, str, str]]:
        return _core.used_columns(self.table, self.columns, list(map(str, names)))


def is_nested(columns: Columns | None) -> bool:
    """Whether a mapping, as the core takes it, says more than names of columns."""
    places = [place for place in (columns or {}).values() if place is not None]
    return any(not isinstance(place, str) or len(_core.path_steps(place)) > 1 for place in places)


def wanted(table: str, columns: Columns | None) -> Wanted:
    """The columns that are used of the events or the videos table under a mapping of names."""
    return Wanted(table, columns)


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch without rows: it carries the schema where no row does."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
