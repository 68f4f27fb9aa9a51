"""Instants: one epoch, one way to read them, one to write them. What has no offset is UTC."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Union

# How callers give an instant; a date is its midnight, None no instant.
Instant = Union[str, date, datetime, None]

# In microseconds, as the core counts.
DAY = 86_400_000_000
# The end of the year 9999, after which Python knows no time.
LAST = 253_402_300_799_999_999

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?)?\s*(?:Z|([+-]\d\d)(?::?(\d\d))?)?)?",
    re.ASCII | re.IGNORECASE,
)


def parsed(text: str) -> datetime:
    """The instant that ISO 8601 text names, with its offset; what is finer than microseconds is cut off.

    Args:
        text: A date, which is its midnight, or a date and a time, whose seconds and offset may be missing.

    Raises:
        ValueError: If `text` is something else, or names a day or a time that does not exist.

    >>> parsed("2026-01-15 10:00:00.1234567+01:00").isoformat()
    '2026-01-15T10:00:00.123456+01:00'
    >>> parsed("2026-01-15").isoformat()
    '2026-01-15T00:00:00+00:00'
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError("no date or time of ISO 8601")
    day, hour, minute, second, fraction, offset_hours, offset_minutes = found.groups()
    # As the oldest Python reads it: with all six digits, and an offset in numbers.
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}.{(fraction or '').ljust(6, '0')}"
    return datetime.fromisoformat(f"{day}T{clock}{offset_hours or '+00'}:{offset_minutes or '00'}")


def micros(instant: datetime) -> int:
    """The microseconds from 1970 UTC to `instant`, less than 0 if it is earlier.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    return (aware(instant) - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The instant, in UTC, that is `micros` microseconds after 1970 UTC.

    Raises:
        OverflowError: If it is not within the years 1 to 9999.

    >>> moment(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + timedelta(microseconds=micros)


def aware(instant: datetime) -> datetime:
    """The same instant with an offset from UTC: `instant` itself if it has one, else as a time in UTC."""
    return instant.replace(tzinfo=timezone.utc) if instant.tzinfo is None else instant


def clock(instant: datetime | int, between: str = "T") -> str:
    """An instant as the clocks of UTC show it, to the microsecond; the text does not say that it is UTC.

    Args:
        instant: The instant, or its microseconds since 1970 UTC.
        between: What stands between date and time.

    Raises:
        OverflowError: If it is not within the years 1 to 9999.

    >>> clock(0, between=" ")
    '1970-01-01 00:00:00.000000'
    """
    found = moment(instant) if isinstance(instant, int) else aware(instant).astimezone(timezone.utc)
    return found.replace(tzinfo=None).isoformat(between, "microseconds")


def text(instant: datetime | int) -> str:
    """An instant as RFC 3339 text in UTC. All have the same length, so the order of texts is that of time.

    Args:
        instant: The instant, or its microseconds since 1970 UTC.

    Raises:
        OverflowError: If it is not within the years 1 to 9999.

    >>> text(datetime(2026, 1, 15, 10))
    '2026-01-15T10:00:00.000000Z'
    """
    return f"{clock(instant)}Z"
