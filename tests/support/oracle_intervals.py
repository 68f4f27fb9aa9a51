"""The second opinion: intervals, and sums that are cut at the largest float."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

Interval = tuple[float, float]

LARGEST = sys.float_info.max


def within_floats(value: float) -> float:
    """The value; infinity becomes the largest float."""
    return max(-LARGEST, min(LARGEST, value))


def total(values: Iterable[float]) -> float:
    """The sum, one after the other in the order given (``sum`` may round otherwise)."""
    result = 0.0
    for value in values:
        result = within_floats(result + value)
    return result


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, disjoint, touching ones merged."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def length(intervals: Iterable[Interval]) -> float:
    """The sum of the lengths."""
    return total(end - start for start, end in intervals)


def replays(intervals: Sequence[Interval]) -> list[Interval]:
    """For k = 2, 3, … the maximal stretches that at least k intervals cover, sorted by start, then end."""
    points = sorted({point for interval in intervals for point in interval})
    pieces = list(zip(points, points[1:]))
    depths = [sum(1 for start, end in intervals if start <= a and b <= end) for a, b in pieces]
    result: list[Interval] = []
    for k in range(2, max(depths, default=0) + 1):
        result += union(piece for piece, depth in zip(pieces, depths) if depth >= k)
    return sorted(result)


def overlap(intervals: Iterable[Interval], start: float, end: float) -> float:
    """How much of the intervals lies between start and end; what lies there twice counts twice."""
    return total(max(0.0, min(end, b) - max(start, a)) for a, b in intervals)


def interval_dicts(intervals: Iterable[Interval]) -> list[dict[str, float]]:
    """As rows show them."""
    return [{"start": start, "end": end} for start, end in intervals]


def interval_pairs(dicts: Any) -> list[Interval]:
    """As ``interval_dicts`` was given them; nothing for the null of a row without unique seconds."""
    return [(interval["start"], interval["end"]) for interval in dicts or []]
