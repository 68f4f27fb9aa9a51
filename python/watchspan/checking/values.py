"""What a value of a source may be: an instant, a number of seconds, a speed; read as the core reads it."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Optional

_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)
_CLOCK = re.compile(r"\s*(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)\s*", re.ASCII)
_ISO_DURATION = re.compile(
    r"\s*P(?:(\d+)D)?T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?\s*", re.ASCII
)
_INSTANT = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*"
    r"(?:Z|UTC|([+-])(\d\d):?(\d\d)?)?\s*",
    re.ASCII | re.IGNORECASE,
)
# What looks like a time to a person, and is none that is read.
_OTHER_TIMES = re.compile(
    r"\s*(\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{4}/\d\d/\d\d|\d{8}T?\d{4,6}|\d\d/\w{3}/\d{4}"
    r"|\w{3},? \d{1,2} \w{3})",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Unit -> how many seconds one of it is.
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ticks": 1e-7}
# Instants of players lie between 1990 and 2100.
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
_INSTANT_UNITS = ("s", "ms", "us", "ns")


def number(value: Any) -> Optional[float]:
    """The number that a value is, or that its text says; None if it is none, or not finite."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, Decimal)):
        try:
            found = float(value)
        except OverflowError:
            return None
    elif isinstance(value, str) and len(value) < 64 and _NUMBER.fullmatch(value):
        found = float(value)
    else:
        return None
    return found if math.isfinite(found) else None


def key(value: Any) -> Any:
    """An id; None of empty text, which is none."""
    return None if value == "" else value


def seconds(value: Any) -> Optional[float]:
    """The number that a value is, or the seconds that a clock reading or an ISO 8601 duration says."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    found = number(value)
    return written_seconds(value) if found is None else found


def written_seconds(text: Any) -> Optional[float]:
    """The seconds that text such as `00:03:14.5` or `PT3M14S` says; None of anything else.

    >>> written_seconds("01:00:03,5"), written_seconds("PT1M2.5S"), written_seconds("12")
    (3603.5, 62.5, None)
    """
    if not isinstance(text, str) or len(text) > 40:
        return None
    found = _CLOCK.fullmatch(text)
    if found:
        hours, minutes, rest = found.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))
    found = _ISO_DURATION.fullmatch(text)
    if found and any(found.groups()):
        days, hours, minutes, rest = (float(part or 0) for part in found.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + rest
    return None


def speed(value: Any) -> Optional[float]:
    """The speed that a number, or text such as `1.25x`, says."""
    if isinstance(value, str) and value[-1:] in ("x", "X"):
        return number(value[:-1])
    return number(value)


def instant(value: Any) -> Optional[float]:
    """The seconds from 1970 UTC to an instant, or to the one that text writes; None of numbers.

    >>> instant("2026-01-15 10:00:00.5+0100")
    1768467600.5
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc).timestamp()
    found = _INSTANT.fullmatch(value) if isinstance(value, str) and len(value) < 60 else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, ahead, more = found.groups()
    try:
        clock = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=timezone.utc
        )
    except ValueError:
        return None
    offset = (int(ahead) * 3600 + int(more or 0) * 60) * (-1 if sign == "-" else 1) if sign else 0
    return (clock - _EPOCH).total_seconds() + float(f"0.{fraction or 0}") - offset


def instant_unit(numbers: list[float]) -> Optional[str]:
    """The unit in which most of the numbers are instants of the years 1990 to 2100; None if none does.

    >>> instant_unit([1768471200000, 1768471230000])
    'ms'
    """
    for unit in _INSTANT_UNITS:
        fits = sum(_EARLIEST <= found * UNITS[unit] <= _LATEST for found in numbers)
        if numbers and fits > 0.9 * len(numbers):
            return unit
    return None


def is_other_time(value: Any) -> bool:
    """Whether text is a time in a form that is not read, such as `15/01/2026 10:00`."""
    return isinstance(value, str) and instant(value) is None and bool(_OTHER_TIMES.match(value))
