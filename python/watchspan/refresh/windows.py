"""Windows of time as callers give them: dates and timestamps in, microseconds out."""

from __future__ import annotations

from watchspan.arguments import instant_argument
from watchspan.errors import OptionError
from watchspan.instants import Instant
from watchspan.refresh.protocol import Window


def window(start: Instant = None, end: Instant = None, changed_by: str | None = None) -> Window:
    """The window from `start` to before `end`.

    Args:
        start: The first instant: a date, which is its midnight, a datetime, or ISO 8601 text of one; UTC
            unless it has an offset. None: the window has no beginning.
        end: The first instant after the window, in the forms of `start`, so a day ends with the date of the
            next one. None: the window has no end.
        changed_by: The column whose time counts; None: the time of the event.

    Raises:
        OptionError: If `start` or `end` cannot be read, if `end` is not after `start`, or if `changed_by` is
            no name.

    >>> window("2026-01-15", "2026-01-16")
    Window(start=1768435200000000, end=1768521600000000, changed_by=None)
    """
    first, last = instant_argument("start", start), instant_argument("end", end)
    if first is not None and last is not None and first >= last:
        raise OptionError(
            f"The window from {start} to {end} is empty. Its end is not part of it: for January 15 "
            "pass '2026-01-15' and '2026-01-16'."
        )
    if changed_by is not None and (not isinstance(changed_by, str) or not changed_by):
        raise OptionError(f"changed_by is {changed_by!r}, but None or the name of a column is needed.")
    return Window(first, last, changed_by)
