"""Numbers that count something else than seconds, as expressions; text that is a number, too."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core

# How many of a unit make a second.
_PER_SECOND = {unit: int(per_second) for unit, per_second in _core.units.items()}
# The years 1 to 9999 in microseconds from 1970.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+|\d+,\d+)([eE][+-]?\d{1,3})?\s*$"
# What a long surely holds.
_WHOLE = r"^\s*[+-]?\d{1,18}\s*$"
# An instant as text, in any session's zone.
_STAMP = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
# In steps of a microsecond, with room for the whole range.
_MICROS = "decimal(26,6)"


def stamp(instant: Column) -> Column:
    """An instant as text, with its offset."""
    return F.date_format(instant, _STAMP)


def instants(column: Column, kind: T.DataType, unit: str) -> Column:
    """The instants that numbers in `unit` count from 1970; of text those numbers, and what else it says."""
    if isinstance(kind, T.StringType):
        whole = F.when(column.rlike(_WHOLE), F.trim(column).cast(T.LongType()))
        near = _number(column)
        counted = F.coalesce(_instant(_micros(whole, unit)), _instant(_near(near, unit)))
        return F.coalesce(stamp(counted), column)
    if isinstance(kind, T.IntegralType):
        return _instant(_micros(column.cast(T.LongType()), unit))
    if isinstance(kind, T.NumericType):
        return _instant(_near(column.cast(T.DoubleType()), unit))
    return column


def in_seconds(column: Column, kind: T.DataType, unit: str) -> Column:
    """Positions or lengths in seconds of such in `unit`; text that is no number states its own."""
    per_second = float(_PER_SECOND[unit])
    if isinstance(kind, T.StringType):
        return F.coalesce((_number(column) / per_second).cast(T.StringType()), column)
    return column.cast(T.DoubleType()) / per_second if isinstance(kind, T.NumericType) else column


def _number(text: Column) -> Column:
    """The number that text is, with a point or a comma; null if it is none."""
    return F.when(text.rlike(_NUMBER), F.translate(F.trim(text), ",", ".").cast(T.DoubleType()))


def _micros(whole: Column, unit: str) -> Column:
    """Microseconds of whole numbers, cut off, as decimals: no product of them overflows."""
    number, per_second = whole.cast("decimal(20,0)"), _PER_SECOND[unit]
    if per_second <= 10**6:
        return number * F.lit(Decimal(10**6 // per_second))
    return F.floor(number / F.lit(Decimal(per_second // 10**6)))


def _near(number: Column, unit: str) -> Column:
    """The same of numbers with a fraction, to the nearest microsecond."""
    return F.round(number * (1e6 / _PER_SECOND[unit]))


def _instant(micros: Column) -> Column:
    """The instants, null outside the years 1 to 9999."""
    inside = F.when(micros.between(_FIRST, _LAST), micros)
    return F.timestamp_seconds((inside.cast("decimal(20,0)") / F.lit(Decimal(10**6))).cast(_MICROS))
