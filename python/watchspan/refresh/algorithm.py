"""The one way in which the tables change.

A daily window, a window of arrival, a stream's batch and a backfill differ only in how the changed events are
found. After any sequence of refreshes, in any order, repeated or broken off, the tables equal a full run over
all events that have arrived; docs/incremental.md says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from watchspan import _core
from watchspan.errors import DataError, SourceError
from watchspan.refresh import curves
from watchspan.refresh import statements as sql
from watchspan.refresh.protocol import (
    ALWAYS,
    SUFFIXES,
    ConflictError,
    Engine,
    TableName,
    Window,
    check_keys,
)
from watchspan.refresh.results import Refreshed, ShrunkScope
from watchspan.refresh.settings import EDITION, PROPERTY, Given, Settings

_LOG = logging.getLogger("watchspan")

# A conflict is tried again so often; with one writer at a time there is none.
_ATTEMPTS = 4
# How many of the scopes that were left alone a result names.
_EXAMPLES = 20
_NOT_OURS = (
    "The engagement table exists, but was not made by update(): there are no sessions to keep it current "
    "from. Name another output table, or drop this one and update over all dates once."
)
_LOST = (
    "update() made the engagement table, but the sessions table that it follows from is gone, or has lost "
    "the property that says how it was made. Restore the sessions table; or drop the engagement table and "
    "the tables beside it, and update over all dates once."
)
_NO_SESSIONS = (
    "There is no sessions table that update() made, so there is nothing to work from: run update() over all "
    "dates once."
)
_TAKEN = (
    "A table that update() did not make, or that has lost the property {2} that says how it was made, is "
    "where the {0} table should be (TABLE{1}): name another output table, or move that one away."
)
# What the list of pairs says of itself while it is made anew.
_PARTIAL = "{}"


def refresh(
    engine: Engine,
    given: Given,
    changed: Any,
    *,
    allow_shrink: bool = False,
    check_videos: bool = True,
    retention_table: bool = False,
) -> Refreshed:
    """Brings both tables up to date with changed events, makes those that do not exist, and says what it did.

    Args:
        engine: What holds the tables.
        given: The options that the caller asked for.
        changed: Which events changed: a `Window`, or what else `Engine.scopes` of `engine` takes.
        allow_shrink: Whether scopes of which fewer events are found than their rows were made from are
            written all the same.
        check_videos: Whether the videos table is compared with the rows of videos that no changed event is
            about, which reads three columns of the whole engagement table.
        retention_table: Whether to make the table of retention too; one that is there is kept in any case.

    Raises:
        OptionError: If the options differ from those that the tables were made with.
        SourceError: If the engagement table was not made by a refresh, if its sessions are gone or lack what
            this version keeps of them, or if others keep writing to the tables.
        DataError: If the videos table contradicts itself.
    """

    def once(settings: Settings) -> Refreshed:
        counts = _sessions(engine, settings, changed, allow_shrink)
        if settings.edition != EDITION:
            settings = _migrated(engine, settings)
        return Refreshed(**counts, pairs=_settle(engine, settings, check_videos))

    every_date = isinstance(changed, Window) and changed.start is None and changed.end is None
    return _attempt(engine, lambda: once(_open(engine, given, every_date, retention_table)))


def rescore(engine: Engine, given: Given, *, check_videos: bool = True) -> Refreshed:
    """Computes all engagement rows again from the sessions, without any event, and says what it did.

    Args:
        engine: What holds the tables.
        given: The options that the caller asked for, of which the scoring and the rules that do not shape
            sessions may differ from those that the tables were made with.
        check_videos: As for `refresh`.

    Raises:
        OptionError: If a rule that shapes sessions differs.
        SourceError: If there are no tables that a refresh made, or they lack what this version keeps.
    """

    def once() -> Refreshed:
        settings = given.rescored(_made(engine))
        curves.check(engine, settings, False)
        # The pairs first: a run that stops after the settings changed is then mended by the next one.
        _intend(engine, _all_pairs(engine))
        engine.keep_settings("engagement", settings.to_text())
        engine.keep_settings("sessions", settings.to_text())
        return Refreshed(pairs=_settle(engine, settings, check_videos))

    return _attempt(engine, once)


def delete_user(engine: Engine, given: Given, user: str | int, *, check_videos: bool = True) -> Refreshed:
    """Deletes a user from all tables, computes again what depended on that user, and says what it did.

    Args:
        engine: What holds the tables.
        given: The options that the caller asked for.
        user: The user's id, as `user_key` gives it.
        check_videos: As for `refresh`.

    Raises:
        SourceError: If there are no tables that a refresh made, or they lack what this version keeps.
    """

    def once() -> Refreshed:
        settings = given.agree(_made(engine))
        where = sql.user_is(user, engine.dialect)
        _intend(engine, _all_pairs(engine, where))
        columns = _columns("sessions")
        engine.stage("staged", sql.forgotten(engine.reference("sessions", columns), columns, where))
        deleted = int(engine.rows("SELECT count(*) AS n FROM $staged")[0]["n"])
        engine.merge("sessions", "staged")
        pairs = _settle(engine, settings, check_videos)
        return Refreshed(sessions_deleted=deleted, pairs=pairs)

    return _attempt(engine, once)


def _attempt(engine: Engine, run: Callable[[], Refreshed]) -> Refreshed:
    """What `run` returns; it starts over if somebody else has written to the tables of `engine` meanwhile."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return run()
        except ConflictError as conflict:
            if attempt == _ATTEMPTS:
                raise SourceError(
                    f"Somebody else kept writing to the tables ({conflict}), {_ATTEMPTS} times in a row: let "
                    "one job at a time write to them."
                ) from conflict
            _LOG.warning("Somebody else wrote to the tables (%s): starting over.", conflict)
        finally:
            engine.close()
    raise AssertionError("unreachable")  # pragma: no cover


