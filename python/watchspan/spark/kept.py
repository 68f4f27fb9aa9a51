"""What keeps the tables current: the aggregator calls it, and a stream takes it to where its batches run."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, TypeVar, cast

from pyspark.sql import DataFrame, SparkSession

from watchspan import refresh, sources
from watchspan.errors import OptionError
from watchspan.refresh import Given, Refreshed, Window
from watchspan.spark.engine import SparkEngine
from watchspan.spark.failures import translated
from watchspan.spark.flat import flattened
from watchspan.spark.names import literal, read_table
from watchspan.spark.options import CallOptions
from watchspan.spark.schemas import data_frame
from watchspan.table_names import Table, table_name

_Method = TypeVar("_Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class KeptTables:
    """An engagement table, what it is made from, and how.

    It holds no session, so it can be pickled if no table is a `DataFrame`: over Spark Connect batches of a
    stream run on the server.

    Attributes:
        input_table: The raw events: the name or path of a table, or a `DataFrame`; None: there are none.
        output_table: The name or path of the engagement table; None: there is none.
        video_metadata_table: Durations and titles, in the forms of `input_table`; None: there are none.
        options: Columns, vocabulary, rules and scoring.
        partitions: Into how many partitions to shuffle events; None: Spark decides.
        cluster: Whether new tables are clustered by user and video.
    """

    input_table: str | DataFrame | None
    output_table: str | None
    video_metadata_table: str | DataFrame | None
    options: CallOptions
    partitions: int | None
    cluster: bool

    def refresh(
        self,
        spark: SparkSession,
        changed: Any,
        *,
        unique_seconds: bool | None,
        allow_shrink: bool,
        check_videos: bool,
        retention_table: bool = False,
    ) -> Refreshed:
        """Brings the tables up to date with changed events; creates the tables where they do not exist.

        Args:
            spark: The session.
            changed: The changed events, as a `DataFrame` or as a `Window` of the input table.
            unique_seconds: Whether to compute what was watched at least once; None: as the tables were made.
            allow_shrink: As for `refresh.refresh`.
            check_videos: As for `refresh.refresh`.
            retention_table: As for `refresh.refresh`.

        Raises:
            WatchspanError: As `refresh.refresh` does.
        """
        found = sources.wanted("events", self.options.names).own(self.events(spark).columns)
        given = self._given("sessionId" in found, unique_seconds)
        engine = self._engine(spark, reads_events=True)
        if not isinstance(changed, Window):
            changed = flattened("events", data_frame("changed", changed), self.options.columns)
        return refresh.refresh(
            engine,
            given,
            changed,
            allow_shrink=allow_shrink,
            check_videos=check_videos,
            retention_table=retention_table,
        )

    def rescore(self, spark: SparkSession, *, unique_seconds: bool | None, check_videos: bool) -> Refreshed:
        """Computes the engagement table again from the sessions; arguments are those of `refresh`.

        Raises:
            WatchspanError: As `refresh.rescore` does.
        """
        given = self._given(None, unique_seconds)
        engine = self._engine(spark, reads_events=False)
        return refresh.rescore(engine, given, check_videos=check_videos)

    def delete_user(self, spark: SparkSession, user: Any, *, check_videos: bool) -> Refreshed:
        """Deletes the user with the id `user` from all tables; the other arguments are those of `refresh`.

        Raises:
            WatchspanError: As `refresh.delete_user` does; `OptionError` if no user can have that id.
        """
        engine = self._engine(spark, reads_events=False)
        given = self._given(None, None)
        return refresh.delete_user(engine, given, engine.key(user), check_videos=check_videos)

    def events(self, spark: SparkSession) -> DataFrame:
        """The raw events, flat.

        Raises:
            OptionError: If `input_table` is None.
            SourceError: If the table is not there.
        """
        if self.input_table is None:
            raise OptionError("input_table is None, but a table of raw events is needed.")
        return flattened("events", _frame(spark, "input_table", self.input_table), self.options.columns)

    def videos(self, spark: SparkSession) -> DataFrame | None:
        """The durations and titles, flat; None if there are none.

        Raises:
            SourceError: If the table is not there.
        """
        if self.video_metadata_table is None:
            return None
        videos = _frame(spark, "video_metadata_table", self.video_metadata_table)
        return flattened("videos", videos, self.options.columns)

    def output(self) -> Table:
        """The engagement table.

        Raises:
            OptionError: If `output_table` is None, or neither a name nor a path.
        """
        if self.output_table is None:
            raise OptionError("output_table is None, but the name or path of a table to write is needed.")
        return table_name("output_table", self.output_table)

    @contextmanager
    def told(self, spark: SparkSession) -> Iterator[None]:
        """A block whose errors are watchspan's, and in which the names of these tables are but names."""
        names = (self.input_table, self.output_table, self.video_metadata_table)
        with translated(), literal(spark, *names):
            yield

    def _engine(self, spark: SparkSession, *, reads_events: bool) -> SparkEngine:
        return SparkEngine(
            spark,
            self.output(),
            events=(lambda: self.events(spark)) if reads_events else None,
            videos=None if self.video_metadata_table is None else (lambda: self.videos(spark)),
            columns=self.options.names,
            partitions=self.partitions,
            cluster=self.cluster,
        )

    def _given(self, session_column: bool | None, unique_seconds: bool | None) -> Given:
        return Given(
            session_column=session_column,
            videos=self.video_metadata_table is not None,
            rules=self.options.rules,
            scoring=self.options.scoring,
            vocabulary=self.options.vocabulary,
            unique_seconds=unique_seconds,
        )


def told_by(method: _Method) -> _Method:
    """The method `method`, run in a block of `KeptTables.told`.

    Its object must have what such a block needs: the session as `spark`, and `_kept`, which without arguments
    returns the tables that the object keeps.
    """

    @functools.wraps(method)
    def telling(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._kept().told(self.spark):
            return method(self, *args, **kwargs)

    return cast(_Method, telling)


def _frame(spark: SparkSession, option: str, source: str | DataFrame) -> DataFrame:
    return read_table(spark, option, source) if isinstance(source, str) else data_frame(option, source)
