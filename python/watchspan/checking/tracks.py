"""The events of a sample as players' tracks: in order of time, each user and video by itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Optional

from watchspan.checking.meanings import PLAYING
from watchspan.checking.values import UNITS

# After these a player plays; before those its position may be anywhere.
_JUMPING = frozenset(("seek", "seek_start", "play"))
# Players play at these speeds, or a little off.
_SLOWEST, _FASTEST = 0.2, 4.2
# Later than this nobody was still watching.
_LONGEST_GAP = 1_800.0


@dataclass
class Tracks:
    """Events by user and video.

    Attributes:
        times: Row -> seconds from 1970 UTC.
        meanings: Row -> what its event means.
        groups: The rows of each user and video, in order of time.
    """

    times: Mapping[int, float]
    meanings: Mapping[int, str]
    groups: list[list[int]] = field(default_factory=list)

    @staticmethod
    def of(
        times: Mapping[int, float],
        meanings: Mapping[int, str],
        users: Mapping[int, Any],
        videos: Mapping[int, Any],
    ) -> Tracks:
        """The tracks of rows that have a time; where nobody says whose they are, all are of one."""
        groups: dict[tuple[Any, Any], list[int]] = defaultdict(list)
        for row in times:
            groups[users.get(row), videos.get(row)].append(row)
        ordered = [sorted(rows, key=lambda row: (times[row], row)) for rows in groups.values()]
        return Tracks(times, meanings, ordered)

    def ratios(self, positions: Mapping[int, float]) -> list[float]:
        """By how much positions move in a second of the clock, of each stretch that was played."""
        return [pace for pace in self._paces(positions) if pace > 0]

    def backward(self, positions: Mapping[int, float]) -> float:
        """The share of stretches that were played in which positions move back, as none should."""
        paces = self._paces(positions)
        return sum(pace < 0 for pace in paces) / len(paces) if paces else 0.0

    def _paces(self, positions: Mapping[int, float]) -> list[float]:
        found = []
        for rows in self.groups:
            known = [row for row in rows if row in positions]
            for first, then in zip(known, known[1:]):
                clock = self.times[then] - self.times[first]
                if 0 < clock <= _LONGEST_GAP and self._plays(first, then):
                    found.append((positions[then] - positions[first]) / clock)
        return found

    def _plays(self, first: int, then: int) -> bool:
        if not self.meanings:
            return True
        return self.meanings.get(first) in PLAYING and self.meanings.get(then) not in _JUMPING

    def before(self, row_positions: Mapping[int, float]) -> dict[int, tuple[float, float]]:
        """Row -> the position last known before it, and how long before."""
        found = {}
        for rows in self.groups:
            last: Optional[int] = None
            for row in rows:
                if last is not None:
                    found[row] = (row_positions[last], self.times[row] - self.times[last])
                if row in row_positions:
                    last = row
        return found


def unit_of(ratios: list[float]) -> Optional[str]:
    """The unit that positions count if players play at usual speeds; None if nothing moves.

    >>> unit_of([1000.0, 1500.0, 980.0])
    'ms'
    """
    if not ratios:
        return None
    middle = median(ratios)
    return min(UNITS, key=lambda unit: abs(math.log(middle * UNITS[unit])))


def agreement(ratios: list[float]) -> float:
    """The share of stretches that were played at a usual speed, in the unit that fits best."""
    unit = unit_of(ratios)
    if unit is None:
        return 0.0
    return sum(_SLOWEST <= ratio * UNITS[unit] <= _FASTEST for ratio in ratios) / len(ratios)
