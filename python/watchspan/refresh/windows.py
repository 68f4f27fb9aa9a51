"""Windows of time as callers give them: dates and timestamps in, microseconds out."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Union

from watchspan.errors import OptionError
from watchspan.refresh.protocol import Window

# How callers give an instant; a date is its midnight, and what has no offset is UTC.
Instant = Union[str, date, datetime, None]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ACCEPTED = "a date or timestamp such as '2026-01-15' or '2026-01-15T10:00:00Z' (UTC unless it has an offset)"
_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6})\d*)?\s*(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE
)


def window(start: Instant = None, end: Instant = None, changed_by: str | None = None) -> Window:
    """The window from `start` to before `end`; None is no bound.

    Args:
        start: The first instant: a date or datetime, or ISO 8601 text of one.
        end: The first instant after the window, in the same forms: a day ends with the next one.
        changed_by: The column whose time counts; None: the time of the event.

    Raises:
        OptionError: If an instant cannot be read, if the window holds none, or if `changed_by` is no name.

    >>> window("2026-01-15", "2026-01-16")
    Window(start=1768435200000000, end=1768521600000000, changed_by=None)
    """
    first, last = micros("start", start), micros("end", end)
    if first is not None and last is not None and first >= last:
        raise OptionError(
            f"The window from {start} to {end} is empty. Its end is not part of it: for January 15 "
            "pass '2026-01-15' and '2026-01-16'."
        )
    if changed_by is not None and (not isinstance(changed_by, str) or not changed_by):
        raise OptionError(f"changed_by is {changed_by!r}, but None or the name of a column is needed.")
    return Window(first, last, changed_by)


def micros(option: str, value: Instant) -> int | None:
    """An instant as microseconds since 1970 UTC.

    Raises:
        OptionError: If it cannot be read.

    >>> micros("start", "1970-01-01T01:00:00.5+01:00")
    500000
    """
    if value is None:
        return None
    found = _read(value)
    if found is None:
        raise OptionError(f"{option} is {value!r}, but {_ACCEPTED} is needed.")
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    return (found - _EPOCH) // timedelta(microseconds=1)


def _read(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    parts = _TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
    if parts is None:
        return None
    day, minute, second, fraction, offset = parts.groups()
    # As the oldest Python reads it: with all six digits, and an offset in numbers.
    clock = f"{minute or '00:00'}{second or ':00'}.{(fraction or '').ljust(6, '0')}"
    zone = "+00:00" if offset in (None, "Z", "z") else offset
    try:
        return datetime.fromisoformat(f"{day}T{clock}{zone}")
    except ValueError:
        return None
