"""The table of videos as text in a query."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from watchspan import sources
from watchspan.errors import DataError, OptionError, SourceError
from watchspan.kql import assembly
from watchspan.masking import masked

_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{0,30}://")


def videos_text(videos: Any, columns: Mapping[str, str | None]) -> str:
    """A table's name, or a table that the user holds, as the value of `Videos`.

    Raises:
        OptionError: If the name is empty or that of a file, or the table says that a duration is an estimate.
        MissingColumnError: If the table lacks one.
        DataError: If the table contradicts itself.
    """
    if not isinstance(videos, str):
        return assembly.videos_table(_rows(videos, columns))
    if not videos.strip():
        raise OptionError(f"videos is {videos!r}, but the name of a table, or a table, is needed.")
    table_name("videos", videos)
    if _is_file(videos):
        raise OptionError(
            f"videos is {videos!r}, but as text it must be the name of a table beside the events: "
            "read the file, and pass the table."
        )
    named = {key: columns.get(key) or key for key in ("videoId", "duration", "title")}
    key, duration = (assembly.name_of(named[name]) for name in ("videoId", "duration"))
    if named["videoId"] != "videoId":
        # The table may keep the default name although the events have another one.
        key = assembly.optional(named["videoId"], assembly.optional("videoId"))
    title = assembly.optional(named["title"])
    return (
        f"{assembly.name_of(videos)} | project videoId = tostring({key}), duration = todouble({duration}), "
        f"videoTitle = tostring({title})"
    )


def table_name(option: str, name: str) -> str:
    """The name of a table.

    Raises:
        OptionError: If it is an address, which may hold a signature; the message does not show it.
    """
    if _ADDRESS.match(name):
        raise OptionError(
            f"{option} is {masked(repr(name))}, an address, but the name of a table is needed: read what is "
            "there, or make it a table first."
        )
    return name


def _is_file(text: str) -> bool:
    """Whether a text ends as the name of a file does."""
    try:
        sources.format_of(text)
    except SourceError:
        return False
    return True


def _rows(videos: Any, columns: Mapping[str, str | None]) -> list[tuple[str, float | None, str | None]]:
    found: dict[str, tuple[float | None, str | None]] = {}
    for row in _records(videos, columns):
        key, title = row["videoId"], row.get("title")
        if key is None or key == "":
            continue
        if row.get("durationSource") == "estimated":
            raise OptionError(
                f"videos says that the duration of {key!r} is an estimate, which queries cannot be told: "
                "leave that row out, and the query estimates it."
            )
        entry = (_known(key, row["duration"]), None if title is None else str(title))
        if found.setdefault(str(key), entry) != entry:
            raise DataError(f"videos holds two different rows for {key!r}: keep one of them.")
    return [(key, *entry) for key, entry in found.items()]


def _records(videos: Any, columns: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    """The rows of a table, by the default names of its columns."""
    want = sources.wanted("videos", columns)
    taken = sources.read(videos, want)
    table = taken if isinstance(taken, pa.Table) else None
    if table is None:
        arrow = hasattr(taken, "__arrow_c_stream__") or hasattr(taken, "__arrow_c_array__")
        table = pa.table(taken) if arrow else pa.Table.from_batches(list(taken))
    names = want.own(table.schema.names)
    for row in table.select(list(dict.fromkeys(names.values()))).to_pylist():
        yield {default: row[name] for default, name in names.items()}


def _known(key: Any, duration: Any) -> float | None:
    try:
        number = None if duration is None else float(duration)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(
            f"videos says that the duration of {key!r} is {duration!r}, which is no number."
        ) from error
    return number if number is not None and math.isfinite(number) and number > 0 else None
