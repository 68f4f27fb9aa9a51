"""What the algorithm asks of an engine that holds tables: Spark on one side, deltalake on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from watchspan.errors import SourceError
from watchspan.refresh.settings import Settings

# The tables that outlive a run: session rows, engagement rows, the pairs that a run set out to settle, and
# curves of retention, which are kept only for those who want them.
TableName = Literal["sessions", "engagement", "pending", "retention"]

# How their names differ from that of the engagement table, beside which the others stand.
SUFFIXES: dict[TableName, str] = {
    "sessions": "_sessions",
    "engagement": "",
    "pending": "_pending",
    "retention": "_retention",
}
# Those that there always are.
ALWAYS: tuple[TableName, ...] = ("sessions", "engagement", "pending")

# What identifies a row of each.
KEYS: dict[TableName, tuple[str, ...]] = {
    "sessions": ("userId", "videoId", "sessionId"),
    "engagement": ("userId", "videoId"),
    "pending": ("userId", "videoId"),
    "retention": ("videoId", "bucket"),
}


def check_keys(table: TableName, names: Iterable[str]) -> None:
    """Makes sure that a stored table has its keys: a key that was added anew would be null in every row.

    Args:
        table: Which table it is.
        names: The names of its columns; their case does not matter.

    Raises:
        SourceError: If a key is not among `names`.
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
    """Which events of the raw table changed: those from `start` to before `end`.

    Attributes:
        start: The first instant, in microseconds since 1970 UTC; None: the window has no beginning.
        end: The first instant after the window, in the same unit; None: the window has no end.
        changed_by: The column whose time counts, such as one of ingestion; None: the time of the event.
    """

    start: int | None = None
    end: int | None = None
    changed_by: str | None = None


@dataclass(frozen=True)
class Dialect:
    """The few expressions that SQL engines spell differently, as texts for `str.format`.

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
    that `view`, `stage`, `scopes`, `walk`, `engage`, `curves` or `videos` made under that name, and the
    engine fills in what it calls it. A table is named by what `reference` returns.
    """

    @property
    def dialect(self) -> Dialect:
        """How this engine spells what SQL engines spell differently."""

    def exists(self, table: TableName) -> bool:
        """Whether `table` is there."""

    def settings(self, table: TableName) -> str | None:
        """What the property `settings.PROPERTY` of `table` holds; None if the table has no such property."""

    def keep_settings(self, table: TableName, text: str) -> None:
        """Sets the property `settings.PROPERTY` of `table` to `text`."""

    def columns(self, table: TableName) -> Sequence[str]:
        """The names of the columns of `table`."""

    def prepare(self, table: TableName, settings: Settings, text: str) -> None:
        """Creates `table` if it is not there, else adds the columns that it lacks.

        Args:
            table: Which table.
            settings: What decides its columns and their types.
            text: What the property `settings.PROPERTY` of a new table holds.
        """

    def reference(self, table: TableName, columns: Sequence[str]) -> str:
        """What SQL calls `table` as it is now, with `columns` and perhaps others; `$` is doubled in it."""

    def view(self, name: str, sql: str, *, reused: bool = False) -> None:
        """Gives the result of the query `sql` a name; it may be computed each time that it is used.

        Args:
            name: What later statements call it.
            sql: The query.
            reused: Whether it is used several times, so that keeping its rows is worth it.
        """

    def stage(self, name: str, sql: str) -> None:
        """Computes the result of the query `sql` once, and gives it the name `name`.

        Later statements see these rows, whatever is written to the tables meanwhile.
        """

    def rows(self, sql: str) -> Sequence[dict[str, Any]]:
        """The rows of the query `sql`, of which there are few."""

    def scopes(self, name: str, changed: Any, settings: Settings) -> None:
        """Makes a relation of the scopes that have changed events; a scope may occur in several rows.

        Its columns are `userId`, `sessionId` if the events have one, and the times of the scope's first and
        last changed event, `firstTime` and `lastTime`, in microseconds since 1970 UTC.

        Args:
            name: What to call the relation.
            changed: Which events changed: a `Window`, or what else the engine takes. Those that the core
                drops do not count.
            settings: What decides which events are dropped.
        """

    def walk(self, name: str, reach: str, settings: Settings) -> None:
        """Makes a relation of the session rows that the raw events within a reach give.

        Args:
            name: What to call the relation.
            reach: The relation of what to read: `userId`, `scopeId` (the session id as text; not used if the
                events have none), and the first and last time, `firstTime` and `lastTime`, both inclusive, in
                microseconds since 1970 UTC.
            settings: The vocabulary and the rules.
        """

    def engage(self, name: str, sessions: str, settings: Settings) -> None:
        """Makes a relation of the engagement rows that session rows give.

        Args:
            name: What to call the relation.
            sessions: The relation of session rows, each with the `videoDuration` (seconds), `durationSource`
                and `videoTitle` of its video.
            settings: The rules, the scoring, and whether unique seconds are computed.
        """

    def curves(self, name: str, rows: str) -> None:
        """Makes a relation of the retention rows that engagement rows give.

        Args:
            name: What to call the relation.
            rows: The relation of all engagement rows of some videos, with the columns `curves.NEEDED`.
        """

    def videos(self, name: str) -> None:
        """Makes a relation called `name` of the table of videos; it has no rows if there is no such table.

        Its columns are `videoId`, `duration` (seconds, double), `durationSource` and `title` (strings).
        """

    def append(self, table: TableName, sql: str) -> None:
        """Adds the rows of the query `sql` to `table`: in one commit, or in none if there are no rows.

        Columns of the table that are not watchspan's are null in new rows, here and in `merge`.
        """

    def merge(self, table: TableName, source: str) -> None:
        """Writes the rows of the staged relation `source` into `table`: in one commit, or none without rows.

        A row takes the place of the stored one with the same key; if its `_delete` is true, that one is
        deleted. Columns of the table that are not watchspan's keep their values.
        """

    def clear(self, table: TableName) -> None:
        """Deletes all rows of `table`: in one commit, or in none if there are no rows."""

    def close(self) -> None:
        """Forgets all relations that were made."""
