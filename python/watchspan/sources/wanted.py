"""The columns that a call needs of a table, and batches without rows, which carry a schema all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from watchspan.columns import EVENTS, VIDEOS


@dataclass(frozen=True)
class Wanted:
    """The columns that a computation uses.

    Attributes:
        table: What the table holds: `events` or `videos`.
        columns: Default name -> the names that the column may have in the user's table, the first found
            counts.
        required: Default names of the columns that must be there.
    """

    table: str
    columns: dict[str, tuple[str, ...]]
    required: frozenset[str]

    def find(self, names: Iterable[str]) -> dict[str, str]:
        """Which of these names are wanted: name in the table -> default name, in the core's order."""
        there = set(names)
        chosen = (
            (default, next((n for n in own if n in there), None)) for default, own in self.columns.items()
        )
        return {name: default for default, name in chosen if name is not None}

    def lacks(self, names: Iterable[str]) -> list[str]:
        """The required columns that are not among these names, as the user would call them."""
        found = set(self.find(names).values())
        return [own[0] for default, own in self.columns.items() if default in self.required - found]


def wanted(table: str, columns: Mapping[str, str | None] | None) -> Wanted:
    """The columns that are used of the events or the videos table under a mapping of names."""
    chosen: dict[str, tuple[str, ...]] = {}
    required = set()
    for default, column in (VIDEOS if table == "videos" else EVENTS).items():
        name = (columns or {}).get(default, default)
        if name is None:
            continue
        # The videos table may keep the default name of its key although the events table has another one.
        borrowed = column.table != table and name != default
        chosen[default] = (name, default) if borrowed else (name,)
        if column.required or name != default:
            required.add(default)
    return Wanted(table, chosen, frozenset(required))


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch without rows: it carries the schema where no row does."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def no_rows(names: Iterable[str]) -> pa.RecordBatch:
    """No rows under these names, among which a needed one is missing: the core says so, and what it found."""
    return empty_batch(pa.schema([(name, pa.null()) for name in names]))
