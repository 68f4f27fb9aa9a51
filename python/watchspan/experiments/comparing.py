"""Groups of users, compared by what they watched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from watchspan import arguments
from watchspan.errors import DataError, MissingDependencyError, OptionError
from watchspan.experiments.cautions import cautions
from watchspan.experiments.metrics import DEFAULT, Metric, metrics_argument
from watchspan.experiments.outcome import Comparison, SampleRatio
from watchspan.experiments.periods import Making, read_periods
from watchspan.insight import tables
from watchspan.rules import Rules
from watchspan.text import shown


def compare(
    rows: Any,
    groups: Any,
    *,
    before: Any = None,
    videos: Any = None,
    control: Optional[str] = None,
    metrics: Iterable[Union[Metric, str]] = DEFAULT,
    confidence: float = 0.95,
    power: float = 0.8,
    shares: Optional[Mapping[str, float]] = None,
    before_days: float = 14,
    rules: Optional[Rules] = None,
) -> Comparison:
    """Says what an experiment changed: each group beside the control, by metric, and how certain that is.

    Every user in `groups` counts, with or without rows: who watched nothing is a 0. `docs/experiments.md`
    says how to run one, and how each figure is made.

    Args:
        rows: What was watched during the experiment: a table from `aggregate`, `engagement` or `sessions`, or
            the path of Parquet or Arrow files that hold one. With `exposedAt` in `groups`, session rows:
            those count that began at or after it.
        groups: Everybody who was assigned: a table of `userId`, `group` and perhaps `exposedAt`, from when on
            each user's sessions count (the first counts of several), in any form that `aggregate` takes.
            Times without a zone are UTC.
        before: Rows of a time before the experiment, of either kind, which take out of the figures what users
            differed by already (CUPED). None: with `exposedAt` the sessions of the `before_days` before it,
            else none.
        videos: Durations for session rows, as for `aggregate`; engagement rows state theirs.
        control: The group that the others are compared with. None: `control` if there is such a group, else
            the first by alphabet.
        metrics: What to compare: `Metric`s, and names of those that are built in.
        confidence: That of the intervals; 1 less it is the share of false alarms over all metrics and groups.
        power: With what chance an effect of `smallestEffect` is found.
        shares: The share of users that each group was to have, in numbers of any scale: {"control": 9, "new":
            1}. None: all the same.
        before_days: How many days before `exposedAt` tell what users did already; 0 for none.
        rules: Rules for engagement rows of session rows; None: those that the sessions were made with.

    Returns:
        The comparison: a table, ordered by metric as given and group, whether the groups have the sizes that
        they were to have, and what to mind. `print` shows it.

    Raises:
        MissingColumnError: If a table lacks a column.
        ColumnTypeError: If a column has a type that is not read, or users are of types that do not go
            together.
        DataError: If there are fewer than two groups, a group has fewer than two users, one is null, or
            `control` is none of them; if a value is null, NaN or too large, as no such row has it.
        OptionError: If an option is not accepted.
        MissingDependencyError: If the extra `experiments` is not installed.
        SourceError: If something cannot be read.

    >>> import watchspan as ws
    >>> from watchspan import sample
    >>> rows = ws.aggregate(sample.events(20_000), videos=sample.videos())
    >>> found = ws.compare(rows, sample.groups(rows=20_000), metrics=["completionRate"])
    >>> row = found.table.to_pylist()[0]
    >>> row["group"], row["control"], row["users"] + row["usersControl"]
    ('treatment', 'control', 166)
    """
    statistics, arms = _needed()
    chosen, certain = metrics_argument(metrics), _chance("confidence", confidence, 0.5)
    strong = _chance("power", power, (1 - certain) / 2)
    days = arguments.number_argument("before_days", before_days, "a finite number that is not negative")
    making = Making(videos, None if rules is None else arguments.rules_argument(rules))
    periods = read_periods(rows, groups, before, days, making)
    names = periods.assigned.names
    number, wanted = _control(names, control), _shares(names, shares)
    found = arms.arms_of(periods, chosen)
    sizes = periods.assigned.sizes
    ratio = SampleRatio(
        dict(zip(names, sizes)), dict(zip(names, wanted)), statistics.ratio_p_value(sizes, wanted)
    )
    cells = arms.compared(found, names, number, chosen, certain, strong)
    for cell in cells:
        value = cell["pValueAdjusted"]
        cell["isSignificant"] = None if value is None or ratio.is_mismatch else value <= 1 - certain
    columns = {name: [cell[name] for cell in cells] for name in tables.names("comparison")}
    known = [period for period in (periods.now, periods.before) if period is not None]
    left_out = {
        "users_in_two_groups": periods.assigned.in_two,
        "rows_of_others": sum(period.others for period in known),
    }
    table = tables.made("comparison", columns, {}, periods.made)
    return Comparison(table, ratio, cautions(ratio, periods, cells), left_out, certain)


def _needed() -> tuple[Any, Any]:
    """What computes, which needs the extra."""
    try:
        from watchspan.experiments import arms, statistics
    except ImportError as error:
        raise MissingDependencyError(
            'Comparing groups needs the packages numpy and scipy: pip install "watchspan[experiments]".'
        ) from error
    return statistics, arms


def _chance(option: str, value: Any, above: float) -> float:
    accepted = f"a number above {above:g} and below 1"
    number = arguments.number_argument(option, value, accepted)
    if not above < number < 1:
        raise OptionError(f"{option} is {shown(value)}, but {accepted} is needed.")
    return number


def _control(names: Sequence[str], control: Any) -> int:
    """The number of the group that the others are compared with."""
    if control is None:
        return names.index("control") if "control" in names else 0
    named = _name(control)
    if named not in names:
        some = ", ".join(map(shown, names[:10]))
        raise DataError(f"control is {shown(control)}, but groups has {some}: name one of them.")
    return names.index(named)


def _name(group: Any) -> str:
    """What a group is called: groups may be numbers, or yes and no, which are text in the table."""
    if isinstance(group, bool):
        return str(group).lower()
    is_number = isinstance(group, int) and -(2**63) <= group < 2**63
    return str(group) if is_number or isinstance(group, str) else ""


def _shares(names: Sequence[str], shares: Any) -> list[float]:
    """The share that each group was to have."""
    if shares is None:
        return [1 / len(names)] * len(names)
    accepted = "a number above 0 for each group, as in {'control': 9, 'new': 1},"
    if not isinstance(shares, Mapping):
        raise OptionError(f"shares is {shown(shares)}, but {accepted} is needed.")
    given = {_name(name): value for name, value in shares.items()}
    if set(given) != set(names):
        some = ", ".join(map(shown, names[:10]))
        raise OptionError(f"shares is {shown(shares)}, but {accepted} is needed; the groups are {some}.")
    numbers = [arguments.number_argument(f"shares of {shown(name)}", given[name], accepted) for name in names]
    try:
        total = math.fsum(numbers)
    except OverflowError:
        total = math.inf
    if not min(numbers) > 0 or not total < math.inf:
        raise OptionError(f"shares is {shown(shares)}, but {accepted} is needed.")
    return [number / total for number in numbers]
