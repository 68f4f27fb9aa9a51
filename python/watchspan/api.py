"""The functions that compute: each checks its arguments, lets the core work, and returns a pyarrow table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Union

import pyarrow as pa

from watchspan import _core, arguments, sources
from watchspan.columns import Place
from watchspan.errors import OptionError, VocabularyError
from watchspan.presets import Preset, reading
from watchspan.report import read_metadata, result, warn_of_buckets, warn_of_loss
from watchspan.rules import Rules, Scoring
from watchspan.text import shown

# Takes batches as they are made.
Sink = Union[Callable[[pa.RecordBatch], object], _core.ParquetSink]


def aggregate(
    events: Any,
    *,
    videos: Any = None,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    threads: int | None = None,
    memory_limit: int | str | None = None,
) -> pa.Table:
    """Turns player events into engagement: one row per user and video.

    The result does not depend on the order of the events, on how they are cut into batches, on `threads` or
    on `memory_limit`.

    Args:
        events: The events, in any order: an object with the Arrow PyCapsule interface (a table of pyarrow,
            polars, pandas, DuckDB, arro3, nanoarrow), a pyarrow dataset, an iterator or list of record
            batches, a dict of columns, a list of dicts, or a path, directory, glob or URI (or a list of them)
            of Parquet, CSV, JSON lines or Arrow files. Columns: `timestamp` (a timestamp, or RFC 3339 text),
            `userId`, `videoId` and, if there is one, `sessionId` (text or integers), `eventName` (text),
            `currentTime` (a number, seconds of content), and optionally `playbackRate`, `seekFrom` (numbers)
            and `sequence` (an integer).
        videos: Durations and titles, in any of these forms: `videoId`, `duration` (seconds) and optionally
            `title`. None: no duration is known, so it is estimated (`Rules.estimate_duration`).
        preset: Whose raw records these are: the name of a preset (see `docs/vocabularies.md`), the path of a
            description of your own in TOML, or such a description as a dict. It says where columns are, what
            event names mean, and which rules its conventions ask for; the arguments below go before it.
        columns: Default column name -> its name in your tables. None as a name: do not use that column.
        vocabulary: The name of a preset (see `vocabulary`), or a mapping event name -> kind. None: the
            default.
        rules: The thresholds; None: `Rules()`.
        scoring: The weights of the score; None: `Scoring()`.
        unique_seconds: Whether to compute what was watched at least once. Without it the columns that need it
            are null.
        threads: How many threads to use. None: one per core, but a single one inside a Spark task.
        memory_limit: How much memory to work with, in bytes or as text (`"2GB"`, `"512MiB"`); what events
            need beyond it goes to temporary files, in the folder that `TMPDIR` names. None: a quarter of the
            machine's. The input (where it is in memory), the result and a batch or two being read are not
            counted; `watchspan aggregate` writes a result that is larger than memory.

    Returns:
        The engagement table, ordered by (userId, videoId). Keys keep their logical type, counts are int64,
        times in seconds and percentages double, instants timestamp[us, tz=UTC]. `report` reads what was
        dropped off it.

    Raises:
        MissingColumnError: If a needed column is not there.
        ColumnTypeError: If a column has a type that cannot be read, such as integers for timestamps.
        OptionError: If an argument has a value that is not accepted.
        VocabularyError: If the preset or a kind does not exist.
        DataError: If the videos table contradicts itself.
        SourceError: If the events or videos cannot be read, or the temporary files do not fit.

    >>> import watchspan as ws
    >>> events = {
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }
    >>> rows = ws.aggregate(events, videos={"videoId": ["v1"], "duration": [300]})
    >>> rows.select(["userId", "totalWatchTime", "watchPercentage"]).to_pylist()
    [{'userId': 'ann', 'totalWatchTime': 30.0, 'watchPercentage': 10.0}]
    """
    table = aggregate_into(
        None,
        events,
        videos=videos,
        preset=preset,
        columns=columns,
        vocabulary=vocabulary,
        rules=rules,
        scoring=scoring,
        unique_seconds=unique_seconds,
        threads=threads,
        memory_limit=memory_limit,
    )
    warn_of_loss(table)
    return table


def aggregate_into(
    sink: Sink | None,
    events: Any,
    *,
    videos: Any = None,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    threads: int | None = None,
    memory_limit: int | str | None = None,
) -> pa.Table:
    """Does as `aggregate` does, but hands each batch of the result to `sink` as it is made.

    Returns:
        The table without its rows, if there is a sink: its schema and report.
    """
    how, scoring = reading(preset, columns, vocabulary, rules), arguments.scoring_argument(scoring)
    names, meanings, rules = how.columns, how.vocabulary, how.settled_rules
    unique = arguments.switch_argument("unique_seconds", unique_seconds)
    cores, limit = arguments.thread_count(threads), arguments.memory_argument(memory_limit)
    taken, about = _read(events, "events", names), _read(videos, "videos", names)
    batches, schema, figures = _core.aggregate(
        taken, about, names, meanings, rules, scoring, unique, cores, limit, sink
    )
    return result(batches, schema, "engagement", figures=figures, rules=rules, scoring=scoring)


def sessions(
    events: Any,
    *,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    threads: int | None = None,
    memory_limit: int | str | None = None,
) -> pa.Table:
    """Turns player events into sessions: one row per user, video and session, with all that later steps need.

    Args:
        events: As for `aggregate`.
        preset: As for `aggregate`.
        columns: As for `aggregate`.
        vocabulary: As for `aggregate`.
        rules: The thresholds, of which only those that shape sessions matter here; None: `Rules()`.
        threads: As for `aggregate`.
        memory_limit: As for `aggregate`.

    Returns:
        The session table, ordered by (userId, videoId, sessionStart, sessionId). `engagement` and `retention`
        take it; `report` reads what was dropped off it.

    Raises:
        WatchspanError: As `aggregate` does.

    >>> import watchspan as ws
    >>> table = ws.sessions({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... })
    >>> table.select(["sessionId", "watchTime"]).to_pylist()
    [{'sessionId': '2026-01-15T10:00:00.000000Z', 'watchTime': 30.0}]
    """
    table = sessions_into(
        None,
        events,
        preset=preset,
        columns=columns,
        vocabulary=vocabulary,
        rules=rules,
        threads=threads,
        memory_limit=memory_limit,
    )
    warn_of_loss(table)
    return table


def sessions_into(
    sink: Sink | None,
    events: Any,
    *,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    threads: int | None = None,
    memory_limit: int | str | None = None,
) -> pa.Table:
    """Does as `sessions` does, but hands each batch of the result to `sink` as it is made.

    Returns:
        The table without its rows, if there is a sink: its schema and report.
    """
    how, cores = reading(preset, columns, vocabulary, rules), arguments.thread_count(threads)
    names, meanings, rules = how.columns, how.vocabulary, how.settled_rules
    limit = arguments.memory_argument(memory_limit)
    taken = _read(events, "events", names)
    batches, schema, figures = _core.sessions(taken, names, meanings, rules, cores, limit, sink)
    return result(batches, schema, "sessions", figures=figures, rules=rules)


def engagement(
    sessions: Any,
    *,
    videos: Any = None,
    columns: Mapping[str, Place] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    threads: int | None = None,
) -> pa.Table:
    """Combines sessions into engagement: one row per user and video.

    `engagement(sessions(events))` equals `aggregate(events)`. Rules that only read sessions, scores and
    durations can be changed here without the events; rules that shape sessions cannot.

    Args:
        sessions: A table from `sessions`, or the path of Parquet or Arrow files that hold one.
        videos: As for `aggregate`.
        columns: Names in the videos table, as for `aggregate`. Session tables have the default names.
        rules: The thresholds; None: `Rules()`. Those that shape sessions must be the ones of the sessions.
        scoring: As for `aggregate`.
        unique_seconds: As for `aggregate`.
        threads: As for `aggregate`.

    Returns:
        The engagement table, as from `aggregate`, with the report of the sessions.

    Raises:
        OptionError: If a rule that shapes sessions differs from the one that the sessions were made with.
        DataError: If a session occurs twice.
        WatchspanError: As `aggregate` does.

    >>> import watchspan as ws
    >>> events = {
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }
    >>> ws.engagement(ws.sessions(events)).equals(ws.aggregate(events), check_metadata=True)
    True
    """
    rules, scoring = arguments.rules_argument(rules), arguments.scoring_argument(scoring)
    names, cores = arguments.column_mapping(columns), arguments.thread_count(threads)
    unique = arguments.switch_argument("unique_seconds", unique_seconds)
    made = read_metadata(sessions) or {}
    _refuse_other_rules(made.get("rules") or {}, rules)
    taken, about = sources.read(sessions, None, "sessions"), _read(videos, "videos", names)
    batches, schema = _core.engagement(taken, about, names, rules, scoring, unique, cores)
    return result(batches, schema, "engagement", figures=made.get("report"), rules=rules, scoring=scoring)


def retention(
    rows: Any,
    *,
    videos: Any = None,
    columns: Mapping[str, Place] | None = None,
    buckets: int = 100,
    bucket_seconds: float | None = None,
    threads: int | None = None,
) -> pa.Table:
    """Says how much of its audience each part of a video kept: one row per video and bucket of positions.

    Args:
        rows: A table from `aggregate`, `engagement` or `sessions`, or the path of Parquet or Arrow files that
            hold one. Session rows also give `plays`.
        videos: Durations and titles, as for `aggregate`. None: those that the rows state, else how far
            anybody watched.
        columns: Names in the videos table, as for `aggregate`.
        buckets: Into how many equal parts to cut each video.
        bucket_seconds: How long a bucket is, in seconds of content; `buckets` is not used then. The last
            bucket of a video may be shorter.
        threads: As for `aggregate`.

    Returns:
        The retention table, ordered by (videoId, bucket). Videos that `bucket_seconds` would cut into more
        than a million buckets, such as live streams whose positions count from 1970, are left out with a
        warning.

    Raises:
        OptionError: If `buckets` or `bucket_seconds` is not a number above 0.
        WatchspanError: As `aggregate` does.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... })
    >>> table = ws.retention(rows, videos={"videoId": ["v1"], "duration": [60]}, buckets=4)
    >>> table["retention"].to_pylist()
    [1.0, 1.0, 0.0, 0.0]
    """
    names, cores = arguments.column_mapping(columns), arguments.thread_count(threads)
    count, seconds = arguments.buckets_argument(buckets, bucket_seconds)
    made = read_metadata(rows) or {}
    taken, about = sources.read(rows, None), _read(videos, "videos", names)
    (batches, schema), left_out = _core.retention(taken, about, names, count, seconds, cores)
    if left_out:
        warn_of_buckets(left_out, f"a million buckets of {bucket_seconds} s", "curve")
    return result(batches, schema, "retention", figures=made.get("report"), rules=made.get("rules"))


def explain(
    events: Any,
    user: str | int,
    video: str | int,
    *,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    threads: int | None = None,
) -> pa.Table:
    """Shows one user's events on one video and how each was judged.

    Args:
        events: As for `aggregate`. All of the user's events matter, also those on other videos.
        user: The user's id.
        video: The video's id.
        preset: As for `aggregate`.
        columns: As for `aggregate`.
        vocabulary: As for `aggregate`.
        rules: As for `aggregate`.
        threads: As for `aggregate`.

    Returns:
        The explanation table: one row per event, dropped ones included, and one for what follows from a
        session's end. Empty if the user has no event on the video.

    Raises:
        WatchspanError: As `aggregate` does.

    >>> import watchspan as ws
    >>> events = {
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }
    >>> ws.explain(events, "ann", "v1").select(["eventName", "watchTime"]).to_pylist()
    [{'eventName': 'play', 'watchTime': 0.0}, {'eventName': 'pause', 'watchTime': 30.0}]
    """
    how, cores = reading(preset, columns, vocabulary, rules), arguments.thread_count(threads)
    names, meanings, rules = how.columns, how.vocabulary, how.settled_rules
    keys = [_key("user", user), _key("video", video)]
    taken = _read(events, "events", names)
    batches, schema = _core.explain(taken, names, meanings, rules, keys[0], keys[1], cores)
    return result(batches, schema, "explanation", rules=rules)


def vocabulary(name: str = "default") -> dict[str, str]:
    """The event names of a preset and what each means: a start for a mapping of your own.

    Args:
        name: The preset's name.

    Returns:
        Event name -> kind, or `ignore` for names that are known and say nothing about playback.

    Raises:
        VocabularyError: If there is no such preset.

    >>> import watchspan as ws
    >>> ws.vocabulary()["video_play"]
    'play'
    >>> mine = {**ws.vocabulary("html5"), "my_player_start": "play"}
    """
    presets = {spec["name"]: spec for spec in _core.preset_specs()}
    if not isinstance(name, str) or name not in presets:
        raise VocabularyError(
            f"There is no vocabulary preset {shown(name)}; there are: {', '.join(presets)}."
        )
    return dict(presets[name]["names"])


def _read(source: Any, table: str, names: Mapping[str, Place] | None) -> Any:
    return (
        None if source is None and table == "videos" else sources.read(source, sources.wanted(table, names))
    )


def _key(option: str, value: Any) -> str | int:
    if isinstance(value, str):
        return arguments.text_argument(option, value)
    # Any integer, of numpy too; the least and the greatest that a key column can hold bound it.
    return arguments.whole_number(option, value, "text or an integer", least=-(2**63), most=2**64 - 1)


def _refuse_other_rules(made: Mapping[str, Any], rules: Rules) -> None:
    for spec in _core.rule_specs():
        name = spec["name"]
        if spec["shapes_walk"] and name in made and made[name] != getattr(rules, name):
            raise OptionError(
                f"Rules.{name} is {getattr(rules, name)}, but the sessions were made with {made[name]}. It "
                "shapes sessions, so changing it needs the events again: call sessions() or aggregate() on "
                "them, or pass the rules of the sessions here too."
            )
