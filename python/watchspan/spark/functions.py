"""DataFrame in, DataFrame out: what `watchspan.aggregate` and `watchspan.sessions` make, on a cluster.

Nothing here runs anything: every function only plans. All events of one user meet in one partition, and the
core works through it. Only the DataFrame API is used, so it runs over Spark Connect as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Callable

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core, arguments, sources
from watchspan.columns import Columns, Place
from watchspan.errors import OptionError
from watchspan.presets import Preset, reading
from watchspan.refresh import statements as sql
from watchspan.rules import Rules, Scoring
from watchspan.spark import layout
from watchspan.spark.durations import clean_videos, found_out, join_durations, lacking, with_videos
from watchspan.spark.failures import told
from watchspan.spark.flat import flattened, names_of
from watchspan.spark.kinds import numbered
from watchspan.spark.schemas import data_frame, engagement_of, engagement_of_sessions, sessions_of
from watchspan.spark.tasks import (
    COUNTS,
    aggregate_partition,
    engage_partition,
    furthest_partition,
    walk_partition,
)

# The column in which events say how long their video is.
_REPORTED = "videoDuration"
# How many partitions Spark can count.
_MOST = 2**31 - 1


@told
def aggregate_events(
    events: DataFrame,
    *,
    videos: DataFrame | None = None,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    partitions: int | None = None,
    observation: Any = None,
) -> DataFrame:
    """Turns player events into engagement: one row per user and video, as `watchspan.aggregate` does.

    Lazy: no job runs until the result is used. The rows are those of `watchspan.aggregate` on the same
    events, for any number of partitions and any time zone of the session.

    Args:
        events: The events, a batch DataFrame with the columns that `watchspan.aggregate` takes: `timestamp`
            (TIMESTAMP, TIMESTAMP_NTZ as UTC, or RFC 3339 text), `userId`, `videoId` and, if there is one,
            `sessionId` (text or integers), `eventName`, `currentTime`, optionally `playbackRate`, `seekFrom`
            and `sequence`. Those of viewers of videos that lack a duration are read twice.
        videos: Durations and titles: `videoId`, `duration` (seconds) and optionally `title`. All of it goes
            through the driver to each task, and may take 1 GB: of millions of videos better those that have
            events. None: no duration is known.
        preset: As for `watchspan.aggregate`: the events are raw records of that source.
        columns: Default column name -> its name in your tables, or where it is in them, as for
            `watchspan.aggregate`; paths, fallbacks, units and the like become expressions of Spark's, so that
            only what is used crosses the shuffle. None as a name: do not use that column.
        vocabulary: The name of a preset, or a mapping event name -> kind. None: the default.
        rules: The thresholds; None: `Rules()`.
        scoring: The weights of the score; None: `Scoring()`.
        unique_seconds: Whether to compute what was watched at least once.
        partitions: Into how many partitions to shuffle. None: `spark.sql.shuffle.partitions`, which adaptive
            execution makes fewer where they are small.
        observation: A `pyspark.sql.Observation` that receives the numbers of events `read` and `kept`, and
            how many were dropped under each reason's name, when the result is computed. An action that stops
            early, such as `show`, sees only a part.

    Returns:
        The engagement table in no particular order, with the columns' meanings as comments; see
        `engagement_schema`. Keys keep their type.

    Raises:
        MissingColumnError: If a needed column is not there.
        ColumnTypeError: If a column has a type that cannot be read.
        OptionError: If an argument has a value that is not accepted, or `events` is a stream.
        VocabularyError: If the preset or a kind does not exist.

    Videos that contradict each other fail the job with a `DataError`'s message.

    Example:
        >>> events, videos = spark.table("events"), spark.table("videos")  # doctest: +SKIP
        >>> engagement = aggregate_events(events, videos=videos)  # doctest: +SKIP
        >>> engagement.write.saveAsTable("engagement")  # doctest: +SKIP
    """
    how, scoring = reading(preset, columns, vocabulary, rules), arguments.scoring_argument(scoring)
    unique, count = arguments.switch_argument("unique_seconds", unique_seconds), partition_count(partitions)
    names, meanings, rules = names_of(how.columns), how.vocabulary, how.settled_rules
    events = flattened("events", data_frame("events", events), how.columns)
    schema = engagement_of(events, names, meanings)
    taken = project_events(events, names)
    known = None if videos is None else clean_videos(_videos(videos, how.columns), names, taken)
    wanted = rules.estimate_duration or _REPORTED in taken.columns
    found = _found_out(taken, known, meanings, rules, count) if wanted else None
    task = partial(aggregate_partition, rules=rules, scoring=scoring, unique_seconds=unique)
    rows = with_videos(spread(numbered(taken, meanings), ("userId",), count), known, found)
    return _run(rows, task, schema, observation)


@told
def session_rows(
    events: DataFrame,
    *,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    partitions: int | None = None,
    observation: Any = None,
) -> DataFrame:
    """Turns player events into sessions: one row per user, video and session, as `watchspan.sessions` does.

    Args:
        events: As for `aggregate_events`.
        preset: As for `aggregate_events`.
        columns: As for `aggregate_events`.
        vocabulary: As for `aggregate_events`.
        rules: The thresholds, of which only those that shape sessions matter here; None: `Rules()`.
        partitions: As for `aggregate_events`.
        observation: As for `aggregate_events`.

    Returns:
        The session table in no particular order; see `session_schema`. `engagement_rows` takes it.

    Raises:
        WatchspanError: As `aggregate_events` does.

    Example:
        >>> sessions = session_rows(spark.table("events"))  # doctest: +SKIP
        >>> engagement = engagement_rows(sessions, videos=spark.table("videos"))  # doctest: +SKIP
    """
    how, count = reading(preset, columns, vocabulary, rules), partition_count(partitions)
    names, meanings, rules = names_of(how.columns), how.vocabulary, how.settled_rules
    events = flattened("events", data_frame("events", events), how.columns)
    schema = sessions_of(events, names, meanings, rules)
    rows = walk(project_events(events, names), meanings, rules, count, observation)
    return layout.as_declared(rows, schema)


@told
def engagement_rows(
    sessions: DataFrame,
    *,
    videos: DataFrame | None = None,
    columns: Mapping[str, Place] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    partitions: int | None = None,
) -> DataFrame:
    """Combines sessions into engagement: one row per user and video, as `watchspan.engagement` does.

    Args:
        sessions: A table from `session_rows`; it may have more columns.
        videos: Durations and titles, as for `aggregate_events`; here they are broadcast and joined, so they
            must fit into an executor's memory.
        columns: Names in the videos table. Session tables have the default names.
        rules: The thresholds. Those that shape sessions must be the ones of the sessions.
        scoring: As for `aggregate_events`.
        unique_seconds: As for `aggregate_events`.
        partitions: As for `aggregate_events`.

    Returns:
        The engagement table, as from `aggregate_events`.

    Raises:
        WatchspanError: As `aggregate_events` does. A session that occurs twice fails the job.

    Example:
        >>> sessions, rules = spark.table("sessions"), Rules(completion_threshold=0.99)  # doctest: +SKIP
        >>> strict = engagement_rows(sessions, rules=rules)  # doctest: +SKIP
    """
    rules, scoring = arguments.rules_argument(rules), arguments.scoring_argument(scoring)
    unique, count = arguments.switch_argument("unique_seconds", unique_seconds), partition_count(partitions)
    places = arguments.column_mapping(columns)
    schema = engagement_of_sessions(sessions)
    taken = _project_sessions(sessions)
    known = None if videos is None else clean_videos(_videos(videos, places), names_of(places), taken)
    found = _found_out_of_sessions(taken, known, rules)
    rows = engage(join_durations(taken, known, found), rules, scoring, unique, count)
    return layout.as_declared(_titled(rows, known), schema)


def _videos(videos: DataFrame, columns: Columns | None) -> DataFrame:
    return flattened("videos", data_frame("videos", videos), columns)


def project_events(events: DataFrame, columns: Mapping[str, str | None] | None) -> DataFrame:
    """The columns in use, under their default names and with keys of 64 bits, as the core takes them."""
    found = sources.wanted("events", columns).own(events.columns)
    schema = events.schema
    return events.select(*(layout.plain_column(schema[own], default) for default, own in found.items()))


def spread(rows: DataFrame, keys: Sequence[str], partitions: int | None) -> DataFrame:
    """Brings all rows of one key together in one partition.

    Repartitioned by the keys alone, rows that come out of a join on the same keys would stay where they are:
    Spark takes that shuffle for a needless one, and its handling of skewed joins may have split a key over
    partitions. The hash makes the shuffle one that nothing else has done.
    """
    by = [*(F.col(key) for key in keys), F.xxhash64(*keys)]
    return rows.repartition(*by) if partitions is None else rows.repartition(partitions, *by)


def walk(
    events: DataFrame,
    vocabulary: str | dict[str, str] | None,
    rules: Rules,
    partitions: int | None,
    observation: Any = None,
) -> DataFrame:
    """Session rows of events from `project_events`.

    Args:
        events: The events. If they carry `_first` and `_last`, microseconds since 1970 UTC, only those whose
            time lies within these bounds count.
        vocabulary: As for `aggregate_events`.
        rules: The thresholds.
        partitions: Into how many partitions to shuffle.
        observation: As for `aggregate_events`.
    """
    schema = sessions_of(events, None, vocabulary, rules)
    task = partial(walk_partition, rules=rules)
    return _run(spread(numbered(events, vocabulary), ("userId",), partitions), task, schema, observation)


def engage(
    sessions: DataFrame, rules: Rules, scoring: Scoring, unique_seconds: bool, partitions: int | None
) -> DataFrame:
    """Engagement rows without titles, of session rows that carry `videoDuration` and `durationSource`."""
    schema = engagement_of_sessions(sessions)
    names = [spec["name"] for spec in _core.column_specs("sessions")]
    sent = layout.to_spark_layout(sessions, [*names, "videoDuration", "durationSource"])
    task = partial(engage_partition, rules=rules, scoring=scoring, unique_seconds=unique_seconds)
    # Nothing connects a user's videos any more, so one hot user is spread as well.
    return _run(spread(sent, ("userId", "videoId"), partitions), task, schema)


def observed(rows: DataFrame, observation: Any) -> DataFrame:
    """The rows without those that carry counts, which the observation gets added up."""
    if observation is None:
        return rows
    counts = F.col(COUNTS)
    reasons = [reason for reason, _ in _core.drop_reasons()]
    read, *dropped = (F.coalesce(F.sum(counts[place]), F.lit(0)) for place in range(1 + len(reasons)))
    kept = read
    for lost in dropped:
        kept = kept - lost
    figures = [figure.alias(name) for figure, name in zip([read, kept, *dropped], ["read", "kept", *reasons])]
    return rows.observe(observation, *figures).filter(counts.isNull()).drop(COUNTS)


def _run(
    rows: DataFrame, task: Callable[..., Any], schema: T.StructType, observation: Any = None
) -> DataFrame:
    """The table with this schema, which the core makes of each partition."""
    returned = layout.returned(schema)
    if observation is not None:
        returned = returned.add(COUNTS, T.ArrayType(T.LongType()))
    made = rows.mapInArrow(partial(task, declared=layout.arrow_of(returned)), returned)
    return layout.put_together(observed(made, observation), schema)


def _found_out(
    events: DataFrame,
    known: DataFrame | None,
    vocabulary: str | dict[str, str] | None,
    rules: Rules,
    partitions: int | None,
) -> DataFrame:
    """Durations of the videos that lack one, from what players report and how far their viewers got."""
    reached = partial(_reached, vocabulary=vocabulary, rules=rules, partitions=partitions)
    if known is None:
        rows = reached(events)
    else:
        # Which videos lack one is asked first: then only their viewers' events are read again.
        asked = F.broadcast(lacking(events.select("videoId").distinct(), known))
        viewings = events.join(asked, "videoId", "left_semi")
        if "sessionId" in events.columns and rules.session_timeout_seconds is None:
            rows = reached(viewings)
        else:
            # Where sessions are cut by inactivity, what the viewers did elsewhere decides where.
            viewers = viewings.select("userId").distinct()
            everything = events.join(viewers, "userId", "left_semi")
            rows = reached(everything).join(asked, "videoId", "left_semi")
    return found_out(rows, F.sum("reportingUsers"), rules.estimate_duration)


def _reached(
    events: DataFrame, vocabulary: str | dict[str, str] | None, rules: Rules, partitions: int | None
) -> DataFrame:
    """How far the users of each partition got in each video, and which durations their players report."""
    key = layout.to_arrow(events.schema["videoId"].dataType)
    numbers = ("watchedEnd", "maxPosition", "reportedSecond", "reportedDuration")
    declared = pa.schema(
        [("videoId", key), *((name, pa.float64()) for name in numbers), ("reportingUsers", pa.int64())]
    )
    task = partial(furthest_partition, rules=rules, declared=declared)
    rows = spread(numbered(events, vocabulary), ("userId",), partitions)
    return rows.mapInArrow(task, layout.spark_schema(declared))


def _found_out_of_sessions(sessions: DataFrame, known: DataFrame | None, rules: Rules) -> DataFrame:
    if known is not None:
        sessions = lacking(sessions, known)
    ends = F.array_max(F.col("watchedIntervals").getField("end"))
    reported = F.col("reportedDuration")
    rows = sessions.select(
        "videoId",
        ends.alias("watchedEnd"),
        "maxPosition",
        reported,
        F.expr(sql.second_of("reportedDuration")).alias("reportedSecond"),
        F.when(reported.isNotNull(), F.col("userId")).alias("reporting"),
    )
    return found_out(rows, F.countDistinct("reporting"), rules.estimate_duration)


def _titled(rows: DataFrame, known: DataFrame | None) -> DataFrame:
    """The rows with the titles, which so need not go through the shuffle."""
    if known is None:
        return rows
    titles = known.filter(F.col("title").isNotNull()).select("videoId", F.col("title").alias("videoTitle"))
    return rows.drop("videoTitle").join(F.broadcast(titles), "videoId", "left")


def _project_sessions(sessions: DataFrame) -> DataFrame:
    """The columns of the session table, keys as they cross to the core."""
    schema = sessions.schema
    return sessions.select(
        *(layout.plain_column(schema[spec["name"]], spec["name"]) for spec in _core.column_specs("sessions"))
    )


def partition_count(partitions: int | None) -> int | None:
    """The argument `partitions`, if Spark can count so far.

    Raises:
        OptionError: If it is not accepted.
    """
    if partitions is None:
        return None
    accepted = f"None or an integer from 1 to {_MOST}"
    count = arguments.whole_number("partitions", partitions, accepted)
    if count > _MOST:
        raise OptionError(f"partitions is {partitions!r}, but {accepted} is needed.")
    return count
