"""The moments of one video as their definition has them, viewer by viewer: a second opinion in numpy."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from watchspan.insight.completion import wilson

WIDTHS = (1, 2, 3, 5, 8)
UNITS = 1000
Row = dict[str, Any]
Numbers = Any


def critical(probability: float) -> float:
    """The number of standard errors that chance exceeds with this probability."""
    return NormalDist().inv_cdf(1 - probability)


def moments(rows: list[Row], buckets: int = 100, error: float = 0.05, most: int = 5) -> list[Row]:
    """The moments of the one video of `rows`, each of another user, of at least a minute and 100 viewers."""
    duration = rows[0]["videoDuration"]
    edges = np.array([duration * (edge / buckets) for edge in range(buckets + 1)])
    reach = np.array([max((part["end"] for part in row["watchedIntervals"]), default=0.0) for row in rows])
    # Within a bucket, positions are whole thousandths.
    width = duration / buckets / UNITS
    watched = np.array([spread(row["watchedIntervals"], width, buckets) for row in rows])
    again = np.array([spread(row["replayedIntervals"], width, buckets) for row in rows])
    until = np.array([spread([{"start": 0.0, "end": end}], width, buckets) for end in reach])
    found = [
        share_row("intro", 0.0, min(30.0, duration), reach, error),
        share_row("end", 0.95 * duration, duration, reach, error, 0.95 * duration),
        steady(edges, reach, error),
        *drops(edges, reach, error, most),
    ]
    dips = windows(until - watched, edges, error, [])
    spikes = windows(watched + again, edges, error, dips)
    for kind, sign, those in (("dip", -1, dips), ("spike", 1, spikes)):
        for start, end, size, margin, z in those[:most]:
            low = max(-1.0, -size - margin) if kind == "dip" else size - margin
            found.append(
                row_of(kind, edges[start], edges[end], (sign * size, low, sign * size + margin), len(rows), z)
            )
    return sorted(found, key=lambda row: (row["kind"], row["startSeconds"]))


def row_of(kind: str, start: float, end: float, size: Any, viewers: int, z: Any = None) -> Row:
    """A row as `ws.moments` has it."""
    names = ("kind", "startSeconds", "endSeconds", "size", "sizeLow", "sizeHigh", "viewers", "z")
    return dict(zip(names, (kind, start, end, *size, viewers, z)))


def spread(intervals: list[Row], width: float, buckets: int) -> Numbers:
    """Of each bucket, in thousandths of it, how much the intervals cover, each for itself."""
    starts = np.arange(buckets) * UNITS
    covered = np.zeros(buckets)
    for interval in intervals:
        start, end = (round(min(interval[name] / width, buckets * UNITS)) for name in ("start", "end"))
        covered += np.clip(np.minimum(end, starts + UNITS) - np.maximum(start, starts), 0, None)
    return covered


def share_row(kind: str, start: float, end: float, reach: Numbers, error: float, mark: Any = None) -> Row:
    """The share that got to the end of something, or to another mark."""
    found = int((reach >= (end if mark is None else mark)).sum())
    return row_of(kind, start, end, wilson(found, len(reach), 1 - error), len(reach))


def steady(edges: Numbers, reach: Numbers, error: float) -> Row:
    """The stretch that loses least."""
    length, there = max(30.0, 0.1 * edges[-1]), [int((reach >= edge).sum()) for edge in edges]
    tried = []
    for start, edge in enumerate(edges):
        ends = [end for end, other in enumerate(edges) if other >= edge + length - 1e-6]
        if edge >= 30.0 - 1e-6 and ends and there[start]:
            tried.append((1 - there[ends[0]] / there[start], start, ends[0]))
    _, start, end = min(tried)
    size = wilson(there[start] - there[end], there[start], 1 - error / len(tried))
    return row_of("steady", edges[start], edges[end], size, there[start])


def drops(edges: Numbers, reach: Numbers, error: float, most: int) -> list[Row]:
    """The buckets that more leave than those beside them."""
    there = np.array([(reach >= edge).sum() for edge in edges])
    exits, found = there[:-1] - there[1:], []
    tested = [b for b in range(len(exits)) if edges[b] >= 30.0 and edges[b + 1] <= 0.95 * edges[-1]]
    for bucket in tested:
        beside = [b for b in range(bucket - 5, bucket + 6) if 0 <= b <= tested[-1] and b != bucket]
        a, n, b, m = exits[bucket], there[bucket], exits[beside].sum(), there[beside].sum()
        if a < 10 or n < 30 or (a - 0.5) / n <= (b + 0.5) / m:
            continue
        p = (a + b) / (n + m)
        counts = np.array([a - 0.5, n - a + 0.5, b + 0.5, m - b - 0.5])
        z = np.sqrt(2 * (counts * np.log(counts / [n * p, n - n * p, m * p, m - m * p])).sum())
        if z > critical(error / len(exits)):
            wide = 1 - error / len(exits)
            (here, low, high), (rest, least, greatest) = wilson(a, n, wide), wilson(b, m, wide)
            size = here - rest
            ends = (size - np.hypot(here - low, greatest - rest), size + np.hypot(high - here, rest - least))
            found.append(row_of("drop", edges[bucket], edges[bucket + 1], (size, *ends), int(n), z))
    return sorted(found, key=lambda row: -row["z"])[:most]


def windows(values: Numbers, edges: Numbers, error: float, dips: list[Any]) -> list[Any]:
    """The windows that stand out on both sides: start, end, size, margin and z; the most certain first."""
    viewers, buckets = values.shape
    all_of_them = [(start, w) for w in WIDTHS for start in range(w, buckets - 2 * w + 1)]
    needed, standing = critical(error / (4 * len(all_of_them))), []
    for start, w in all_of_them:
        before, here, after = (
            values[:, s : s + w].mean(axis=1) / UNITS for s in (start - w, start, start + w)
        )
        z = min(z_of(here - before), z_of(here - after))
        contrast = here - (before + after) / 2
        size, margin = contrast.mean(), needed * contrast.std(ddof=1) / np.sqrt(viewers)
        is_apart = all(start + 2 * w < dip[0] or dip[1] < start - w for dip in dips)
        if z > needed and size >= 0.01 and round(size * viewers, 9) >= 10 and is_apart:
            standing.append((start, start + w, size, margin, z))
    standing.sort(key=lambda window: (window[3] - window[2], window[0], window[1]))
    found: list[Any] = []
    for window in standing:
        if all(window[1] <= other[0] or other[1] <= window[0] for other in found):
            found.append(window)
    return found


def z_of(values: Numbers) -> float:
    """The mean in standard errors."""
    spread = values.std(ddof=1)
    return float(values.mean() / spread * np.sqrt(len(values))) if spread else 0.0
