"""Tables as charts take them: rows of plain values, of one video where a chart shows one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from watchspan import sources
from watchspan.errors import MissingColumnError, OptionError
from watchspan.insight.rows import listed
from watchspan.text import shown, visible

Row = dict[str, Any]


def rows_of(source: Any, names: Sequence[str], made_by: str) -> list[Row]:
    """Some columns of a table, row by row.

    Args:
        source: The table, in any form.
        names: Which columns.
        made_by: The function that makes such tables.

    Raises:
        MissingColumnError: If it has not all of them.
        SourceError: If it cannot be read.
    """
    table = sources.read_table(source)
    for name in names:
        if name not in table.column_names:
            raise MissingColumnError(
                f"The table has no column {name!r}; it has {listed(table.column_names)}. A table of "
                f"watchspan.{made_by} is needed."
            )
    return [{name: _plain(row[name]) for name in names} for row in table.select(list(names)).to_pylist()]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def of_one_video(rows: list[Row], video: Any) -> list[Row]:
    """The rows of one video.

    Args:
        rows: Those of a table.
        video: Which one; None if the table has but one.

    Raises:
        OptionError: If the table has several and none is named, or not the one that is.
    """
    videos = dict.fromkeys(row["videoId"] for row in rows)
    if video is None and len(videos) <= 1:
        return rows
    if video not in videos:
        some = ", ".join(map(shown, list(videos)[:5])) or "none"
        raise OptionError(
            f"video is {shown(video)}, but the id of one of the table's {len(videos):,} videos is needed, "
            f"such as {some}: a chart shows one."
        )
    return [row for row in rows if row["videoId"] == video]


def name_of(rows: list[Row]) -> str:
    """What the video of some rows is called: its title, else its id; nothing if there is none."""
    for row in rows[:1]:
        found = row.get("videoTitle")
        return visible(str(row["videoId"] if found is None else found))
    return ""


def matching(rows: list[Row], video: Any) -> list[Row]:
    """The rows of another table that are about that video."""
    return [row for row in rows if row["videoId"] == video]
