"""The groups of an experiment, each metric of each beside that of the control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from watchspan.experiments.assignment import Assignment
from watchspan.experiments.metrics import Metric
from watchspan.experiments.periods import Period, Periods
from watchspan.experiments.statistics import Ratio, differences, holm
from watchspan.experiments.users import Numbers, sums_of

# Of a group: for each period, name of a sum -> its value for each user.
Arm = list[dict[str, Numbers]]


def arms_of(periods: Periods, metrics: Sequence[Metric]) -> list[Arm]:
    """The groups, in the order of their numbers.

    Args:
        periods: What was watched, by whom.
        metrics: What is to be compared.
    """
    assigned = periods.assigned
    names = list(dict.fromkeys(name for metric in metrics for name in metric.sums))
    known = [periods.now] if periods.before is None else [periods.now, periods.before]
    sums = [_sums(period, assigned, names) for period in known]
    group = np.asarray(assigned.group.to_numpy(zero_copy_only=False))
    return [
        [{name: values[group == number] for name, values in period.items()} for period in sums]
        for number in range(len(assigned.names))
    ]


def _sums(period: Period, assigned: Assignment, names: Sequence[str]) -> dict[str, Numbers]:
    return sums_of(period.rows, period.places, len(assigned.users), names)


def compared(
    arms: Sequence[Arm], names: Sequence[str], control: int, metrics: Sequence[Metric], confidence: float,
    power: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """The rows of the table, whether they are significant left out.

    Args:
        arms: The groups.
        names: What they are called.
        control: The number of the one that the others are compared with.
        metrics: What is compared.
        confidence: That of the intervals.
        power: With what chance the smallest effect is found.
    """
    rows: list[dict[str, Any]] = []
    for metric in metrics:
        of = [_ratios(arm, metric) for arm in arms]
        first, *past = of[control]
        for place, name in enumerate(names):
            if place == control:
                continue
            second, *then = of[place]
            before = (past[0], then[0]) if past else None
            said = {
                "metric": metric.name, "group": name, "control": names[control], "users": len(second.above),
                "usersControl": len(first.above),
            }  # fmt: skip
            rows.append({**said, **differences(first, second, before, confidence, power)})
    values: list[Any] = [row["pValue"] for row in rows]
    for row, adjusted in zip(rows, holm(values)):
        row["pValueAdjusted"] = adjusted
    return rows


def _ratios(arm: Arm, metric: Metric) -> list[Ratio]:
    """The metric of a group in each period, its users in an order that depends on nothing but what they did.

    So does every sum of them, to the last digit.
    """
    parts = [[period[name] for name in metric.sums] for period in arm]
    order = np.lexsort([values for part in parts for values in part])
    ordered = [[values[order] for values in part] for part in parts]
    return [Ratio(part[0], part[1] if len(part) > 1 else np.ones(len(order))) for part in ordered]
