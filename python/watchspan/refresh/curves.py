"""The table of retention, for those who want one: kept with the tables that it follows from.

It holds what `watchspan.retention` of all engagement rows with a duration gives. A run computes again the
curves of the videos whose rows it wrote. Should it stop before that, the list of pairs to settle still names
each of them, so that the next run writes their rows and draws their curves again.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from watchspan import _core, sources
from watchspan.errors import OptionError, SourceError
from watchspan.refresh.protocol import KEYS, PROCESSED_AT, SUFFIXES, Engine, check_keys
from watchspan.refresh.settings import Settings

# Into how many parts a video is cut: as many as `watchspan.retention` does.
BUCKETS = 100
# What of engagement rows curves along videos are drawn from.
NEEDED = (
    "userId",
    "videoId",
    "videoTitle",
    "videoDuration",
    "maxPositionReached",
    "watchedIntervals",
    "replayedIntervals",
)
# What the table says of itself until it has the curves of all videos.
_PARTIAL = "{}"
_NOT_OURS = (
    f"A table or view that update() did not make is where the retention table should be "
    f"(TABLE{SUFFIXES['retention']}): drop it, or update without retention_table."
)
_NEEDS_UNIQUE = (
    "unique_seconds is False, but the retention table is drawn from what was watched at least once: leave "
    f"unique_seconds on, or drop TABLE{SUFFIXES['retention']} and update without retention_table."
)


def is_kept(engine: Engine) -> bool:
    """Whether there is a table of retention that a refresh made."""
    try:
        return engine.exists("retention") and engine.settings("retention") is not None
    except SourceError:
        # What is somebody else's, such as a folder of files, is none of our business.
        return False


def check(engine: Engine, settings: Settings, wanted: bool) -> None:
    """Refuses what would keep a run from keeping the table, before anything is written.

    Args:
        engine: What holds the tables.
        settings: What the tables are made with.
        wanted: Whether the caller asks for the table.

    Raises:
        OptionError: If rows are made without what curves are drawn from.
        SourceError: If somebody else's table has its name, or it has lost a key.
    """
    kept = is_kept(engine)
    if wanted and not kept and engine.exists("retention"):
        raise SourceError(_NOT_OURS)
    if (wanted or kept) and not settings.unique_seconds:
        raise OptionError(_NEEDS_UNIQUE)
    if kept:
        check_keys("retention", engine.columns("retention"))


def prepare(engine: Engine, settings: Settings, wanted: bool) -> None:
    """Makes the table if it is `wanted`; one that is there gains the columns that it lacks."""
    if wanted or is_kept(engine):
        engine.prepare("retention", settings, _PARTIAL)


def forget(engine: Engine) -> None:
    """Has all curves drawn anew: what was there before may be of rows that nobody knows of any more."""
    if is_kept(engine) and engine.settings("retention") != _PARTIAL:
        engine.keep_settings("retention", _PARTIAL)


# A pair of each video that no pair of the run's list is about: its duration or title moved.
UNLISTED = """
SELECT min(s.userId) AS userId, s.videoId FROM $settled s LEFT JOIN $pairs p ON s.videoId = p.videoId
WHERE p.videoId IS NULL GROUP BY s.videoId
"""


def intend(engine: Engine) -> None:
    """Notes down the videos whose rows are about to be written, where the list does not name them yet."""
    if is_kept(engine):
        engine.append("pending", UNLISTED)


def draw(engine: Engine, settings: Settings) -> None:
    """Computes the curves of the videos of `$settled` again; all of them where the table is not whole yet."""
    if not is_kept(engine):
        return
    is_whole = engine.settings("retention") != _PARTIAL
    among = " WHERE videoId IN (SELECT videoId FROM $settled)" if is_whole else ""
    known = "AND" if among else "WHERE"
    columns, keys = ", ".join(NEEDED), KEYS["retention"]
    rows = engine.reference("engagement", NEEDED)
    engine.view("viewings", f"SELECT {columns} FROM {rows}{among} {known} videoDuration IS NOT NULL")
    engine.curves("curves", "viewings")
    stored = engine.reference("retention", keys)
    engine.view("drawn_before", f"SELECT {', '.join(keys)} FROM {stored}{among}")
    engine.stage("drawn", _drawn([spec["name"] for spec in _core.column_specs("retention")]))
    engine.merge("retention", "drawn")
    if not is_whole:
        engine.keep_settings("retention", settings.to_text())


def _drawn(columns: Sequence[str]) -> str:
    """The query for the rows to write, with `_delete` those that no curve has any more."""
    keys = KEYS["retention"]
    chosen = [f"coalesce(c.{name}, b.{name}) AS {name}" for name in keys]
    chosen += [f"c.{name}" for name in columns if name not in keys]
    matching = " AND ".join(f"c.{name} = b.{name}" for name in keys)
    return (
        f"SELECT {', '.join(chosen)}, c.videoId IS NULL AS _delete "
        f"FROM $curves c FULL OUTER JOIN $drawn_before b ON {matching}"
    )


def schema(engagement: pa.Schema) -> pa.Schema:
    """The schema of retention rows that engagement rows of this schema give."""
    rows = pa.schema([field for field in engagement if field.name != PROCESSED_AT])
    (_, made), _ = _core.retention(iter([sources.empty_batch(rows)]), None, None, BUCKETS, None, 1)
    found: pa.Schema = made
    return found
