"""The KQL that reads events, and what the columns of the engine's input are in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from watchspan import instants
from watchspan.columns import EVENTS
from watchspan.errors import OptionError
from watchspan.kql.assembly import literal
from watchspan.kql.layouts import LAYOUTS, Layout

__all__ = [
    "EVENT_ID", "ITEM_COUNT", "LAYOUTS", "Layout", "arrival_filter", "count_query", "event_names",
    "instant", "names_argument", "quoted", "select", "time_filter",
]  # fmt: skip

# Beside the engine's columns: what tells copies of an event, and how many events a row stands for.
EVENT_ID, ITEM_COUNT = "eventId", "itemCount"


def instant(moment: datetime) -> str:
    """A moment as KQL writes it."""
    return f"datetime({instants.text(moment)})"


def quoted(text: str) -> str:
    """Text as KQL writes it."""
    return literal(text)


def name_of(column: str) -> str:
    """A name as KQL writes it, whatever it is: even `title` and `first` are words of the language."""
    return f"[{quoted(column)}]"


def time_filter(column: str, start: datetime, end: datetime) -> str:
    """The line that keeps the rows from one moment to before another; `column` as KQL writes it."""
    return f"| where {column} >= {instant(start)} and {column} < {instant(end)}"


def arrival_filter(start: datetime, end: datetime) -> str:
    """The line that keeps what arrived from one moment to before another; it stands right at the table."""
    return f"| where ingestion_time() >= {instant(start)} and ingestion_time() < {instant(end)}"


def event_names(column: str, names: Iterable[str] | None) -> list[str]:
    """The line that keeps events of some names, if only those are wanted; `column` as KQL writes it.

    Raises:
        OptionError: As `names_argument` does.
    """
    wanted = names_argument(names)
    return [] if wanted is None else [f"| where {column} in ({', '.join(map(quoted, wanted))})"]


def names_argument(names: Iterable[str] | None) -> list[str] | None:
    """The names of events that are wanted; None: all.

    Raises:
        OptionError: If it is no collection of names, or an empty one.
    """
    if names is None:
        return None
    wanted = list(names) if isinstance(names, Iterable) and not isinstance(names, (str, bytes)) else []
    if not wanted or not all(isinstance(name, str) for name in wanted):
        raise OptionError(
            f"event_names is {names!r}, but a list of names such as ['play'], or None, is needed."
        )
    return wanted


def select(layout: Layout, columns: Mapping[str, str | None] | None) -> str:
    """The line that gives the engine's columns from those of the table.

    Text stays text: what a tracker sends as a number arrives as text, and as a number only if it was sent as
    a measurement. Which texts are numbers is decided in one place, after reading.
    """
    chosen = [f"{default} = {source}" for default, source in sources(layout, columns).items()]
    return "| project " + ", ".join(chosen)


def sources(layout: Layout, columns: Mapping[str, str | None] | None) -> dict[str, str]:
    """The engine's column -> what it is in the table.

    Raises:
        OptionError: If a needed column is left out.
    """
    own = {
        "timestamp": layout.time,
        # Who is signed in is one person on all devices; the anonymous id is one browser.
        "userId": f"iff(isnotempty({layout.signed_in}), {layout.signed_in}, {layout.anonymous})",
        "sessionId": layout.session,
        "eventName": layout.name,
    }
    found, given = {}, columns or {}
    for default, column in EVENTS.items():
        name = given.get(default, default)
        if name is None and column.required:
            raise OptionError(f"columns leaves {default} out, which is needed.")
        if name is None:
            continue
        is_own = default in own and default not in given
        found[default] = own[default] if is_own else _source(layout, name, default)
    event_id = given.get(EVENT_ID, EVENT_ID)
    if event_id is not None:
        found[EVENT_ID] = _source(layout, event_id, EVENT_ID)
    found[ITEM_COUNT] = f"tolong({layout.count})"
    return found


def is_number(column: str) -> bool:
    """Whether a column of the engine's input holds numbers."""
    return column in EVENTS and EVENTS[column].is_number


def _source(layout: Layout, name: str, column: str) -> str:
    """What a name means, as the queries of `watchspan.kql` read it: only a number may be a measurement."""
    if name in layout.columns:
        return name if name == layout.time else f"tostring({name})"
    key = quoted(name)
    prop = f"tostring({layout.properties}[{key}])"
    return f"coalesce(tostring({layout.measurements}[{key}]), {prop})" if is_number(column) else prop


def count_query(head: str, time: str, count: str | None) -> str:
    """A query that says how many events there are, and of what span; columns as KQL writes them."""
    # A row without a count stands for itself.
    stands_for = f"sum(coalesce(tolong({count}), 1))" if count else "count()"
    sampled = f"countif({count} > 1)" if count else "countif(false)"
    return (
        f"{head}\n| summarize rows = count(), events = {stands_for}, sampled = {sampled}, "
        f"firstEvent = min({time}), lastEvent = max({time})"
    )


def mapped(columns: Any, known: Iterable[str]) -> None:
    """Refuses a mapping of columns that do not exist.

    Raises:
        OptionError: If one of the names is none of the input's.
    """
    unknown = [name for name in columns or {} if name not in known]
    if unknown:
        raise OptionError(f"columns maps {unknown[0]!r}, but the input's columns are {', '.join(known)}.")
