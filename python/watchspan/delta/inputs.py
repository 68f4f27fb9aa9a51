"""What a refresh reads: the raw table of events, and the table of videos."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa

from watchspan import _core, instants, sources
from watchspan.columns import VIDEOS, Columns, videos_schema
from watchspan.delta import storage
from watchspan.errors import MissingColumnError, OptionError
from watchspan.instants import DAY
from watchspan.refresh import TableName, Window
from watchspan.rules import Rules

# The first and last midnight that deltalake, which reads nanoseconds, can compare with: in 1677 and 2262.
# A window that reaches further is widened, which does no harm: it only says what is to be made again.
_FIRST, _LAST = -(2**63 // 1000 // DAY) * DAY, 2**63 // 1000 // DAY * DAY


class RawEvents:
    """The raw table of events.

    Attributes:
        names: Default column name -> its name in the table, of the columns in use.
    """

    def __init__(self, table: storage.DeltaTable, columns: Columns | None) -> None:
        """Binds the columns.

        Raises:
            ColumnError: If a needed column is missing, or one has a type that cannot be read.
        """
        self._table, self._columns = table, columns
        self._schema = pa.schema(table.schema().to_arrow())
        self._want = sources.wanted("events", columns)
        self.names = self._want.own(self._schema.names)
        self.rows_schema("sessions", Rules())

    @property
    def session_column(self) -> bool:
        """Whether the events have a session id."""
        return "sessionId" in self.names

    def rows_schema(self, table: TableName, rules: Rules) -> pa.Schema:
        """The schema of the session or engagement rows that the events give."""
        used = pa.schema([self._schema.field(name) for name in self._want.find(self._schema.names)])
        if table == "sessions":
            return _core.sessions_schema(used, self._columns, rules)
        return _core.aggregate_schema(used, self._columns)

    def scan(self, window: Window) -> Any:
        """A stream of the events that a window may hold.

        Where times are text it holds the others, too: only the core can read them.

        Raises:
            MissingColumnError: If the window is one of a column that is not there.
            OptionError: If that column holds no times.
        """
        return self._table.scan(
            columns=self._want.find(self._schema.names), predicate=self._condition(window)
        )

    def _condition(self, window: Window) -> str | None:
        column = window.changed_by or self.names["timestamp"]
        if column not in self._schema.names:
            raise MissingColumnError(
                f"changed_by is {column!r}, but the events table has no such column; it has "
                f"{', '.join(self._schema.names)}."
            )
        kind = self._schema.field(column).type
        start = None if window.start is None or window.start < _FIRST else min(window.start, _LAST)
        end = None if window.end is None or window.end > _LAST else max(window.end, _FIRST)
        ends: list[tuple[Literal[">=", "<"], int | None]] = [(">=", start), ("<", end)]
        if pa.types.is_timestamp(kind):
            told = instants.clock if kind.tz is None else instants.text
            texts = [(sign, told(end)) for sign, end in ends if end is not None]
        elif window.changed_by is None:
            return None
        elif pa.types.is_date(kind):
            texts = [(sign, _day(column, end)) for sign, end in ends if end is not None]
        else:
            raise OptionError(
                f"changed_by is {column!r}, which is of type {kind}; a timestamp or date column is needed."
            )
        return " AND ".join(f"{quoted(column)} {sign} '{text}'" for sign, text in texts) or None


def read_videos(videos: Any, columns: Columns | None) -> pa.Table:
    """The table of videos under the default names: `videoId`, `duration`, `durationSource` and `title`.

    Raises:
        WatchspanError: As `watchspan.aggregate` does.
    """
    want = sources.wanted("videos", columns)
    taken = sources.read(videos.scan() if isinstance(videos, storage.DeltaTable) else videos, want)
    table = (
        sources.as_table(taken)
        if hasattr(taken, "__arrow_c_stream__")
        else pa.Table.from_batches(list(taken))
    )
    _core.check_videos(table, columns)
    names = want.own(table.column_names)
    told = []
    for field in videos_schema(table.schema.field(names["videoId"]).type):
        own = names.get(field.name)
        told.append(pa.nulls(table.num_rows, field.type) if own is None else table[own].cast(field.type))
    return pa.table(told, list(VIDEOS))


def quoted(name: str) -> str:
    """A column's name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _day(column: str, micros: int) -> str:
    if micros % DAY:
        raise OptionError(
            f"The window begins or ends at {instants.text(micros)}, but {column!r} holds dates: whole days "
            "are needed."
        )
    return instants.clock(micros)[:10]
