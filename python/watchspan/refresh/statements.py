"""The steps of a refresh as SQL that Spark and DuckDB both understand.

`{...}` are names of relations and expressions that the algorithm fills in.
"""

from __future__ import annotations

from typing import Any

from watchspan import _core
from watchspan.errors import OptionError
from watchspan.refresh.protocol import CUT_SUFFIX_LENGTH, KEYS, Dialect
from watchspan.refresh.settings import Settings

# What the statements below read of each table.
PAIR = KEYS["pending"]
TOUCHED_READS = (*KEYS["sessions"], "eventCount", "sessionStart", "sessionEnd")
_SEEN = (*PAIR, "maxPosition", "reportedDuration")
DURATIONS_READ = (*_SEEN, "watchedIntervals")
VIDEOS_READ = (*PAIR, "videoDuration", "durationSource", "videoTitle")


def scope_of_event(settings: Settings) -> str:
    """The expression for the scope of an event within its user: its session id as text.

    It is empty text if `settings` says that events have no session id: the whole user is one scope then.
    """
    return "CAST(sessionId AS STRING)" if settings.session_column else "''"


def scope_of_row(settings: Settings) -> str:
    """The expression for the scope of a session row within its user, as `scope_of_event` gives it for events.

    Where `settings` cut sessions by inactivity, session ids have the time of their first event as a suffix.
    """
    if not settings.session_column:
        return "''"
    if settings.silence_micros is None:
        return "CAST(sessionId AS STRING)"
    return f"substring(sessionId, 1, length(sessionId) - {CUT_SUFFIX_LENGTH})"


def scopes(settings: Settings) -> str:
    """The query for the scopes with changed events, each once, with the times of its first and last one.

    How a scope is told depends on `settings`.
    """
    scope = scope_of_event(settings)
    return (
        f"SELECT userId, {scope} AS scopeId, min(firstTime) AS firstTime, max(lastTime) AS lastTime "
        f"FROM $changed_scopes GROUP BY userId, {scope}"
    )


def touched(settings: Settings, dialect: Dialect, sessions: str) -> str:
    """The query for the stored session rows that changed events may change.

    These are the rows of the same scope that lie no further from its changed events than the longest silence
    that can be within a session: the timeout, or one that was played through. A session that is cut by
    inactivity is one over all its videos, so how far it is follows from all its rows.

    Args:
        settings: The timeout, and how a scope is told.
        dialect: How the engine makes microseconds of timestamps.
        sessions: The stored session rows, as SQL names them.
    """
    stored = (
        f"SELECT userId, videoId, sessionId, eventCount, {scope_of_row(settings)} AS scopeId, "
        f"{dialect.micros.format('sessionStart')} AS startTime, "
        f"{dialect.micros.format('sessionEnd')} AS endTime FROM {sessions}"
    )
    silence = settings.silence_micros
    near = (
        "TRUE"
        if silence is None
        else f"w.endTime >= w.firstTime - {silence} AND w.startTime <= w.lastTime + {silence}"
    )
    return (
        "SELECT w.userId, w.videoId, w.sessionId, w.scopeId, w.eventCount, w.startTime, w.endTime FROM ("
        "SELECT s.userId, s.videoId, s.sessionId, s.scopeId, s.eventCount, c.firstTime, c.lastTime, "
        "min(s.startTime) OVER (PARTITION BY s.userId, s.scopeId, s.sessionId) AS startTime, "
        "max(s.endTime) OVER (PARTITION BY s.userId, s.scopeId, s.sessionId) AS endTime "
        f"FROM ({stored}) s JOIN $scopes c ON s.userId = c.userId AND s.scopeId = c.scopeId) w WHERE {near}"
    )


REACH = """
SELECT c.userId, c.scopeId, least(c.firstTime, min(t.startTime)) AS firstTime,
    greatest(c.lastTime, max(t.endTime)) AS lastTime
FROM $scopes c LEFT JOIN $touched t ON c.userId = t.userId AND c.scopeId = t.scopeId
GROUP BY c.userId, c.scopeId, c.firstTime, c.lastTime
"""


