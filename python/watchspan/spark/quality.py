"""Checks on events and on the tables made from them, for alerts.

Each check is one number and, if asked for, the most that it may be. Numbers are always measured and shown;
a check fails only where a limit was given and is passed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from watchspan import _core
from watchspan.errors import OptionError
from watchspan.spark.functions import session_rows


@dataclass(frozen=True)
class Check:
    """One number that was measured, and the most that it may be.

    Attributes:
        name: What was measured.
        value: The number; None if there was nothing to measure.
        unit: What it counts.
        limit: The most that it may be; None: it is shown and never fails.
    """

    name: str
    value: float | None
    unit: str
    limit: float | None = None

    @property
    def passed(self) -> bool:
        """Whether there is no limit, or it is kept. What could not be measured does not keep a limit."""
        return self.limit is None or (self.value is not None and self.value <= self.limit)

    def __str__(self) -> str:
        value = "nothing to measure" if self.value is None else f"{self.value:,.6g} {self.unit}"
        return f"{self.name}: {value}" + ("" if self.limit is None else f" (at most {self.limit:,.6g})")


def check_events(events: DataFrame, **options: Any) -> list[Check]:
    """Counts what would be dropped of these events, by reason: one run over them.

    Args:
        events: Raw events, such as those of a day.
        **options: `columns`, `vocabulary` and `rules`, as for `session_rows`.

    Returns:
        `events_read`, `dropped` and `dropped_<reason>`; the last ones as percentages of the events read.

    Raises:
        ColumnError: If the columns do not fit.
    """
    observation = Observation()
    session_rows(events, observation=observation, **options).agg(F.count(F.lit(1))).collect()
    counts = observation.get
    read = int(counts["read"] or 0)
    dropped = {reason: int(counts[reason] or 0) for reason, _ in _core.drop_reasons()}
    checks = [Check("events_read", float(read), "events")]
    checks += [_share("dropped", sum(dropped.values()), read, "% of events")]
    return checks + [_share(f"dropped_{name}", n, read, "% of events") for name, n in dropped.items()]


def check_engagement(engagement: DataFrame) -> list[Check]:
    """Looks for what cannot be, and for what should be rare, in a table of engagement rows.

    Returns:
        `rows`; `duplicate_keys` and `negative_watch_time`, numbers of rows that must be 0;
        `null_durations` and `flag_<flag>`, percentages of rows; `hours_since_last_event`, and
        `hours_since_refresh` where the table has `processedAt`.
    """
    flags = [name for name, _ in _core.flag_specs()]
    measures = {
        "rows": F.count(F.lit(1)),
        "negative_watch_time": _number(F.col("totalWatchTime") < 0),
        "null_durations": _number(F.col("videoDuration").isNull()),
        **{f"flag_{flag}": _number(F.array_contains("dataQualityFlags", flag)) for flag in flags},
    }
    # As numbers: timestamps would come back in the zone of whoever asks.
    ages = {"hours_since_last_event": "lastWatchDate", "hours_since_refresh": "processedAt"}
    ages = {name: column for name, column in ages.items() if column in engagement.columns}
    measures.update((name, F.max(F.col(column).cast("double"))) for name, column in ages.items())
    found = engagement.agg(*(column.alias(name) for name, column in measures.items())).collect()[0]
    rows = int(found["rows"])
    return [
        Check("rows", float(rows), "rows"),
        check_keys(engagement, "duplicate_keys", ("userId", "videoId")),
        Check("negative_watch_time", float(found["negative_watch_time"] or 0), "rows"),
        _share("null_durations", found["null_durations"] or 0, rows, "% of rows"),
        *(_share(f"flag_{flag}", found[f"flag_{flag}"] or 0, rows, "% of rows") for flag in flags),
        *(_age(name, found[name]) for name in ages),
    ]


def check_keys(rows: DataFrame, name: str, keys: Iterable[str]) -> Check:
    """Counts the keys that more than one row has. Anything but 0 is a fault, or the work of an append."""
    repeated = rows.groupBy(*keys).count().filter(F.col("count") > 1).count()
    return Check(name, float(repeated), "keys")


def with_limits(checks: Iterable[Check], limits: Mapping[str, float]) -> list[Check]:
    """The checks with the most that each may be.

    Raises:
        OptionError: If a limit is for no check.
    """
    found = {check.name: check for check in checks}
    for name in limits:
        if name not in found:
            raise OptionError(f"There is no check {name!r}; there are: {', '.join(found)}.")
    # Limits from JSON may be integers, and a column of doubles would not take those.
    most = {name: float(limit) for name, limit in limits.items()}
    return [replace(check, limit=most.get(name)) for name, check in found.items()]


def _number(condition: Column) -> Column:
    return F.sum(condition.cast("long"))


def _share(name: str, part: int, whole: int, unit: str) -> Check:
    return Check(name, 100 * part / whole if whole else None, unit)


def _age(name: str, newest: float | None) -> Check:
    if newest is None:
        return Check(name, None, "hours")
    return Check(name, (time.time() - newest) / 3600, "hours")
