"""Measures how often groups that do not differ are called different, and how often intervals hold the truth.

    python benches/experiments.py --sets 2000

Groups are drawn by chance, again and again, from users who differ as people do: each has a habit of their own
of how much they watch, how long at a time, and how likely they finish, and keeps it from the time before to
the experiment. The table stands in docs/experiments.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

import watchspan as ws
from watchspan.experiments.arms import compared
from watchspan.experiments.metrics import DEFAULT
from watchspan.experiments.users import sums_of

MEAN = ws.Metric("mean", "totalWatchTime")
RATIO = ws.Metric("ratio", "isCompletedAtLeastOnce", "videos")
TIME_RATIO = ws.Metric("ratio", "totalWatchTime", "videos")
LEVEL, POWER, EFFECT = 0.95, 0.8, 1.1
LOOKS = 10


@dataclass(frozen=True)
class Everybody:
    """All users that groups are drawn from.

    Attributes:
        now: Name of a sum -> its value for each user, in the experiment.
        before: The same of the time before.
        squares: Of each user the sum of the squares of what rows hold.
    """

    now: dict[str, Any]
    before: dict[str, Any]
    squares: Any

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.squares)


@lru_cache
def everybody(count: int = 50_000, seed: int = 7) -> Everybody:
    """Users as they may come; a tenth of them watch nothing."""
    rng = np.random.default_rng(seed)
    habits = Habits(rng.lognormal(0, 0.7, count), rng.lognormal(0, 0.5, count), rng.beta(1.5, 1.5, count))
    names = list(dict.fromkeys(name for metric in DEFAULT for name in metric.sums))
    now, before = (habits.rows(rng) for _ in range(2))
    sums = [sums_of(rows, rows["userId"].combine_chunks(), count, names) for rows in (now, before)]
    squares = np.bincount(now["userId"].to_numpy(), now["totalWatchTime"].to_numpy() ** 2, count)
    return Everybody(*sums, squares)


@dataclass(frozen=True)
class Habits:
    """What users keep to, a number each.

    Attributes:
        videos: How many they open, 1 for most.
        seconds: How long they watch one, 1 for most.
        finishing: How likely they finish one.
    """

    videos: Any
    seconds: Any
    finishing: Any

    def rows(self, rng: Any) -> pa.Table:
        """Engagement rows of one period, as far as the metrics need them."""
        many = rng.poisson(3 * self.videos) * (rng.random(len(self.videos)) > 0.1)
        user = np.repeat(np.arange(len(many)), many)
        watched = np.round(rng.exponential(240 * self.seconds[user]), 3)
        share = np.minimum(1, watched / 600)
        return pa.table({
            "userId": user,
            "totalWatchTime": watched,
            "sessionCount": 1 + rng.poisson(0.4, len(user)),
            "isCompletedAtLeastOnce": rng.random(len(user)) < self.finishing[user],
            "videoDuration": np.full(len(user), 600.0),
            "totalUniqueSecondsWatched": share * 600,
            "engagementScore": 100 * share,
        })  # fmt: skip


def arms(people: Everybody, groups: Sequence[Any], effect: float = 1.0) -> list[Any]:
    """Groups of those users, all but the first of whom watch more, in the form in which they are compared."""
    made = []
    for place, chosen in enumerate(groups):
        now = {name: values[chosen] for name, values in people.now.items()}
        if place:
            now["totalWatchTime"] = now["totalWatchTime"] * effect
        made.append([now, {name: values[chosen] for name, values in people.before.items()}])
    return made


def false_alarms(sets: int, size: int, seed: int = 1) -> dict[str, float]:
    """How -> in which share of sets two groups by chance differ with p < .05."""
    people, rng, found = everybody(), np.random.default_rng(seed), Counter[str]()
    for _ in range(sets):
        groups = rng.integers(0, people.count, (2, size))
        both = arms(people, groups)
        for name, given in (("", [[arm[0]] for arm in both]), (", less the time before", both)):
            for row in compared(given, ["a", "b"], 0, (MEAN, RATIO), LEVEL, POWER):
                found[f"{row['metric']}{name}"] += row["pValue"] < 1 - LEVEL
        found["rows as the unit: completed"] += by_rows(*(one_by_one(people, chosen) for chosen in groups))
        found["rows as the unit: watch time"] += by_rows(*(seconds(people, chosen) for chosen in groups))
        found[f"looked at {LOOKS} times"] += any(
            compared([[{"totalWatchTime": people.now["totalWatchTime"][part[: size * look // LOOKS]]}]
                      for part in groups], ["a", "b"], 0, (MEAN,), LEVEL, POWER)[0]["pValue"] < 1 - LEVEL
            for look in range(1, LOOKS + 1)
        )  # fmt: skip
    return {name: count / sets for name, count in found.items()}


def one_by_one(people: Everybody, chosen: Any) -> tuple[float, float, float]:
    """Rows, their sum, and that of their squares: whether each was completed."""
    done = people.now["isCompletedAtLeastOnce"][chosen].sum()
    return people.now["videos"][chosen].sum(), done, done


def seconds(people: Everybody, chosen: Any) -> tuple[float, float, float]:
    """The same of what was watched in each."""
    return (
        people.now["videos"][chosen].sum(),
        people.now["totalWatchTime"][chosen].sum(),
        people.squares[chosen].sum(),
    )


def by_rows(*groups: tuple[float, float, float]) -> bool:
    """Whether Welch's test takes groups of rows, each thought to be on its own, for different."""
    values = []
    for count, total, squares in groups:
        mean = total / count
        values += [mean, ((squares - count * mean**2) / (count - 1)) ** 0.5, count]
    return bool(stats.ttest_ind_from_stats(*values, equal_var=False).pvalue < 1 - LEVEL)


