"""Whether engines did the same job: what columns of their tables add up to, and how far sums may differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from reported import number, table

_SUMMED = (
    *("totalWatchTime", "totalUniqueSecondsWatched", "totalForwardSkips", "totalBackwardSkips"),
    *("completionCount", "sessionCount", "avgPausesPerSession", "eventCount", "rewatchedSeconds"),
    *("maxPositionReached", "openSegmentCount", "rejectedSegmentCount", "engagementScore"),
    *("totalPlayTime", "unobservedWatchTime"),
)
_INTERVALS = ("watchedIntervals", "replayedIntervals")
# The columns that are compared.
CHECKED = (*_SUMMED, *_INTERVALS, "dataQualityFlag")

Sums = dict[str, float]

# Why these may differ nevertheless.
_MAY_DIFFER = {
    "unobservedWatchTime": "the queries bound it by the next event on the same video, not on any",
    "engagementScore": "a sum in another order can round a row's score the other way",
}
RARE_ROWS = (
    "in a few rows a start still reports the position before a seek, or only a drag tells where a paused "
    "player is, which the queries do not recognise"
)


def sums(pieces: Iterable[pa.Table | pa.RecordBatch]) -> Sums:
    """What an engagement table adds up to, of which the pieces have the columns that are checked."""
    found: Sums = {}
    for piece in pieces:
        for name, value in _of(piece):
            found[name] = found.get(name, 0) + (value or 0)
    return found


def _of(piece: pa.Table | pa.RecordBatch) -> Iterator[tuple[str, float | None]]:
    yield "rows", piece.num_rows
    for name in _SUMMED:
        yield name, pc.sum(piece[name]).as_py()
    for name in _INTERVALS:
        yield name, pc.sum(pc.list_value_length(piece[name])).as_py()
    yield "flagged rows", pc.sum(pc.not_equal(piece["dataQualityFlag"], "ok")).as_py()


def same(one: float, other: float) -> bool:
    """Whether two sums agree; those of floats in other orders differ by less."""
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def nearly(column: str, one: float, other: float, events: int) -> bool:
    """Whether two sums over so many generated events differ by no more than is left out explains.

    In generated events they occur by chance: in one or two rows of ten million events, with about a hundred
    seconds each. They change nothing of what is counted of whole rows, sessions and events.
    """
    if same(one, other) or column in ("rows", "sessionCount", "eventCount"):
        return same(one, other)
    return abs(one - other) <= events / 1e6 * (100 if isinstance(one, float) else 1)


def disagreements(own: Sums, others: Mapping[str, Sums], events: int) -> Iterator[str]:
    """A sentence for each sum that should be watchspan's and is not.

    Args:
        own: Watchspan's sums.
        others: Those of the others, by what they are called.
        events: How many events there are.
    """
    for name, found in others.items():
        for column, value in found.items():
            if not nearly(column, own[column], value, events) and column not in _MAY_DIFFER:
                yield (
                    f"With {events:,} events {name} does not agree with watchspan on "
                    f"{column}: {number(value)}, not {number(own[column])}."
                )


def comparison(own: Sums, others: Mapping[str, Sums]) -> str:
    """The table of all sums, with why those differ that do; arguments as of `disagreements`."""
    rows = [
        (
            column if column.endswith("rows") else f"`{column}`",
            number(value),
            *(_difference(value, found[column]) for found in others.values()),
        )
        for column, value in own.items()
    ]
    differing = {
        column
        for column, value in own.items()
        if any(not same(value, found[column]) for found in others.values())
    }
    reasons = [
        f"* `{column}` differs as {reason}.\n"
        for column, reason in _MAY_DIFFER.items()
        if column in differing
    ]
    if differing - _MAY_DIFFER.keys():
        reasons.append(f"* The other sums that differ do so as {RARE_ROWS}.\n")
    return "\n".join(["Sums over all rows:\n", table(("sum of", "watchspan", *others), rows), *reasons])


def _difference(own: float, other: float) -> str:
    if same(own, other):
        return "agrees"
    return f"{other - own:+,.3f}" + (f" ({(other - own) / own:+.1%})" if own else "")
