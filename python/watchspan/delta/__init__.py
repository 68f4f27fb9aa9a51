"""Delta tables without a JVM: write results, and keep tables up to date every day, exactly.

The tables are the ones that `watchspan.spark` keeps: what one has written, the other reads and updates. Needs
the extra `delta` (deltalake and DuckDB), Python 3.11 or newer.

Beside the engagement table at `TABLE` stand `TABLE_sessions`, from which everything else follows, and
`TABLE_pending`, which is empty unless a run was stopped, and `TABLE_retention`, if that is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from watchspan import arguments, refresh, sources
from watchspan.columns import Columns, Place
from watchspan.delta import storage
from watchspan.delta.engine import DeltaEngine
from watchspan.delta.failures import told
from watchspan.delta.saving import save
from watchspan.errors import DataError, OptionError
from watchspan.instants import Instant
from watchspan.masking import keeps_options_secret
from watchspan.presets import Preset, reading
from watchspan.refresh import KEYS, PROCESSED_AT, Given, Refreshed
from watchspan.refresh.partitions import partition_columns
from watchspan.refresh.windows import window
from watchspan.rules import Rules, Scoring

__all__ = ["delete_user", "rescore", "update", "write"]


@keeps_options_secret
def update(
    raw: Any,
    table: str | os.PathLike[str],
    start: Instant = None,
    end: Instant = None,
    *,
    videos: Any = None,
    changed_by: str | None = None,
    allow_shrink: bool = False,
    check_videos: bool = True,
    retention_table: bool = False,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool | None = None,
    storage_options: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Refreshed:
    """Brings the tables up to date with the events of a window; creates them the first time.

    After any sequence of updates the tables equal a full run over all events that the windows held, whatever
    the order and however often a window was repeated. A run that was stopped is mended by the next one.

    Args:
        raw: The Delta table of raw events, as a path, a URI or a `deltalake.DeltaTable`. Columns as for
            `watchspan.aggregate`.
        table: Where the engagement table is, or is to be.
        start: The first instant of the window: a date or time, naive ones in UTC. None: no first one.
        end: The first instant after the window. None: no last one.
        videos: Durations and titles, as for `watchspan.aggregate`, or a Delta table as its `DeltaTable`.
        changed_by: A timestamp or date column of the raw table that says when an event arrived. The window is
            then one of arrival, and no late event waits. None: the window is one of the events' own times,
            and an event that arrives after its day was processed waits until that day is run again.
        allow_shrink: Whether to write sessions of which fewer raw events are left than they were made from.
            Without it they are left as they are, and the result counts them.
        check_videos: Whether to compare the videos table with all engagement rows, so that a corrected
            duration reaches every viewer at once. It reads four columns of the engagement table.
        retention_table: Whether to keep `TABLE_retention` too: what `watchspan.retention` of all rows with a
            duration gives. Once it is there, every run keeps it, also without this.
        preset: As for `watchspan.aggregate`: the table holds raw records of that source.
        columns: As for `watchspan.aggregate`.
        vocabulary: As for `watchspan.aggregate`; None: what the tables were made with.
        rules: The thresholds; None: what the tables were made with, `Rules()` for new ones.
        scoring: The weights; None: what the tables were made with, `Scoring()` for new ones.
        unique_seconds: As for `watchspan.aggregate`; None: what the tables were made with.
        storage_options: What deltalake needs to reach the storage, such as credentials.
        threads: As for `watchspan.aggregate`.

    Returns:
        What was done: `Refreshed`.

    Raises:
        OptionError: If the options differ from those that the tables were made with; the message says which.
        SourceError: If a table is not there, or somebody else keeps writing to the tables.
        WatchspanError: As `watchspan.aggregate` does.
    """
    how = reading(preset, columns, vocabulary, rules)
    names, chosen = how.columns, how.vocabulary
    shrink = arguments.switch_argument("allow_shrink", allow_shrink)
    check = arguments.switch_argument("check_videos", check_videos)
    curves = arguments.switch_argument("retention_table", retention_table)
    scores, changed = _scores(how.rules, scoring, unique_seconds), window(start, end, changed_by)
    engine = _engine(table, videos, names, storage_options, threads, raw)
    given = Given(engine.session_column, videos is not None, vocabulary=chosen, **scores)
    with told(*engine.named):
        return refresh.refresh(
            engine, given, changed, allow_shrink=shrink, check_videos=check, retention_table=curves
        )


@keeps_options_secret
def rescore(
    table: str | os.PathLike[str],
    *,
    scoring: Scoring | None = None,
    rules: Rules | None = None,
    unique_seconds: bool | None = None,
    videos: Any = None,
    columns: Mapping[str, Place] | None = None,
    storage_options: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Refreshed:
    """Computes the engagement table again from the sessions table, without any event.

    Args:
        table: Where the engagement table is.
        scoring: The new weights; None: as they are.
        rules: The new thresholds, of which only those may differ that read sessions; None: as they are.
        unique_seconds: As for `watchspan.aggregate`; None: as it is.
        videos: As for `update`; needed if the tables were made with videos.
        columns: Names in the videos table, as for `watchspan.aggregate`.
        storage_options: As for `update`.
        threads: As for `watchspan.aggregate`.

    Returns:
        What was done.

    Raises:
        OptionError: If a rule that shapes sessions differs: that needs the events again; or if an argument is
            not accepted.
        SourceError: If there are no tables that `update` made.
    """
    given = Given(videos=videos is not None, **_scores(rules, scoring, unique_seconds))
    engine = _engine(table, videos, arguments.column_mapping(columns), storage_options, threads)
    with told(*engine.named):
        return refresh.rescore(engine, given)


@keeps_options_secret
def delete_user(
    table: str | os.PathLike[str],
    user: str | int,
    *,
    videos: Any = None,
    columns: Mapping[str, Place] | None = None,
    storage_options: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Refreshed:
    """Deletes a user from all tables, and computes again what depended on them, such as estimated durations.

    Delete the user's raw events first: the next update over their days would bring the rows back. Old
    versions of a Delta table keep what was deleted until it is vacuumed.

    Args:
        table: Where the engagement table is.
        user: The user's id, of the type that the key column has.
        videos: As for `update`; needed if the tables were made with videos.
        columns: Names in the videos table, as for `watchspan.aggregate`.
        storage_options: As for `update`.
        threads: As for `watchspan.aggregate`.

    Returns:
        What was done; `sessions_deleted` and `pairs` are 0 if the user was in no table.

    Raises:
        OptionError: If `user` is not what user ids in the tables are, or if the tables were made with videos
            and none are given.
        SourceError: If there are no tables that `update` made.
    """
    engine = _engine(table, videos, arguments.column_mapping(columns), storage_options, threads)
    with told(*engine.named):
        return refresh.delete_user(engine, Given(videos=videos is not None), engine.key(user))


@keeps_options_secret
def write(
    rows: Any,
    table: str | os.PathLike[str],
    *,
    mode: Literal["overwrite", "append", "merge"] = "overwrite",
    partition_by: str | list[str] | None = None,
    storage_options: Mapping[str, str] | None = None,
) -> None:
    """Writes engagement rows as a Delta table, with the time of writing as `processedAt`.

    `append` and `merge` cannot keep a table right from day to day: appended days give several rows per user
    and video, and a merged day replaces what was known before by what that day alone shows. Both cut sessions
    at midnight. `update` does neither.

    Args:
        rows: A table from `watchspan.aggregate` or `watchspan.engagement`, or the path of files with one.
        table: Where to write.
        mode: `overwrite` replaces the table, `append` adds the rows, `merge` replaces the rows of the same
            user and video and adds the others. Columns that the table lacks are added.
        partition_by: Columns to partition a new table by.
        storage_options: As for `update`.

    Raises:
        OptionError: If `mode` is none of these, or `partition_by` names no column of the rows.
        DataError: If the rows have no user or no video, or the table refuses them.
        SourceError: If the table belongs to `update`, or cannot be written.
    """
    place, options = storage.place("table", table), storage.options_argument(storage_options)
    if mode not in ("overwrite", "append", "merge"):
        raise OptionError(f"mode is {mode!r}, but 'overwrite', 'append' or 'merge' is needed.")
    taken = sources.read_table(rows)
    missing = [name for name in KEYS["engagement"] if name not in taken.column_names]
    if missing:
        raise DataError(
            f"The rows have no column {missing[0]!r}; a table from aggregate() or engagement() is needed."
        )
    partitions = partition_columns(partition_by, [*taken.column_names, PROCESSED_AT])
    with told(
        f"The table at {place!r} cannot be written", "If files of it are gone, restore them from a copy."
    ):
        save(taken, place, mode, partitions, options)


def _scores(rules: Rules | None, scoring: Scoring | None, unique_seconds: bool | None) -> dict[str, Any]:
    """These options as `Given` takes them."""
    return {
        "rules": None if rules is None else arguments.rules_argument(rules),
        "scoring": None if scoring is None else arguments.scoring_argument(scoring),
        "unique_seconds": None
        if unique_seconds is None
        else arguments.switch_argument("unique_seconds", unique_seconds),
    }


def _engine(
    table: str | os.PathLike[str],
    videos: Any,
    columns: Columns | None,
    storage_options: Mapping[str, str] | None,
    threads: int | None,
    raw: Any = None,
) -> DeltaEngine:
    return DeltaEngine(
        storage.place("table", table),
        raw=raw,
        videos=videos,
        columns=columns,
        storage_options=storage.options_argument(storage_options),
        threads=arguments.thread_count(threads),
    )
