"""How players play: heartbeats, speeds, and jumps of which no event tells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from watchspan.checking import values
from watchspan.checking.finding import Case, Finding, share
from watchspan.presets import reading

_FEWEST, _REGULAR, _NEAR = 8, 0.6, 0.15
_SHORTEST_BEAT, _LONGEST_BEAT = 1.0, 300.0
_FASTER, _FASTEST, _SHARE_FASTER = 1.12, 4.2, 0.01
_JUMP, _LONG_ENOUGH = 5.0, 8.0


def heartbeat_interval(case: Case) -> Iterator[Finding]:
    """Heartbeats at a regular interval, which no rule says."""
    gaps = []
    for rows in case.groups:
        beats = [row for row in rows if case.meanings[row] == "heartbeat"]
        order = {row: place for place, row in enumerate(rows)}
        for first, then in zip(beats, beats[1:]):
            if order[then] == order[first] + 1 and case.times[then] > case.times[first]:
                gaps.append(case.times[then] - case.times[first])
    if len(gaps) < _FEWEST:
        return
    usual = median(gaps)
    regular = sum(abs(gap - usual) <= max(1.0, _NEAR * usual) for gap in gaps)
    if regular < _REGULAR * len(gaps) or not _SHORTEST_BEAT <= usual <= _LONGEST_BEAT:
        return
    known = reading(case.proposal.preset, None, None, None).settled_rules.heartbeat_seconds
    if known is not None and usual <= known:
        return
    seconds = math.ceil(usual * 1.05 + 0.5)
    yield Finding(
        "heartbeats",
        "advice",
        f"heartbeats come every {usual:,.3g} s ({regular:,} of {len(gaps):,} gaps): this bounds what a "
        "closed tab leaves open.",
        {"seconds": usual, "regular": regular, "of": len(gaps)},
        {"rules": {"heartbeat_seconds": seconds}},
    )


def unstated_speeds(case: Case) -> Iterator[Finding]:
    """Players that play faster than the clock and never say so."""
    place = case.proposal.known.found.get("playbackRate")
    stated = place.read(values.speed) if place else {}
    if any(speed and speed > 0 for speed in stated.values()):
        return
    paces = [
        content / clock for *_, clock, content in case.stretches if clock >= _LONG_ENOUGH and content > 0
    ]
    faster = [pace for pace in paces if _FASTER <= pace <= _FASTEST]
    if len(faster) >= 5 and len(faster) > _SHARE_FASTER * len(paces):
        yield Finding(
            "speeds",
            "warning",
            f"No event states a speed, but {len(faster):,} of {len(paces):,} stretches "
            f"({share(len(faster), len(paces))}) "
            f"were played faster than the clock, mostly at {median(faster):.3g}: up to "
            "max_unstated_speed=2 is "
            "believed. Make the player state its speed, or set that rule to the fastest one it offers.",
            {"faster": len(faster), "of": len(paces), "speed": median(faster)},
        )


def untold_skips(case: Case) -> Iterator[Finding]:
    """Positions that jump while a player plays, with no seek event near."""
    seeks = sum(meaning == "seek" for meaning in case.meanings.values())
    jumps = [
        content
        for first, then, clock, content in case.stretches
        if "seek" not in case.meanings[then]
        and clock >= 0
        and (content > _FASTEST * clock + _JUMP or content < -_JUMP)
    ]
    if len(jumps) >= 5 and len(jumps) > 0.02 * len(case.stretches) and len(jumps) > seeks:
        yield Finding(
            "skips",
            "warning",
            f"Positions jump in {len(jumps):,} of {len(case.stretches):,} stretches "
            f"({share(len(jumps), len(case.stretches))}), and only {seeks:,} events are seeks: what "
            "was played "
            "before such a jump is not counted. Send an event for each seek, or heartbeats more often.",
            {"jumps": len(jumps), "seeks": seeks, "of": len(case.stretches)},
        )


CHECKS = (heartbeat_interval, unstated_speeds, untold_skips)
