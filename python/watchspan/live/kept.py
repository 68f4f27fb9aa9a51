"""The kept tables as they stand: which version, and what of it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from watchspan import scratch
from watchspan.delta import storage
from watchspan.delta.engine import CLOSED, Scan, schema_of
from watchspan.delta.failures import told
from watchspan.delta.inputs import quoted
from watchspan.errors import SourceError
from watchspan.insight.rows import plain
from watchspan.refresh import SUFFIXES, TableName
from watchspan.text import shown_path


@dataclass(frozen=True)
class State:
    """A table at one moment: another id is another table, even where it has the version of the one before.

    Attributes:
        id: The table's own.
        version: Which commit.
    """

    id: str
    version: int


@dataclass(frozen=True)
class Standing:
    """The kept tables at one moment. What was read of it stays true.

    Attributes:
        engagement: The engagement table.
        sessions: The session table; None if there is none.
        is_pending: Whether a run wrote sessions whose engagement rows are still to come: it goes on, or it
            was stopped.
    """

    engagement: State
    sessions: State | None
    is_pending: bool


class Kept:
    """The tables that an update keeps, to be read."""

    def __init__(self, table: str, options: Mapping[str, str] | None = None) -> None:
        """Names them.

        Args:
            table: The place of the engagement table; the others stand beside it.
            options: What deltalake needs to reach the storage.
        """
        self.table = table
        self._options = options

    def standing(self) -> Standing:
        """How the tables stand.

        Raises:
            SourceError: If there is no engagement table, or a log cannot be read.
        """
        with self._told():
            found = {name: storage.find(self._place(name), self._options) for name in SUFFIXES}
            engagement, pending = found["engagement"], found["pending"]
            if engagement is None:
                raise SourceError(
                    f"There is no Delta table at {shown_path(self.table)}. Where it was deleted or moved, "
                    "put it back: the page goes on by itself."
                )
            sessions = found["sessions"]
            return Standing(
                _state(engagement),
                None if sessions is None else _state(sessions),
                pending is not None and not storage.is_empty(pending),
            )

    @contextmanager
    def reading(self, table: TableName, state: State, names: Sequence[str]) -> Iterator[Any]:
        """DuckDB, to which a table at one moment is the relation `kept`, with our names for its columns.

        Args:
            table: Which table.
            state: At which moment.
            names: Which columns are read; no others are.

        Raises:
            WatchspanError: If a column is not there or has another type, or the table cannot be read.
        """
        with self._told(), scratch.folder() as folder:
            found, own = self._checked(table, state, names)
            with duckdb.connect(config={**CLOSED, "temp_directory": folder}) as sql:
                sql.execute("SET TimeZone='UTC'; SET preserve_insertion_order=false")
                sql.register("stored", Scan(found, [own[name] for name in names]))
                chosen = ", ".join(f"{quoted(own[name])} AS {name}" for name in names)
                sql.execute(f"CREATE TEMP VIEW kept AS SELECT {chosen} FROM stored")
                yield sql

    def rows_of(self, video: str | int, state: State, names: Sequence[str], more: Sequence[str]) -> pa.Table:
        """The engagement rows of one video.

        Args:
            video: Its id.
            state: At which moment.
            names: Which columns.
            more: Which others, if the table has them.

        Raises:
            WatchspanError: As `reading` does.
        """
        with self._told():
            found, own = self._checked("engagement", state, names)
            chosen = {name: own[name] for name in (*names, *more) if name in own}
            key = str(video) if isinstance(video, int) else "'" + video.replace("'", "''") + "'"
            rows = pa.RecordBatchReader.from_stream(
                found.scan(columns=list(chosen.values()), predicate=f"{quoted(own['videoId'])} = {key}")
            )
            table = rows.read_all().select(list(chosen.values()))
            return table.rename_columns(list(chosen))

    def _checked(
        self, table: TableName, state: State, names: Sequence[str]
    ) -> tuple[storage.DeltaTable, dict[str, str]]:
        """A table at one moment, and what it calls our columns."""
        found = storage.find(self._place(table), self._options)
        if found is None or found.metadata().id != state.id:
            raise SourceError(f"The table at {shown_path(self._place(table))} is gone, or another one.")
        found.load_as_version(state.version)
        schema = schema_of(found)
        own = storage.own_columns(table, schema.names)
        ours = {there: name for name, there in own.items()}
        # What rows without any row are refused for, all of them would be.
        empty = schema.empty_table().rename_columns([ours.get(name, name) for name in schema.names])
        plain(empty, table, names)
        return found, own

    def _place(self, table: TableName) -> str:
        return self.table.rstrip("/") + SUFFIXES[table]

    def _told(self) -> Any:
        return told(
            f"The tables at {shown_path(self.table)} cannot be read",
            "If files of them are gone or torn, restore them from a copy.",
        )


def _state(table: storage.DeltaTable) -> State:
    return State(table.metadata().id, table.version())
