"""What groups are compared by: sums over users, and one sum by another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Optional

from watchspan import _core
from watchspan.errors import OptionError
from watchspan.experiments.quantities import BUILT_INS, QUANTITIES
from watchspan.text import shown

# The columns of engagement rows that can be summed up: those of numbers and of yes and no.
SUMMABLE = {
    spec["name"]: spec["type"]
    for spec in _core.column_specs("engagement")
    if spec["type"] in ("double", "int64", "bool")
}
_MADE = {quantity.name: quantity for quantity in QUANTITIES}


@dataclass(frozen=True)
class Metric:
    """What groups are compared by: a mean over users, or one sum by another.

    Attributes:
        name: What the table calls it.
        numerator: What is summed up of each user: a column of engagement rows that holds numbers or yes and
            no, where null is 0, or one of the sums in `docs/columns.md`, such as `videos`.
        denominator: By what that is divided: another such sum. None: by the number of users.

    Raises:
        OptionError: If it has no name, or a sum is not known.

    >>> import watchspan as ws
    >>> skips = ws.Metric("skipsPerSession", "totalForwardSkips", "sessionCount")
    >>> ws.Metric("hours", "watchHours")
    Traceback (most recent call last):
    watchspan.errors.OptionError: numerator of the metric 'hours' is 'watchHours', but a column of ...
    """

    name: str
    numerator: str
    denominator: Optional[str] = None

    def __post_init__(self) -> None:
        """Checks it."""
        if not isinstance(self.name, str) or not self.name:
            raise OptionError(f"The name of a metric is {shown(self.name)}, but text is needed.")
        for part in ("numerator", "denominator"):
            value = getattr(self, part)
            is_known = isinstance(value, str) and (value in _MADE or value in SUMMABLE)
            if not is_known and (part == "numerator" or value is not None):
                raise OptionError(
                    f"{part} of the metric {shown(self.name)} is {shown(value)}, but a column of engagement "
                    f"rows that can be summed up is needed, or one of {', '.join(_MADE)}. There are "
                    f"{', '.join(SUMMABLE)}."
                )

    @property
    def sums(self) -> tuple[str, ...]:
        """The sums that it is made from."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)


BY_NAME = {spec.name: Metric(spec.name, spec.numerator, spec.denominator) for spec in BUILT_INS}
DEFAULT = tuple(BY_NAME.values())


def metrics_argument(metrics: Any) -> tuple[Metric, ...]:
    """The metrics, of which those that are built in may be given by name.

    Raises:
        OptionError: If there are none, one is neither, or two have the same name.
    """
    accepted = f"a watchspan.Metric, or the name of one that is built in ({', '.join(BY_NAME)}), is needed"
    if isinstance(metrics, (str, Metric)):
        metrics = (metrics,)
    if not isinstance(metrics, Iterable):
        raise OptionError(
            f"metrics is {shown(metrics)}, but a list is needed, of which each is what {accepted}."
        )
    chosen: dict[str, Metric] = {}
    for given in metrics:
        found = BY_NAME.get(given) if isinstance(given, str) else given
        if not isinstance(found, Metric):
            raise OptionError(f"One of metrics is {shown(given)}, but {accepted}.")
        if found.name in chosen:
            raise OptionError(f"Two of metrics are called {shown(found.name)}: give each a name of its own.")
        chosen[found.name] = found
    if not chosen:
        raise OptionError("metrics is empty: name at least one.")
    return tuple(chosen.values())


def columns_of(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of engagement rows that some sums are made from, the user first."""
    found = [column for name in names for column in (_MADE[name].columns if name in _MADE else (name,))]
    return tuple(dict.fromkeys(("userId", *found)))