def any_alarm(sets: int, size: int, seed: int = 2) -> float:
    """In which share of sets any of all metrics calls any of two groups different from the control."""
    people, rng, found = everybody(), np.random.default_rng(seed), 0
    for _ in range(sets):
        three = arms(people, rng.integers(0, people.count, (3, size)))
        rows = compared(three, ["a", "b", "c"], 0, DEFAULT, LEVEL, POWER)
        found += any(row["pValueAdjusted"] is not None and row["pValueAdjusted"] < 1 - LEVEL for row in rows)
    return found / sets


def covered(sets: int, size: int, seed: int = 3) -> dict[str, float]:
    """Which interval -> in which share of sets it holds the effect that is there."""
    people, rng, found = everybody(), np.random.default_rng(seed), Counter[str]()
    total = people.now["totalWatchTime"].sum()
    truth = {"mean": total / people.count, "ratio": total / people.now["videos"].sum()}
    for _ in range(sets):
        both = arms(people, rng.integers(0, people.count, (2, size)), EFFECT)
        for name, given in (("", [[arm[0]] for arm in both]), (", less the time before", both)):
            for row in compared(given, ["a", "b"], 0, (MEAN, TIME_RATIO), LEVEL, POWER):
                more = EFFECT - 1
                relative = row["relativeLow"] <= more <= row["relativeHigh"]
                size_of_it = truth[row["metric"]] * more
                found[f"relative, {row['metric']}{name}"] += relative
                found[f"difference, {row['metric']}{name}"] += (
                    row["differenceLow"] <= size_of_it <= row["differenceHigh"]
                )
    return {name: count / sets for name, count in found.items()}


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sets", type=int, default=2_000, help="how many times groups are made")
    parser.add_argument("--users", type=int, default=1_000, help="how many users each group has")
    given = parser.parse_args()
    print(f"{given.sets:,} sets of groups of {given.users:,} users\n\n| | share of sets |\n|---|---|")
    for name, share in false_alarms(given.sets, given.users).items():
        print(f"| p < .05 without a difference: {name} | {share:.3f} |")
    print(f"| any of 7 metrics and 2 groups called significant | {any_alarm(given.sets, given.users):.3f} |")
    for name, share in covered(given.sets, given.users).items():
        print(f"| the interval holds the effect: {name} | {share:.3f} |")


if __name__ == "__main__":
    main()
