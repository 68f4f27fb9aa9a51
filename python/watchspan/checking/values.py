"""What a value of a source may be: an instant, a number of seconds, a speed; read as the core reads it."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Optional

from watchspan import _core
from watchspan.text import is_unicode

# What looks like a time to a person, and is none that is read.
_OTHER_TIMES = re.compile(
    r"\s*(\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{4}/\d\d/\d\d|\d{8}T?\d{4,6}|\d\d/\w{3}/\d{4}"
    r"|\w{3},? \d{1,2} \w{3})",
    re.ASCII,
)

# Unit -> how many seconds one of it is.
UNITS = {unit: 1 / per_second for unit, per_second in _core.units.items()}
# Instants of players lie between 1990 and 2100.
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
_INSTANT_UNITS = ("s", "ms", "us", "ns")


def number(value: Any) -> Optional[float]:
    """The number that a value is, or that its text says; None if it is none, or not finite."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            return None
    else:
        found = _read(value, "number")[0]
    return found if math.isfinite(found) else None


def _read(value: Any, kind: str) -> tuple[float, bool]:
    """What the core makes of text, and whether that says its unit; not a number of anything else."""
    is_text = isinstance(value, str) and is_unicode(value)
    return (_core.read_text(value, kind) if is_text else None) or (math.nan, False)


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
    found, is_stated = _read(text, "seconds")
    return found if is_stated else None


def speed(value: Any) -> Optional[float]:
    """The speed that a number, or text such as `1.25x`, says."""
    found = _read(value, "speed")[0] if isinstance(value, str) else number(value)
    return found if found is not None and math.isfinite(found) else None


def instant(value: Any) -> Optional[float]:
    """The seconds from 1970 UTC to an instant, or to the one that text writes; None of numbers.

    >>> instant("2026-01-15 10:00:00.5+0100")
    1768467600.5
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc).timestamp()
    found, is_one = _read(value, "instant")
    return found if is_one else None


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
