"""Clocks that step back, and stamps that say when events arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from watchspan.checking import values
from watchspan.checking.finding import Case, Finding, share
from watchspan.checking.known import ALIKE
from watchspan.checking.naming import likeness

_MOST_BACK, _STEP = 0.005, 1.0
_MOST_AT_ONCE, _FEWEST, _MOVED = 0.2, 6, 2.0


def steps_back(case: Case) -> Iterator[Finding]:
    """Events that come later by the player's own count, and earlier by its clock."""
    counts = _sequence(case)
    runs: dict[Any, list[int]] = defaultdict(list)
    for row in case.meanings:
        if row in counts and row in case.times:
            runs[case.users.get(row), case.videos.get(row), case.sessions.get(row)].append(row)
    pairs, back, most = 0, 0, 0.0
    for rows in runs.values():
        if len({counts[row] for row in rows}) < len(rows):  # it counts something else, or begins anew
            continue
        rows.sort(key=lambda row: counts[row])
        for first, then in zip(rows, rows[1:]):
            if counts[then] != counts[first]:
                pairs += 1
                step = case.times[first] - case.times[then]
                back += step > _STEP
                most = max(most, step)
    if back > max(2, _MOST_BACK * pairs):
        yield Finding(
            "clock",
            "warning",
            f"The clock steps back at {back:,} of {pairs:,} events ({share(back, pairs)}) that "
            "follow on each "
            f"other by the player's count, by up to {most:,.0f} s: users' clocks are set, or several players "
            "share a session. Stretches over such a step are not counted.",
            {"events": back, "of": pairs, "seconds": most},
        )


def _sequence(case: Case) -> dict[int, float]:
    named = [leaf for leaf in case.leaves.values() if likeness(leaf.names, "sequence") >= ALIKE]
    leaf = max(named, key=lambda leaf: likeness(leaf.names, "sequence"), default=None)
    if leaf is None or not leaf.is_number:
        return {}
    read = ((row, values.number(value)) for row, value in zip(leaf.rows, leaf.values))
    return {row: found for row, found in read if found is not None}


def stamps_of_arrival(case: Case) -> Iterator[Finding]:
    """Events of one instant at positions that cannot be of one instant."""
    at_once = stretches = 0
    for rows in case.groups:
        known = [row for row in rows if row in case.positions]
        for first, then in zip(known, known[1:]):
            stretches += 1
            moved = abs(case.positions[then] - case.positions[first])
            is_jump = "seek" in case.meanings[first] or "seek" in case.meanings[then]
            at_once += case.times[then] == case.times[first] and moved > _MOVED and not is_jump
    if at_once >= _FEWEST and at_once > _MOST_AT_ONCE * stretches:
        place = case.proposal.known.found["timestamp"]
        yield Finding(
            "clock",
            "warning",
            f"{at_once:,} of {stretches:,} neighbouring events ({share(at_once, stretches)}) have "
            "one instant at "
            f"positions seconds apart: {place.paths[0]} says when a batch arrived, not when its "
            "events happened. "
            "Use the player's own time.",
            {"events": at_once, "of": stretches},
        )


CHECKS = (steps_back, stamps_of_arrival)