def _open(engine: Engine, given: Given, every_date: bool, retention_table: bool) -> Settings:
    """The settings that `given` and the tables agree on; after it, all tables of `engine` are there.

    `every_date` says that the run is over all events, which can make rows that an older version made anew;
    `retention_table` that the table of retention is to be there too.
    """
    text = _kept(engine)
    settings = given.new() if text is None else given.agree(Settings.from_text(text))
    curves.check(engine, settings, retention_table)
    _prepare(engine, settings, every_date)
    curves.prepare(engine, settings, retention_table)
    return settings


def _made(engine: Engine) -> Settings:
    """The settings that the tables of `engine` were made with; the tables have to be there."""
    text = _kept(engine)
    if text is None:
        raise SourceError(_NO_SESSIONS)
    settings = Settings.from_text(text)
    _prepare(engine, settings)
    curves.prepare(engine, settings, False)
    return settings


def _kept(engine: Engine) -> str | None:
    """The text of the settings that the tables of `engine` were made with; None if there are no tables.

    A table that `refresh` did not make is refused.
    """
    there = [table for table in ALWAYS if engine.exists(table)]
    kept = {table: engine.settings(table) for table in there}
    if kept.get("sessions") is None and "engagement" in there:
        raise SourceError(_NOT_OURS if kept["engagement"] is None else _LOST)
    for table in there:
        if kept[table] is None:
            raise SourceError(_TAKEN.format(table, SUFFIXES[table], PROPERTY))
        check_keys(table, engine.columns(table))
    return kept.get("sessions")


