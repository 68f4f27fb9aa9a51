"""Looks at raw events and says how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from watchspan import arguments
from watchspan.checking import findings, sampling
from watchspan.checking.finding import Case, Finding, listed, share
from watchspan.checking.naming import likeness
from watchspan.checking.outcome import Check, source_name
from watchspan.checking.proposal import Proposal, proposals
from watchspan.checking.readers import reader_of
from watchspan.checking.shapes import Leaf, leaves
from watchspan.columns import EVENTS, Place
from watchspan.presets import reading
from watchspan.rules import Rules

__all__ = ["Check", "Finding", "check"]

# A table of no more columns is read with all of them.
_FEW_COLUMNS = 40
_ALIKE = 0.3
_FEW_PATHS = 3
# So many events tell which of many ways to read them is the best.
_FIRST_LOOK = 4_000


def check(
    events: Any,
    *,
    preset: str | None = None,
    columns: Mapping[str, Place] | None = None,
    sample: int = 10_000,
) -> Check:
    """Says how raw events are to be read: preset, columns, units, event names and rules, with the evidence.

    It looks at a sample of whole users, reads it with the engine in the ways that seem likely, and proposes
    the one under which most events count and most is watched. What is wrong with the events is among the
    findings; where nothing is, there are none. An iterator is used up.

    Args:
        events: As for `watchspan.aggregate`, in any shape: nested, flat, with any names.
        preset: Whose events these are, where that is known: the name of a preset.
        columns: Where columns are, as far as that is known, as for `watchspan.aggregate`.
        sample: How many events to look at, about.

    Raises:
        OptionError: If an argument has a value that is not accepted.
        SourceError: If the events cannot be read at all.

    >>> import watchspan as ws
    >>> found = ws.check([
    ...     {"at": 1768471200000 + 10_000 * n, "who": "ann", "clip": "v1", "action": name, "pos": 10_000 * n}
    ...     for n, name in enumerate(["play", "heartbeat", "heartbeat", "pause"])
    ... ])
    >>> print(found.call)
    ws.aggregate(
        events,
        columns={
            "timestamp": ws.Column("at", unit="ms"),
            "userId": "who",
            "videoId": "clip",
            "eventName": "action",
            "currentTime": ws.Column("pos", unit="ms"),
        },
    )
    """
    size = arguments.whole_number("sample", sample, "an integer of at least 1")
    given = reading(None, columns, None, None).columns
    reading(preset, None, None, None)
    name = source_name(events)
    reader = reader_of(events)

    looked: list[Proposal] = []

    def find(found: Mapping[str, Leaf], probe: sampling.Events) -> tuple[list[Leaf], list[str]]:
        looked[:] = proposals(found, probe, preset, given)
        return _to_read(found, looked)

    taken = sampling.sample(reader, size, find)
    total = len(taken.events.records)
    if not total:
        return Check(name, preset, {}, None, None, {"sample": _sample_text(name, taken)}, [])
    like = looked[0] if looked and looked[0].trial.watched > 0 else None
    if total > 2 * _FIRST_LOOK and like is None:
        first = taken.events.only(list(range(_FIRST_LOOK)))
        like = proposals(leaves(first.records), first, preset, given)[0]
    found = leaves(taken.events.records)
    best = proposals(found, taken.events, preset, given, like)[0]
    case = Case(found, total, best, taken.nobody, taken.often)
    return _outcome(name, taken, case)


def _to_read(found: Mapping[str, Leaf], ways: list[Proposal]) -> tuple[list[Leaf], list[str]]:
    """Where the user is, and the columns of the table in which something may be."""
    place = ways[0].known.found.get("userId")
    roots = list(dict.fromkeys(leaf.root for leaf in found.values()))
    if len(roots) > _FEW_COLUMNS:
        used = {leaf.root for way in ways for found in way.known.found.values() for leaf in found.leaves}
        alike = {
            leaf.root for leaf in found.values() for name in EVENTS if likeness(leaf.names, name) > _ALIKE
        }
        roots = [root for root in roots if root in used | alike]
    return (place.leaves if place else []), roots


def _outcome(name: str, taken: sampling.Sample, case: Case) -> Check:
    said = findings.found(case)
    final = _applied(case.proposal, said).attempt(taken.events)
    if final.trial.kept * 2 < case.proposal.trial.kept:
        final = case.proposal
    rules = _rules(final)
    advice = {
        name: finding.text
        for finding in said
        if finding.severity == "advice"
        for name in finding.argument["rules"]
    }
    return Check(
        name,
        final.preset,
        final.columns,
        final.vocabulary,
        rules,
        {"sample": _sample_text(name, taken), **_evidence(case), **advice},
        [finding for finding in said if finding.severity != "advice"] + _failure(final, said),
        final.trial.read or case.total,
        final.trial.kept,
        taken.total,
        final.trial.dropped.get("ignored_event", 0),
    )


def _applied(proposal: Proposal, said: list[Finding]) -> Proposal:
    """The proposal with what the findings change about it."""
    columns, rules = dict(proposal.columns), dict(proposal.rules)
    for finding in said:
        rules.update(finding.argument.get("rules", {}))
        columns.update(dict(finding.argument.get("columns", {}).items()))
    ordered = {column: columns[column] for column in EVENTS if column in columns}
    return replace(proposal, columns=ordered, rules=rules)


def _rules(proposal: Proposal) -> Optional[Rules]:
    """The rules that are to be set, with those of the preset, in whose place they are; None if none."""
    if not proposal.rules:
        return None
    own: dict[str, Any] = dict(proposal.rules)
    return replace(reading(proposal.preset, None, None, None).settled_rules, **own)


def _failure(proposal: Proposal, said: list[Finding]) -> list[Finding]:
    if proposal.trial.kept or any(finding.severity == "error" for finding in said):
        return []
    dropped = {reason: count for reason, count in proposal.trial.dropped.items() if count}
    reasons = listed(f"{count:,} as {reason}" for reason, count in dropped.items())
    text = proposal.trial.error or f"Read in this way all events are dropped: {reasons}."
    return [Finding("reading", "error", text, {"dropped": dropped})]


def _sample_text(name: str, taken: sampling.Sample) -> str:
    looked = len(taken.events.records)
    of = f"{name}: " if name else ""
    if taken.is_all:
        return f"{of}{looked:,} events, all looked at."
    users = f", all those of {taken.users:,} users" if taken.users else ", from everywhere"
    return f"{of}{looked:,} of about {taken.total:,} events looked at{users}."


def _evidence(case: Case) -> dict[str, str]:
    """What the proposal rests on."""
    proposal, found = case.proposal, {}
    place = proposal.place
    if proposal.preset or (place and place.match):
        preset = proposal.preset or "default"
        found["preset"] = f"The preset {preset}"
        if place and place.match:
            known = share(place.names.share(place.vocabulary), 1)
            some = listed(list(place.vocabulary), 3)
            found["preset"] += f" knows the names of {known} of the events ({some})."
        else:
            found["preset"] += " fits: the columns are where it says."
    for column, where in proposal.known.found.items():
        found[column] = listed(where.paths, _FEW_PATHS) + (f" ({where.why})" if where.why else "")
    if place is None:
        found["eventName"] = "a constant: heartbeat"
    return found
