"""Instants as days and hours of a calendar, whole columns at a time; all count in int64."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from watchspan.instants import DAY, moment

HOUR = DAY // 24
# Within it no zone of today changes its clocks, and one of long ago hardly ever.
_QUARTER = HOUR // 4
_MICROSECOND = timedelta(microseconds=1)
_BEGINNING = 10_000 * 365 * DAY
# Day 0 is a Thursday.
_MONDAY = 3


def floored(numbers: pa.Array, by: int) -> pa.Array:
    """Whole parts of a division, rounded down, of times that are within the years 1 to 9999."""
    # Counted from before all of them, where a division that cuts off rounds down.
    before = _BEGINNING // by + 1
    return pc.subtract(pc.divide(pc.add(numbers, before * by), by), before)


def local(micros: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Microseconds since 1970 as the clocks of a zone show them, from microseconds since 1970 UTC."""
    quarters = floored(micros, _QUARTER).dictionary_encode()
    starts = quarters.dictionary.to_pylist()
    first = [_offset(start * _QUARTER, zone) for start in starts]
    last = [_offset((start + 1) * _QUARTER - 1, zone) for start in starts]
    offsets = pa.array(first, pa.int64()).take(quarters.indices)
    if first != last:
        is_mixed = pa.array([a != b for a, b in zip(first, last)], pa.bool_()).take(quarters.indices)
        exact = [_offset(value, zone) for value in micros.filter(is_mixed).to_pylist()]
        offsets = pc.replace_with_mask(offsets, is_mixed, pa.array(exact, pa.int64()))
    return pc.add(micros, offsets)


def _offset(micros: int, zone: ZoneInfo) -> int:
    try:
        offset = moment(micros).astimezone(zone).utcoffset()
    except OverflowError:  # at the very ends of the calendar, where no clock shows anything
        offset = None
    return (offset or timedelta(0)) // _MICROSECOND


def dates(days: pa.Array) -> pa.Array:
    """Dates from days since 1970."""
    return days.cast(pa.int32()).view(pa.date32())


def periods(micros: pa.Array, by: str) -> pa.Array:
    """The numbers of the days, weeks from Monday on, or months of UTC since 1970 in which instants are.

    Args:
        micros: The instants, in microseconds since 1970.
        by: `day`, `week` or `month`.
    """
    days = floored(micros, DAY)
    if by == "week":
        return floored(pc.add(days, _MONDAY), 7)
    if by == "month":
        found = days.dictionary_encode()
        dates = [moment(day * DAY) for day in found.dictionary.to_pylist()]
        months = [(day.year - 1970) * 12 + day.month - 1 for day in dates]
        return pa.array(months, pa.int64()).take(found.indices)
    return days


def first_day(period: int, by: str) -> date:
    """The first day of a period, by its number.

    >>> first_day(0, "week"), first_day(-1, "month")
    (datetime.date(1969, 12, 29), datetime.date(1969, 12, 1))
    """
    if by == "month":
        return date(1970 + period // 12, period % 12 + 1, 1)
    return date(1970, 1, 1) + timedelta(days=period * 7 - _MONDAY if by == "week" else period)
