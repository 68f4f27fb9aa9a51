"""The function that writes the report."""

from __future__ import annotations

import os
from typing import Any

from watchspan import arguments, sources
from watchspan.errors import OptionError
from watchspan.sources.outputs import whole_file
from watchspan.text import shown, shown_path


def write_report(
    rows: Any,
    path: str | os.PathLike[str],
    *,
    sessions: Any = None,
    videos: Any = None,
    groups: Any = None,
    top: int = 10_000,
    title: str = "Video engagement",
    users: bool = False,
) -> None:
    """Writes a page about engagement rows: how far they can be trusted, and where videos lose their viewers.

    It is one file that needs no network: data, charts and what draws them are in it. Nothing in it runs that
    is not its own, whatever titles and ids hold.

    Args:
        rows: A table from `aggregate` or `engagement`, or the path of Parquet or Arrow files that hold one.
        path: Where to write it; a name that ends in `.html`.
        sessions: The session rows of the same events, for cohorts, and for who is loyal. None: the page does
            without.
        videos: Durations and titles, as for `aggregate`. None: those that the rows state.
        groups: Who is in which group of an experiment, as for `compare` (extra `experiments`); with
            `exposedAt`, `sessions` are needed. None: the page is without that part.
        top: How many videos to show, those with the most hours watched first; of the others the page has the
            totals only, and says so.
        title: What the page is called.
        users: Whether the page may name users: who watched most, and whose rows are examples of flags.

    Raises:
        MissingColumnError: If `rows` is not an engagement table, or `sessions` no session table.
        ColumnTypeError: If a column has another type than in such a table.
        DataError: If a value is null, NaN or too large, as no such row has it.
        MissingDependencyError: If the extra `report` is not installed, or for `groups` `experiments` is not.
        OptionError: If an option is not accepted.
        SourceError: If something cannot be read, or the page not be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import watchspan as ws
    >>> page = Path(tempfile.mkdtemp()) / "report.html"
    >>> ws.write_report(ws.aggregate([]), page, title="A quiet month")
    >>> "<title>A quiet month</title>" in page.read_text(encoding="utf-8")
    True
    """
    count = arguments.whole_number("top", top, "an integer of at least 1")
    named = arguments.switch_argument("users", users)
    if not isinstance(title, str):
        raise OptionError(f"title is {shown(title)}, but text is needed.")
    place = os.fspath(path)
    if not place.lower().endswith((".html", ".htm")):
        raise OptionError(f"path is {shown_path(place)}, but a name that ends in .html is needed.")
    sources.refuse_overwriting(place, rows, sessions, videos, groups)
    from watchspan.report_page.making import page_of

    page = page_of(rows, sessions, videos, groups, count, title, named)
    with whole_file(place) as stream:
        stream.write(page.encode("utf-8"))
