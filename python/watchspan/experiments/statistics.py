"""How far apart two groups are, and how certain that is.

A metric is a ratio of sums over users, R = sum of a / sum of b, where b is 1 for a mean. Near R it varies as
the mean of (a - R b) / mean of b, one number for each user, does (the delta method): all that follows are
means of such numbers. The formulas are those of Deng, Xu, Kohavi and Walker (2013) and of Deng, Knoblich and
Lu (2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from scipy.special import chdtrc, stdtr, stdtrit

from watchspan.experiments.users import Numbers

# A deviation of so small a part of the value is what remains of rounding where all users are alike.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Ratio:
    """Two numbers of each user of a group, one sum of which is divided by the other.

    Attributes:
        above: The numbers above.
        below: Those below.
    """

    above: Numbers
    below: Numbers

    @property
    def value(self) -> float:
        """The one sum by the other."""
        return float(self.above.sum() / self.below.sum())

    @property
    def is_defined(self) -> bool:
        """Whether there is anything below."""
        return bool(self.below.sum() != 0)

    def with_all_of(self, other: Ratio) -> Ratio:
        """That of two groups together."""
        both = ((self.above, other.above), (self.below, other.below))
        return Ratio(*(np.concatenate(parts) for parts in both))

    def linear(self) -> Numbers:
        """A number for each user, whose mean is 0 and varies as the value does."""
        part: Numbers = (self.above - self.value * self.below) / self.below.mean()
        return part


@dataclass(frozen=True)
class _Mean:
    """A mean and what it varies by."""

    value: float
    variance: float
    count: int

    @property
    def error(self) -> float:
        """The square of its standard error."""
        return self.variance / self.count

    def scaled(self) -> _Mean:
        """Its logarithm."""
        return _Mean(math.log(self.value), self.variance / self.value / self.value, self.count)


def differences(
    control: Ratio,
    group: Ratio,
    before: Optional[tuple[Ratio, Ratio]],
    confidence: float,
    power: float,
) -> dict[str, Optional[float]]:
    """What a group's metric is beside that of the control: columns of the table, null where undefined.

    Args:
        control: The metric of the control.
        group: That of the group.
        before: What both were before the experiment, the covariate; None: nobody knows.
        confidence: That of the intervals.
        power: With what chance an effect of `smallestEffect` is found.
    """
    names = (
        "controlValue", "value", "difference", "differenceLow", "differenceHigh", "relative", "relativeLow",
        "relativeHigh", "pValue", "smallestEffect", "varianceReduction",
    )  # fmt: skip
    found: dict[str, Optional[float]] = dict.fromkeys(names)
    if not control.is_defined or not group.is_defined:
        return found
    plain = tuple(_Mean(r.value, float(r.linear().var(ddof=1)), len(r.above)) for r in (control, group))
    first, second = plain
    if before is not None and all(ratio.is_defined for ratio in before):
        first, second = _adjusted((control, group), before)
        raw = plain[0].error + plain[1].error
        found["varianceReduction"] = 1 - (first.error + second.error) / raw if raw else None
    found.update(controlValue=first.value, value=second.value, difference=second.value - first.value)
    if first.value > 0:
        found["relative"] = second.value / first.value - 1
    if not _is_varied(first, second):
        return found
    found.update(_of_difference(first, second, confidence, power))
    return {name: value if value is None or math.isfinite(value) else None for name, value in found.items()}


def _adjusted(now: Sequence[Ratio], before: Sequence[Ratio]) -> tuple[_Mean, _Mean]:
    """CUPED: the means less what the time before says of them, by the slope over both groups."""
    together, earlier = now[0].with_all_of(now[1]), before[0].with_all_of(before[1])
    y, x = together.linear(), earlier.linear()
    spread = float((x * x).sum())
    slope = float((y * x).sum()) / spread if spread else 0.0
    first, second = (
        _Mean(
            ratio.value - slope * (past.value - earlier.value),
            float((ratio.linear() - slope * past.linear()).var(ddof=1)),
            len(ratio.above),
        )
        for ratio, past in zip(now, before)
    )
    return first, second


def _is_varied(*means: _Mean) -> bool:
    largest = max(abs(mean.value) for mean in means)
    return math.sqrt(max(mean.variance for mean in means)) > _NOTHING * largest


def _of_difference(first: _Mean, second: _Mean, confidence: float, power: float) -> dict[str, Any]:
    """Welch's test and interval, the relative one on the scale of logarithms."""
    error, freedom = _welch(first, second)
    difference, tail = second.value - first.value, (1 + confidence) / 2
    half = stdtrit(freedom, tail) * error
    found = {
        "differenceLow": difference - half,
        "differenceHigh": difference + half,
        "pValue": min(1.0, 2 * float(stdtr(freedom, -abs(difference) / error))),
    }
    if first.value > 0:
        found["smallestEffect"] = (half + stdtrit(freedom, power) * error) / first.value
    if first.value > 0 and second.value > 0:
        scaled = first.scaled(), second.scaled()
        error, freedom = _welch(*scaled)
        middle, half = scaled[1].value - scaled[0].value, stdtrit(freedom, tail) * error
        with np.errstate(over="ignore"):
            found["relativeLow"], found["relativeHigh"] = np.expm1(middle - half), np.expm1(middle + half)
    return {name: float(value) for name, value in found.items()}


def _welch(first: _Mean, second: _Mean) -> tuple[float, float]:
    """The standard error of a difference, and its degrees of freedom."""
    one, other = first.error, second.error
    below = one * one / (first.count - 1) + other * other / (second.count - 1)
    return math.sqrt(one + other), (one + other) ** 2 / below


def holm(values: Sequence[Optional[float]]) -> list[Optional[float]]:
    """P-values adjusted for how many they are, by Holm (1979); what is None is not one of them.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    order = sorted((value, place) for place, value in enumerate(values) if value is not None)
    found: list[Optional[float]] = [None] * len(values)
    largest = 0.0
    for rank, (value, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * value))
        found[place] = largest
    return found


def ratio_p_value(users: Sequence[int], shares: Sequence[float]) -> float:
    """How likely groups of such sizes, or odder ones, are if users come in these shares: Pearson's test.

    >>> round(ratio_p_value([550, 450], [0.5, 0.5]), 6)
    0.001565
    """
    expected = [sum(users) * share for share in shares]
    statistic = sum((found - wanted) ** 2 / wanted for found, wanted in zip(users, expected))
    return float(chdtrc(len(users) - 1, statistic))
