"""The refresh on Spark's Delta tables: through SQL and data frames alone, from Spark 3.3 on."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from string import Template
from typing import Any, Callable, Literal
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core
from watchspan.errors import SourceError
from watchspan.refresh import (
    BUCKETS,
    KEYS,
    PROPERTY,
    SUFFIXES,
    ConflictError,
    Dialect,
    Settings,
    TableName,
    Window,
    check_keys,
    curves,
    user_key,
)
from watchspan.spark import changes, layout, storage
from watchspan.spark.durations import project_videos, video_types
from watchspan.spark.functions import engage, project_events, walk
from watchspan.spark.retention import retention_curves
from watchspan.spark.schemas import engagement_of, sessions_of
from watchspan.spark.tasks import FIRST, LAST
from watchspan.table_names import Table

_LOG = logging.getLogger("watchspan")
_COMMENTS: dict[TableName, str] = {
    "sessions": "Video sessions, one row per user, video and session, kept current by watchspan.",
    "engagement": "Video engagement, one row per user and video, kept current by watchspan.",
    "pending": "The pairs that a run of watchspan set out to compute; empty unless one was stopped.",
    "retention": "How much of its audience each part of a video kept, kept current by watchspan.",
}
# How wide the integers are that keys may be.
_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
# How far back a working table's own commits are looked for: others that overwrite it meanwhile are few.
_HISTORY = 50


class SparkEngine:
    """The refresh's engine on Spark. See `watchspan.refresh.Engine` for its methods."""

    dialect = Dialect(
        micros="unix_micros({})",
        last_end="array_max(watchedIntervals.`end`)",
        text=layout.TEXT,
    )

    def __init__(
        self,
        spark: SparkSession,
        output: Table,
        *,
        events: Callable[[], DataFrame] | None = None,
        videos: Callable[[], DataFrame] | None = None,
        columns: dict[str, str | None] | None = None,
        partitions: int | None = None,
        cluster: bool = False,
        in_memory: bool = True,
    ) -> None:
        """An engine for the tables of one output.

        Args:
            spark: The session.
            output: The engagement table; the others stand beside it.
            events: Gives the raw events as they are now; None if no events are needed.
            videos: Gives the table of videos; None if there is none.
            columns: As for `aggregate_events`.
            partitions: As for `aggregate_events`.
            cluster: Whether new tables are clustered by user and video.
            in_memory: Whether the executors may keep intermediate rows, rather than working tables.
        """
        self._spark, self._output = spark, output
        self._events, self._videos, self._columns = events, videos, columns
        self._partitions, self._cluster = partitions, cluster
        self._stamp = f"timestamp_micros({time.time_ns() // 1000})"
        # Other runs in this session have relations of the same names, and so may the user.
        self._prefix = f"watchspan_{uuid4().hex[:12]}_"
        # What relations are called in the session.
        self._views: dict[str, str] = {}
        # Of the tables that are there, as this run first saw them.
        self._properties: dict[TableName, dict[str, str]] = {}
        self._kept: list[DataFrame] = []
        self._working: list[Table] = []
        self._in_memory = in_memory

    # Tables kept between runs.

    def exists(self, table: TableName) -> bool:
        return self._found(table) is not None

    def settings(self, table: TableName) -> str | None:
        return (self._found(table) or {}).get(PROPERTY)

    def keep_settings(self, table: TableName, text: str) -> None:
        storage.set_properties(self._spark, self._table(table), {PROPERTY: text})
        self._properties.pop(table, None)

    def columns(self, table: TableName) -> Sequence[str]:
        names: list[str] = self._spark.table(self._table(table).sql).columns
        return names

    def prepare(self, table: TableName, settings: Settings, text: str) -> None:
        schema = self._schema(table, settings)
        if self.exists(table):
            storage.add_columns(self._spark, self._table(table), schema)
            return
        cluster = KEYS["engagement"] if self._cluster and table in ("sessions", "engagement") else None
        storage.create(self._spark, self._table(table), schema, _COMMENTS[table], {PROPERTY: text}, cluster)

    def reference(self, table: TableName, columns: Sequence[str]) -> str:
        return self._table(table).sql.replace("$", "$$")

    # Relations of a run.

    def view(self, name: str, sql: str, *, reused: bool = False) -> None:
        self._name(name, self._query(sql), reused)

    def stage(self, name: str, sql: str) -> None:
        frame = self._query(sql)
        rows = self._computed(frame)
        self._name(name, self._written(frame, name) if rows is None else rows)

    def rows(self, sql: str) -> Sequence[dict[str, Any]]:
        with storage.conflicts():
            return [row.asDict() for row in self._query(sql).collect()]

    def scopes(self, name: str, changed: Any, settings: Settings) -> None:
        window = changed if isinstance(changed, Window) else None
        events = self._raw() if window is not None else changed
        self._name(name, changes.scopes(events, self._columns, settings.vocabulary, window))

    def walk(self, name: str, reach: str, settings: Settings) -> None:
        span = self.rows(f"SELECT min(firstTime) AS first, max(lastTime) AS last FROM ${reach}")[0]
        events = self._raw()
        if span["first"] is None:
            events = events.limit(0)
        else:
            events = changes.pruned(events, self._columns, span["first"], span["last"] + 1)
        taken = project_events(events, self._columns)
        within = self._relation(reach).select(
            F.col("userId").alias("_user"),
            F.col("scopeId").alias("_scope"),
            F.col("firstTime").alias(FIRST),
            F.col("lastTime").alias(LAST),
        )
        same = F.col("userId") == F.col("_user")
        if settings.session_column:
            same = same & (F.col("sessionId").cast("string") == F.col("_scope"))
        found = taken.join(within, same).select(*taken.columns, FIRST, LAST)
        self._name(name, walk(found, settings.vocabulary, settings.rules, self._partitions))

    def engage(self, name: str, sessions: str, settings: Settings) -> None:
        rows = self._relation(sessions)
        made = engage(rows, settings.rules, settings.scoring, settings.unique_seconds, self._partitions)
        titles = (
            rows.filter(F.col("videoTitle").isNotNull())
            .groupBy(F.col("videoId").alias("_video"))
            .agg(F.max("videoTitle").alias("videoTitle"))
        )
        same = F.col("videoId") == F.col("_video")
        self._name(name, made.drop("videoTitle").join(titles, same, "left").drop("_video"))

    def curves(self, name: str, rows: str) -> None:
        self._name(name, retention_curves(self._relation(rows), buckets=BUCKETS))

    def videos(self, name: str) -> None:
        kind = self._kind("videoId")
        if self._videos is not None:
            self._name(name, project_videos(self._videos(), self._columns, kind))
            return
        nothing = ", ".join(
            f"CAST(NULL AS {type_.simpleString()}) AS {column}" for column, type_ in video_types(kind).items()
        )
        self.view(name, f"SELECT {nothing} WHERE FALSE")

    # Writing.

    def append(self, table: TableName, sql: str) -> None:
        target = self._table(table)
        rows = storage.fitting(self._spark, target, self._query(sql))
        if self._has_rows(rows):
            storage.write(rows, target, "append")

    def merge(self, table: TableName, source: str) -> None:
        if not self._has_rows(self._relation(source)):
            return
        # Spark would compute anew, with the table, what it keeps of it.
        self._release()
        columns = [spec["name"] for spec in _core.column_specs("engagement" if table == "pending" else table)]
        target, staged = self._table(table), self._relation(source)
        self._name("merged", storage.fitting(self._spark, target, staged, columns, keep=["_delete"]))
        storage.merge(
            self._spark, target, self._views["merged"], KEYS[table], columns, self._stamp, deletes=True
        )

    def clear(self, table: TableName) -> None:
        with storage.conflicts():
            # Where there are no rows Delta makes no commit of it.
            self._spark.sql(f"DELETE FROM {self._table(table).sql}")

    def close(self) -> None:
        self._release()
        for view in self._views.values():
            self._spark.catalog.dropTempView(view)
        for table in set(self._working):
            _quietly("A working table was not emptied", partial(self._spark.sql, f"DELETE FROM {table.sql}"))
        self._views, self._working, self._properties = {}, [], {}
        # Should the run start over, because of a lost executor perhaps, it takes the surer way.
        self._in_memory = False

    def key(self, user: Any) -> str | int:
        """A user's id as the key column holds it.

        Raises:
            OptionError: If it cannot be the id of a user in the tables.
        """
        kind = self._kind("userId") if self.exists("sessions") else None
        bits = _BITS.get(kind.typeName()) if kind is not None else None
        return user_key("user_id", user, None if kind is None else kind.simpleString(), bits)

    # What the methods above are made of.

    def _table(self, table: TableName) -> Table:
        return self._output.beside(SUFFIXES[table])

    def _raw(self) -> DataFrame:
        if self._events is None:
            raise AssertionError("events are read only where a refresh is")  # pragma: no cover
        return self._events()

    def _found(self, table: TableName) -> dict[str, str] | None:
        if table not in self._properties:
            found = storage.properties(self._spark, self._table(table))
            if found is None:
                return None
            self._properties[table] = found
        return self._properties[table]

    def _kind(self, key: str) -> T.DataType:
        """The type of a key in the stored tables."""
        check_keys("sessions", self.columns("sessions"))
        fields = self._spark.table(self._table("sessions").sql).schema.fields
        return next(field.dataType for field in fields if field.name.lower() == key.lower())

    def _schema(self, table: TableName, settings: Settings) -> T.StructType:
        """The table's columns; the events decide the types of its keys, and are checked on the way."""
        if table == "retention":
            video = pa.schema([(name, layout.to_arrow(self._kind(name))) for name in KEYS["sessions"]])
            rows = curves.schema(_core.output_schema("engagement", video))
            return T.StructType([*layout.table_schema(table, rows).fields, storage.processed_at()])
        name: Literal["sessions", "engagement"] = "sessions" if table == "sessions" else "engagement"
        if self._events is None:
            made = layout.table_schema(name, _core.output_schema(name, self._stored_keys()))
        elif name == "sessions":
            made = sessions_of(self._raw(), self._columns, settings.vocabulary, settings.rules)
        else:
            made = engagement_of(self._raw(), self._columns, settings.vocabulary)
        if table == "pending":
            return T.StructType([made[name] for name in KEYS["pending"]])
        return T.StructType([*made.fields, storage.processed_at()])

    def _stored_keys(self) -> pa.Schema:
        return pa.schema([(key, layout.to_arrow(self._kind(key))) for key in KEYS["sessions"]])

    def _query(self, sql: str) -> DataFrame:
        return self._spark.sql(Template(sql).substitute(self._views))

    def _has_rows(self, frame: DataFrame) -> bool:
        with storage.conflicts():
            return bool(frame.take(1))

    def _relation(self, name: str) -> DataFrame:
        return self._spark.table(self._views[name])

    def _name(self, name: str, frame: DataFrame, reused: bool = False) -> None:
        if reused:
            frame = self._keep(frame)
        view = self._prefix + name
        frame.createOrReplaceTempView(view)
        self._views[name] = view

    def _release(self) -> None:
        # Those first that were made of others: these would else be computed anew without them.
        for frame in reversed(self._kept):
            _quietly("A relation was not taken out of memory", frame.unpersist)
        self._kept = []

    def _keep(self, frame: DataFrame) -> DataFrame:
        try:
            kept = frame.persist()
        except Exception as error:  # serverless compute refuses, each in its own words
            _LOG.debug("A relation that is used more than once is computed more than once: %s", error)
            return frame
        self._kept.append(kept)
        return kept

    def _computed(self, frame: DataFrame) -> DataFrame | None:
        """The rows, kept by the executors; None if this compute cannot, as serverless compute.

        If an executor is lost with its rows, what reads them fails, and the run starts over with tables.
        """
        if not self._in_memory:
            return None
        try:
            return frame.localCheckpoint()
        except Exception as error:  # each compute refuses in its own words; real errors come again
            _LOG.debug("Intermediate rows go to working tables: %s", error)
            self._in_memory = False
            return None

    def _written(self, frame: DataFrame, name: str) -> DataFrame:
        """The rows, kept in a working table as it is now: whoever overwrites it makes another version."""
        working, tag = self._output.beside(f"_work_{name}"), f"{self._prefix}{name}_{uuid4().hex[:12]}"
        if working not in self._working:
            self._refuse_others(working)
        self._working.append(working)
        storage.write(frame, working, "overwrite", {"overwriteSchema": "true", "userMetadata": tag})
        history = self._spark.sql(f"DESCRIBE HISTORY {working.sql} LIMIT {_HISTORY}")
        found = history.filter(F.col("userMetadata") == tag).select("version").collect()
        if not found:
            raise ConflictError(f"{working.sql} is overwritten over and over")
        return self._spark.sql(f"SELECT * FROM {working.sql} VERSION AS OF {found[0]['version']}")

    def _refuse_others(self, working: Table) -> None:
        """A working table is overwritten: it must be one that a run has left, or empty."""
        if storage.properties(self._spark, working) is None or not self._spark.table(working.sql).take(1):
            return
        history = self._spark.sql(f"DESCRIBE HISTORY {working.sql}")
        if not history.filter(F.col("userMetadata").startswith("watchspan_")).take(1):
            raise SourceError(
                f"{working.sql} has rows that no run of watchspan wrote, and this run needs a working "
                "table of that name: rename that one, or name another output table."
            )


def _quietly(what: str, step: Callable[[], Any]) -> None:
    """What remains is of no consequence, and must not hide what went wrong before."""
    try:
        step()
    except Exception as error:
        _LOG.warning("%s: %s", what, error)
