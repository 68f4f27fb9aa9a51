"""What the algorithm asks of an engine that holds tables: Spark on one side, deltalake on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from watchspan.errors import SourceError
from watchspan.refresh.settings import Settings

# The tables that outlive a run: session rows, engagement rows, and the pairs that a run set out to settle.
TableName = Literal["sessions", "engagement", "pending"]

# How their names differ from that of the engagement table, beside which the others stand.
SUFFIXES: dict[TableName, str] = {"sessions": "_sessions", "engagement": "", "pending": "_pending"}

# What identifies a row of each.
KEYS: dict[TableName, tuple[str, ...]] = {
    "sessions": ("userId", "videoId", "sessionId"),
    "engagement": ("userId", "videoId"),
    "pending": ("userId", "videoId"),
}


def check_keys(table: TableName, names: Iterable[str]) -> None:
    """Refuses a stored table without its keys: added anew they would be null, and no row would be found.

    Raises:
        SourceError: If one is not among these names, whatever their case.
    """
    there = {name.lower() for name in names}
    for key in KEYS[table]:
        if key.lower() not in there:
            raise SourceError(
                f"The {table} table has no column {key!r}, which tells its rows apart: restore the table, or "
                "give the column its name back."
            )


# When a row was last written; the one column that a repeated refresh changes.
PROCESSED_AT = "processedAt"
PROCESSED_AT_MEANS = "When this row was last written (UTC)."

# How long the suffix `@2026-01-15T10:00:00.000000Z` of a cut session's id is.
CUT_SUFFIX_LENGTH = len("@2026-01-15T10:00:00.000000Z")


class ConflictError(Exception):
    """Somebody else wrote to a table at the same time; the run can be tried again from its start."""


@dataclass(frozen=True)
class Window:
    """Which events changed: those of the raw table within a window, all of them if it has no ends.

    Attributes:
        start: The first instant, microseconds since 1970 UTC; None: no first one.
        end: The first instant after the window; None: no last one.
        changed_by: The column whose time counts, such as one of ingestion; None: the time of the event.
    """

    start: int | None = None
    end: int | None = None
    changed_by: str | None = None


@dataclass(frozen=True)
class Dialect:
    """The few expressions that SQL engines spell differently.

    Attributes:
        micros: A timestamp as microseconds since 1970 UTC, with `{}` for the timestamp.
        last_end: The end of the last watched interval of a session row, null if nothing was watched.
        text: A text, with `{}` for its UTF-8 in hexadecimal: how texts are quoted depends on settings.
    """

    micros: str
    last_end: str
    text: str


class Engine(Protocol):
    """Tables, SQL over them, and the core applied to them.

    SQL is what Spark and DuckDB both understand, as the text of a `string.Template`: `$name` is the relation
    that `view`, `stage`, `scopes`, `walk`, `engage` or `videos` made under that name, and the engine fills in
    what it calls it. A table is named by what `reference` returns.
    """

    @property
    def dialect(self) -> Dialect:
        """How this engine spells what differs."""

    def exists(self, table: TableName) -> bool:
        """Whether the table is there."""

    def settings(self, table: TableName) -> str | None:
        """The table's property `settings.PROPERTY`; None if it has none."""

    def keep_settings(self, table: TableName, text: str) -> None:
        """Sets that property."""

    def columns(self, table: TableName) -> Sequence[str]:
        """The names of the table's columns."""

    def prepare(self, table: TableName, settings: Settings, text: str) -> None:
        """Creates the table with that text as its property if it is not there, and adds columns it lacks."""

    def reference(self, table: TableName, columns: Sequence[str]) -> str:
        """What SQL calls the table as it is now, with `columns` and perhaps others; `$` is doubled."""

    def view(self, name: str, sql: str, *, reused: bool = False) -> None:
        """Names the result of a query, which may be computed as often as it is used.

        If it is `reused`, keeping the rows is worth it where the engine can.
        """

    def stage(self, name: str, sql: str) -> None:
        """Computes the result of a query once, and names it.

        Later statements all see the same rows, whatever is written to the tables meanwhile.
        """

    def rows(self, sql: str) -> Sequence[dict[str, Any]]:
        """The few rows of a query."""

    def scopes(self, name: str, changed: Any, settings: Settings) -> None:
        """Names the scopes of accepted changed events; one may occur more than once.

        Columns: `userId`, `sessionId` if there is one, `firstTime`, `lastTime` (microseconds since 1970 UTC).
        """

    def walk(self, name: str, reach: str, settings: Settings) -> None:
        """Names the session rows of the raw events within a reach.

        The relation `reach` has the columns `userId`, `scopeId` (the session id as text, not used where there
        is none), `firstTime` and `lastTime` (inclusive, microseconds since 1970 UTC).
        """

    def engage(self, name: str, sessions: str, settings: Settings) -> None:
        """Names the engagement rows of a relation of session rows.

        These carry their video's `videoDuration`, `durationSource` and `videoTitle`.
        """

    def videos(self, name: str) -> None:
        """Names the table of videos, without rows where there is none.

        Columns: `videoId`, `duration` (double), `durationSource` and `title` (strings).
        """

    def append(self, table: TableName, sql: str) -> None:
        """Adds the result of a query to a table. One commit, none if it is empty.

        Columns that are not ours are null, here as in a merge.
        """

    def merge(self, table: TableName, source: str) -> None:
        """Writes the rows of a staged relation into a table by its key; those with `_delete` are deleted.

        Columns that are not ours keep their values. One commit, none if there is nothing to write.
        """

    def clear(self, table: TableName) -> None:
        """Deletes all rows. One commit, none if there are none."""

    def close(self) -> None:
        """Forgets what `view` and `stage` named."""
