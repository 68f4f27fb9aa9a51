"""Viewers who come back to a video, or not, by rules that we planted."""

from __future__ import annotations

import datetime as dt
import math
import random
from functools import lru_cache
from typing import Any, Dict, List, Tuple

import pyarrow as pa
import pyarrow.compute as pc

import watchspan as ws

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
THEN, LATER = START + dt.timedelta(days=30), START + dt.timedelta(days=44)
_DAY = 86_400.0
_NAMES = ("timestamp", "userId", "videoId", "sessionId", "eventName", "currentTime")

Videos = Dict[str, List[Any]]


class _Log:
    """Events as they are told, and the lengths of videos."""

    def __init__(self, lengths: Dict[str, float]) -> None:
        self.lengths = lengths
        self.rows: List[Tuple[Any, ...]] = []
        self.sittings = 0

    def sitting(self, at: float, user: str, video: str, start: float, end: float) -> None:
        """Somebody watches from a position to another; the end of the video is told."""
        self.sittings += 1
        last = "ended" if end >= self.lengths[video] else "pause"
        for name, position in (("play", start), (last, end)):
            moment = START + dt.timedelta(seconds=round(at + position - start, 3))
            self.rows.append((moment, user, video, f"s{self.sittings}", name, position))

    def told(self) -> Tuple[pa.Table, Videos]:
        columns = dict(zip(_NAMES, map(list, zip(*self.rows))))
        columns["timestamp"] = pa.array(columns["timestamp"], pa.timestamp("us", "UTC"))
        return pa.table(columns), {"videoId": list(self.lengths), "duration": list(self.lengths.values())}


@lru_cache
def keen_ones(users: int = 400, seed: int = 0) -> Tuple[pa.Table, Videos]:
    """Two in five viewers come back to what they began, mostly within some days; the others hardly do.

    How far they got says little of who comes back; how long ago it was, and what they did before, says much.
    """
    chance = random.Random(f"keen {seed}")
    log = _Log({f"v{number:02d}": float(chance.choice([120, 300, 600, 1200])) for number in range(30)})
    for number in range(users):
        is_keen = chance.random() < 0.4
        joined = chance.uniform(0, 44)
        for video in chance.sample(sorted(log.lengths), chance.randint(2, 8)):
            length, at, position = log.lengths[video], (joined + chance.expovariate(1 / 12)) * _DAY, 0.0
            while at < 60 * _DAY:
                end = min(length, position + chance.expovariate(1 / (length * (0.55 if is_keen else 0.35))))
                log.sitting(at, f"u{number:04d}", video, position, end)
                if end == length or chance.random() > (0.8 if is_keen else 0.1):
                    break
                at, position = at + end - position + chance.expovariate(1 / 2.5) * _DAY, end
    return log.told()


@lru_cache
def by_reach_alone(users: int = 300, seed: int = 0) -> Tuple[pa.Table, Videos]:
    """All watch once before `THEN`; afterwards a coin, by how far they got alone, says who finishes."""
    chance = random.Random(f"reach {seed}")
    log = _Log({f"v{number}": 600.0 for number in range(10)})
    for number in range(users):
        for video in chance.sample(sorted(log.lengths), 5):
            reach = chance.uniform(0, 0.9)
            log.sitting(chance.uniform(0, 29) * _DAY, f"u{number}", video, 0.0, reach * 600.0)
            if chance.random() < 0.05 + 0.7 * reach**2:
                log.sitting(chance.uniform(30, 43) * _DAY, f"u{number}", video, reach * 600.0, 600.0)
    return log.told()


def as_of(told: Tuple[pa.Table, Videos], until: dt.datetime) -> pa.Table:
    """The engagement rows of the events before some time."""
    events, videos = told
    times = events["timestamp"]
    return ws.aggregate(events.filter(pc.less(times, pa.scalar(until, times.type))), videos=videos)


def chance_of(row: Dict[str, Any]) -> float:
    """How likely a pair of `by_reach_alone` is completed."""
    return 0.05 + 0.7 * row["reach"] ** 2


def is_close(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12)