def staged(settings: Settings, columns: list[str]) -> str:
    """The query for the session rows to write: new ones, and with `_delete` touched ones that are gone.

    Args:
        settings: How a scope is told.
        columns: The columns of session rows.
    """
    keys = KEYS["sessions"]
    chosen = [f"coalesce(f.{name}, t.{name}) AS {name}" for name in keys]
    chosen += [f"f.{name}" for name in columns if name not in keys]
    scope = scope_of_row(settings)
    matching = " AND ".join(f"f.{name} = t.{name}" for name in keys)
    return (
        f"SELECT {', '.join(chosen)}, f.userId IS NULL AS _delete, t.eventCount AS _storedEvents, "
        f"coalesce(t.scopeId, f._scopeId) AS _scopeId "
        f"FROM (SELECT *, {scope} AS _scopeId FROM $fresh) f FULL OUTER JOIN $touched t ON {matching}"
    )


# By video: new events on another one must not hide a loss, and no event takes one from another video.
SHRUNK = """
SELECT userId, _scopeId, CAST(sum(storedEvents) AS BIGINT) AS storedEvents,
    CAST(sum(foundEvents) AS BIGINT) AS foundEvents
FROM (
    SELECT userId, _scopeId, videoId, sum(coalesce(_storedEvents, 0)) AS storedEvents,
        sum(coalesce(eventCount, 0)) AS foundEvents
    FROM $staged GROUP BY userId, _scopeId, videoId
) v WHERE storedEvents > foundEvents GROUP BY userId, _scopeId
"""

UNSHRUNK = """
SELECT s.* FROM $staged s LEFT JOIN $shrunk x ON s.userId = x.userId AND s._scopeId = x._scopeId
WHERE x.userId IS NULL
"""


# Whether a row of events or videos is about a video.
HAS_VIDEO = "CAST(videoId AS STRING) <> ''"
# Where durations are from, the best first; what somebody states without saying so is metadata.
METADATA_SOURCE, REPORTED, ESTIMATED = _core.duration_sources


def usable_duration(duration: str) -> str:
    """The expression for a duration in seconds that is null if `duration` is no finite number above 0.

    NaN is above all numbers in SQL.
    """
    return f"CASE WHEN {duration} > 0 AND {duration} < CAST('Infinity' AS DOUBLE) THEN {duration} END"


def found_out(watched_end: str, position: str, reported: str, may_estimate: bool) -> dict[str, str]:
    """The expressions for a `duration` in seconds and its `durationSource`, null if nothing tells it.

    Args:
        watched_end: The largest end of any watched interval of the video, in seconds.
        position: The largest position that anybody reached, in seconds; it counts if nothing was watched.
        reported: What most of its viewers' players report, in seconds.
        may_estimate: Whether how far anybody got counts where no player reports a duration.
    """
    guess = f"CASE WHEN {watched_end} > 0 THEN {watched_end} WHEN {position} > 0 THEN {position} END"
    guess = guess if may_estimate else "CAST(NULL AS DOUBLE)"
    source = (
        f"CASE WHEN {reported} IS NOT NULL THEN '{REPORTED}' WHEN {guess} IS NOT NULL THEN '{ESTIMATED}' END"
    )
    return {"duration": f"coalesce({reported}, {guess})", "durationSource": source}


def second_of(duration: str) -> str:
    """The expression for the whole second in which `duration` lies, in seconds: a double, as it is itself."""
    # Integers end below what doubles hold; so far up every double is whole.
    return f"CASE WHEN {duration} < 9e15 THEN CAST(floor({duration}) AS DOUBLE) ELSE {duration} END"


# What a row of the videos table says, of its columns `duration`, `durationSource` and `title`.
METADATA = {
    "duration": usable_duration("duration"),
    "durationSource": f"CASE WHEN {usable_duration('duration')} IS NULL THEN NULL "
    f"WHEN durationSource IN ('{REPORTED}', '{ESTIMATED}') THEN durationSource ELSE '{METADATA_SOURCE}' END",
    "title": "CASE WHEN title <> '' THEN title END",
}
# Whether rows about one video say different things, over the columns of `METADATA`.
CONFLICT = " OR ".join(
    f"min({name}) <> max({name}) OR count({name}) NOT IN (0, count(*))" for name in METADATA
)