def _prepare(engine: Engine, settings: Settings, every_date: bool = False) -> None:
    """Makes sure that all tables of `engine` are there with their columns; `every_date` as for `_open`."""
    text = settings.to_text()
    there = engine.exists("sessions")
    if there and not every_date:
        _check_edition(settings)
        _check_columns(engine)
    _prepare_table(engine, "sessions", settings, text)
    whole = engine.exists("engagement") and engine.exists("pending")
    if there and not (whole and engine.settings("pending") != _PARTIAL):
        # All pairs are to be settled: a list that is gone may have held any. Should this run stop before they
        # are noted down, the mark says so, or the engagement table that is still not there.
        curves.forget(engine)
        engine.prepare("pending", settings, _PARTIAL)
        sessions = engine.reference("sessions", sql.PAIR)
        engine.append("pending", f"SELECT DISTINCT userId, videoId FROM {sessions}")
    _prepare_table(engine, "pending", settings, text)
    _prepare_table(engine, "engagement", settings, text)


def _prepare_table(engine: Engine, table: TableName, settings: Settings, text: str) -> None:
    engine.prepare(table, settings, text)
    if engine.settings(table) != text:
        engine.keep_settings(table, text)


def _check_edition(settings: Settings) -> None:
    """Refuses stored rows whose numbers were defined otherwise: one table would hold both."""
    if settings.edition != EDITION:
        raise SourceError(
            f"The tables hold numbers of edition {settings.edition} of the metrics, made by an older version "
            f"of watchspan; this one computes edition {EDITION}: run update() over all dates once, which "
            "makes all rows anew."
        )


def _check_columns(engine: Engine) -> None:
    """Refuses stored session rows that lack a column: only their events tell what belongs into it."""
    there = {name.lower() for name in engine.columns("sessions")}
    lacking = [name for name in _columns("sessions") if name.lower() not in there]
    if lacking and engine.rows(f"SELECT userId FROM {engine.reference('sessions', sql.PAIR)} LIMIT 1"):
        raise SourceError(
            f"The sessions table was made by an older version of watchspan, without {', '.join(lacking)}, "
            "which only the events tell: run update() over all dates once."
        )


def _all_pairs(engine: Engine, where: str = "TRUE") -> str:
    sessions, engagement = engine.reference("sessions", sql.PAIR), engine.reference("engagement", sql.PAIR)
    return sql.all_pairs(sessions, engagement, where)


def _columns(table: TableName) -> list[str]:
    return [spec["name"] for spec in _core.column_specs("sessions" if table == "sessions" else "engagement")]


def _sessions(engine: Engine, settings: Settings, changed: Any, allow_shrink: bool) -> dict[str, Any]:
    """Makes the sessions with changed events again: the first five steps.

    Returns:
        The figures of `Refreshed` that are about sessions, by name.
    """
    engine.scopes("changed_scopes", changed, settings)
    engine.stage("scopes", sql.scopes(settings))
    stored = engine.reference("sessions", sql.TOUCHED_READS)
    engine.view("touched", sql.touched(settings, engine.dialect, stored), reused=True)
    engine.view("reach", sql.REACH)
    engine.walk("fresh", "reach", settings)
    engine.stage("staged", sql.staged(settings, _columns("sessions")))
    counts, applied = _unshrunk(engine, settings, allow_shrink)
    _intend(engine, f"SELECT DISTINCT userId, videoId FROM ${applied}")
    engine.merge("sessions", applied)
    return counts


def _migrated(engine: Engine, settings: Settings) -> Settings:
    """The settings of tables whose rows were just made anew from all events, and so by this edition.

    Not before: a run that stops on the way is to be done again over all dates.
    """
    settings = replace(settings, edition=EDITION)
    for table in ALWAYS:
        engine.keep_settings(table, settings.to_text())
    sessions = engine.reference("sessions", ("replayedIntervals",))
    left = int(engine.rows(f"SELECT count(*) AS n FROM {sessions} WHERE replayedIntervals IS NULL")[0]["n"])
    if left:
        _LOG.warning(
            "%d session rows keep the numbers of an older edition of the metrics: their events are gone, or "
            "fewer than they were made from.",
            left,
        )
    return settings


