"""Values and rows that should be the same, and how they differ."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from watchspan import instants
from watchspan.text import shown, visible

Row = Mapping[str, Any]
# How far numbers may be apart where nobody says so.
TOLERANCE = 1e-6


class Difference(NamedTuple):
    """Where a row is not as it should be."""

    row: str
    column: str
    expected: Any
    got: Any


def comparable(value: Any) -> Any:
    """A value with instants as RFC 3339 text in UTC; those without a zone are UTC."""
    if isinstance(value, dt.datetime):
        return instants.text(value)
    if isinstance(value, Mapping):
        return {name: comparable(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [comparable(part) for part in value]
    return value


def is_same(got: Any, expected: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two values of `comparable` are the same; numbers, wherever they are, within `tolerance`.

    How far integers are apart is computed exactly.
    """
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        return set(got) == set(expected) and all(
            is_same(got[name], expected[name], tolerance) for name in expected
        )
    if isinstance(expected, list) and isinstance(got, list):
        return len(got) == len(expected) and all(
            is_same(one, two, tolerance) for one, two in zip(got, expected)
        )
    if isinstance(got, bool) or isinstance(expected, bool):
        return got is expected
    if isinstance(got, (int, float)) and isinstance(expected, (int, float)):
        return _is_same_number(got, expected, tolerance)
    return bool(got == expected)


def _is_same_number(got: float, expected: float, tolerance: float) -> bool:
    if got == expected:  # infinities too
        return True
    if isinstance(got, int) and isinstance(expected, int):
        return abs(got - expected) <= tolerance
    try:
        both = float(got), float(expected)
    except OverflowError:  # an integer that no float can be
        return False
    if any(map(math.isnan, both)):
        return all(map(math.isnan, both))
    return abs(both[0] - both[1]) <= tolerance


def text(value: Any) -> str:
    """A value in a message: on one line, never too long."""
    return visible(value if isinstance(value, _Absent) else shown(value))


class _Absent(str):
    """What stands where there is no such column."""


ABSENT = _Absent("no such column")


def columns_that_differ(
    row: str, got: Row, expected: Row, columns: Sequence[str], tolerance: float = TOLERANCE
) -> list[Difference]:
    """Where a row is not as expected.

    Args:
        row: Which one it is, as a message names it.
        got: The row.
        expected: What it should be.
        columns: In which columns.
        tolerance: How far numbers may be apart.
    """
    found = []
    for name in columns:
        is_there = name in got
        value = comparable(got.get(name))
        wanted = comparable(expected[name])
        if not is_there or not is_same(value, wanted, tolerance):
            found.append(Difference(row, name, wanted, value if is_there else ABSENT))
    return found


def lined_up(header: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Lines of cells below a header, each column as wide as it needs."""
    wide = [max(map(len, column)) for column in zip(header, *rows)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide)) for row in [header, *rows])
    return [f"{indent}{line}".rstrip() for line in lines]