def metadata() -> str:
    """The query for what the videos table says of each video; rows that say the same are one."""
    said = ", ".join(f"{sql} AS {name}" for name, sql in METADATA.items())
    return f"SELECT DISTINCT videoId, {said} FROM $videos WHERE {HAS_VIDEO}"


CONFLICTS = f"SELECT videoId, count(*) AS n FROM $metadata GROUP BY videoId HAVING {CONFLICT} LIMIT 1"


def concerned(engagement: str, check_videos: bool) -> str:
    """The query for the videos whose durations are settled.

    These are the videos of the pairs, and those about which engagement rows may say something else than the
    videos table. A row does not tell whether that table stated its estimate: if the table has no duration, it
    may be one that it had before.

    Args:
        engagement: The stored engagement rows, as SQL names them.
        check_videos: Whether to look for the videos of the second kind, which reads all engagement rows.
    """
    pairs = "SELECT videoId FROM $pairs"
    if not check_videos:
        return f"SELECT DISTINCT videoId FROM ({pairs}) p"
    return (
        f"{pairs} UNION SELECT e.videoId FROM {engagement} e LEFT JOIN $metadata m ON m.videoId = e.videoId "
        "WHERE e.videoTitle IS DISTINCT FROM m.title "
        "OR (m.duration IS NULL AND e.durationSource IS NOT NULL) "
        "OR (m.duration IS NOT NULL AND (e.durationSource IS DISTINCT FROM m.durationSource "
        "OR e.videoDuration IS DISTINCT FROM m.duration))"
    )


def found_durations(settings: Settings, dialect: Dialect, sessions: str) -> str:
    """The query for the durations of the concerned videos that have none in the videos table.

    They are what most of their viewers' players report, of equally many the longest, else an estimate.

    Args:
        settings: Whether durations are estimated at all.
        dialect: How the engine tells the end of the last watched interval.
        sessions: The stored session rows, as SQL names them.
    """
    second = second_of("s.reportedDuration")
    rows = f"SELECT {', '.join(_SEEN)}, {dialect.last_end} AS lastEnd FROM {sessions}"
    by_second = (
        f"SELECT s.videoId, {second} AS second, max(s.reportedDuration) AS longest, "
        "count(DISTINCT CASE WHEN s.reportedDuration IS NOT NULL THEN s.userId END) AS users, "
        f"max(s.lastEnd) AS lastEnd, max(s.maxPosition) AS maxPosition FROM ({rows}) s "
        "JOIN $concerned c ON s.videoId = c.videoId LEFT JOIN $metadata m ON s.videoId = m.videoId "
        f"WHERE m.duration IS NULL GROUP BY s.videoId, {second}"
    )
    by_video = (
        "SELECT p.videoId, max(p.lastEnd) AS lastEnd, max(p.maxPosition) AS maxPosition, "
        "max(CASE WHEN p.place = 1 THEN p.longest END) AS reported FROM ("
        "SELECT v.*, row_number() OVER ("
        "PARTITION BY v.videoId ORDER BY v.users DESC, v.second DESC NULLS LAST) AS place "
        f"FROM ({by_second}) v) p GROUP BY p.videoId"
    )
    chosen = found_out("f.lastEnd", "f.maxPosition", "f.reported", settings.rules.estimate_duration)
    columns = ", ".join(f"{text} AS {name}" for name, text in chosen.items())
    return f"SELECT f.videoId, {columns} FROM ({by_video}) f"


DURATIONS = """
SELECT c.videoId, coalesce(m.duration, f.duration) AS videoDuration,
    coalesce(m.durationSource, f.durationSource) AS durationSource, m.title AS videoTitle
FROM $concerned c LEFT JOIN $metadata m ON c.videoId = m.videoId
    LEFT JOIN $found_durations f ON c.videoId = f.videoId
"""


