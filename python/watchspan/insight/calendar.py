"""Instants as days and hours of a calendar, whole columns at a time; all count in int64."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from watchspan.instants import DAY, moment

HOUR = DAY // 24
# Within it no zone of today changes its clocks, and one of long ago hardly ever.
_QUARTER = HOUR // 4
_MICROSECOND = timedelta(microseconds=1)
# Before every year that there is: whole days, so that a division of what is counted from there rounds down.
_BEGINNING = 10_000 * 365 * DAY


def floored(numbers: pa.Array, by: int) -> pa.Array:
    """Whole parts of a division, rounded down, of microseconds by a length that divides a day or is one."""
    return pc.subtract(pc.divide(pc.add(numbers, _BEGINNING), by), _BEGINNING // by)


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
