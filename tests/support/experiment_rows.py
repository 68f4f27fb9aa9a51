"""Rows of experiments that the tests make, and a second opinion on what they come to."""

from __future__ import annotations

import math
import random
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pyarrow as pa

# Of a user: the sum above and the sum below, during the experiment and before it.
User = Tuple[float, float, float, float]


def rows_of(users: Sequence[Tuple[float, float]], prefix: str) -> pa.Table:
    """Engagement rows, as far as two sums need them: seconds watched, and as many sessions."""
    return pa.table({
        "userId": pa.array([f"{prefix}{number}" for number in range(len(users))], pa.string()),
        "totalWatchTime": pa.array([above for above, _ in users], pa.float64()),
        "sessionCount": pa.array([int(below) for _, below in users], pa.int64()),
    })  # fmt: skip


def experiment(groups: Dict[str, List[User]]) -> Tuple[pa.Table, pa.Table, pa.Table]:
    """Rows, rows of the time before, and who is in which group."""
    now = pa.concat_tables([rows_of([user[:2] for user in users], name) for name, users in groups.items()])
    before = pa.concat_tables([rows_of([user[2:] for user in users], name) for name, users in groups.items()])
    names = [name for name, users in groups.items() for _ in users]
    return now, before, pa.table({"userId": now["userId"], "group": names})


def random_users(seed: int, count: int, effect: float = 1.0) -> List[User]:
    """Users of very different keenness, who are as they were before."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        keen = rng.lognormvariate(0, 0.8)
        now, before = (max(1, int(keen * 3 * rng.uniform(0.5, 1.5))) for _ in range(2))
        watched, once = (round(keen * n * rng.expovariate(1 / 60), 6) for n in (now, before))
        made.append((round(watched * effect, 6), float(now), once, float(before)))
    return made


def second_opinion(
    control: List[User], group: List[User], is_ratio: bool, is_adjusted: bool
) -> Dict[str, Optional[float]]:
    """Values, standard error and degrees of freedom by the moments of the delta method, in plain Python."""
    arms = [_moments(users, is_ratio) for users in (control, group)]
    both = _moments([*control, *group], is_ratio)
    slope = _covariance(both, (0, 1), (2, 3)) / _covariance(both, (2, 3), (2, 3)) if is_adjusted else 0.0
    values, errors = [], []
    for arm in arms:
        means = arm[0]
        shift = means[2] / means[3] - both[0][2] / both[0][3] if is_adjusted else 0.0
        values.append(means[0] / means[1] - slope * shift)
        variance = _covariance(arm, (0, 1), (0, 1))
        if is_adjusted:
            variance += slope**2 * _covariance(arm, (2, 3), (2, 3))
            variance -= 2 * slope * _covariance(arm, (0, 1), (2, 3))
        errors.append(variance / arm[2])
    squares = sum(error**2 / (arm[2] - 1) for error, arm in zip(errors, arms))
    return {
        "controlValue": values[0],
        "value": values[1],
        "error": math.sqrt(sum(errors)),
        "freedom": sum(errors) ** 2 / squares,
    }


def _moments(users: List[User], is_ratio: bool) -> Tuple[List[float], List[List[float]], int]:
    """Means, covariances, and of how many users."""
    rows = [list(user) if is_ratio else [user[0], 1.0, user[2], 1.0] for user in users]
    count = len(rows)
    means = [math.fsum(row[place] for row in rows) / count for place in range(4)]
    spread = [
        [math.fsum((r[i] - means[i]) * (r[j] - means[j]) for r in rows) / (count - 1) for j in range(4)]
        for i in range(4)
    ]
    return means, spread, count


def _covariance(moments: Any, one: Tuple[int, int], other: Tuple[int, int]) -> float:
    """Of two ratios, each of the sums at these places."""
    means, spread, _ = moments
    (a, b), (c, d) = one, other
    first, second = means[a] / means[b], means[c] / means[d]
    found = spread[a][c] - first * spread[b][c] - second * spread[a][d] + first * second * spread[b][d]
    return float(found / means[b] / means[d])