def settling(engagement: str) -> str:
    """The query for the pairs whose engagement rows are computed.

    These are the pairs that this run set out to settle, and those whose rows in `engagement`, the stored
    engagement rows as SQL names them, say another duration, source or title than their video has now.
    """
    return (
        f"SELECT userId, videoId FROM $pairs UNION SELECT e.userId, e.videoId FROM {engagement} e "
        "JOIN $durations d ON e.videoId = d.videoId WHERE e.videoDuration IS DISTINCT FROM d.videoDuration "
        "OR e.durationSource IS DISTINCT FROM d.durationSource OR e.videoTitle IS DISTINCT FROM d.videoTitle"
    )


def sessions_to_engage(sessions: str, columns: list[str]) -> str:
    """The query for all session rows of the pairs to settle, with what is known of their videos.

    Args:
        sessions: The stored session rows, as SQL names them.
        columns: Which of their columns to take.
    """
    chosen = ", ".join(f"s.{name}" for name in columns)
    return (
        f"SELECT {chosen}, d.videoDuration, d.durationSource, d.videoTitle FROM {sessions} s "
        "JOIN $settling p ON s.userId = p.userId AND s.videoId = p.videoId "
        "LEFT JOIN $durations d ON s.videoId = d.videoId"
    )


def settled(columns: list[str]) -> str:
    """The query for the engagement rows to write, with these `columns`.

    A pair that has no sessions any more comes with `_delete`.
    """
    keys = KEYS["engagement"]
    chosen = [f"p.{name}" for name in keys] + [f"e.{name}" for name in columns if name not in keys]
    return (
        f"SELECT {', '.join(chosen)}, e.userId IS NULL AS _delete FROM $settling p "
        "LEFT JOIN $engaged e ON p.userId = e.userId AND p.videoId = e.videoId"
    )


def all_pairs(sessions: str, engagement: str, where: str = "TRUE") -> str:
    """The query for every pair that has a row in `sessions` or in `engagement`, as SQL names these tables.

    `where` is a condition on the rows.
    """
    return (
        f"SELECT userId, videoId FROM {sessions} WHERE {where} "
        f"UNION SELECT userId, videoId FROM {engagement} WHERE {where}"
    )


def forgotten(sessions: str, columns: list[str], where: str) -> str:
    """The query for the session rows to delete: those of `sessions`, as SQL names them, that fulfil `where`.

    They have these `columns`, and `_delete`.
    """
    return f"SELECT {', '.join(columns)}, TRUE AS _delete FROM {sessions} WHERE {where}"


def user_is(user: str | int, dialect: Dialect) -> str:
    """The condition that a row is of the user with the id `user`, as `dialect` writes text."""
    return f"userId = {int(user) if isinstance(user, int) else dialect.text.format(user.encode().hex())}"


def user_key(option: str, user: Any, kind: str | None, bits: int | None) -> str | int:
    """The argument `user` as the key column of the tables holds it.

    Args:
        option: What errors call the argument.
        user: The id of a user.
        kind: The type of the key column, as errors name it; None: there are no tables yet.
        bits: How many bits its integers have; None: it is no column of integers.

    Raises:
        OptionError: If `user` cannot be the id of a user in the tables.
    """
    if isinstance(user, bool) or not isinstance(user, (str, int)):
        raise OptionError(f"{option} is {user!r}, but text or an integer is needed.")
    if isinstance(user, str):
        try:
            user.encode()
        except UnicodeEncodeError:
            raise OptionError(f"{option} is {user!r}, which is no text of Unicode: no user has it.") from None
    fits = not isinstance(user, int) if bits is None else isinstance(user, int) and _fits(user, bits)
    if kind is not None and not fits:
        raise OptionError(f"{option} is {user!r}, but user ids in the tables are {kind}.")
    return user


def _fits(number: int, bits: int) -> bool:
    return -(1 << bits - 1) <= number < 1 << bits - 1
