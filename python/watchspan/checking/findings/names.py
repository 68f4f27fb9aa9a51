"""Names of events that a preset spells otherwise, or that nothing knows."""

from __future__ import annotations

from collections.abc import Iterator

from watchspan.checking.finding import Case, Finding, listed, share
from watchspan.checking.meanings import guess, vocabularies

_MOST_UNKNOWN = 0.01
_SPELLED = {
    "case": "spelled with other capitals or between words",
    "prefix": "with another word in front, or without one",
}


def nothing_plays(case: Case) -> Iterator[Finding]:
    """No names of events at all: every event is taken as a sign that the player plays."""
    if case.proposal.place is None and case.proposal.preset is None and case.proposal.trial.kept:
        yield Finding(
            "event names",
            "warning",
            "Nothing says what happened (eventName): each event is taken as a heartbeat, which says that the "
            "player plays. If pauses or seeks are among them, name their column.",
        )


def spelling(case: Case) -> Iterator[Finding]:
    """Names of a preset, but for their spelling; or names whose words alone say what they mean."""
    place = case.proposal.place
    if place is None or case.proposal.vocabulary is None:
        return
    if place.match is None:
        known = place.names.share(place.vocabulary)
        yield Finding(
            "event names",
            "note",
            f"No preset knows the event names. The meanings in `vocabulary` are guessed from their words "
            f"({share(known, 1)} of the events have one): check them.",
            {"known": known},
            {"vocabulary": dict(place.vocabulary)},
        )
        return
    meant = case.proposal.vocabulary
    others = {name: meaning for name, meaning in meant.items() if name not in place.vocabulary}
    if others:
        yield Finding(
            "event names",
            "note",
            f"The meanings of {listed(f'{name}: {meaning}' for name, meaning in others.items())} are guessed "
            "from their words: check them.",
            {"guesses": others},
        )
    yield Finding(
        "event names",
        "note",
        f"{len(place.vocabulary):,} of {len(place.names.counts):,} event names are those of the preset "
        f"{place.match.preset}, {_SPELLED[place.match.how]}: {listed(place.vocabulary, 3)}.",
        {"preset": place.match.preset, "known": place.match.known},
        {"vocabulary": dict(place.vocabulary)},
    )


def unknown_names(case: Case) -> Iterator[Finding]:
    """Names that mean nothing to the preset or the vocabulary."""
    place = case.proposal.place
    if place is None:
        return
    known = dict(case.proposal.vocabulary or vocabularies()[case.proposal.preset or "default"])
    unknown = {name: count for name, count in place.names.counts.items() if name not in known}
    events = sum(unknown.values())
    # One event of a few is no sign of anything.
    if events <= max(1, _MOST_UNKNOWN * case.total):
        return
    shown = (f"{name} ({count:,})" for name, count in unknown.items())
    guesses = {name: meaning for name in unknown if (meaning := guess(name))}
    text = f"The names of {share(events, case.total)} of the events are unknown: "
    text += f"{listed(shown)}. Map them with `vocabulary`, those that say nothing about watching to `ignore`."
    if guesses:
        text += f" Their words suggest {listed(f'{name}: {meaning}' for name, meaning in guesses.items())}."
    severity = "warning" if events > 0.1 * case.total else "note"
    yield Finding("event names", severity, text, {"unknown": unknown, "guesses": guesses})


CHECKS = (nothing_plays, spelling, unknown_names)
