"""What to know before any figure of a comparison is believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from watchspan.experiments.outcome import MISMATCH, SampleRatio
from watchspan.experiments.periods import Period, Periods

# With fewer users in a group means are not yet normal, and intervals too short or too long.
FEWEST = 100
# What explains so much of the figures is no earlier time.
_ALL = 0.999
# So much of the time before may end within the experiment: sessions that went on, clients with a wrong clock.
_STRAGGLERS = 0.1


def cautions(ratio: SampleRatio, periods: Periods, rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Sentences, the worst first.

    Args:
        ratio: The sizes of the groups.
        periods: What was watched, by whom.
        rows: Those of the table.
    """
    return tuple(_told(ratio, periods, rows))


def _told(ratio: SampleRatio, periods: Periods, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    if ratio.is_mismatch:
        total = sum(ratio.users.values())
        found = ", ".join(
            f"{name!r} {count / total:.1%} instead of {ratio.shares[name]:.1%}"
            for name, count in ratio.users.items()
        )
        yield (
            f"The groups have not the sizes that they were to have ({found}; p < {MISMATCH:.10g}): users "
            "were lost or added in one of them, so that they cannot be compared. Nothing is called "
            "significant until that is explained."
        )
    yield from _unmatched("rows", periods.now)
    if periods.before is not None:
        yield from _unmatched("before", periods.before)
    yield from _mistimed(periods)
    if periods.assigned.in_two:
        yield (
            f"{periods.assigned.in_two:,} users are in two groups or more, and left out: find out why, as "
            "others may have seen both without being recorded."
        )
    if any(row["varianceReduction"] is not None and row["varianceReduction"] > _ALL for row in rows):
        yield (
            "The time before explains all that users watched: is before the same rows? It must end before "
            "the experiment begins."
        )
    for row in rows:
        if row["pValue"] is None and row["difference"]:
            yield (
                f"{row['metric']} of {row['group']!r} differs from that of {row['control']!r}, and is the "
                "same for all users within each: no test can say how certain that is, so look why."
            )
    few = [f"{name!r} {count:,}" for name, count in ratio.users.items() if count < FEWEST]
    if few:
        yield (
            f"Fewer than {FEWEST} users are in {', '.join(few)}: intervals and p-values of so few are not to "
            "be relied on."
        )


def _mistimed(periods: Periods) -> Iterator[str]:
    """What counts at another time than it should."""
    if periods.assigned.exposed is not None:
        if periods.now.own and not periods.now.rows.num_rows:
            yield (
                f"None of the {periods.now.own:,} sessions of users in groups begins at or after its user's "
                "exposedAt, so all of them count as 0: are these the sessions and times of the experiment?"
            )
        return
    share = periods.overlap
    if share > _STRAGGLERS:
        yield (
            f"{share:.0%} of the rows of before end when rows have begun already: before must be of a time "
            "before the experiment. Are both swapped, or does before reach into it?"
        )


def _unmatched(table: str, period: Period) -> Iterator[str]:
    if period.is_of_nobody:
        yield (
            f"Not one of the {period.others:,} rows of {table} is of a user in groups, so all of them count "
            "as 0: are these the same ids?"
        )