def _intend(engine: Engine, pairs: str) -> None:
    """Notes down the pairs that this run is to settle, the rows of the query `pairs`.

    If the run stops, the next one settles them.
    """
    engine.view("intended", pairs)
    engine.append("pending", "SELECT userId, videoId FROM $intended")


def _unshrunk(engine: Engine, settings: Settings, allow_shrink: bool) -> tuple[dict[str, Any], str]:
    """Keeps scopes that would shrink from being written, unless `allow_shrink` says otherwise.

    Returns:
        The figures of `Refreshed` that are about sessions, by name, and the name of the relation of the
        session rows to write.
    """
    engine.view("shrunk", sql.SHRUNK)
    shrunk = 0
    examples: list[ShrunkScope] = []
    if not allow_shrink:
        shrunk = int(engine.rows("SELECT count(*) AS n FROM $shrunk")[0]["n"])
        found = (
            engine.rows(f"SELECT * FROM $shrunk ORDER BY userId, _scopeId LIMIT {_EXAMPLES}")
            if shrunk
            else []
        )
        examples = [_example(row, settings) for row in found]
    applied = "staged"
    if shrunk:
        _LOG.warning(
            "%d scopes were left as they are: fewer raw events were found than their rows were made from, "
            "such as %s. allow_shrink=True writes them all the same.",
            shrunk,
            examples[0],
        )
        applied = "unshrunk"
        engine.stage(applied, sql.UNSHRUNK)
    count = "SELECT count(*) AS n, count(CASE WHEN _delete THEN 1 END) AS gone"
    figures = engine.rows(f"{count} FROM ${applied}")[0]
    scopes = engine.rows("SELECT count(*) AS n FROM $scopes")[0]["n"]
    return {
        "scopes": int(scopes),
        "sessions_written": int(figures["n"]) - int(figures["gone"]),
        "sessions_deleted": int(figures["gone"]),
        "shrunk": shrunk,
        "shrunk_examples": examples,
    }, applied


def _example(row: dict[str, Any], settings: Settings) -> ShrunkScope:
    session = row["_scopeId"] if settings.session_column else None
    return ShrunkScope(row["userId"], session, int(row["storedEvents"]), int(row["foundEvents"]))


def _settle(engine: Engine, settings: Settings, check_videos: bool) -> int:
    """Computes the engagement of all pending pairs, and of all whose video changed: the last steps.

    Returns:
        How many pairs that was.
    """
    columns, rows = _columns("sessions"), engine.reference("engagement", sql.VIDEOS_READ)
    pending = engine.reference("pending", sql.PAIR)
    # Those of this run, even if another has cleared the list meanwhile.
    engine.view("pairs", f"SELECT userId, videoId FROM {pending} UNION SELECT userId, videoId FROM $intended")
    engine.videos("videos")
    engine.view("metadata", sql.metadata())
    for video in engine.rows(sql.CONFLICTS):
        raise DataError(
            f"The videos table has {video['n']} different rows for the video {video['videoId']!r}: keep one."
        )
    # Tables that were made without videos hold nothing that a table of videos said.
    engine.view("concerned", sql.concerned(rows, check_videos and settings.videos), reused=True)
    watched = engine.reference("sessions", sql.DURATIONS_READ)
    engine.view("found_durations", sql.found_durations(settings, engine.dialect, watched))
    engine.view("durations", sql.DURATIONS, reused=True)
    engine.view("settling", sql.settling(rows), reused=True)
    engine.view(
        "to_engage", sql.sessions_to_engage(engine.reference("sessions", columns), columns), reused=True
    )
    engine.engage("engaged", "to_engage", settings)
    engine.stage("settled", sql.settled(_columns("engagement")))
    settled = int(engine.rows("SELECT count(*) AS n FROM $settled")[0]["n"])
    curves.intend(engine)
    engine.merge("engagement", "settled")
    curves.draw(engine, settings)
    engine.clear("pending")
    return settled
