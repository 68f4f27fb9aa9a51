"""What a refresh reads: the raw table of events, and the table of videos."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa

from watchspan import _core, instants, sources
from watchspan.columns import VIDEOS, Columns, Records, videos_schema
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
        names: Default column name -> its name in what `scan` gives, of the columns in use.
        columns: Where they are in that, as the core takes it.
    """

    def __init__(self, table: storage.DeltaTable, columns: Columns | None) -> None:
        """Binds the columns.

        Raises:
            ColumnError: If a needed column is missing, or one has a type that cannot be read.
        """
        if isinstance(columns, Records):
            raise OptionError(
                "Records of this preset are no events by themselves: make a table of events of them first, "
                "as watchspan.spark.flat_events does."
            )
        self._table, self._places = table, columns
        self._schema = pa.schema(table.schema().to_arrow())
        self._want = sources.wanted("events", columns)
        # What is not a column of the table as it is becomes one while it is read.
        self._is_flat = not sources.is_nested(columns)
        self.columns = columns if self._is_flat else None
        self._used = self._flattened(sources.empty_batch(self._read_schema())).schema
        self.names = sources.wanted("events", self.columns).own(self._used.names)
        self.rows_schema("sessions", Rules())

    @property
    def session_column(self) -> bool:
        """Whether the events have a session id."""
        return "sessionId" in self.names

    def rows_schema(self, table: TableName, rules: Rules) -> pa.Schema:
        """The schema of the session or engagement rows that the events give."""
        if table == "sessions":
            return _core.sessions_schema(self._used, self.columns, rules)
        return _core.aggregate_schema(self._used, self.columns)

    def scan(self, window: Window) -> Any:
        """A stream of the events that a window may hold.

        Where times are text it holds the others, too: only the core can read them.

        Raises:
            MissingColumnError: If the window is one of a column that is not there.
            OptionError: If that column holds no times.
        """
        read = self._want.find(self._schema.names)
        rows = self._table.scan(columns=read, predicate=self._condition(window))
        if self._is_flat:
            return rows
        batches = pa.RecordBatchReader.from_stream(rows)
        # Text may come in another layout than the table's schema says.
        schema = self._flattened(sources.empty_batch(batches.schema)).schema
        return pa.RecordBatchReader.from_batches(schema, map(self._flattened, batches))

    def _read_schema(self) -> pa.Schema:
        return pa.schema([self._schema.field(name) for name in self._want.find(self._schema.names)])

    def _flattened(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch if self._is_flat else _core.flat(batch, "events", self._places)

    def _condition(self, window: Window) -> str | None:
        column = window.changed_by or self._time_column()
        if column is None:
            return None
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

    def _time_column(self) -> str | None:
        """The table's column of timestamps; None if they are made of something else."""
        if self._is_flat:
            return self.names["timestamp"]
        place = (self._places or {}).get("timestamp", "timestamp")
        return place if isinstance(place, str) and place in self._schema.names else None


def read_videos(videos: Any, columns: Columns | None) -> pa.Table:
    """The table of videos under the default names: `videoId`, `duration`, `durationSource` and `title`.

    Raises:
        WatchspanError: As `watchspan.aggregate` does.
    """
    want = sources.wanted("videos", columns)
    taken = sources.read(videos, want)
    table = (
        sources.as_table(taken)
        if hasattr(taken, "__arrow_c_stream__")
        else pa.Table.from_batches(list(taken))
    )
    _core.check_videos(table, columns)
    if sources.is_nested(columns):
        batches = table.to_batches() or [sources.empty_batch(table.schema)]
        table = pa.Table.from_batches([_core.flat(batch, "videos", columns) for batch in batches])
        want = sources.wanted("videos", None)
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
