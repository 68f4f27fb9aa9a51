"""The refresh on Delta tables without a JVM: deltalake holds the tables, DuckDB runs the SQL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from itertools import chain
from string import Template
from typing import Any

import pyarrow as pa

from watchspan import _core, scratch, sources
from watchspan.columns import Columns, videos_schema
from watchspan.delta import storage
from watchspan.delta.failures import shown, told
from watchspan.delta.inputs import RawEvents, quoted, read_videos
from watchspan.errors import DataError, MissingDependencyError, OptionError, SourceError
from watchspan.instants import micros
from watchspan.refresh import (
    BUCKETS,
    KEYS,
    PROCESSED_AT,
    PROPERTY,
    SUFFIXES,
    TORN,
    ConflictError,
    Dialect,
    Settings,
    TableName,
    Window,
    check_keys,
    curves,
    user_key,
)

try:
    import duckdb
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import CommitFailedError
except ImportError as error:
    raise MissingDependencyError(
        "Keeping Delta tables up to date needs the packages deltalake and duckdb: "
        'pip install "watchspan[delta]" (Python 3.11 or newer).'
    ) from error

_RESTORE = "If files of it are gone or torn, restore them from a copy."
_EVENTS = ("The table of events cannot be read", _RESTORE)
_BATCH_ROWS = 65_536
# SQL names what is registered, and nothing else: no variables of Python, and nothing is fetched for it.
CLOSED = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class DeltaEngine:
    """The refresh's engine on deltalake and DuckDB. See `watchspan.refresh.Engine` for its methods."""

    dialect = Dialect(
        micros="epoch_us({})", last_end='watchedIntervals[-1]."end"', text="decode(unhex('{}'))"
    )

    def __init__(
        self,
        table: str,
        *,
        raw: Any = None,
        videos: Any = None,
        columns: Columns | None = None,
        storage_options: storage.StorageOptions | None = None,
        threads: int | None = None,
    ) -> None:
        """An engine for the tables of one output.

        Args:
            table: The place of the engagement table; the others stand beside it.
            raw: The Delta table of events, or its place; None if no events are needed.
            videos: What `watchspan.aggregate` takes.
            columns: As for `watchspan.aggregate`.
            storage_options: What deltalake needs to reach the storage.
            threads: As for `watchspan.aggregate`.
        """
        self._uris: dict[TableName, str] = {
            name: table.rstrip("/") + suffix for name, suffix in SUFFIXES.items()
        }
        self._options = storage_options
        self._raw = None
        if raw is not None:
            with told(*_EVENTS):
                self._raw = RawEvents(storage.open_table("raw", raw, storage_options, "events"), columns)
        self._videos = None
        if videos is not None:
            with told("The table of videos cannot be read", _RESTORE):
                self._videos = read_videos(videos, columns)
        self._columns = columns if self._raw is None else self._raw.columns
        self._threads = threads
        self._now = micros(datetime.now(timezone.utc))
        # Each table as this run first saw it: what others commit after that is a conflict, not a surprise.
        self._tables: dict[TableName, storage.DeltaTable] = {}
        self._named: list[str] = []
        # DuckDB is this run's alone: it calls relations what the algorithm calls them.
        self._relations: dict[str, str] = {}
        self._connection: Any = None
        self._held = ExitStack()

    # Tables kept between runs.

    def exists(self, table: TableName) -> bool:
        return self._find(table) is not None

    def settings(self, table: TableName) -> str | None:
        return dict(self._open(table).metadata().configuration).get(PROPERTY)

    def keep_settings(self, table: TableName, text: str) -> None:
        self._commit(
            lambda: self._open(table).alter.set_table_properties({PROPERTY: text}, raise_if_not_exists=False)
        )

    def columns(self, table: TableName) -> Sequence[str]:
        names: list[str] = schema_of(self._open(table)).names
        return names

    def prepare(self, table: TableName, settings: Settings, text: str) -> None:
        there, schema = self._find(table), storage.schema_of(table, self._rows_schema(table, settings))
        if there is None:
            self._commit(lambda: storage.create(self._uris[table], schema, {PROPERTY: text}, self._options))
        else:
            self._commit(lambda: storage.add_columns(there, schema))

    def reference(self, table: TableName, columns: Sequence[str]) -> str:
        own = self._own(table)
        name = f"{table}_{len(self._named)}"
        self._named.append(name)
        self._sql.register(f"{name}_stored", Scan(self._open(table), [own[column] for column in columns]))
        chosen = ", ".join(f"{quoted(own[column])} AS {column}" for column in columns)
        self._sql.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {chosen} FROM {name}_stored")
        return name

    # Relations of a run.

    def view(self, name: str, sql: str, *, reused: bool = False) -> None:
        self._make("TABLE" if reused else "VIEW", name, sql)

    def stage(self, name: str, sql: str) -> None:
        self._make("TABLE", name, sql)

    def rows(self, sql: str) -> Sequence[dict[str, Any]]:
        rows: list[dict[str, Any]] = pa.Table.from_batches(*self._read(sql)).to_pylist()
        return rows

    def scopes(self, name: str, changed: Any, settings: Settings) -> None:
        window: Window = changed
        starts, ends = (None, None) if window.changed_by else (window.start, window.end)
        with told(*_EVENTS):
            found = _core.scopes(
                self._events.scan(window), self._columns, settings.vocabulary, starts, ends, self._threads
            )
        self._register(name, pa.Table.from_batches(*found))

    def walk(self, name: str, reach: str, settings: Settings) -> None:
        span = self.rows(f"SELECT min(firstTime) AS first, max(lastTime) AS last FROM ${reach}")[0]
        last = None if span["last"] is None else span["last"] + 1
        raw = self._events.scan(Window(span["first"], last))
        self._register("raw_events", pa.RecordBatchReader.from_stream(raw))
        joined = self._within_reach(reach, settings.session_column)
        with told(*_EVENTS):
            batches, schema, _ = _core.sessions(
                joined, self._columns, settings.vocabulary, settings.rules, self._threads
            )
        self._sql.unregister("raw_events")
        self._register(name, pa.Table.from_batches(batches, schema))

    def engage(self, name: str, sessions: str, settings: Settings) -> None:
        known = self.rows(
            "SELECT DISTINCT videoId, videoDuration AS duration, durationSource, videoTitle AS title "
            f"FROM ${sessions}"
        )
        batches, schema = self._read(f"SELECT * FROM ${sessions}")
        videos = pa.Table.from_pylist(known, videos_schema(schema.field("videoId").type))
        found = _core.engagement(
            chain([sources.empty_batch(schema)], batches),
            videos,
            None,
            settings.rules,
            settings.scoring,
            settings.unique_seconds,
            self._threads,
        )
        self._register(name, pa.Table.from_batches(*found))

    def curves(self, name: str, rows: str) -> None:
        batches, schema = self._read(f"SELECT * FROM ${rows}")
        found, _ = _core.retention(
            chain([sources.empty_batch(schema)], batches), None, None, BUCKETS, None, self._threads
        )
        self._register(name, pa.Table.from_batches(*found))

    def videos(self, name: str) -> None:
        kind = self._kind("videoId")
        table = self._videos
        if table is None:
            table = pa.Table.from_batches([], videos_schema(kind))
        elif table.num_rows and pa.types.is_integer(table["videoId"].type) != pa.types.is_integer(kind):
            raise DataError(
                f'Column "videoId" is {table["videoId"].type} in the videos table but {kind} in the '
                "sessions: cast one of them, or no video would be found."
            )
        self._register(name, table)

    # Writing.

    def append(self, table: TableName, sql: str) -> None:
        self._add(table, sql)

    def merge(self, table: TableName, source: str) -> None:
        """Writes our columns alone: others keep their values, and are null in new rows."""
        delta, own = self._open(table), self._own(table)
        stamped = f"SELECT *, {self._stamp()} FROM ${source}"
        if storage.is_empty(delta):
            # Nothing can match, so nothing is looked for. Of two runs that find it empty at once, one has a
            # conflict: both commit under the same name.
            once = CommitProperties(app_transactions=[Transaction("watchspan", self._now)])
            self._add(table, f"{stamped} WHERE NOT _delete", once)
            return
        batches, _ = self._read(stamped)
        first = next(batches, None)
        if first is None:
            return
        stored = schema_of(delta)
        fields = [pa.field(name, stored.field(there).type) for name, there in own.items()]
        schema = pa.schema([*fields, ("_delete", pa.bool_())])
        rows = storage.conform(chain([first], batches), schema, {name: name for name in schema.names})
        matching = " AND ".join(f"t.{own[name]} = s.{name}" for name in KEYS[table])
        columns = {there: f"s.{name}" for name, there in own.items()}
        merger = delta.merge(rows, matching, source_alias="s", target_alias="t")
        merger = merger.when_matched_delete("s._delete").when_matched_update(columns)
        merger = merger.when_not_matched_insert(columns, predicate="NOT s._delete")
        self._commit(merger.execute)

    def clear(self, table: TableName) -> None:
        delta = self._open(table)
        if not storage.is_empty(delta):
            self._commit(delta.delete)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._held.close()
        self._connection = None
        self._tables.clear()
        self._named.clear()
        self._relations.clear()

    def key(self, user: str | int) -> str | int:
        """A user's id as the key column holds it.

        Raises:
            OptionError: If it cannot be the id of a user in the tables.
        """
        kind = self._kind("userId") if self.exists("sessions") else None
        whole = None if kind is None or not pa.types.is_integer(kind) else kind.bit_width
        return user_key("user", user, None if kind is None else str(kind), whole)

    @property
    def named(self) -> tuple[str, str]:
        """The tables as an error names them, and what to do if they cannot be used."""
        return f"The tables at {self._uris['engagement']!r} cannot be brought up to date", TORN

    # What the methods above are made of.

    @property
    def session_column(self) -> bool:
        """Whether the raw events have a session id.

        Raises:
            ColumnError: If the raw table lacks a needed column, or one has a type that cannot be read.
        """
        return self._events.session_column

    @property
    def _events(self) -> RawEvents:
        if self._raw is None:
            raise OptionError("The raw table of events is needed here, but none was given.")
        return self._raw

    @property
    def _sql(self) -> Any:
        if self._connection is None:
            folder = self._held.enter_context(scratch.folder())
            self._connection = duckdb.connect(config={**CLOSED, "temp_directory": folder})
            self._connection.execute("SET TimeZone='UTC'; SET preserve_insertion_order=false")
            if self._threads is not None:
                # It starts them all at once, however many there are.
                self._connection.execute(f"SET threads={min(self._threads, os.cpu_count() or 1)}")
        return self._connection

    def _rows_schema(self, table: TableName, settings: Settings) -> pa.Schema:
        """The schema of the rows of a table; the events decide the types of its keys."""
        if table == "retention":
            return curves.schema(self._rows_schema("engagement", settings))
        if self._raw is not None:
            return self._raw.rows_schema(table, settings.rules)
        keys = pa.schema([(name, self._kind(name)) for name in KEYS["sessions"]])
        return _core.output_schema("sessions" if table == "sessions" else "engagement", keys)

    def _find(self, table: TableName) -> storage.DeltaTable | None:
        if table not in self._tables:
            found = storage.find(self._uris[table], self._options)
            if found is None:
                return None
            self._tables[table] = found
        return self._tables[table]

    def _open(self, table: TableName) -> storage.DeltaTable:
        found = self._find(table)
        if found is None:
            raise SourceError(
                f"There is no Delta table at {self._uris[table]!r}, which should hold the {table}."
            )
        return found

    def _commit(self, write: Any) -> None:
        try:
            write()
        except CommitFailedError as error:
            raise ConflictError(shown(error)) from error

    def _filled(self, sql: str) -> str:
        return Template(sql).substitute(self._relations)

    def _make(self, kind: str, name: str, sql: str) -> None:
        self._sql.execute(f"CREATE OR REPLACE TEMP {kind} {name} AS {self._filled(sql)}")
        self._relations[name] = name

    def _register(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        self._sql.register(name, rows)
        self._relations[name] = name

    def _read(self, sql: str) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
        """The rows of a query, in which `$name` is a relation of this run, and their schema."""
        reader = self._sql.sql(self._filled(sql)).to_arrow_reader(_BATCH_ROWS)
        return (batch for batch in reader if batch.num_rows), reader.schema

    def _add(self, table: TableName, sql: str, properties: CommitProperties | None = None) -> None:
        batches, _ = self._read(sql)
        first = next(batches, None)
        if first is None:
            return
        delta, names = self._open(table), {there: name for name, there in self._own(table).items()}
        rows = storage.conform(chain([first], batches), schema_of(delta), names)
        self._commit(
            lambda: storage.write_deltalake(delta, rows, mode="append", commit_properties=properties)
        )

    def _own(self, table: TableName) -> dict[str, str]:
        return storage.own_columns(table, self.columns(table))

    def _kind(self, key: str) -> pa.DataType:
        """The type of a key in the stored tables."""
        check_keys("sessions", self.columns("sessions"))
        return schema_of(self._open("sessions")).field(self._own("sessions")[key]).type

    def _stamp(self) -> str:
        return f"make_timestamptz({self._now}) AS {PROCESSED_AT}"

    def _within_reach(self, reach: str, session_column: bool) -> Iterator[pa.RecordBatch]:
        """The raw events of each scope within its reach."""
        # In a statement with names to fill in, `$$` stands for the sign.
        names = {default: quoted(own).replace("$", "$$") for default, own in self._events.names.items()}
        same = f"e.{names['userId']} = r.userId"
        if session_column:
            same += f" AND CAST(e.{names['sessionId']} AS STRING) = r.scopeId"
        batches, schema = self._read(
            "SELECT e.*, r.firstTime AS _first, r.lastTime AS _last "
            f"FROM $raw_events e JOIN ${reach} r ON {same}"
        )
        for batch in chain([sources.empty_batch(schema)], batches):
            yield _core.within(batch, self._columns)


class Scan:
    """Some columns of a table, read anew by every statement; deletion vectors and all."""

    def __init__(self, table: storage.DeltaTable, columns: Sequence[str]) -> None:
        self._table, self._columns = table, list(columns)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.scan(columns=self._columns).__arrow_c_stream__(requested_schema)


def schema_of(delta: storage.DeltaTable) -> pa.Schema:
    """A table's columns in plain Arrow types."""
    return pa.schema([pa.field(f.name, _plain(f.type)) for f in pa.schema(delta.schema().to_arrow())])


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if str(kind) in ("string_view", "large_string") else kind
